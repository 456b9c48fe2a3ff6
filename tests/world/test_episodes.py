"""Episodes of several days: states carry over midnight, and a month is its days one after the other."""

import dataclasses
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from tests.conftest import EVERY
from wattflock.core.scenario import load
from wattflock.core.types import by_day, cast, on_device
from wattflock.data.sample import first_days, nearby_weeks, split_of_day
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.gradmap import GradMAP
from wattflock.market.markets.tariff import Tariff
from wattflock.study.bound import Settings, bound
from wattflock.study.build import build
from wattflock.study.compare import judge_method, unseen
from wattflock.study.forecast import forecast, perfect
from wattflock.study.mpc import mpc
from wattflock.study.tables import level_of
from wattflock.world.rollout import ZeroPolicy, judge, rollout, steps
from wattflock.world.world import World

SMALL = ["homes.count=8", "homes.homes_per_agent=10", "feeder.part=ieee13", EVERY]


@pytest.fixture(scope="module")
def weekly():
    return build(load(None, [*SMALL, "data.episode_days=7"]))


@eqx.filter_jit
def draw(sampler, split, days):
    return sampler.draw(jax.random.key(0), split, days)


def test_episodes_stay_within_their_split():
    for length in (1, 3, 7, 10, 31):
        split = np.array([split_of_day(day, 4, length) for day in range(364)])
        for name in ("train", "validation", "test"):
            first = first_days(split, name, length)
            assert len(first)
            assert {each for day in first for each in split[day : day + length]} == {name}
            if name != "train":
                assert (np.diff(first) >= length).all()


@pytest.mark.parametrize("length", [1, 2, 7, 31])
def test_the_page_of_data_says_how_many_episodes_there_are(length):
    split = np.array([split_of_day(day, 4, length) for day in range(364)])
    counts = [len(first_days(split, name, length)) for name in ("train", "validation", "test")]
    page = Path(__file__).resolve().parents[2] / "docs" / "data.md"
    assert f"| {length} | {' | '.join(map(str, counts))} |" in page.read_text(encoding="utf-8")


def test_loads_of_an_episode_come_from_weeks_of_its_split_nearby():
    split = np.array([split_of_day(day, 4, 7) for day in range(364)])
    near = nearby_weeks(split, 14)
    week = np.arange(52)[:, None]
    assert (split[7 * near] == split[7 * week]).all()
    assert (abs(near - week) <= 2).all()
    assert (near == week).any(1).all()


def test_an_episode_is_days_that_follow_one_another(weekly):
    profile = draw(weekly.sampler, "train", 3)
    assert profile.load_kw.shape == (3, 168, 8)
    np.testing.assert_array_equal(profile.hour, np.tile(np.arange(24.0), (3, 7)))
    assert jnp.ptp(profile.start, 1).max() == 0
    free = np.asarray(by_day(profile.weekend, 24)[:, 0]).reshape(3, 7)
    assert (free.sum(1) >= 2).all()
    outdoor = np.asarray(weekly.sampler.common["outdoor_c"])
    days = np.asarray(by_day(profile.outdoor_c, 24)).reshape(3, 7, 24)
    for episode in days:  # temperatures are moved by one number a day
        shape = episode - episode.mean(1, keepdims=True)
        all_days = outdoor - outdoor.mean(1, keepdims=True)
        found = [int(np.argmin(abs(all_days - each).max(1))) for each in shape]
        assert found == list(range(found[0], found[0] + 7))


