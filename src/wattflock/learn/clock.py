"""Timers: a schedule of set-points for each kind of homes, by day type and time of the day; fitted by gradients."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.homes.home import Home
from wattflock.learn.lagrangian import Descent, backpropagate
from wattflock.world.rollout import Policy
from wattflock.world.world import World

SET_POINTS = 48  # most of a day: one for each half hour


class Schedule(eqx.Module):
    """Targets of all devices; the first axis is of kinds where it is fitted, and of homes where it acts."""

    targets: Array  # (kinds, day types, set-points, controls); day type 0 is a working day, 1 a free one
    droop: Array | None = None  # (kinds, controls) change of power drawn per 5 % of voltage [share of half its range]


def installed(world: World) -> Array:
    """The targets that an installer would set, the same for all kinds and day types."""
    count = min(world.steps, SET_POINTS)
    hour = (np.arange(count) + 1) * 24 / count
    day = np.concatenate([device.timetable(hour) for device in world.fleet.devices.values()], -1)
    return jnp.asarray(np.broadcast_to(day, (len(world.kinds), 2, *day.shape)), float)


class Clock(Policy):
    """Every home follows its own copy of a schedule, and lets its power fall with its own voltage where it droops."""

    schedule: Schedule  # leading axis: homes
    dead_pu: float = eqx.field(default=0.0, static=True)  # voltage this far from nominal changes nothing

    def __call__(self, memory, seen, key):
        now = seen.now
        target = set_point(self.schedule.targets[:, now.weekend.astype(int)], now.hour, now.dt_h)
        action = jax.vmap(Home.setpoint, in_axes=(0, 0, 0, now.axes(0, None)))(seen.fleet, seen.state, target, now)
        if self.schedule.droop is not None:
            off_pu = seen.state["voltage"] - 1
            beyond_pu = off_pu - jnp.clip(off_pu, -self.dead_pu, self.dead_pu)
            draws = np.concatenate([device.draws for device in seen.fleet.devices.values()])
            action = action + self.schedule.droop * draws[None] * beyond_pu[:, None] / 0.05
        return memory, jnp.clip(action, -1, 1)


def set_point(targets: Array, hour: Array, dt_h: Array) -> Array:
    """What is to be reached by the end of a step, (homes, controls); where steps are shorter, on a line to the next.

    Args:
        targets: of one day type, (homes, set-points, controls); each holds for the end of its part of the day.
        hour: in which the step begins, shape () [h].
        dt_h: its length, shape () [h].
    """
    count = targets.shape[1]
    end = (hour + dt_h) * count / 24  # in parts of the day
    part = jnp.ceil(end - 1e-3)
    share = jnp.where(part - end < 1e-3, 1.0, 1 - (part - end))
    ahead = part.astype(int) - 1
    return targets[:, (ahead - 1) % count] * (1 - share) + targets[:, ahead % count] * share


class Timed(Descent):
    """A schedule for each kind of homes, fitted to training days by gradients through the same rollout."""

    @abc.abstractmethod
    def schedule(self, world: World) -> Schedule:
        """The schedule before the first round."""

    def init(self, world, key):
        """The installer's schedule; beside it the kind of each home."""
        return self.fresh(world, self.schedule(world), jnp.asarray(world.kind))

    def policy(self, state):
        return self.acting(state.mean, state.beside)

    def acting(self, nets: Any, kind: Array) -> Policy:
        return Clock(jax.tree.map(lambda leaf: leaf[kind], nets))

    def update(self, state, world, draw, key):
        return backpropagate(self, self.lagrangian, state, world, draw, key)
