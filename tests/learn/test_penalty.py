"""The penalty method is plain backpropagation on a weight that grows by steps up to a most."""

import dataclasses
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.penalty import Penalty
from wattflock.learn.learners.through import Through


def weights(learner: Penalty, *rounds: int) -> list[float]:
    return [float(learner.weight(jnp.asarray(done))) for done in rounds]


def test_the_weight_grows_by_steps_up_to_a_most():
    learner = Penalty(curvature=100.0, growth=10.0, every=5, most=2e4)
    assert weights(learner, 0, 4, 5, 9, 10, 15, 1000) == pytest.approx([100, 100, 1000, 1000, 1e4, 2e4, 2e4])


def test_a_weight_above_the_most_is_kept():
    assert weights(Penalty(curvature=1e5, most=1e3), 0, 1000) == pytest.approx([1e5, 1e5])


@pytest.mark.slow
def test_without_growth_and_with_a_slope_it_is_backpropagation_to_the_bit(world, profile):
    def days(key, count):
        return jax.tree.map(lambda x: x[:count], profile)

    shared = {
        "hidden": (4,),
        "days": 1,
        "multiplier_init": 500.0,
        "curvature": 5e4,
        "average": 0.5,
        "total_rounds": 100,
        "margin_pu": 0.02,
        "ascent": 10.0,
        "rate": 1e-2,
        "halvings": 2.5,
    }
    found, world = [], dataclasses.replace(world, judges=("voltage",))  # sums of more limits round otherwise
    for learner in (Through(**shared, normalise=False, b2=0.999), Penalty(**shared, growth=1.0)):
        first = begin(learner, world, 0)
        # The plain emitters, which most tests use, round the same sums of two programs differently.
        run = partial(jax.jit, compiler_options={"xla_cpu_use_fusion_emitters": True})
        found.append(run(lambda first, learner=learner: advance(first, learner, world, days, 2)[0])(first))
        assert not eqx.tree_equal(found[-1].state.multiplier, first.state.multiplier)
    assert eqx.tree_equal(*found)
