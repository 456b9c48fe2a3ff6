"""Backpropagation as a fair rival: gradients of one length per home, and Adam's betas as settings of all learners."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from wattflock.core.registry import part
from wattflock.learn.lagrangian import TINY, Gradient, unit_per_home
from wattflock.learn.learner import Learner, begin
from wattflock.learn.learners.through import Through

GRADIENT = [jnp.array([[[3.0]], [[0.06]], [[1e-6]], [[0.0]]]), jnp.array([[4.0], [0.08], [0.0], [0.0]])]


def test_each_home_has_a_gradient_of_length_one_unless_it_is_only_rounding():
    """Lengths 5, 0.1, 1e-6, 0: the third is below a thousandth of their mean, 5.100001e-3 / 4."""
    weight, bias = unit_per_home(GRADIENT)
    assert np.allclose(weight[:2, 0, 0], 0.6, rtol=1e-6) and np.allclose(bias[:2, 0], 0.8, rtol=1e-6)
    assert float(weight[2, 0, 0]) == pytest.approx(1e-6 / (1e-3 * 5.100001 / 4), rel=1e-5)
    assert float(weight[3, 0, 0]) == 0 and all(np.isfinite(leaf).all() for leaf in (weight, bias))
    assert all(not leaf.any() for leaf in unit_per_home([0 * leaf for leaf in GRADIENT]))


def test_through_scales_what_adam_is_given_where_it_is_asked_to():
    assert jnp.array_equal(Through().prepared(GRADIENT)[0], unit_per_home(GRADIENT)[0])
    assert Through(normalise=False).prepared(GRADIENT) is GRADIENT


@pytest.mark.parametrize("name", ["gradmap", "through", "penalty", "pdl", "shac"])
def test_betas_of_adam_are_settings_of_every_learner_by_gradient(name):
    """One step from zero moments, then one on another gradient, as optax has it."""
    learner = part("learn", Learner, name)(b1=0.5, b2=0.9, rate=0.1, halvings=1e-9)
    assert isinstance(learner, Gradient)
    mine, theirs = learner.adam(), optax.adam(0.1, 0.5, 0.9, TINY)
    moved = []
    for adam in (mine, theirs):
        state = adam.init(jnp.zeros(2))
        for gradient in (jnp.array([1.0, -2.0]), jnp.array([0.5, 3.0])):
            step, state = adam.update(gradient, state)
        moved.append(step)
    assert np.allclose(*moved, rtol=1e-6)
    assert not np.allclose(moved[0], 0.1 * np.sign(moved[0]), rtol=1e-2)


@pytest.mark.slow
def test_the_first_step_of_every_home_is_the_rate(world, profile):
    """Adam's first step is the rate wherever a gradient is far above its ε: in homes that matter little too."""

    def days(key, count):
        return jax.tree.map(lambda x: x[:count], profile)

    who = Through(days=1, hidden=(4,), total_rounds=100)
    state = begin(who, world, 0).state
    after, _ = eqx.filter_jit(who.update)(state, world, days, jax.random.key(0))
    moved = jax.tree.map(lambda new, old: jnp.abs(new - old), after.nets, state.nets)
    of_home = jnp.stack([leaf.reshape(world.homes, -1).max(1) for leaf in jax.tree.leaves(moved)]).max(0)
    assert np.allclose(of_home, who.rate, rtol=1e-3)
