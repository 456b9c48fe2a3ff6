"""Decentralised is proven, not said: a home's action depends on its own meter, devices and weights alone."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.registry import interface, parts
from wattflock.learn.agents import Agents
from wattflock.learn.lagrangian import Gradient
from wattflock.world.rollout import rollout
from wattflock.world.sensors import Voltmeter

EVERY = parts("learn", interface("learn"))
LEARNERS = {name: learner for name, learner in EVERY.items() if learner.decentralised}
every_learner = pytest.mark.parametrize("name", LEARNERS)
every_trained = pytest.mark.parametrize("name", [name for name in LEARNERS if LEARNERS[name]().rounds()])
HOMES = (0, 7, 19)


class Stuck(Voltmeter):
    """A voltmeter that always shows the nominal voltage."""

    def read(self, flow):
        return jnp.ones_like(super().read(flow))


@pytest.fixture
def world(name, world):
    """Homes that see no voltage: it is what others do to one's own meter (tests/world/test_voltmeter.py).

    A method that asks for voltmeters has some that are stuck.
    """
    blind = dataclasses.replace(world, voltmeter=None)
    try:
        LEARNERS[name].example().init(blind, jax.random.key(1))
    except ScenarioError:
        return dataclasses.replace(world, voltmeter=Stuck(world.voltmeter.terminal))
    return blind


@eqx.filter_jit
def actions(world, policy, profile):
    return rollout(world, policy, profile, jax.random.key(0)).action


def policy_of(name: str, world):
    learner = LEARNERS[name].example()
    return learner.policy(learner.init(world, jax.random.key(1)))


def others_changed(tree, home: int, axis: int, seed: int = 0):
    """The same arrays with every number of every other home changed by up to a half."""
    random = np.random.default_rng(seed)

    def change(leaf):
        shape = [1] * leaf.ndim
        shape[axis] = leaf.shape[axis]
        factor = random.uniform(0.5, 1.5, shape)
        factor[(slice(None),) * (axis % leaf.ndim) + (home,)] = 1
        return leaf * jnp.asarray(factor, leaf.dtype)

    return jax.tree.map(change, tree)


def elsewhere(world, profile, home: int):
    """The world and days seen from outside one home's meter: all else is different."""
    fleet = others_changed(world.fleet, home, 0)
    feeder = eqx.tree_at(lambda one: one.terminal.impedance.local, world.feeder, replace_fn=lambda local: 2 * local)
    limits = dataclasses.replace(world.limits, low_pu=0.99, high_pu=1.01)
    other = dataclasses.replace(world, fleet=fleet, feeder=feeder, limits=limits, placement=world.placement[::-1])
    own = profile.own()
    return other, dataclasses.replace(profile, **others_changed(own, home, -1))


def test_only_a_control_centre_is_not_decentralised():
    assert EVERY.keys() - LEARNERS.keys() == {"central"}


@pytest.mark.study
@every_learner
@pytest.mark.parametrize("home", HOMES)
def test_nothing_outside_its_own_meter_moves_a_home_s_action(name, home, world, profile):
    policy = policy_of(name, world)
    weights = others_changed(policy, home, 0)
    other_world, other_days = elsewhere(world, profile, home)
    before = np.asarray(actions(world, policy, profile))
    after = np.asarray(actions(other_world, weights, other_days))
    assert np.array_equal(before[:, :, home], after[:, :, home])
    others = np.delete(np.arange(world.homes), home)
    assert (before[:, :, others] != after[:, :, others]).any()


@pytest.mark.study
@every_learner
def test_its_own_meter_does_move_it(name, world, profile):
    """The test above can fail: what a home's own meter shows moves its own action, and no other's."""
    policy, moved = policy_of(name, world), set()
    before = actions(world, policy, profile)
    for home in range(world.homes):
        own = {field: value.at[..., home].multiply(0.7) for field, value in profile.own().items()}
        after = actions(world, policy, dataclasses.replace(profile, **own))
        changed = set(np.flatnonzero(np.asarray((before != after).any((0, 1, 3)))))
        assert changed <= {home}
        moved |= changed
    assert len(moved) >= (world.homes if issubclass(LEARNERS[name], Gradient) else 3)  # networks see all of it


@pytest.mark.study
@every_trained
@pytest.mark.parametrize("home", HOMES)
def test_the_weights_of_a_home_move_that_home_alone(name, home, world, profile):
    policy = policy_of(name, world)
    other = jax.tree.map(lambda leaf: leaf.at[home].add(0.1), policy)
    changed = (actions(world, policy, profile) != actions(world, other, profile)).any((0, 1, 3))
    assert np.flatnonzero(np.asarray(changed)).tolist() == [home]


@pytest.mark.study
@every_trained
def test_no_parameter_is_shared(name, world):
    """Agents that learn from rewards share by kind unless they are told not to."""
    learner = LEARNERS[name].example()
    learner = dataclasses.replace(learner, weights="separate") if isinstance(learner, Agents) else learner
    leaves = jax.tree.leaves(learner.policy(learner.init(world, jax.random.key(1))))
    assert leaves
    assert all(leaf.shape[0] == world.homes for leaf in leaves)
    weights = [leaf for leaf in leaves if leaf.ndim == 3]
    assert all(len(np.unique(np.asarray(leaf).reshape(world.homes, -1), axis=0)) == world.homes for leaf in weights)


@pytest.mark.parametrize("name", [name for name in LEARNERS if issubclass(LEARNERS[name], Agents)])
def test_homes_of_a_kind_share_their_weights_and_no_others_do(name, world):
    weights = [leaf for leaf in jax.tree.leaves(policy_of(name, world)) if leaf.ndim == 3]
    rows = [np.asarray(leaf).reshape(world.homes, -1) for leaf in weights]
    same = [(leaf[:, None] == leaf[None]).all(-1) for leaf in rows]
    kind = np.asarray(world.kind)
    assert all((each == (kind[:, None] == kind[None])).all() for each in same)
