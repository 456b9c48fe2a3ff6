"""Limits that move with the hours, and the figures of what was granted."""

import dataclasses
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.core.sections import LimitSection
from wattflock.core.types import on_device
from wattflock.feeder.limits import excess
from wattflock.homes.device import effect
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.share import Share
from wattflock.study.build import build
from wattflock.study.charging import charging_figures, satisfaction
from wattflock.study.charging_limit import envelope_kw, headroom_kw, left, mean_net_kw, net_kw, table
from wattflock.study.compare import judge_method, unseen
from wattflock.study.summary import CHARGING, summarise
from wattflock.world.rollout import judge, rollout

FEW = ["homes.count=4", "data.episode_days=7"]
HOURS = [0.5] * 12 + [2.0] * 12


@pytest.fixture(scope="module")
def built():
    return build(load(Path("fair-charging"), FEW))


@pytest.fixture(scope="module")
def wired():
    """Four homes that stand for 200 on IEEE 13."""
    return build(
        load(Path("fair-charging"), [*FEW, "feeder.part=ieee13", "homes.homes_per_agent=50", "homes.voltmeter=false"])
    )


def limits(built, **section) -> np.ndarray:
    return table(LimitSection(**section), built.world, built.sampler, built.readings)


def test_the_limit_is_a_factor_of_the_mean_positive_net_load(built):
    """Counted here home by home on the days of the training split."""
    sampler, kwp = built.sampler, built.world.fleet.devices["reserve"].size_kwp
    first = np.asarray(sampler.split_days["train"])
    days, total = sorted({int(day) + k for day in first for k in range(7)}), 0.0
    for home, source in enumerate(np.asarray(sampler.source["train"])):
        load_kw = np.asarray(sampler.load_kw[:, source], float)[days] * float(sampler.scale[home])
        sun = np.asarray(sampler.sun[:, source], float)[days]
        total += np.maximum(load_kw - kwp[home] * sun, 0).mean()
    assert mean_net_kw(built.world, sampler) == pytest.approx(total)
    np.testing.assert_allclose(limits(built, factor=2.0), 2 * total)
    np.testing.assert_allclose(sampler.common["limit_kw"], 1.2 * total, rtol=1e-6)


def test_a_limit_of_its_own_follows_the_hours_of_a_day(built):
    found = limits(built, source="kw", kw=8.0, hours=tuple(HOURS))
    np.testing.assert_array_equal(found, np.tile(8 * np.array(HOURS), (len(found), 1)))


def test_curtailments_come_as_often_and_last_as_long_as_they_should():
    section = LimitSection(cuts_per_week=2.0, cut_h=3.0, cut_to=0.25, seed=4)
    share = left(section, (7 * 400, 24), 1.0).ravel()
    assert set(share) == {0.25, 1.0}
    begins = np.flatnonzero((share[1:] < 1) & (share[:-1] == 1))
    ends = np.flatnonzero((share[1:] == 1) & (share[:-1] < 1))
    assert (ends[1:] - begins[: len(ends) - 1]).min() >= 3 or (ends - begins[: len(ends)]).min() >= 3
    assert (share < 1).mean() == pytest.approx(1 - (1 - 2 / 168) ** 3, rel=0.1)
    assert (left(section, (70, 24), 1.0) == left(section, (70, 24), 1.0)).all()
    assert (left(section.model_copy(update={"seed": 5}), (70, 24), 1.0) != left(section, (70, 24), 1.0)).any()
    assert (left(LimitSection(), (70, 24), 1.0) == 1).all()


