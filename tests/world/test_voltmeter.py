"""Homes that see their own voltage, and inverters that answer it."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.feeder.volt_var import VoltVar
from wattflock.learn.nets import Separate, flock
from wattflock.study.build import build
from wattflock.world.rollout import judge, rollout

pytestmark = pytest.mark.study


@eqx.filter_jit
def days(world, policy, profile):
    trajectory = rollout(world, policy, profile, jax.random.key(0))
    return trajectory, judge(world, trajectory, profile)


@pytest.fixture(scope="module")
def policy(world):
    nets = flock((world.seen, 8, world.fleet.controls), world.homes, jax.random.key(3))
    return Separate(eqx.tree_at(lambda n: n.weights[-1], nets, 5 * nets.weights[-1]))


def test_each_home_sees_its_own_terminal_one_step_ago(world, profile, policy):
    trajectory, _ = days(world, policy, profile)
    flow = world.flow(trajectory.effect)
    own = flow.terminal_pu[..., np.asarray(world.voltmeter.terminal)]
    assert jnp.allclose(trajectory.state["voltage"], own, atol=1e-5)
    seen = trajectory.features[..., -1]
    assert jnp.allclose(seen[:, 1:], 20 * (own[:, :-1] - 1), atol=1e-3)
    assert jnp.abs(seen[:, 0]).max() == 0
    assert float(jnp.abs(seen).max()) > 0.1


def test_a_voltmeter_stands_where_its_home_does(built):
    world = built.world
    names = [world.feeder.terminals[k] for k in world.voltmeter.terminal]
    assert tuple(names) == built.terminals
    assert (np.asarray(world.placement)[np.arange(world.homes), world.voltmeter.terminal] > 0).all()


def test_a_home_s_row_holds_nothing_of_another_s_voltage(world, profile):
    now = jax.tree.map(lambda x: x[0, 5], profile)
    state = world.reset(now)
    for home in (0, 7, 19):
        other = state | {"voltage": jnp.full(world.homes, 0.9).at[home].set(state["voltage"][home])}
        rows = [world.observe(each, now).features for each in (state, other)]
        assert jnp.array_equal(rows[0][home], rows[1][home])
        assert bool((rows[0] != rows[1]).any(1).sum() == world.homes - 1)


def test_a_world_without_voltmeters_shows_no_voltage(small, world, profile):
    """One number less than with them; the others are the same."""
    blind = build(load(None, [*small, "homes.voltmeter=false"])).world
    assert blind.voltmeter is None
    assert blind.seen == world.seen - 1 == world.fleet.seen
    now = jax.tree.map(lambda x: x[0, 5], profile)
    features = world.observe(world.reset(now), now).features
    np.testing.assert_array_equal(on_device(blind, "float32").observe(blind.reset(now), now).features, features[:, :-1])


@pytest.mark.slow
def test_inverters_that_answer_move_no_energy_but_voltages(world, profile, policy):
    guarded = dataclasses.replace(world, voltmeter=None, guard=VoltVar())
    blind = dataclasses.replace(world, voltmeter=None)
    nets = jax.tree.map(lambda leaf: leaf, policy.nets)
    first = nets.weights[0][:, : blind.seen]
    policy = Separate(eqx.tree_at(lambda n: n.weights[0], nets, first))
    (_, before), (_, after) = days(blind, policy, profile), days(guarded, policy, profile)
    assert jnp.allclose(before.cost, after.cost, atol=1e-6)
    assert jnp.allclose(before.net_kw, after.net_kw, atol=1e-5)
    assert float(after.excess["voltage"].sum()) < 0.5 * float(before.excess["voltage"].sum())
    assert bool(after.converged.all())


@pytest.mark.parametrize("points", ["[0.95, 0.97, 1.03]", "[0.97, 0.95, 1.03, 1.05]", "[0.95, 0.95, 1.03, 1.05]"])
def test_a_curve_has_four_points_that_rise(points):
    from wattflock.core.errors import ScenarioError

    with pytest.raises(ScenarioError, match=r"homes\.volt_var"):
        load(None, [f"homes.volt_var={points}"])


def test_a_scenario_can_ask_for_the_guard(small):
    world = build(load(None, [*small, "homes.volt_var=[0.94, 0.97, 1.03, 1.06]"])).world
    assert world.guard == VoltVar(0.94, 0.97, 1.03, 1.06)
