"""PettingZoo: every home is an agent."""

from typing import Any

import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils.seeding import np_random
from pettingzoo import ParallelEnv

from wattflock.core.errors import Problem, ScenarioError
from wattflock.gym.host import Host, Step

Floats = dict[str, np.ndarray]


class FlockParallelEnv(ParallelEnv):
    """Homes as agents that act at the same time; all are truncated together where the episode ends.

    Agents are sorted by kind, then by number; homes of a kind are numbered in the order of the scenario.
    """

    metadata = {"name": "wattflock_v0", "render_modes": [], "is_parallelizable": True}  # noqa: RUF012
    render_mode = None

    def __init__(self, host: Host, names: list[str]):
        """An environment of one episode at a time whose homes have these names."""
        self._host, world = host, host.env.world
        self._order = np.array(sorted(range(len(names)), key=lambda home: _sorted_by(names[home])))
        self._back = np.argsort(self._order)
        self.possible_agents = [names[home] for home in self._order]
        self.agents: list[str] = []
        self.np_random: np.random.Generator | None = None  # what days are drawn with
        sees, acts = (host.env.seen,), (world.fleet.controls,)
        self.observation_spaces: dict[str, Any] = {
            name: Box(-np.inf, np.inf, sees, np.float32) for name in self.possible_agents
        }
        self.action_spaces: dict[str, Any] = {name: Box(-1.0, 1.0, acts, np.float32) for name in self.possible_agents}
        self.state_space = Box(-np.inf, np.inf, (len(names) * host.env.seen,), np.float32)
        self._state = np.zeros(self.state_space.shape, np.float32)

    def observation_space(self, agent: str) -> Box:
        """What an agent observes, (seen,)."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Box:
        """What an agent does, (controls,); controls of devices that a home lacks do nothing."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[Floats, dict[str, dict]]:
        """A new episode; the same seed gives the same episodes from here on.

        Args:
            seed: of the days to come; None goes on with those of the last seed, the first time with any.
            options: `day`, a number, begins that day of the split instead of a random one; others are ignored.
        """
        if seed is not None or self.np_random is None:
            self.np_random, self.np_random_seed = np_random(seed)
        seen = self._host.reset(self.np_random, options)
        self.agents = self.possible_agents.copy()
        return self._seen(seen), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[Floats, dict, dict, dict, dict]:
        """One step of all homes; afterwards `agents` is empty where the episode has ended.

        Raises:
            ScenarioError: an agent has no action, or actions have another number of values.
        """
        if not self.agents:
            return {}, {}, {}, {}, {}
        found = self._host.step(self._stacked(actions))
        agents, more = self.agents, self._infos(found)
        rewards = dict(zip(agents, found.own["reward"][0, self._order].tolist(), strict=True))
        terminated, truncated = dict.fromkeys(agents, False), dict.fromkeys(agents, found.done)
        self.agents = [] if found.done else agents
        return self._seen(found.seen), rewards, terminated, truncated, more

    def state(self) -> np.ndarray:
        """What all homes observe, one after the other in the order of `possible_agents`."""
        return self._state.copy()

    def _stacked(self, actions: dict[str, Any]) -> np.ndarray:
        lacking = [agent for agent in self.agents if agent not in actions]
        if lacking:
            raise ScenarioError([Problem("gym", "actions", f"none of {one}", "one of each agent") for one in lacking])
        return np.stack([np.asarray(actions[agent], np.float32) for agent in self.agents])[self._back]

    def _seen(self, seen: np.ndarray) -> Floats:
        rows = seen[0, self._order]
        self._state = rows.ravel().copy()
        return dict(zip(self.possible_agents, rows, strict=True))

    def _infos(self, found: Step) -> dict[str, dict]:
        """Bill, cost and energy of each home, and violations of the feeder's limits, which all homes share."""
        own = [found.own[name][0, self._order].tolist() for name in ("bill", "cost", "net_kwh")]
        shared = {limit: float(value[0]) for limit, value in found.violation.items()}
        rows, sure = zip(self.possible_agents, *own, strict=True), bool(found.converged[0])
        return {
            agent: {"bill": bill, "cost": cost, "net_kwh": net_kwh, "violation": shared.copy(), "converged": sure}
            for agent, bill, cost, net_kwh in rows
        }


def _sorted_by(name: str) -> tuple[str, int]:
    kind, _, number = name.rpartition("_")
    return kind, int(number)
