"""Training that ends before all rounds: numbers that are not finite, and validation days that get no better."""

import jax.numpy as jnp
import pytest

from wattflock.core.errors import RunError
from wattflock.core.types import on_device
from wattflock.learn.learner import Learner
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.study.compare import judge_method, loads_alone, unseen
from wattflock.study.train import Best, Course, Mark, train
from wattflock.world.rollout import Policy

pytestmark = pytest.mark.study


class Breaks(Learner):
    """Counts its rounds; after `good` of them it knows no number any more."""

    good: int = 20
    total: int = 40
    said: float = 0.0  # its objective after `good` rounds

    def init(self, world, key):
        return jnp.zeros(())

    def policy(self, state):
        return Uncontrolled()

    def rounds(self):
        return self.total

    def update(self, state, world, draw, key):
        bad = state >= self.good
        after = jnp.where(bad & (self.said == 0), jnp.nan, state + 1)
        return after, {"objective": jnp.where(bad, self.said, 0.0)}


def course(built, **more) -> Course:
    learner = Breaks(**more)
    return Course(learner, on_device(built.world, "float32"), built.sampler, 0, learner.rounds(), validation_days=1)


def test_training_ends_with_the_last_good_chunk(built):
    marks = list(train(course(built)))
    assert [mark.rounds for mark in marks] == [10, 20, 20]
    assert float(marks[-1].progress.state) == 20
    assert marks[-1].stopped == "numbers that are not finite after round 20"


def test_training_that_diverges_ends_with_the_last_good_chunk(built):
    marks = list(train(course(built, said=1e15)))
    assert [(mark.rounds, mark.broken) for mark in marks] == [(10, False), (20, False), (20, True)]
    assert marks[-1].stopped == "training diverges (objective is 1.0e+15) after round 20"


class Mute(Policy):
    """No numbers from the third step of a day on."""

    def start(self):
        return jnp.zeros(())

    def __call__(self, memory, seen, key):
        action = jnp.zeros((seen.features.shape[0], seen.fleet.controls), seen.features.dtype)
        return memory + 1, jnp.where(memory < 2, action, jnp.nan)


def test_actions_that_are_not_finite_have_no_price(built):
    with pytest.raises(RunError, match="mute: actions or costs that are not finite on 1 of 1 days"):
        judge_method(built, unseen(built, 1, 0), "mute", Mute())


def test_homes_without_devices_that_cannot_be_judged_end_no_comparison(built):
    (said,) = loads_alone(built, unseen(built, 1, 0), Mute())
    assert said.startswith("loads alone, without any device, are not judged: actions or costs that are not finite")


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


def test_a_look_that_overloads_branches_is_not_better_for_being_cheaper():
    best, worse = Best(1, 0.3), look(20, 1.9)
    worse.validation["overload_share_h"] = 0.2
    assert not best.is_over(look(10, 2.0))
    assert best.is_over(worse)


def test_an_overload_of_one_branch_weighs_the_same_among_thousands():
    for branches, weighs in ((265, False), (9717, True)):
        best, worse = Best(1, 0.3, branches), look(20, 1.9)
        worse.validation["overload_share_h"] = 0.001
        assert not best.is_over(look(10, 2.0)) and best.is_over(worse) == weighs


def test_without_patience_nothing_is_over():
    best = Best(0, 0.3)
    assert not any(best.is_over(look(place, float(place))) for place in range(9))
