"""A limit on charging in the world: kept whatever is asked for, told to homes, and rewarded."""

import dataclasses
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.data.sample import leaves_h
from wattflock.homes.devices.reserve import Reserve
from wattflock.homes.features import LIMIT
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.study.build import build
from wattflock.world.coordinator import NO_REPORT, NO_REQUEST, Coordinator, Reports
from wattflock.world.coordinators.equal import Equal
from wattflock.world.coordinators.priority import Priority
from wattflock.world.coordinators.round_robin import RoundRobin
from wattflock.world.coordinators.water_filling import WaterFilling
from wattflock.world.rollout import Policy, judge, rollout

KINDS = '{name="both", share=0.6, devices={ev={give_kw=3.0}, battery={}}}, {name="car", share=0.4, devices={ev={}}}'
CARS = ["homes.count=5", "data.episode_days=2", f"homes.kinds=[{KINDS}]", "coordinator.limit.source=kw"]


class Wild(Policy):
    """Random actions, some of them far outside, not a number or infinite."""

    def __call__(self, memory, seen, key):
        shape = seen.features.shape[0], seen.fleet.controls
        draw, which = jax.random.split(key)
        action = jax.random.uniform(draw, shape, minval=-2.0, maxval=4.0)
        odd = jnp.asarray([jnp.nan, jnp.inf, -jnp.inf, 1e30])[jax.random.randint(which, shape, 0, 4)]
        return memory, jnp.where(jax.random.uniform(which, shape) < 0.2, odd, action)


@pytest.fixture(scope="module")
def charging():
    """Five homes with a reserve, episodes of a week, under equal shares of a tight limit."""
    return build(load(Path("fair-charging"), ["homes.count=5", "data.episode_days=7", "coordinator.limit.factor=0.8"]))


@pytest.fixture(scope="module")
def cars():
    """Five homes with a car, three of them with a battery as well."""
    return build(load(Path("fair-charging"), [*CARS, "coordinator.limit.kw=9"]))


@eqx.filter_jit
def run(world, policy, profile):
    trajectory = rollout(world, policy, profile, jax.random.key(0), profile.days())
    return trajectory, judge(world, trajectory, profile)


def prepared(built, coordinator=None, days: int = 2):
    world = on_device(built.world, jnp.float32)
    coordinator = world.coordinator if coordinator is None else coordinator
    return dataclasses.replace(world, coordinator=coordinator), built.sampler.every(jax.random.key(1), "test", days)


HARDWARE = {
    "any power": {},
    "from 6 A": {"least_kw": 1.38},
    "on or off": {"on_off": True},
    "safe": {"safe_kw": 0.5, "least_kw": 0.4},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("of", "hardware", "way"),
    [
        ("charging", "any power", WaterFilling()),
        ("cars", "from 6 A", Equal()),
        ("cars", "on or off", Priority()),
        ("charging", "safe", RoundRobin()),
    ],
)
def test_the_limit_and_the_hardware_are_kept_whatever_is_asked_for(of, hardware, way, request):
    world, profile = prepared(request.getfixturevalue(of), Coordinator(way, **HARDWARE[hardware]))
    trajectory, outcome = run(world, Wild(), profile)
    granted, limit = np.asarray(outcome.charging.granted_kw), np.asarray(outcome.charging.limit_kw)
    least = HARDWARE[hardware].get("least_kw", 0.0)
    assert (granted.sum(-1) <= limit * (1 + 1e-6)).all()
    assert (granted.sum(-1) > 0.3 * limit).mean() > 0.05
    assert ((granted == 0) | (granted >= least * (1 - 1e-5))).all()
    assert jnp.isfinite(outcome.cost).all() and jnp.isfinite(outcome.reward).all()
    assert 0.05 < float((outcome.charging.refused == NO_REQUEST).mean()) < 0.3
    level = np.asarray(outcome.charging.level)
    assert ((level >= -1e-5) & (level <= 1 + 1e-5)).all()
    assert set(trajectory.state["coordinator"]) == {"granted_kw", "memory", "refused"}


