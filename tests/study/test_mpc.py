"""Receding horizon: the optimum where the forecast is the truth; else no better, and blind to what is to come."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest

from wattflock.core.types import cast
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.market.markets.tariff import Tariff
from wattflock.study.bound import Settings, bound
from wattflock.study.evaluate import evaluate
from wattflock.study.forecast import Forecast, forecast, perfect
from wattflock.study.mpc import mpc

pytestmark = pytest.mark.study
FREE = Settings(rounds_most=0)


@pytest.fixture(scope="module")
def days(built):
    """Two test days."""
    every = eqx.filter_jit(built.sampler.every)(jax.random.key(2), "test", 2)
    return cast(jax.tree.map(np.asarray, every), np.float64)


@pytest.fixture(scope="module")
def dearer(built):
    """The small world where exports earn a third, so that a home's own load and sun matter."""
    return dataclasses.replace(built.world, market=Tariff(export_share=0.3))


@pytest.fixture(scope="module")
def expected(built, days):
    return forecast(built.sampler, days)


@pytest.mark.slow
@pytest.mark.parametrize("export_share", [1.0, 0.3])
def test_with_perfect_forecasts_it_is_the_free_optimum(built, days, export_share):
    world = dataclasses.replace(built.world, market=Tariff(export_share=export_share))
    generator = world.fleet.devices["generator"]
    tangents = 24 * (generator.fuel_per_kw_kwh * (generator.limit_kw / 24) ** 2 / 4).sum()  # most that they understate
    for best, went in zip(bound(world, days, FREE), mpc(world, days, perfect(days)), strict=True):
        np.testing.assert_allclose(went.cost, best.cost, rtol=1e-5)
        assert best.free_cost - 1e-6 <= went.cost <= best.free_cost + tangents


@pytest.mark.slow
def test_a_peak_that_was_reached_is_paid_for_and_free_from_then_on(built, days):
    """With perfect forecasts replanning changes nothing, under a charge on the episode's highest import either."""
    one = jax.tree.map(lambda x: x[:1], days)
    world = dataclasses.replace(built.world, market=Tariff(export_share=0.3, demand_per_kw_day=0.3))
    best, went = next(bound(world, one, FREE)), next(mpc(world, one, perfect(one)))
    np.testing.assert_allclose(went.cost, best.cost, rtol=1e-5)
    forgets = dataclasses.replace(world, market=Forgetful(export_share=0.3, demand_per_kw_day=0.3))
    assert next(mpc(forgets, one, perfect(one))).cost > 1.001 * best.cost


class Forgetful(Tariff):
    """As a home plans that forgets what it drew before. Source: definition."""

    def plan_alone(self, program, power, day, past=None):
        super().plan_alone(program, power, day)


@pytest.mark.slow
def test_with_forecasts_it_lies_between_the_optimum_and_nothing(dearer, days, expected):
    idle = evaluate(dearer, Uncontrolled(), days, np.zeros(1, int)).cost.sum(1)
    for best, went, nothing in zip(bound(dearer, days, FREE), mpc(dearer, days, expected), idle, strict=True):
        assert best.free_cost < went.cost < nothing
        assert nothing - went.cost > 0.5 * (nothing - best.free_cost)


@pytest.mark.slow
def test_what_is_to_come_changes_nothing_before(dearer, days, expected):
    later = np.arange(24)[:, None] >= 12
    other = dataclasses.replace(
        days,
        load_kw=days.load_kw * np.where(later, 3, 1),
        sun_kw_per_kwp=days.sun_kw_per_kwp * np.where(later, 0.2, 1),
        ev_driving_kwh=days.ev_driving_kwh * np.where(later, 0, 1),
    )
    first, second = (next(mpc(dearer, some, expected)).action for some in (days, other))
    np.testing.assert_array_equal(first[:12], second[:12])
    assert (first[12:] != second[12:]).any()


def test_now_is_known_and_the_rest_is_expected(days, expected):
    truth = jax.tree.map(lambda x: x[1], days)
    rest = expected.rest(1, truth, 9)
    assert rest.load_kw.shape == (15, truth.load_kw.shape[1])
    np.testing.assert_array_equal(rest.sun_kw_per_kwp[0], truth.sun_kw_per_kwp[9])
    np.testing.assert_array_equal(rest.outdoor_c, truth.outdoor_c[9:])
    np.testing.assert_array_equal(rest.import_price_per_kwh, truth.import_price_per_kwh[9:])
    assert (rest.load_kw[1:] != truth.load_kw[10:]).any()


