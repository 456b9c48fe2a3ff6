"""Training of a trained flock: some homes anew while all others keep their policies, or all on among other homes."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from wattflock.learn.lagrangian import Gradient, TrainState
from wattflock.learn.learner import Draw, Learner
from wattflock.learn.learners.gradmap import GradMAP
from wattflock.study.build import Built
from wattflock.world.world import World


class FineTune(Learner):
    """A learner that changes only some homes; networks and moments of the others are unchanged.

    A round is that of the learner: the others act on the same feeder, by policies that no longer change. It is no part,
    since it needs a trained fleet and no scenario can name it.
    """

    learner: Gradient
    moving: Bool[Array, "homes"]

    @classmethod
    def example(cls):
        return cls(GradMAP.example(), jnp.ones(1, bool))

    def init(self, world, key):
        return self.learner.init(world, key)

    def policy(self, state):
        return self.learner.policy(state)

    def rounds(self):
        return self.learner.rounds()

    def begin(self, state: Any, world: World, key: Array) -> TrainState:
        """The trained fleet with fresh networks in the homes that move, at round zero."""
        fresh = self.learner.init(world, key)
        nets = self.kept(state.nets, fresh.nets)
        return dataclasses.replace(state, nets=nets, mean=nets, adam=fresh.adam, done=fresh.done, square=fresh.square)

    def update(self, state: TrainState, world: World, draw: Draw, key: Array):
        """One round; `state, log` as the learner's own."""
        after, log = self.learner.update(state, world, draw, key)
        kept = {name: self.kept(getattr(state, name), getattr(after, name)) for name in ("nets", "mean", "adam")}
        return dataclasses.replace(after, **kept), log

    def kept(self, before, after):
        """Networks or moments: `after` in the homes that move, `before` in the others; counts from `after`."""

        def mixed(old, new):
            moving = self.moving.reshape(-1, *[1] * (new.ndim - 1)) if new.ndim else True
            return jnp.where(moving, new, old)

        return jax.tree.map(mixed, before, after)


def going_on(learner: Gradient, state: TrainState, world: World, key: Array) -> TrainState:
    """A trained flock at round zero of `learner`: networks, multipliers and margins as they are, fresh moments.

    All schedules begin again. What stands beside the networks stays: a critic or a tariff of other homes, which
    `judging.tuned` refuses.
    """
    fresh = learner.init(world, key)
    return dataclasses.replace(state, nets=state.mean, adam=fresh.adam, done=fresh.done, square=fresh.square)


def met(built: Built) -> Built:
    """The same with the homes that it is judged in: in every split agents have the readings of the test's homes.

    Weeks stay those of their own split, so that no test day is learned from.
    """
    source = dict.fromkeys(built.sampler.source, built.sampler.source["test"])
    return dataclasses.replace(built, sampler=dataclasses.replace(built.sampler, source=source))