def test_nobody_is_refused_without_a_reason_and_what_is_granted_is_drawn(charging):
    world, profile = prepared(charging)
    _, outcome = run(world, Uncontrolled(), profile)
    assert float(outcome.charging.refused.max()) == 0
    drawn = np.maximum(np.asarray(outcome.net_kwh), 0)
    granted = np.asarray(outcome.charging.granted_kw)
    assert (drawn - granted > -1e-4)[profile.sun_kw_per_kwp == 0].all()
    full = np.asarray(outcome.charging.limit_kw)[..., None] / 5
    assert np.isclose(granted, full, rtol=1e-4).mean() > 0.3


@pytest.mark.study
def test_one_who_asks_for_nothing_sensible_gets_what_is_safe(charging):
    world, profile = prepared(charging, Coordinator(Equal(), safe_kw=0.25))
    now = jax.tree.map(lambda x: x[0, 10], profile)
    state = world.reset(now)
    action = jnp.ones((5, 1)).at[1].set(jnp.nan).at[2].set(jnp.inf)
    taken, kept = world.coordinator.grant(world.fleet, state, jnp.where(jnp.isfinite(action), action, jnp.nan), now)
    np.testing.assert_allclose(kept["granted_kw"]["reserve"][1:3], 0.25, rtol=1e-5)
    np.testing.assert_array_equal(kept["refused"]["reserve"], [0, NO_REQUEST, NO_REQUEST, 0, 0])
    assert jnp.isfinite(taken).all()
    after, _, _ = world.act(state, action, now)
    np.testing.assert_array_equal(after["coordinator"]["refused"]["reserve"], kept["refused"]["reserve"])


def test_a_home_whose_state_is_no_number_spoils_no_other(charging):
    world, profile = prepared(charging, Coordinator(WaterFilling(), safe_kw=0.5))
    now = jax.tree.map(lambda x: x[0, 2], profile)
    state = world.reset(now)
    state["reserve"] = state["reserve"].at[2].set(jnp.nan)
    taken, kept = world.coordinator.grant(world.fleet, state, jnp.ones((5, 1)), now)
    granted = np.asarray(kept["granted_kw"]["reserve"])
    assert kept["refused"]["reserve"][2] == NO_REPORT
    assert granted[2] == 0 and np.isfinite(granted).all() and jnp.isfinite(taken).all()
    assert granted.sum() == pytest.approx(float(now.limit_kw), rel=1e-4)


class Lies(Reports):
    """One says no number, one a negative need, one an infinite power; one asks for twice what it can take."""

    def told(self, claim, now):
        return dataclasses.replace(
            claim,
            level=claim.level.at[0].set(jnp.nan),
            need_kwh=claim.need_kwh.at[1].set(-5.0),
            most_kw=claim.most_kw.at[2].set(jnp.inf).at[3].multiply(2),
        )


def test_reports_that_cannot_be_are_refused_and_false_ones_charge_nobody_beyond_its_device(charging):
    world, profile = prepared(charging, Coordinator(WaterFilling(), reports=Lies()))
    trajectory, outcome = run(world, Uncontrolled(), profile)
    refused = np.asarray(outcome.charging.refused)
    assert (refused[..., :3] == NO_REPORT).all()
    assert (refused[..., 3:] == 0).all()
    assert (np.asarray(outcome.charging.granted_kw)[..., :3] == 0).all()
    assert float(trajectory.state["reserve"].max()) <= 13.5 * (1 + 1e-5)
    assert (np.asarray(outcome.charging.granted_kw).sum(-1) <= np.asarray(outcome.charging.limit_kw)).all()