@pytest.mark.slow
@pytest.mark.parametrize("length", [2, 31])
def test_a_month_in_one_episode_equals_its_days_chained(length):
    """Powers, states, costs; but a demand charge, which is on the highest import of the whole episode."""
    built = build(load(None, [*SMALL, f"data.episode_days={length}"]))
    with jax.enable_x64(True):
        market = Tariff(export_share=0.3, standing_per_day=0.5, export_charge_per_kwh=0.01, loss_per_kw=1e-3)
        world = dataclasses.replace(built.world, market=market).bare()
        world, profile = on_device((world, cast(draw(built.sampler, "train", 1), np.float64)), jnp.float64)
        key = jax.random.key(1)
        offset = jax.random.uniform(key, (1, 24 * length, 8, world.fleet.controls), jnp.float64, -1, 1)
        whole = rollout(world, ZeroPolicy(), profile, key, 1, offset)
        state, found = world.reset(jax.tree.map(lambda x: x[0, 0], profile)), []
        for day in range(length):
            part = jax.tree.map(lambda x, day=day: x[0, 24 * day : 24 * day + 24], (profile, offset))
            state, effect, cost = chained(world, *part, state)
            found.append((effect.power_kw, cost))
        powers, costs = map(jnp.concatenate, zip(*found, strict=True))
        np.testing.assert_allclose(whole.effect.power_kw[0], powers, rtol=0, atol=1e-9)
        for name, last in state.items():
            np.testing.assert_allclose(whole.state[name][0, -1], last, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(whole.end[0], world.end(state), rtol=1e-9, atol=1e-9)
        costs = costs.at[-1].add(world.end(state))
        np.testing.assert_allclose(judge(world, whole, profile).cost[0], costs, rtol=1e-9, atol=1e-9)
        daily = jnp.maximum(powers, 0).reshape(length, 24, 8).max(1)
        peaked = dataclasses.replace(world, market=dataclasses.replace(market, demand_per_kw_day=0.1))
        more = (judge(peaked, whole, profile).cost[0] - costs).sum(0)
        np.testing.assert_allclose(more, 0.1 * length * daily.max(0), rtol=1e-9)
        assert (more > 0.1 * daily.sum(0) + 1e-6).any()


@eqx.filter_jit
def chained(world, today, offset, state):
    """One day from a given state; the state after it, effects, and costs without the final state's value."""
    went = steps(_Begun(world, state), ZeroPolicy(), today, jax.random.key(0), offset)
    effect, end, profile = jax.tree.map(lambda x: x[None], (went.effect, 0 * went.end, today))
    cost = world.verdict(effect, end, profile).cost[0]
    return jax.tree.map(lambda x: x[-1], went.state), went.effect, cost


class _Begun(eqx.Module):
    """A world whose days begin in a given state."""

    world: World
    state: dict

    def __getattr__(self, name):
        return getattr(self.world, name)

    def reset(self, now):
        return self.state


@pytest.mark.slow
def test_an_appliance_is_used_every_day(weekly):
    profile = draw(weekly.sampler, "train", 1)
    found = rollout(on_device(weekly.world, jnp.float32).blind(), ZeroPolicy(), profile, jax.random.key(0), 1)
    need = np.asarray(weekly.world.fleet.devices["appliance"].need_kwh)
    left = np.asarray(by_day(found.state["appliance"], 24))  # after each step
    np.testing.assert_allclose(left[:, -1], 0, atol=1e-4)
    np.testing.assert_allclose(left[:, 0], np.tile(need, (7, 1)), atol=1e-4)


@pytest.mark.slow
def test_tables_have_a_row_for_each_day_of_an_episode(weekly):
    days = unseen(weekly, 2, 0, 1)
    tables = judge_method(weekly, days, "idle", ZeroPolicy())
    assert tables["days"].height == 14
    assert tables["days"]["date"].n_unique() == 14
    assert tables["steps"]["hour"].max() == 23
    assert tables["homes"].height == 14 * 8
    assert level_of(weekly, "battery")[0] == "battery state of charge" != level_of(weekly, "ev")[0]
    assert level_of(weekly, "heat_pump") == ("indoor temperature", "°C")
    worst, harm = tables["worst_day"], tables["days"]
    day = harm.sort("violation_pu_h", pl.max_horizontal("peak_kw", "reverse_peak_kw"))["day"].item(-1)
    assert worst["day"].unique().to_list() == [day]
    net = worst.filter(of="all", series="net")["values"].item()
    assert net.to_list() == pytest.approx(tables["steps"].filter(day=day)["net_kw"].to_list(), abs=1e-3)
    again = judge_method(
        weekly, days.with_worst({"worst_day": worst.with_columns(day=pl.lit(3))}), "idle", ZeroPolicy()
    )
    net = again["worst_day"].filter(of="all", series="net")["values"].item()
    assert net.to_list() == pytest.approx(tables["steps"].filter(day=3)["net_kw"].to_list(), abs=1e-3)


@pytest.mark.study
def test_the_optimum_of_an_episode_is_below_what_was_done(weekly):
    days = unseen(weekly, 1, 0, 1)
    (best,) = bound(weekly.world, days.profile, Settings(rounds_most=0))
    tables = judge_method(weekly, days, "zero", ZeroPolicy())
    assert best.lower_bound <= best.cost + 1e-6
    assert best.lower_bound < 7 * 8 * tables["days"]["cost_per_home"].mean()


@pytest.mark.slow
def test_each_home_plans_an_episode_with_its_habits_of_every_day():
    """Cars that were not measured commute each day; with perfect forecasts nothing is cheaper than the plan."""
    built = build(load(None, [*SMALL, "data.episode_days=2"]))
    profile = unseen(built, 1, 0, 1).profile
    expected = forecast(built.sampler, profile)
    assert expected.profile.ev_plugged.shape == (1, 48, 8)
    truth = jax.tree.map(lambda x: np.asarray(x[0]), profile)
    away_kw = truth.load_last_kw[0] - expected.profile.load_kw[0, 23]
    wanted = expected.profile.load_kw[0, 0] + expected.memory * away_kw
    np.testing.assert_allclose(expected.rest(0, truth, 0).load_kw[0], np.maximum(wanted, 0), rtol=1e-5)
    (best,) = bound(built.world, profile, Settings(rounds_most=0))
    for each in (expected, perfect(profile)):
        (day,) = mpc(built.world, profile, each)
        assert day.cost.sum() >= best.lower_bound - 1e-6
    assert day.cost.sum() == pytest.approx(best.cost, rel=1e-4)


@pytest.mark.slow
def test_thirty_homes_for_a_month_learn():
    built = build(
        load(None, ["homes.count=30", "homes.homes_per_agent=10", "feeder.part=ieee13", "data.episode_days=31"])
    )
    world = on_device(built.world, jnp.float32)
    who = GradMAP(days=2)
    _, log = advance(begin(who, world, 0), who, world, built.sampler.train, 2)
    assert np.isfinite(np.asarray(log["objective"])).all()
