"""Training that ends before all rounds: numbers that are not finite, and validation days that get no better."""

import jax.numpy as jnp
import pytest

from wattflock.core.types import on_device
from wattflock.learn.learner import Learner
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.study.train import Best, Course, Mark, train

pytestmark = pytest.mark.study


class Breaks(Learner):
    """Counts its rounds; after `good` of them it knows no number any more."""

    good: int = 20
    total: int = 40

    def init(self, world, key):
        return jnp.zeros(())

    def policy(self, state):
        return Uncontrolled()

    def rounds(self):
        return self.total

    def update(self, state, world, draw, key):
        after = jnp.where(state >= self.good, jnp.nan, state + 1)
        return after, {"objective": jnp.zeros(())}


def course(built, **more) -> Course:
    learner = Breaks(**more)
    return Course(learner, on_device(built.world, "float32"), built.sampler, 0, learner.rounds(), validation_days=1)


def test_training_ends_with_the_last_good_chunk(built):
    marks = list(train(course(built)))
    assert [mark.rounds for mark in marks] == [10, 20, 20]
    assert float(marks[-1].progress.state) == 20
    assert marks[-1].stopped == "numbers that are not finite after round 20"


def test_training_that_stays_finite_is_not_stopped(built):
    marks = list(train(course(built, good=99)))
    assert [mark.rounds for mark in marks] == [10, 20, 30, 40]
    assert not any(mark.stopped for mark in marks)


def look(rounds: int, cost: float, violation: float = 0.0) -> Mark:
    return Mark(None, rounds, 0.0, {}, {"cost": cost, "violation_pu_h": violation})  # type: ignore[arg-type]


def test_patience_counts_looks_since_the_best():
    best = Best(2, 0.3)
    over = [best.is_over(look(10 * place, cost)) for place, cost in enumerate([3.0, 2.0, 2.5, 1.9, 2.0, 2.1])]
    assert over == [False, False, False, False, False, True]
    assert best.mark is not None
    assert best.mark.rounds == 30


def test_a_look_that_violates_is_not_better_for_being_cheaper():
    best = Best(1, 0.3)
    assert not best.is_over(look(10, 2.0))
    assert best.is_over(look(20, 1.9, 0.01))


def test_without_patience_nothing_is_over():
    best = Best(0, 0.3)
    assert not any(best.is_over(look(place, float(place))) for place in range(9))
