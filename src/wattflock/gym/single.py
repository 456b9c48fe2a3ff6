"""Gymnasium: all homes as one agent, or one home beside others without control."""

from typing import Any

import numpy as np
from gymnasium import Env
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box

from wattflock.gym.host import Host


class FlockEnv(Env):
    """An episode is truncated at its end; observation and action are vectors."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, host: Host):
        """An environment of one episode at a time: all homes, or the one that `host` leaves to control."""
        self._host, world = host, host.env.world
        self._homes = slice(None) if host.alone is None else slice(host.alone, host.alone + 1)
        many = world.homes if host.alone is None else 1
        self.observation_space = Box(-np.inf, np.inf, (many * host.env.seen,), np.float32)
        self.action_space = Box(-1.0, 1.0, (many * world.fleet.controls,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """A new episode; `options["day"]`, a number, begins that day of the split instead of a random one."""
        Env.reset(self, seed=seed)
        return self._host.reset(self.np_random, options)[0, self._homes].ravel(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One step; the reward is the mean over the homes that are controlled.

        Raises:
            gymnasium.error.ResetNeeded: the episode has ended, or none was begun.
            ScenarioError: the action has another number of values.
        """
        if not self._host.left:
            raise ResetNeeded("the episode has ended, or none was begun: call reset()")
        found = self._host.step(action)
        own = {name: float(value[0, self._homes].mean()) for name, value in found.own.items()}
        reward = own.pop("reward")
        shared = {limit: float(value[0]) for limit, value in found.violation.items()}
        more = own | {"violation": shared, "converged": bool(found.converged[0])}
        return found.seen[0, self._homes].ravel(), reward, False, found.done, more
