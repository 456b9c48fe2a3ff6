"""The only loop over time: days of all homes under a policy."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import Profile
from wattflock.feeder.limits import Conditions, Margins
from wattflock.feeder.solve import SOLVED
from wattflock.homes.device import Effect
from wattflock.world.world import Observation, Outcome, World


class Policy(eqx.Module):
    """Actions of all homes; weights may be shared or separate."""

    def start(self) -> Any:
        """Memory at the beginning of a day."""
        return ()

    @abc.abstractmethod
    def __call__(self, memory: Any, seen: Observation, key: Array) -> tuple[Any, Array]:
        """`(memory, seen, key) → memory, action`; actions (homes, controls) in [-1, 1]."""


class ZeroPolicy(Policy):
    """Zero action; with an `action_offset` it replays given actions."""

    def __call__(self, memory, seen, key):
        return memory, jnp.zeros((seen.features.shape[0], seen.fleet.controls), seen.features.dtype)


class Trajectory(eqx.Module):
    """The simulated days; leading axes (days, steps)."""

    features: Array  # (…, homes, seen)
    action: Array  # (…, homes, controls)
    state: dict  # after each step, each (…, homes)
    effect: Effect  # (…, homes)
    conditions: Conditions | None  # (…, rows) that voltmeters saw, None without them: `judge` solves no flow again
    end: Array  # (days, homes) value of the final states [currency]


def rollout(
    world: World, policy: Policy, profile: Profile, key: Array, together: int = 1, action_offset: Array | None = None
) -> Trajectory:
    """Steps all homes through a batch of days.

    Args:
        profile: (days, steps, homes).
        key: for policies that explore.
        together: how many days are stepped together: all without gradients through the policy, 1 with
            them on a CPU (docs/world.md); on a GPU all.
        action_offset: (days, steps, homes, controls) added to the actions: exploration, a replay (with `ZeroPolicy`),
            or a zero whose gradient is the total gradient of the actions.

    Returns:
        A Trajectory; `judge` solves the power flow afterwards where no voltmeter needed it. Never raises.
    """

    def day(inputs):
        today, key, action_offset = inputs
        return steps(world, policy, today, key, action_offset)

    keys = jax.random.split(key, profile.days())
    return _over_days(day, (profile, keys, action_offset), together)


def windows(world: World, policy: Policy, profile: Profile, key: Array, together: int, horizon: int) -> Trajectory:
    """`rollout` for short horizons: the same days, but gradients stop where a window of `horizon` steps begins.

    Only `features` there keep their gradient, into the window that ends: a critic can add the value of what follows.
    """

    def day(inputs):
        today, key = inputs
        return steps(world, policy, today, key, None, horizon)

    keys = jax.random.split(key, profile.days())
    return _over_days(day, (profile, keys), together)


def _over_days(day: Callable, inputs: tuple, together: int) -> Trajectory:
    """`day` of each, `together` at a time; all at once need no loop, which compiles faster and copies nothing."""
    profile: Profile = inputs[0]
    if together >= profile.days():
        return jax.vmap(day)(inputs)
    return jax.lax.map(day, inputs, batch_size=together if together > 1 else None)


def steps(
    world: World, policy: Policy, today: Profile, key: Array, action_offset: Array | None, horizon: int = 0
) -> Trajectory:
    """One day of shape (steps, homes), cut into windows of `horizon` steps for gradients; 0 is no cut."""
    today = world.faced(today)

    def step(carry, inputs):
        state, memory = carry
        now, key, action_offset, begins = inputs
        seen = world.observe(state, now)
        features = seen.features
        if horizon:
            seen = jax.tree.map(lambda x: jnp.where(begins, jax.lax.stop_gradient(x), x), seen)
        memory, action = policy(memory, seen, key)
        action = action if action_offset is None else action + action_offset
        state, effect, conditions = world.act(seen.state, action, now)
        return (state, memory), (features, action, state, effect, conditions)

    first = jax.tree.map(lambda x: x[0], today)
    count = today.load_kw.shape[0]
    keys = jax.random.split(key, count)
    begins = jnp.arange(count) % horizon == 0 if horizon else None
    kept = jax.checkpoint_policies.save_only_these_names(SOLVED)
    again = jax.checkpoint(step, prevent_cse=False, policy=kept)  # keeps states, no activations: docs/learn-scale.md
    (state, _), outputs = jax.lax.scan(
        again, (world.reset(first), policy.start()), (today, keys, action_offset, begins)
    )
    return Trajectory(*outputs, end=world.end(state))


def states_before(world: World, trajectory: Trajectory, profile: Profile) -> dict:
    """The states in which the steps of a trajectory began, each (days, steps, homes)."""
    first = jax.vmap(world.reset)(jax.tree.map(lambda x: x[:, 0], profile))
    return jax.tree.map(lambda x, after: jnp.concatenate([x[:, None], after[:, :-1]], 1), first, trajectory.state)


def judge(world: World, trajectory: Trajectory, profile: Profile, margins: Margins = 0.0) -> Outcome:
    """The verdict on a trajectory."""
    outcome = world.verdict(trajectory.effect, trajectory.end, profile, margins, trajectory.conditions)
    if world.coordinator is None:
        return outcome
    charging = world.coordinator.verdict(world.fleet, trajectory.state, profile)
    return dataclasses.replace(outcome, charging=charging)