@pytest.mark.parametrize("step", [0, 9])
def test_the_load_of_the_step_at_hand_is_known_only_where_it_is_said_to_be(days, expected, step):
    truth, mean_kw = jax.tree.map(lambda x: x[1], days), expected.profile.load_kw[1]
    away_kw = truth.load_last_kw[step] - mean_kw[step - 1]
    for lead, load_kw in enumerate(expected.rest(1, truth, step).load_kw[:3], 1):
        wanted = mean_kw[step + lead - 1] + expected.memory**lead * away_kw
        np.testing.assert_allclose(load_kw, np.maximum(wanted, 0), rtol=1e-6)
    known = expected.rest(1, truth, step, load_known=True).load_kw
    np.testing.assert_array_equal(known[0], truth.load_kw[step])
    wanted = mean_kw[step + 1] + expected.memory * (known[0] - mean_kw[step])
    np.testing.assert_allclose(known[1], np.maximum(wanted, 0), rtol=1e-6)


def test_the_recent_load_of_a_forecast_is_that_of_known_and_expected_loads(days, expected):
    """Before the step at hand the truth, from it on the forecast; of five hours of the same day."""
    truth = jax.tree.map(lambda x: x[1], days)
    rest = expected.rest(1, truth, 9)
    np.testing.assert_allclose(rest.load_recent_kwh[0], truth.load_kw[5:9].sum(0) + rest.load_kw[0], rtol=1e-5)
    np.testing.assert_allclose(rest.load_recent_kwh[4:], [rest.load_kw[k - 4 : k + 1].sum(0) for k in range(4, 15)],
                               rtol=1e-4)  # fmt: skip


@pytest.mark.slow
def test_a_load_changes_no_action_of_its_own_step(dearer, days, expected):
    """A load in hour 12 that no meter has read yet; where it is known, the hour's actions differ."""
    at = np.arange(24)[:, None] == 12
    other = dataclasses.replace(days, load_kw=days.load_kw + 2 * at)
    known = dataclasses.replace(dearer, fleet=dataclasses.replace(dearer.fleet, load_known=True))
    for world, last in ((dearer, 13), (known, 12)):
        first, second = (next(mpc(world, some, expected)).action for some in (days, other))
        np.testing.assert_array_equal(first[:last], second[:last])
        assert world is dearer or (first[12] != second[12]).any()


def test_the_sun_forecast_is_the_one_that_homes_see(days, expected):
    """At every step: the mean of the next four hours, and the energy of the rest of the day."""
    truth = jax.tree.map(lambda x: x[1], days)
    for step in range(20):
        later = expected.rest(1, truth, step).sun_kw_per_kwp[1:]
        np.testing.assert_allclose(later[:4].mean(0), truth.sun_ahead_kw_per_kwp[step], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(later.sum(0), truth.sun_rest_kwh_per_kwp[step], rtol=1e-4, atol=1e-4)


def test_the_sun_forecast_of_an_hour_becomes_better_as_it_comes_nearer(days, expected):
    truth = jax.tree.map(lambda x: x[1], days)
    off = [abs(expected.rest(1, truth, 12 - lead).sun_kw_per_kwp[lead] - truth.sun_kw_per_kwp[12]).max()
           for lead in range(10)]  # fmt: skip
    assert off[0] == 0
    np.testing.assert_allclose(off, off[4] * np.sqrt(np.arange(10) / 4), rtol=1e-6)
    assert off[4] > 0.001


def test_the_last_reading_makes_the_load_forecast_better(days, expected):
    def error_kw(some: Forecast) -> float:
        truths = [jax.tree.map(lambda x, day=day: x[day], days) for day in range(2)]
        rests = [some.rest(day, truth, step) for day, truth in enumerate(truths) for step in range(20)]
        wanted = [truth.load_kw[step + 1 : step + 4] for truth in truths for step in range(20)]
        return float(np.mean([(rest.load_kw[1:4] - seen) ** 2 for rest, seen in zip(rests, wanted, strict=True)]))

    assert 0.2 < expected.memory < 0.95
    assert error_kw(expected) < 0.9 * error_kw(Forecast(expected.profile, 0.0))
