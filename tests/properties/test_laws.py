"""Laws of the world and of its days: homes are interchangeable, chance stays outside, splits never touch."""

import dataclasses
import functools
import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.data.sample import SPLITS, Augment, nearby_days, resample, sampler, split_of_day, split_of_week
from wattflock.homes.features import METER
from wattflock.learn.learners.rules import Installer
from wattflock.learn.nets import Separate, flock
from wattflock.market.market import Meter
from wattflock.study.build import build
from wattflock.world.rollout import judge, rollout
from wattflock.world.world import World

SEASON = {12: "winter", 1: "winter", 2: "winter", 3: "spring", 4: "spring", 5: "spring",
          6: "summer", 7: "summer", 8: "summer", 9: "autumn", 10: "autumn", 11: "autumn"}  # fmt: skip


@eqx.filter_jit
def outcome_of(world, policy, profile):
    return judge(world, rollout(world, policy, profile, jax.random.key(0)), profile)


def networks(world):
    return Separate(flock((world.seen, 8, world.fleet.controls), world.homes, jax.random.key(2)))


def reordered(tree, order):
    return jax.tree.map(lambda leaf: leaf[order], tree)


@pytest.mark.study
def test_bills_and_margin_are_what_the_grid_is_owed(world, profile):
    outcome = outcome_of(world, networks(world), profile)
    prices = profile.import_price_per_kwh, profile.export_price_per_kwh
    settled = world.market.settle(Meter(outcome.net_kwh, *prices))
    owed = settled.grid_bill.sum()
    assert jnp.allclose(outcome.bill.sum() + settled.margin.sum(), owed, rtol=1e-5)


def test_the_order_of_homes_does_not_matter(world, profile):
    order = jnp.asarray(np.random.default_rng(0).permutation(world.homes))
    own = {name: value[..., order] for name, value in profile.own().items()}
    policy = networks(world)
    parts = {name: reordered(getattr(world, name), order) for name in ("fleet", "placement", "voltmeter", "kind")}
    other = dataclasses.replace(world, **parts)
    here = outcome_of(world, policy, profile)
    there = outcome_of(other, reordered(policy, order), dataclasses.replace(profile, **own))
    assert jnp.allclose(here.cost[..., order], there.cost, atol=1e-4)
    assert jnp.allclose(here.voltage_pu, there.voltage_pu, atol=1e-5)
    assert jnp.allclose(here.net_kw, there.net_kw, atol=1e-2)


@pytest.mark.parametrize("method", ["reset", "observe", "act", "end", "verdict"])
def test_the_world_takes_no_key(method):
    assert "key" not in inspect.signature(getattr(World, method)).parameters


@pytest.mark.study
def test_two_controllers_meet_the_same_days(world, profile):
    """The same load, sun and weather: what differs is what devices drew."""
    run = eqx.filter_jit(lambda world, policy, days: rollout(world, policy, days, jax.random.key(0)))
    nets, rules = (run(world, policy, profile) for policy in (networks(world), Installer()))
    meter = slice(0, len(METER))  # load, prices, clock and weather
    assert jnp.array_equal(nets.features[..., meter], rules.features[..., meter])
    assert not jnp.array_equal(nets.action, rules.action)


@pytest.mark.study
def test_the_same_seed_gives_the_same_days(built):
    draws = [lambda draw, key: draw.train(key, 2), lambda draw, key: draw.every(key, "test", 3)]
    for draw in draws:
        days = functools.partial(eqx.filter_jit(draw), built.sampler)
        first, again, other = (jax.tree.leaves(days(jax.random.key(seed))) for seed in (1, 1, 2))
        assert all(map(jnp.array_equal, first, again))
        assert not all(map(jnp.array_equal, first, other))


