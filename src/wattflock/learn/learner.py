"""Learners: hyper-parameters as fields, pure `init`, `policy` and `update`; and the one training loop."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import Profile
from wattflock.world.rollout import Policy
from wattflock.world.world import World

Draw = Callable[[Array, int], Profile]  # (key, days) → training days


class Learner(eqx.Module):
    """A method that gives a policy. A rule is a learner with zero rounds."""

    decentralised: ClassVar[bool] = True  # whether each home acts on its own meter, devices and weights alone

    @classmethod
    def example(cls) -> Self:
        """The learner with the settings it was tuned to."""
        return cls()

    def init(self, world: World, key: Array) -> Any:
        """The state before the first round: a tree of arrays; a rule has none."""
        del world, key
        return ()

    @abc.abstractmethod
    def policy(self, state) -> Policy:
        """The policy of a state."""

    def rounds(self) -> int:
        """Number of rounds; 0 for a rule."""
        return 0

    def lasting(self, rounds: int) -> Self:
        """The same with so many rounds, its schedules stretched; a rule is as it was."""
        del rounds
        return self

    def lives_in(self, world: World) -> World:
        """The world that its policies are trained and judged in: the given one, or with a way of its own to share."""
        return world

    @property
    def demonstrations(self) -> int:
        """How many training episodes with the optimum's actions it is to be shown before its first round."""
        return 0

    def taught(self, profile: Profile, action: Array) -> Self:
        """The learner that was shown them; its states have the same shapes as those of one that was not.

        Args:
            profile: training episodes (episodes, steps, homes).
            action: of the perfect-foresight optimum, (episodes, steps, homes, controls) in [-1, 1].
        """
        del profile, action
        return self

    def saved(self, state) -> Any:
        """What a checkpoint holds of a state: by default all; a replay buffer is left out."""
        return state

    def restored(self, saved, fresh) -> Any:
        """The state of a checkpoint, with what it left out as in `fresh`, the state before the first round."""
        del fresh
        return saved

    def update(self, state, world: World, draw: Draw, key: Array):
        """One round: `state, log`, where log is a dict of scalars (`cost`, `violation_pu_h`, …)."""
        del world, draw, key
        return state, {}


class Progress(eqx.Module):
    """All that is needed to continue: the learner's state, rounds done and the key of the run."""

    state: Any
    done: Array  # rounds
    key: Array


def begin(learner: Learner, world: World, seed: int) -> Progress:
    """The beginning of a training run."""
    return _begin(learner, world, jax.random.key(seed))


@eqx.filter_jit
def _begin(learner: Learner, world: World, key: Array) -> Progress:
    key, first = jax.random.split(key)
    return Progress(learner.init(world, first), jnp.zeros((), jnp.int32), jax.random.key_data(key))


def onward(progress: Progress, learner: Learner, world: World, draw: Draw, rounds: int):
    """As `advance`; what a checkpoint leaves out, such as a replay, is written in place, so that `progress` loses it.

    A replay of 300 homes is 660 MB, which `advance` copies at every call.
    """
    kept = {id(leaf) for leaf in jax.tree.leaves(learner.saved(progress.state))}
    heavy, light = eqx.partition(progress.state, jax.tree.map(lambda leaf: id(leaf) not in kept, progress.state))
    return _onward((dataclasses.replace(progress, state=light), learner, world, draw, rounds), heavy)


@eqx.filter_jit(donate="all-except-first")
def _onward(given: tuple, heavy: Any):
    light, *rest = given
    return advance(dataclasses.replace(light, state=eqx.combine(light.state, heavy)), *rest)


@eqx.filter_jit
def advance(progress: Progress, learner: Learner, world: World, draw: Draw, rounds: int):
    """`rounds` rounds in one compiled scan; returns the new Progress and each round's log as arrays (rounds,).

    The key of round k depends on k alone, so that a run in other chunks, or a resumed one, is the same to the bit.
    """

    def one(progress, _):
        key = jax.random.fold_in(jax.random.wrap_key_data(progress.key), progress.done)
        state, log = learner.update(progress.state, world, draw, key)
        return Progress(state, progress.done + 1, progress.key), log

    return jax.lax.scan(one, progress, length=rounds)