def test_discharging_is_not_the_coordinators(cars):
    """A battery that gives 40 % of what it can gives as much as without a coordinator."""
    world, profile = prepared(cars)
    now = jax.tree.map(lambda x: x[0, 2], profile)
    free = dataclasses.replace(world, coordinator=None)
    action = jnp.full((5, 2), -0.4)
    (_, with_one, _), (_, without, _) = world.act(world.reset(now), action, now), free.act(free.reset(now), action, now)
    np.testing.assert_allclose(with_one.power_kw, without.power_kw, rtol=1e-6)


def test_a_limit_that_never_binds_changes_nothing(cars):
    wide = build(load(Path("fair-charging"), [*CARS, "coordinator.limit.kw=1000"]))
    world, profile = prepared(wide)
    with_one, _ = run(world, Uncontrolled(), profile)
    without, outcome = run(dataclasses.replace(world, coordinator=None), Uncontrolled(), profile)
    np.testing.assert_allclose(with_one.effect.power_kw, without.effect.power_kw, atol=1e-4)
    assert outcome.reward is None and outcome.charging is None


def test_the_limit_in_force_is_observed(charging):
    world, profile = prepared(charging)
    now = jax.tree.map(lambda x: x[0, 3], profile)
    seen = world.observe(world.reset(now), now)
    assert list(world.features)[-1] == "coordinator"
    assert seen.features.shape == (5, world.seen)
    np.testing.assert_allclose(seen.features[:, -1], LIMIT.of(now.limit_kw / 5), rtol=1e-6)


def test_homes_in_another_order_are_granted_the_same(charging):
    world, profile = prepared(charging, Coordinator(WaterFilling(), least_kw=0.3))
    order = jnp.asarray([3, 0, 4, 1, 2])
    other = dataclasses.replace(world, fleet=jax.tree.map(lambda x: x[order], world.fleet))
    swapped = jax.tree.map(lambda x: x[..., order] if x.ndim == 3 else x, profile)
    one, two = (run(w, Uncontrolled(), p)[1].charging.granted_kw for w, p in ((world, profile), (other, swapped)))
    np.testing.assert_allclose(two, one[..., order], atol=1e-3)


@pytest.mark.study
def test_the_gradient_of_the_reward_is_finite_at_equal_levels(charging):
    world, profile = prepared(charging, Coordinator(WaterFilling()))
    same = jax.tree.map(lambda x: jnp.broadcast_to(x[..., :1], x.shape) if x.ndim == 3 else x, profile)
    same = jax.tree.map(lambda x: x[:, :24], same)
    world = dataclasses.replace(world, fleet=jax.tree.map(lambda x: jnp.broadcast_to(x[:1], x.shape), world.fleet))

    @jax.jit
    def slope(offset):
        return jax.grad(
            lambda z: judge(world, rollout(world, Uncontrolled(), same, jax.random.key(0), 2, z), same).reward.sum()
        )(offset)

    found = slope(jnp.full((2, 24, 5, 1), -0.5))
    assert jnp.isfinite(found).all()
    assert jnp.abs(found).max() > 0


def test_a_car_says_how_long_it_stays():
    plugged = jnp.asarray([1, 1, 0, 0, 1, 0.5, 1, 1], float)[None, :, None]
    np.testing.assert_allclose(leaves_h(plugged, 0.5)[0, :, 0], [1, 0.5, 0, 0, 2, 1.5, 1, 0.5])


def test_departures_reach_over_midnight(cars):
    profile = cars.sampler.every(jax.random.key(0), "test", 2)
    plugged, left = np.asarray(profile.ev_plugged), np.asarray(profile.ev_leaves_h)
    assert ((left > 0) == (plugged > 0)).all()
    assert left[:, 20].max() > 4


@pytest.fixture
def reserve():
    return Reserve(*map(jnp.asarray, (10.0, 4.0, 0.9, 3.0, 0.2, 0.8)))


