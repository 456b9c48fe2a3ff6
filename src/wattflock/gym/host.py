"""Episodes on the host: one compiled call and one conversion of arrays for each step."""

import dataclasses
import math
import re
from collections import Counter
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import Profile
from wattflock.gym.functional import FunctionalEnv

OWN = ("reward", "bill", "cost", "net_kwh")  # numbers of each home and step


@dataclasses.dataclass(frozen=True)
class Step:
    """What a step of all days gave, numpy arrays of their own."""

    seen: np.ndarray  # (days, homes, seen) float32
    own: dict[str, np.ndarray]  # name → (days, homes), see `OWN`
    violation: dict[str, np.ndarray]  # limit → (days,) mean over its rows [pu·h or share·h]
    converged: np.ndarray  # (days,) whether the power flow did
    done: bool  # all days end together


class Host:
    """Episodes of `days` side by side; with `alone` all homes but that one are without control."""

    def __init__(self, env: FunctionalEnv, days: int = 1, alone: int | None = None):
        self.env, self.days, self.alone = env, days, alone
        self.left = 0  # steps until the end
        self.acts = days, env.world.homes if alone is None else 1, env.world.fleet.controls  # of actions
        self.episode: list = []
        self._every: Profile | None = None
        self._world, self._tree = jax.tree.flatten(eqx.filter(env, eqx.is_array))
        self._static = eqx.filter(env, eqx.is_array, inverse=True)
        self._step = jax.jit(self._compiled)
        self._begin = eqx.filter_jit(lambda env, days: jax.vmap(env.begin)(days))
        self._draw = eqx.filter_jit(lambda env, key: env.sampler.draw(key, env.split, days))

    def reset(self, random: np.random.Generator, options: dict | None) -> np.ndarray:
        """Begins new episodes, random ones or those of `options["day"]`; observations (days, homes, seen).

        Raises:
            ScenarioError: days that the split does not have, or too many or few.
        """
        key = jax.random.key(int(random.integers(2**32)))
        given = self._draw(self.env, key) if "day" not in (options or {}) else self._chosen((options or {})["day"])
        episode, seen = self._begin(self.env, given)
        self.left = episode.steps
        self.episode, self._shape = jax.tree.flatten(episode)
        return np.array(seen)

    def step(self, action: Any) -> Step:
        """One step with as many actions as `acts` says, in this order whatever their shape.

        Raises:
            ScenarioError: more or fewer actions.
        """
        action = np.asarray(action, np.float32)
        if action.size != math.prod(self.acts):
            said = f"{self.acts}, or the same number in one vector: days, homes and controls"
            raise ScenarioError([Problem("gym", "shape of actions", action.shape, said)])
        self.episode, seen, own, shared = self._step(self._world, self.episode, action.reshape(self.acts))
        self.left -= 1
        columns, (violation, converged) = np.array(own), jax.tree.map(np.array, shared)
        named = {name: columns[..., place] for place, name in enumerate(OWN)}
        return Step(np.array(seen), named, violation, converged, self.left == 0)

    def _compiled(self, world: list, episode: list, action):
        env = eqx.combine(jax.tree.unflatten(self._tree, world), self._static)
        return jax.vmap(lambda *each: self._one(env, *each))(jax.tree.unflatten(self._shape, episode), action)

    def _one(self, env: FunctionalEnv, episode: Any, action):
        if self.alone is not None:
            action = env.idle(episode).at[self.alone].set(action[0])
        episode, seen, reward, _, info = env.step(episode, action)
        own = jnp.stack([reward, *(info[name] for name in OWN[1:])], -1)
        return jax.tree.leaves(episode), seen, own, (info["violation"], info["converged"])

    def _chosen(self, day: Any) -> Profile:
        if self._every is None:
            self._every = eqx.filter_jit(FunctionalEnv.every)(self.env)
        chosen, there = np.atleast_1d(np.asarray(day)), self._every.days()
        if chosen.shape != (self.days,) or chosen.dtype.kind != "i" or not np.isin(chosen, range(there)).all():
            said = f"{self.days} whole number{'s' * (self.days > 1)} of 0 to {there - 1}, days of {self.env.split!r}"
            raise ScenarioError([Problem("gym", "options.day", day, said)])
        return jax.tree.map(lambda x: x[chosen], self._every)


def names_of(kinds: tuple[str, ...]) -> list[str]:
    """Names of agents in the order of the homes: the kind of a home, and its number among that kind's."""
    words = [re.sub(r"\W+", "_", kind).strip("_").lower() or "home" for kind in kinds]
    used: Counter[str] = Counter()
    names = []
    for word in words:
        names.append(f"{word}_{used[word]}")
        used[word] += 1
    return names
