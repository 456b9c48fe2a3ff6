"""What every learner keeps to, those of today and those to come."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from wattflock.learn.learner import advance, begin
from wattflock.registry import interface, parts
from wattflock.world.rollout import rollout

LEARNERS = parts("learn", interface("learn"))
every_learner = pytest.mark.parametrize("name", LEARNERS)


@pytest.fixture(scope="module")
def days(profile):
    """Always the same day, whatever is asked for."""
    return lambda key, count: jax.tree.map(lambda x: jnp.repeat(x[:1], count, 0), profile)


@pytest.fixture(scope="module")
def one_round(world, days):
    """Progress before and after one round of a learner, and what the round said."""

    @functools.cache
    def run(name: str):
        learner = LEARNERS[name].example()
        first = begin(learner, world, 0)
        return learner, first, *advance(first, learner, world, days, 1)

    return run


def finite(tree) -> bool:
    return all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree))


@every_learner
def test_it_says_where_it_comes_from(name):
    assert "Source:" in (LEARNERS[name].__doc__ or "")


@every_learner
def test_it_can_be_made_without_settings(name):
    assert LEARNERS[name]() == LEARNERS[name].example()
    assert LEARNERS[name]().rounds() >= 0


@every_learner
def test_its_state_is_a_tree_of_arrays(name, world):
    state = LEARNERS[name].example().init(world, jax.random.key(0))
    assert all(eqx.is_array(leaf) for leaf in jax.tree.leaves(state))
    again = LEARNERS[name].example().init(world, jax.random.key(0))
    assert all(map(jnp.array_equal, jax.tree.leaves(state), jax.tree.leaves(again)))


@every_learner
def test_its_policy_gives_every_home_its_actions(name, world, profile):
    learner = LEARNERS[name].example()
    policy = learner.policy(learner.init(world, jax.random.key(0)))
    run = eqx.filter_jit(lambda world, policy, profile: rollout(world, policy, profile, jax.random.key(0)))
    action = run(world, policy, profile).action
    assert action.shape == (2, world.steps, world.homes, world.fleet.controls)
    assert finite(action)
    assert (jnp.abs(action) <= 1 + 1e-5).all()


@every_learner
@pytest.mark.study
def test_a_round_keeps_the_structure_and_is_finite(name, one_round):
    learner, first, after, log = one_round(name)
    assert jax.tree.structure(first) == jax.tree.structure(after)
    shapes = [[(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(tree)] for tree in (first, after)]
    assert shapes[0] == shapes[1]
    assert after.done == 1
    assert finite((after.state, log))
    assert all(values.shape == (1,) for values in log.values())
    if learner.rounds():
        assert {"cost", "violation_pu_h", "violated_share", "objective"} <= set(log)


@every_learner
@pytest.mark.study
def test_a_round_is_compiled_once_and_is_pure(name, one_round, world, days):
    learner, first, after, _ = one_round(name)
    compiled = advance._cached._cache_size()
    again, _ = advance(first, learner, world, days, 1)
    advance(after, learner, world, days, 1)
    assert advance._cached._cache_size() == compiled
    assert all(map(jnp.array_equal, jax.tree.leaves(after), jax.tree.leaves(again)))