RESERVE = {  # stored before, action, load and sun → drawn from the grid, stored after
    "surplus sun goes into the battery first": (5.0, 0.0, 0.5, 0.5, 0.0, 5.9),
    "then it is sold": (9.55, 0.0, 0.5, 0.5, -0.5, 10.0),
    "a battery serves its home by itself": (5.0, 0.0, 1.8, 0.0, 0.0, 3.0),
    "what it cannot serve is drawn": (1.0, 0.0, 1.8, 0.0, 0.9, 0.0),
    "no more than its power": (9.0, 0.0, 6.0, 0.0, 2.0, 9 - 4 / 0.9),
    "what is granted serves the load at once, the rest is stored": (5.0, 0.75, 1.0, 0.0, 3.0, 6.8),
    "less than the load is granted: the battery adds to it": (5.0, 0.25, 1.9, 0.0, 1.0, 4.0),
    "nothing is granted to one that is full": (10.0, 1.0, 0.0, 0.0, 0.0, 10.0),
    "a negative action gives nothing to the grid": (5.0, -1.0, 0.9, 0.0, 0.0, 4.0),
}


@pytest.mark.parametrize("about", RESERVE)
def test_a_reserve(about, reserve, moment):
    stored, action, load_kw, sun, drawn, after = RESERVE[about]
    now = moment(load_kw=load_kw, sun_kw_per_kwp=sun)
    state, effect = reserve.step(jnp.asarray(stored), jnp.asarray([action]), now)
    assert float(effect.power_kw) + load_kw == pytest.approx(drawn, abs=1e-5)
    assert float(state) == pytest.approx(after, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(stored=st.floats(0, 10), load_kw=st.floats(0, 12), sun=st.floats(0, 1), action=st.floats(0, 1))
def test_a_reserve_takes_from_the_grid_what_it_claims(stored, load_kw, sun, action, moment):
    with jax.enable_x64(True):
        reserve = Reserve(*map(jnp.asarray, (10.0, 4.0, 0.9, 3.0, 0.2, 0.8)))
        now = jax.tree.map(lambda x: x.astype(float), moment(load_kw=load_kw, sun_kw_per_kwp=sun))
        state, claim = jnp.asarray(stored), reserve.claim(jnp.asarray(stored), now)
        after, effect = reserve.step(state, jnp.asarray([action]), now)
        net_kw = load_kw - 3 * sun
        assert -1e-12 <= float(after) <= 10 + 1e-9
        assert float(effect.power_kw) + load_kw >= action * float(claim.most_kw) + min(net_kw, 0) - 1e-9
        assert (net_kw > 0) <= (float(effect.power_kw) + load_kw >= action * float(claim.most_kw) - 1e-9)


@pytest.mark.parametrize(
    ("sets", "field", "allowed"),
    [
        (["coordinator.part=equall"], "coordinator.part", "did you mean 'equal'"),
        (["coordinator.reward.low=0.6"], "coordinator.reward", "low < middle < high"),
        (["coordinator.limit.hours=[1, 2]"], "coordinator.limit.hours", "24 numbers"),
        (["coordinator.limit.source=sky"], "coordinator.limit.source", "envelope"),
        (["coordinator.least_kw=-1"], "coordinator.least_kw", "at least 0"),
    ],
)
def test_a_section_that_cannot_be_is_refused_with_what_is_allowed(sets, field, allowed):
    with pytest.raises(ScenarioError) as error:
        load(Path("fair-charging"), sets)
    assert [(each.field, allowed in each.allowed) for each in error.value.problems] == [(field, True)]


def test_there_is_no_optimum_under_a_limit_that_is_shared():
    with pytest.raises(ScenarioError) as error:
        build(load(Path("fair-charging"), ["judge.bound_days=2", "judge.curve_days=1"]))
    assert [problem.field for problem in error.value.problems] == ["judge.bound_days", "judge.curve_days"]


def test_a_coordinator_needs_something_to_charge():
    with pytest.raises(ScenarioError, match="battery, a car or a reserve"):
        build(load(Path("fair-charging"), ['homes.kinds=[{name="a", share=1.0, devices=["heat_pump"]}]']))