def test_a_file_of_hours_and_one_of_stamps(built, tmp_path):
    hours = tmp_path / "hours.csv"
    hours.write_text("hour,limit_kw\n" + "".join(f"{hour},{hour + 1}\n" for hour in reversed(range(24))))
    np.testing.assert_allclose(limits(built, source="file", file=str(hours))[5], np.arange(1, 25))
    stamps = tmp_path / "stamps.csv"
    days = np.datetime64(built.readings.first_day) + np.arange(len(built.readings.month))
    rows = [f"{day}T{hour:02d}:00,{k + hour / 100}\n" for k, day in enumerate(days) for hour in range(24)]
    stamps.write_text("time,limit_kw\n" + "".join(rows))
    found = limits(built, source="file", file=str(stamps))
    np.testing.assert_allclose(found[[0, 9]], [[k + hour / 100 for hour in range(24)] for k in (0, 9)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["coordinator.limit.file"]),
        ("hour,kw\n0,1\n", ["limit_kw"]),
        ("hour,limit_kw\n0,-1\n1,x\n", ["limit_kw", "hour"]),
        ("time,limit_kw\n2012-01-01T00:00,-3\nlater,4\n", ["limit_kw", "time"]),
    ],
)
def test_a_file_that_cannot_be_used_is_told_all_at_once(text, said, built, tmp_path):
    file = tmp_path / "limit.csv"
    if text:
        file.write_text(text)
    with pytest.raises(ScenarioError) as error:
        limits(built, source="file", file=str(file))
    assert [problem.field for problem in error.value.problems] == said


@pytest.mark.slow
def test_the_headroom_is_where_a_branch_reaches_its_rating(wired):
    """At the limit every branch is at or below its rating; a twentieth more is too much somewhere."""
    world, days = wired.world, wired.sampler
    found = headroom_kw(world, days)
    assert found.shape == days.common["hour"].shape
    load, net = net_kw(world, days)
    with jax.enable_x64(True):
        wide = on_device(world, jnp.float64)
        at = 100, slice(0, 24)
        for times, fits in ((0.99, True), (1.05, False)):
            power = net[at] + times * found[at][:, None] / world.homes
            drawn = effect(jnp.asarray(power), 1.0, reactive_kvar=jnp.asarray(load[at] * world.fleet.kvar_per_kw))
            over = wide.conditions(drawn).loading.max(-1) > world.limits.loading
            free = (found[at] > 0.1) & (found[at] < 39)
            assert free.any()
            assert not over[free].any() if fits else over[free].all()


@pytest.mark.slow
def test_an_envelope_is_of_the_homes_that_learn_and_no_more_than_the_headroom_allows(wired):
    """One typical day: homes anywhere within their parts keep every limit of the feeder, at three times that not."""
    found = envelope_kw(wired.world, wired.sampler, np.zeros(wired.readings.month.shape, int))
    assert (found == found[0]).all() and (found[0] >= 0).all() and found[0].max() > 0
    load, net = (each.mean(0) for each in net_kw(wired.world, wired.sampler))
    hour = int(found[0].argmax())
    with jax.enable_x64(True):
        world = on_device(wired.world, jnp.float64)
        for times, fits in ((1, True), (np.array([1, 0, 1, 0]), True), (np.array([0, 0.5, 1, 1]), True), (3, False)):
            power = jnp.asarray(net[hour] + times * found[0, hour] / 4)[None]
            drawn = effect(power, 1.0, reactive_kvar=jnp.asarray(load[hour] * world.fleet.kvar_per_kw)[None])
            beyond = max(float(each.max()) for each in excess(world.limits, world.conditions(drawn)).values())
            assert (beyond < 1e-6) == fits


def test_a_limit_of_wires_needs_wires(built):
    for source in ("headroom", "envelope"):
        with pytest.raises(ScenarioError, match="factor, kw or file"):
            limits(built, source=source)


@pytest.fixture(scope="module")
def judged(built):
    days = unseen(built, 2, 0)
    return days, judge_method(built, days, "idle", Uncontrolled())["days"]


