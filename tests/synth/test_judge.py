"""Laws of the judges: they see what is there, and nothing where there is nothing."""

import numpy as np
import pytest

from wattflock.synth import behaviour, judge

WEEKDAY = np.arange(70) % 7
WEEKEND = (WEEKDAY >= 5).astype(int)


def flock(seed: int, homes: int = 12, days: int = 70) -> np.ndarray:
    """Homes of one kind: evening peaks, own size, independent days, (homes, days, 24) [kW]."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24) - rng.integers(17, 21, (homes, days, 1))
    return (
        (0.3 + np.exp(-(hour**2) / 4)) * rng.lognormal(0, 0.3, (homes, days, 24)) * rng.lognormal(0, 0.3, (homes, 1, 1))
    )


@pytest.mark.study
def test_homes_of_one_kind_are_not_told_apart():
    sides = [judge.day_features(flock(k, days=28)) for k in (0, 1)]
    assert judge.discriminator_auc(*sides, repeats=2).mean == pytest.approx(0.5, abs=0.12)


@pytest.mark.study
def test_days_without_an_order_are_told_apart():
    real = flock(0, days=28)
    shuffled = np.random.default_rng(2).permuted(real, axis=-1)
    assert judge.discriminator_auc(judge.day_features(real), judge.day_features(shuffled), repeats=1).mean > 0.95


@pytest.mark.study
def test_the_name_of_a_home_is_no_help():
    """A value of its own for each home tells nothing about a home not seen before."""
    sides = [
        judge.Sample(np.repeat(np.random.default_rng(k).normal(size=(40, 1)), 30, 0), np.repeat(np.arange(40), 30))
        for k in (0, 1)
    ]
    assert judge.discriminator_auc(*sides, repeats=2).mean < 0.65


def test_one_home_cannot_be_judged():
    with pytest.raises(ValueError, match="two homes"):
        judge.discriminator_auc(judge.day_features(flock(0)), judge.day_features(flock(1, homes=1)))


def test_weeks_begin_on_monday():
    load_kw = np.broadcast_to((np.arange(70.0) % 7)[None, :, None], (1, 70, 24)).copy()
    load_kw[0, 3] = np.nan
    found = judge.week_features(np.roll(load_kw, -2, 1), np.roll(WEEKDAY, -2))
    assert found.values.shape == (9, 168 + 7 + 21)  # the first days and the last fill no week
    np.testing.assert_allclose(found.values[:, 168:175] / 24, np.broadcast_to(np.arange(7), (9, 7)))


def test_a_cluster_is_found_where_days_have_one_and_not_where_labels_are_noise():
    rng = np.random.default_rng(0)
    load_kw = flock(0)
    load_kw[:, ::3] = np.roll(load_kw[:, ::3], 12, -1)
    fitted = behaviour.fit(load_kw, WEEKEND, 2)
    real = judge.labelled(fitted, load_kw, WEEKEND)
    noise = judge.labelled(fitted, load_kw, WEEKEND, rng.integers(0, 2, load_kw.shape[:2]))
    found = judge.cluster_accuracy(real, real, noise)["weekday"]
    assert found.real_to_real > 0.99
    assert found.real_to_synthetic == pytest.approx(0.5, abs=0.1)


def test_energy_ten_percent_higher_is_ten_percent_away():
    real = flock(0)
    assert judge.wasserstein_of_daily_energy(real, real * 1.1) == pytest.approx(0.1, rel=1e-6)
    assert judge.wasserstein_of_daily_energy(real, real[::-1]) == pytest.approx(0, abs=1e-9)


def test_twins_have_no_diversity_and_strangers_do():
    twins = np.repeat(flock(0, homes=1), 12, axis=0)
    np.testing.assert_allclose(judge.admd(twins, (1, 5, 12)), twins.max(), rtol=1e-6)
    np.testing.assert_allclose(judge.coincidence(twins, (1, 5, 12)), 1, rtol=1e-6)
    strangers = judge.coincidence(flock(0), (1, 4, 12))
    assert strangers[0] == pytest.approx(1) and (np.diff(strangers) < -0.05).all()
    assert np.isnan(judge.admd(twins, (13,))[0])


def test_a_missing_day_does_not_hide_the_peak():
    load_kw = flock(0)
    whole = judge.admd(load_kw, (12,))
    load_kw[0, 0] = np.nan
    assert judge.admd(load_kw, (12,)) == pytest.approx(whole, rel=0.1)
    assert np.isfinite(judge.load_factor(load_kw)).all()
    assert judge.peak_hours(load_kw).sum() == pytest.approx(1)


def test_weekly_habits_come_back_after_seven_days():
    energy = np.tile([1.0, 2, 3, 4, 5, 9, 9], (3, 10))
    found = judge.autocorrelation(energy, 14)
    assert found[6] == pytest.approx(1) and found[13] == pytest.approx(1) and (found[[2, 3]] < 0.2).all()


def test_scale_and_neighbours_correlate_as_planted():
    common = np.random.default_rng(0).normal(size=(1, 500))
    own = np.random.default_rng(1).normal(size=(20, 500))
    assert judge.between_homes(common + own) == pytest.approx(0.5, abs=0.1)
    assert judge.scale_correlation(np.arange(20.0)[:, None] + 0 * own) == pytest.approx(1)


def test_copies_are_caught():
    train, held_out = (flock(k).reshape(-1, 24) for k in (0, 1))
    assert judge.nearest_neighbours(train, held_out, train)["copied"] == 1
    assert judge.nearest_neighbours(train, held_out, flock(2).reshape(-1, 24))["copied"] < 0.1


def test_bands_are_in_order_and_hold_their_share():
    load_kw = flock(0)
    bands = judge.percentile_bands(load_kw)
    assert (np.diff(bands, axis=0) > 0).all()
    assert (load_kw < bands[0]).mean() == pytest.approx(0.1, abs=0.01)
