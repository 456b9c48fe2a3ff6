"""A cooperative game with transferable utility: players, and what each coalition of them is worth."""

import dataclasses
import math
from typing import Protocol

import numpy as np

from wattflock.core.errors import Problem, ScenarioError

EXACT_PLAYERS = 20  # most for which all 2ⁿ values are held


class Values(Protocol):
    """What coalitions are worth, of games that are too large for a list of all values."""

    @property
    def players(self) -> int:
        """How many players there are."""
        ...

    def values(self, members: np.ndarray) -> np.ndarray:
        """Values (k,) of coalitions, given as booleans (k, players)."""
        ...


@dataclasses.dataclass(frozen=True)
class Game:
    """A game with all its values; payoffs are gains.

    v(S) = worth[mask of S] + Σ_{i in S} base[i]. A file's values lose their additive part exactly before they become
    floats, so that games with large singletons keep their digits.

    Source: von Neumann & Morgenstern 1944; coalitions as bit masks.
    """

    worth: np.ndarray  # (2ⁿ,) entry m is the coalition whose bit i (1 << i) is set for player i; worth[0] is 0
    names: tuple[str, ...] = ()  # (n,) of players
    base: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))  # (n,) each player's own; none: 0

    def __post_init__(self):
        """Raises ScenarioError where values are no list of 2ⁿ finite numbers from 0 on, or names and base not of n."""
        size, allowed = len(self.worth), f"2ⁿ finite numbers, n from 1 to {EXACT_PLAYERS}, the first of them 0"
        whole = size >= 2 and size & (size - 1) == 0 and size <= 2**EXACT_PLAYERS
        if not whole or not np.isfinite(self.worth).all() or self.worth[0] != 0:
            raise ScenarioError([Problem("game", "worth", f"{size} values", allowed)])
        for field, given in (("names", self.names), ("base", self.base)):
            if len(given) not in (0, self.players):
                raise ScenarioError([Problem("game", field, f"{len(given)} entries", f"{self.players}, or none")])
        if not len(self.base):
            object.__setattr__(self, "base", np.zeros(self.players))
        if not self.names:
            object.__setattr__(self, "names", tuple(f"player {k}" for k in range(self.players)))

    @property
    def players(self) -> int:
        """How many players there are."""
        return len(self.worth).bit_length() - 1

    @property
    def alone(self) -> np.ndarray:
        """What each player is worth by itself, (n,)."""
        return self.worth[1 << np.arange(self.players)] + self.base

    @property
    def total(self) -> float:
        """What the grand coalition is worth."""
        return float(self.worth[-1]) + math.fsum(self.base)

    def values(self, members: np.ndarray) -> np.ndarray:
        """Values (k,) of coalitions, given as booleans (k, n)."""
        return self.worth[members.astype(np.int64) @ (1 << np.arange(self.players))] + members @ self.base

    def centred(self) -> "Game":
        """The same game, with what each player is worth alone in `base`."""
        alone = self.worth[1 << np.arange(self.players)]
        return Game(self.worth - sums(alone), self.names, self.base + alone) if alone.any() else self


def coalitions(players: int) -> np.ndarray:
    """Who is in each coalition, booleans (2ⁿ, n), in the order of masks."""
    return (np.arange(2**players)[:, None] >> np.arange(players)) % 2 == 1


def sums(payoff: np.ndarray) -> np.ndarray:
    """What each coalition's members get together, (2ⁿ,), in the order of masks."""
    total = np.zeros(1, payoff.dtype)
    for each in payoff:
        total = np.concatenate([total, total + each])
    return total