@pytest.mark.slow
def test_figures_of_days_are_those_of_the_episodes(built, judged):
    """Counted here with numpy from the trajectory, day by day."""
    days, found = judged
    with jax.enable_x64(True):
        world, profile = on_device((built.world, days.profile), jnp.float64)
        outcome = eqx.filter_jit(lambda w, p: judge(w, rollout(w, Uncontrolled(), p, jax.random.key(0), 2), p))(
            world, profile
        )
    charging = jax.tree.map(np.asarray, outcome.charging)
    level, granted = np.asarray(charging.level), np.asarray(charging.granted_kw)
    below = level < 0.2
    fell = below & ~np.concatenate([np.zeros_like(below[:, :1]), below[:, :-1]], 1)
    assert found["reward_per_episode"].mean() == pytest.approx(float(charging.reward.total.sum(1).mean()))
    assert found["low_h_per_home"].sum() == pytest.approx(below.sum() / 4)
    assert found["low_times_per_home"].sum() == pytest.approx(fell.sum() / 4)
    assert found["low_depth_share"].max() == pytest.approx(max(0.2 - level.min(), 0))
    assert found["granted_kwh_per_home"].sum() == pytest.approx(granted.sum() / 4)
    short = np.maximum(np.asarray(outcome.net_kwh) - granted, 0)
    assert found["shortfall_kwh_per_home"].sum() == pytest.approx(short.sum() / 4)
    assert found["refused_share"].max() == found["missed_departures_per_home"].max() == 0
    means = level.reshape(14, 24, 4).mean(1)
    np.testing.assert_allclose(found["least_satisfaction"], means.min(-1))
    assert granted.sum() > 0 and below.any()


def test_figures_of_a_method_have_them_where_a_limit_is_shared(judged):
    _, days = judged
    days = days.with_columns(optimum_cost_per_home=None)
    found = summarise(days, "idle")
    assert all(found[name] is not None for name in (*CHARGING, "low_depth_share"))
    bare = summarise(days.drop("reward_per_episode"), "idle")
    assert all(bare[name] is None for name in (*CHARGING, "low_depth_share"))


@eqx.filter_jit
def seen(world, profile):
    outcome = judge(world, rollout(world, Uncontrolled(), profile, jax.random.key(0), profile.days()), profile)
    return charging_figures(world, outcome), outcome.charging.leaves, satisfaction(outcome.charging)


@pytest.mark.study
def test_cars_that_leave_too_empty_are_counted():
    """None leaves so where the limit never binds; under a limit of nothing they do, from the second trip on."""
    cars = 'homes.kinds=[{name="car", share=1.0, devices={ev={}}}]'
    built = build(load(Path("fair-charging"), ["homes.count=3", "data.episode_days=3", cars]))
    world = on_device(built.world, jnp.float32)
    profile = eqx.filter_jit(built.sampler.every)(jax.random.key(0), "test", 4)
    missed = []
    for limit_kw in (0.0, 100.0):
        given = dataclasses.replace(profile, limit_kw=jnp.full_like(profile.limit_kw, limit_kw))
        figures, leaves, satisfied = seen(world, given)
        missed.append(float(figures["missed_departures_per_home"].sum()))
        assert leaves.any() and (satisfied <= 1).all()
    assert missed[0] > 0 == missed[1]


@pytest.mark.slow
def test_the_car_park_misses_fewer_departures_where_those_who_leave_first_are_first():
    """The bundled garage, six cars at a limit that binds: least laxity against equal parts, 6 A or more or nothing."""
    built = build(load(Path("car-park"), ["homes.count=6", "coordinator.limit.kw=3"]))
    profile = eqx.filter_jit(built.sampler.every)(jax.random.key(0), "test", 4)
    missed = {}
    for by in ("equal", "smoothed_laxity"):
        rule = Share(by)
        figures, granted_kw = parked(rule.lives_in(on_device(built.world, jnp.float32)), rule.policy(()), profile)
        missed[by] = float(figures["missed_departures_per_home"].mean())
        on = granted_kw > 0
        assert (granted_kw.sum(-1) <= 3).all() and float(jnp.where(on, granted_kw, 2).min()) >= 1.38 - 1e-4
    assert 0 < missed["smoothed_laxity"] < missed["equal"]


@eqx.filter_jit
def parked(world, policy, profile):
    outcome = judge(world, rollout(world, policy, profile, jax.random.key(0), profile.days()), profile)
    return charging_figures(world, outcome), outcome.charging.granted_kw
