"""One number for a whole home: from as little draw as its devices allow (0) to no flexibility used (1)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Device
from wattflock.homes.home import Home
from wattflock.world.rollout import Policy, Trajectory, states_before
from wattflock.world.world import World

GIVE, USE, STORE = range(3)  # order in which rungs are climbed
LEAST_KW = 1e-3  # a home whose power moves less than this has no choice


class Leveled(Policy):
    """Homes that follow given numbers ψ through a day."""

    level: Array  # (steps, homes) in [0, 1]

    def start(self):
        return jnp.zeros((), int)

    def __call__(self, memory, seen, key):
        return memory + 1, at_levels(seen.fleet, seen.state, self.level[memory], seen.now)


def at_levels(fleet: Home, state: dict, level: Array, now: Profile) -> Array:
    """Actions (homes, controls) of all homes at their numbers ψ (homes,)."""
    return jax.vmap(at_level, in_axes=(0, 0, 0, now.axes(0, None)))(fleet, state, level, now)


def at_level(home: Home, state: dict, level: Scalar, now: Profile) -> Array:
    """The action of one home, (controls,): its net power is linear in ψ from the foot of the ladder to its top.

    Rungs in their order: cars and batteries give less, and generators stop (A to C of the source); flexible loads and
    heat rise to what they draw without control (C to D); cars and batteries charge (D to F). Heat is least where it
    reaches the lower end of the comfort band. At ψ = 1 all is as without control, but that batteries charge.
    Source: Charbonnier et al. 2022 (Applied Energy 314, 118825), points A to F; B and E lie on the way.
    """
    rungs, climbed = ladder(home, state, now), jnp.zeros(())
    wanted = level * sum((kw for _, _, _, kw in rungs), jnp.zeros(()))
    action = {name: device.setpoint(state[name], nothing(device), now) for name, device in home.devices.items()}
    for _, name, way, kw in rungs:
        share = jnp.where(kw > 0, jnp.clip((wanted - climbed) / jnp.where(kw > 0, kw, 1), 0, 1), 1)
        action[name] = jnp.clip(action[name], -1, 1) + share * way
        climbed = climbed + kw
    return jnp.concatenate([jnp.clip(action[name], -1, 1) for name in home.devices])


def ladder(home: Home, state: dict, now: Profile) -> list[tuple[int, str, Array, Scalar]]:
    """Rungs: when it is climbed, device, way of its action (controls,), power that it adds [kW]."""
    found = []
    for name, device in home.devices.items():
        if not device.controls:
            continue
        mine = state[name]
        foot = jnp.clip(device.setpoint(mine, nothing(device), now), -1, 1)
        stores = type(device).stored_kwh is not Device.stored_kwh
        rest = nothing(device)
        stages = [(GIVE, foot, rest), (STORE, rest, rest + 1)] if stores else []
        stages = stages or [(GIVE if device.draws[0] < 0 else USE, foot, jnp.clip(device.idle(mine, now), -1, 1))]
        for when, begin, end in stages:
            low, high = (device.step(mine, action, now)[1].power_kw for action in (begin, end))
            found.append((when, name, end - begin, jnp.maximum(high - low, 0)))
    return sorted(found, key=lambda rung: rung[0])


def nothing(device: Device) -> Array:
    """Zero for each control of a device."""
    return jnp.zeros(device.controls)


def levels_of(home: Home, state: dict, net_kw: Scalar, now: Profile) -> tuple[Scalar, Scalar]:
    """The number ψ at which one home's net power is nearest to `net_kw`, and 1 where it has a choice, else 0."""
    all_kw = sum((kw for _, _, _, kw in ladder(home, state, now)), jnp.zeros(()))
    foot_kw = home.step(state, at_level(home, state, jnp.zeros(()), now), now)[1].power_kw
    has_choice = all_kw > LEAST_KW
    level = jnp.clip((net_kw - foot_kw) / jnp.where(has_choice, all_kw, 1), 0, 1)
    return level, has_choice.astype(level.dtype)


def said(world: World, faced: Profile, trajectory: Trajectory) -> tuple[Array, Array]:
    """The numbers ψ that homes' powers mean, and 1 where they had a choice, else 0; each (days, steps, homes)."""
    before = states_before(world, trajectory, faced)

    def now(state, net_kw, now):
        return jax.vmap(levels_of, in_axes=(0, 0, 0, now.axes(0, None)))(world.fleet, state, net_kw, now)

    return jax.vmap(jax.vmap(now))(before, trajectory.effect.power_kw, faced)
