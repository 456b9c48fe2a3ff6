"""Gymnasium's vector interface: many days side by side in one compiled call."""

from typing import Any, Literal

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from wattflock.gym.host import Host

Rows = Literal["homes", "flocks"]


class FlockVectorEnv(VectorEnv):
    """Rows are days × homes, or days with all homes as one agent; all of them are truncated together.

    The step after the end begins new days and ignores the actions, as in Gymnasium's own vector environments.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(self, host: Host, rows: Rows):
        """An environment of the days of `host`; row `day · homes + home`, or row `day`."""
        self._host, world = host, host.env.world
        many = 1 if rows == "homes" else world.homes
        self.num_envs = host.days * world.homes // many
        self.single_observation_space = Box(-np.inf, np.inf, (many * host.env.seen,), np.float32)
        self.single_action_space = Box(-1.0, 1.0, (many * world.fleet.controls,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """New days; `options["day"]`, a list of numbers, begins those days of the split instead of random ones."""
        VectorEnv.reset(self, seed=seed)
        return self._flat(self._host.reset(self.np_random, options)), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict]:
        """One step of all rows: observations, rewards (float64), terminated, truncated, and what was paid."""
        never = np.zeros(self.num_envs, bool)
        if not self._host.left:
            return self.reset()[0], np.zeros(self.num_envs), never, never.copy(), {}
        found = self._host.step(actions)
        own = {name: self._mean(value) for name, value in found.own.items()}
        reward, each = own.pop("reward"), self.num_envs // self._host.days
        shared = {limit: np.repeat(value, each) for limit, value in found.violation.items()}
        more = own | {"violation": shared, "converged": np.repeat(found.converged, each)}
        return self._flat(found.seen), reward, never, np.full(self.num_envs, found.done), more

    def _flat(self, seen: np.ndarray) -> np.ndarray:
        return seen.reshape(self.observation_space.shape)

    def _mean(self, own: np.ndarray) -> np.ndarray:
        """(days, homes) as a number for each row."""
        return own.astype(float).reshape(self.num_envs, -1).mean(-1)
