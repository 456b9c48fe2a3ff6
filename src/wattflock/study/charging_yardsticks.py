"""Planners of a shared limit on the test days of a study, as actions that are judged like any other method."""

from collections.abc import Iterator, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.types import Profile, on_device
from wattflock.data.sample import Sampler
from wattflock.study.charging_plan import asked, foresight, receding, total
from wattflock.study.forecast import forecast
from wattflock.world.rollout import Policy, rollout
from wattflock.world.world import World

HORIZON = 12  # of `receding` [steps]
AHEAD_ROUNDS, ROUNDS = 15, 600  # of gradient ascent in a plan of hours, and in one of all foresight
STARTS = 3  # how many of the best plans foresight begins with


def plans(
    names: tuple[str, ...], found: tuple[World, Profile, Sampler], methods: Mapping[str, tuple[World, Policy]]
) -> Iterator[tuple[str, np.ndarray]]:
    """Each yardstick's actions (days, steps, homes, controls), for the world `charging_plan.served`.

    Args:
        names: of one_step, receding and foresight, in this order.
        found: the world as `build` makes it, the test days, and the sampler that they are from.
        methods: name → the world that a method lives in, and its policy: foresight climbs from the best of them and
            from the plans of the yardsticks before it.
    """
    world, profile, sampler = found
    made: list[np.ndarray] = []
    for name in names:
        if name == "foresight":
            starts = [*made, *_best([_played(*each, profile) for each in methods.values()])]
            yield name, foresight(world, profile, starts, ROUNDS)[0]
        else:
            horizon = HORIZON if name == "receding" else 1
            made.append(receding(world, profile, forecast(sampler, profile), horizon, AHEAD_ROUNDS))
            yield name, made[-1]


def _best(played: list[tuple[Array, float]]) -> list[Array]:
    """The actions with the most reward."""
    return [actions for actions, _ in sorted(played, key=lambda each: -each[1])[:STARTS]]


@eqx.filter_jit
def _play(world: World, policy: Policy, profile: Profile) -> tuple[Array, Array]:
    went = rollout(world, policy, profile, jax.random.key(0), profile.days())
    return asked(world, went, profile), total(world, went, profile).sum()


def _played(world: World, policy: Policy, profile: Profile) -> tuple[Array, float]:
    world, policy, profile = on_device((world, policy, profile), jnp.float32)
    action, reward = _play(world, policy, profile)
    return action, float(reward)