def test_splits_are_disjoint_whole_weeks(built):
    days = {name: set(np.asarray(built.sampler.split_days[name]).tolist()) for name in SPLITS}
    assert set.union(*days.values()) == set(range(len(built.readings.weekend)))
    assert sum(map(len, days.values())) == len(built.readings.weekend)
    for name, own in days.items():
        weeks = {day // 7 for day in own}
        assert own == {7 * week + k for week in weeks for k in range(7)}
        assert {split_of_week(week) for week in weeks} == {name}


def test_days_of_some_months_are_whole_weeks_that_begin_in_them(built):
    winter = build(load(None, ["homes.count=20", "data.months=[12, 1, 2]"])).sampler
    for name in SPLITS:
        own, every = (np.asarray(each.split_days[name]) for each in (winter, built.sampler))
        monday = built.readings.month[own // 7 * 7]
        assert len(own) and set(monday.tolist()) <= {12, 1, 2}
        assert set(own.tolist()) == {day for day in every.tolist() if built.readings.month[day // 7 * 7] in (12, 1, 2)}


@pytest.mark.parametrize("months", ["[0]", "[13, 1]", "[3, 3]", "[9]"])
def test_months_that_do_not_exist_or_leave_a_split_empty_are_refused(months):
    with pytest.raises(ScenarioError, match="months"):
        build(load(None, ["homes.count=20", f"data.months={months}"]))


@pytest.mark.parametrize("split", SPLITS)
def test_every_season_is_in_each_split(built, split):
    days = np.asarray(built.sampler.split_days[split])
    assert {SEASON[month] for month in built.readings.month[days]} == {"winter", "spring", "summer", "autumn"}


def test_loads_stand_in_from_the_same_split_and_part_of_the_week(built):
    weekend = built.readings.weekend
    split = np.array([split_of_week(day // 7) for day in range(len(weekend))])
    nearby = nearby_days(split, weekend, 14)
    assert (split[nearby] == split[:, None, None]).all()
    assert (weekend[nearby] == weekend[:, None, None]).all()
    assert (abs(nearby - np.arange(len(split))[:, None, None]) <= 14).all()
    assert (nearby // 7 == nearby[..., :1] // 7).all(), "the loads of a day come out of one week"
    assert (nearby_days(split, weekend, 0) == np.arange(len(split))[:, None, None]).all()


@pytest.mark.parametrize("fold", range(5))
def test_settings_are_chosen_without_the_weeks_of_the_study(fold):
    """In every other fold the study's test weeks are in no split; each has days to learn, to validate, to judge."""
    splits = [split_of_week(week, fold) for week in range(52)]
    assert set(splits) == set(SPLITS) | ({"away"} if fold != 4 else set())
    hidden = {week for week in range(52) if split_of_week(week) == "test"}
    assert {week for week, split in enumerate(splits) if split in ("away", "test")} >= hidden
    assert all(splits[week] == ("test" if fold == 4 else "away") for week in hidden)


def blanked(built, split: str):
    """A sampler of the same homes to which every reading of the days of `split` is missing."""
    days = np.asarray(built.sampler.split_days[split])

    def blank(values):
        values = np.array(values, float)
        values[days] = np.nan
        return values

    names = ("load_kw", "sun_kw_per_kwp", "outdoor_c", "import_price_per_kwh")
    readings = dataclasses.replace(built.readings, **{name: blank(getattr(built.readings, name)) for name in names})
    source = {name: np.asarray(index) for name, index in built.sampler.source.items()}
    more = Augment(0.8, 1.4, 0.2, 3.0, 0.08), built.sampler.forecast_error
    return sampler(readings, source, np.asarray(built.sampler.scale), 1.0, (4, 14, 1), more)


def test_the_reading_before_a_split_s_first_day_is_neither_another_split_s_nor_the_load_to_come(built):
    """It is the last of the day itself."""
    sampler, split = built.sampler, np.array([split_of_day(day, 4, 1) for day in range(len(built.sampler.load_kw))])
    first = np.append(True, split[1:] != split[:-1])
    np.testing.assert_array_equal(sampler.last_kw[first, :, 0], sampler.load_kw[first, :, -1])
    np.testing.assert_array_equal(sampler.last_kw[1:, :, 0][~first[1:]], sampler.load_kw[:-1, :, -1][~first[1:]])


@pytest.mark.study
@pytest.mark.parametrize("hidden", ["validation", "test"])
def test_training_never_sees_a_day_that_is_held_out(built, hidden):
    """Readings of the other splits are made to be missing: nothing of a training day is."""
    days = eqx.filter_jit(blanked(built, hidden).train)(jax.random.key(0), 200)
    given = {field.name: getattr(days, field.name) for field in dataclasses.fields(days)}
    missing = [name for name, values in given.items() if values is not None and jnp.isnan(values).any()]
    told = ["day_prices_per_kwh", "limit_kw", "ev_leaves_h"]  # by the market, and where a limit is shared
    assert [name for name, values in given.items() if values is None] == told
    assert missing == []


def test_homes_held_out_never_appear_in_training():
    held_out = ("B01", "B03", "B04")
    built = build(load(None, ["homes.count=20", f"data.homes_held_out={list(held_out)}"]))
    homes = {split: {built.readings.homes[k] for k in built.sampler.source[split].tolist()} for split in SPLITS}
    assert homes["train"].isdisjoint(held_out)
    assert homes["validation"].isdisjoint(held_out)
    assert homes["test"] <= set(held_out)


@pytest.mark.parametrize("dt_h", [1 / 12, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("steps", [24, 48, 96, 288])
def test_resampling_keeps_energy(steps, dt_h):
    power_kw = np.random.default_rng(0).uniform(-3, 5, (4, steps, 2))
    again = resample(power_kw, dt_h)
    assert again.shape == (4, round(24 / dt_h), 2)
    assert np.allclose(again.sum(1) * dt_h, power_kw.sum(1) * 24 / steps, rtol=1e-12)


def test_resampling_to_the_same_step_changes_nothing():
    power_kw = np.random.default_rng(1).uniform(-3, 5, (2, 96, 3))
    assert np.array_equal(resample(power_kw, 0.25), power_kw)


@pytest.mark.slow
@pytest.mark.parametrize("dt_h", [0.5])
def test_days_of_other_steps_roll_out(dt_h):
    built = build(load(None, ["homes.count=20", "homes.homes_per_agent=100", f"data.dt_h={dt_h}"]))
    profile = eqx.filter_jit(built.sampler.train)(jax.random.key(0), 2)
    outcome = outcome_of(on_device(built.world, "float32"), Installer(), profile)
    assert outcome.cost.shape == (2, round(24 / dt_h), 20)
    assert bool(outcome.converged.all())
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(outcome))
    assert jnp.allclose(outcome.dt_h, dt_h)
