"""A policy that follows planned powers, so that a plan is judged in the world like any other method."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Device
from wattflock.homes.home import Home
from wattflock.world.rollout import Policy


class PlanPolicy(Policy):
    """The actions that give every device its planned power, or the nearest feasible one."""

    plan: dict[str, Array]  # device → (steps, homes) power drawn [kW]

    def start(self):
        return jnp.zeros((), int)

    def __call__(self, memory, seen, key):
        wanted_kw = {name: plan[memory] for name, plan in self.plan.items()}
        action = jax.vmap(actions, in_axes=(0, 0, 0, seen.now.axes(0, None)))
        return memory + 1, action(seen.fleet, seen.state, wanted_kw, seen.now)


def actions(home: Home, state: dict, wanted_kw: dict[str, Scalar], now: Profile) -> Array:
    """Actions of one home, shape (controls,)."""
    return jnp.concatenate([invert(device, state[name], wanted_kw[name], now) for name, device in home.devices.items()])


def invert(device: Device, state: Scalar, wanted_kw: Scalar, now: Profile) -> Array:
    """The action (controls,) whose power is `wanted_kw`; controls after the first stay at zero.

    Power is a monotone function of the first control, straight from -1 to 0 and from 0 to 1.
    """
    if not device.controls:
        return jnp.zeros((0,), wanted_kw.dtype)
    first = jnp.zeros((device.controls,), wanted_kw.dtype).at[0].set(1)
    low, middle, high = (device.step(state, share * first, now)[1].power_kw for share in (-1, 0, 1))
    return first * (way(wanted_kw, low, middle, 1.0) + way(wanted_kw, middle, high, 0.0) - 1)


def way(value: Scalar, begin: Scalar, end: Scalar, flat: float) -> Scalar:
    """How far `value` is on the way from begin to end, 0 to 1; `flat` where they are the same."""
    gap = end - begin
    return jnp.where(gap == 0, flat, jnp.clip((value - begin) / jnp.where(gap == 0, 1, gap), 0, 1))
