"""What every learner keeps to, those of today and those to come."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from wattflock.core.registry import interface, parts
from wattflock.learn.learner import advance, begin
from wattflock.world.rollout import rollout

LEARNERS = parts("learn", interface("learn"))
every_learner = pytest.mark.parametrize("name", LEARNERS)


@pytest.fixture(scope="module")
def rounds(world, profile):
    """Two rounds of a learner: progress before, between and after, what a round said, traces of each."""

    @functools.cache
    def run(name: str):
        traces = []

        def draw(key, days):
            traces.append(days)
            return jax.tree.map(lambda x: jnp.repeat(x[:1], days, 0), profile)

        learner = LEARNERS[name].example()
        first = begin(learner, world, 0)
        second, log = advance(first, learner, world, draw, 1)
        once = len(traces)
        third, _ = advance(second, learner, world, draw, 1)
        again, _ = advance(first, learner, world, draw, 1)
        return (first, second, third, again), log, (once, len(traces))

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


@pytest.mark.study
@every_learner
def test_its_state_is_a_tree_of_arrays(name, world):
    state = LEARNERS[name].example().init(world, jax.random.key(0))
    assert all(eqx.is_array(leaf) for leaf in jax.tree.leaves(state))
    again = LEARNERS[name].example().init(world, jax.random.key(0))
    assert all(map(jnp.array_equal, jax.tree.leaves(state), jax.tree.leaves(again)))


@pytest.mark.slow
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
def test_a_round_keeps_the_structure_and_is_finite(name, rounds):
    (first, second, third, _), log, _ = rounds(name)
    assert jax.tree.structure(first) == jax.tree.structure(second)
    shapes = [[(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(tree)] for tree in (first, second)]
    assert shapes[0] == shapes[1]
    assert (second.done, third.done) == (1, 2)
    assert finite((third.state, log))
    assert all(values.shape == (1,) for values in log.values())
    if LEARNERS[name]().rounds():
        assert {"cost", "violation_pu_h", "violated_share", "objective"} <= set(log)


@every_learner
@pytest.mark.study
def test_a_round_is_pure(name, rounds):
    (_, second, _, again), _, _ = rounds(name)
    assert all(map(jnp.array_equal, jax.tree.leaves(second), jax.tree.leaves(again)))


@every_learner
@pytest.mark.study
def test_rounds_are_compiled_once(name, rounds):
    _, _, (once, thrice) = rounds(name)
    assert thrice == once, "the second chunk was traced again: does a leaf change its type, also weak type?"
