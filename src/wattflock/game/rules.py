"""Games given by a rule and a few numbers: what any coalition is worth, without a list of all values."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from wattflock.game.game import Game, coalitions

CHUNK = 2**16  # coalitions at once


@dataclasses.dataclass(frozen=True)
class RuleGame:
    """A game whose values follow from a few numbers: satisfies `Values` at any number of players.

    Numbers are whole multiples of 1 / `parts`, so that sums and comparisons are exact up to 2⁵³.
    """

    kind: str
    numbers: Mapping[str, np.ndarray]
    names: tuple[str, ...]
    parts: int = 1

    @property
    def players(self) -> int:
        """How many players there are."""
        return len(self.names)

    def values(self, members: np.ndarray) -> np.ndarray:
        """Values (k,) of coalitions, given as booleans (k, n)."""
        chunks = np.array_split(members, range(CHUNK, len(members), CHUNK))
        return np.concatenate([RULES[self.kind](self.numbers, chunk) for chunk in chunks]) / self.parts

    def listed(self) -> Game:
        """The same game with all its values."""
        return Game(self.values(coalitions(self.players)), self.names).centred()


Numbers = Mapping[str, np.ndarray]


def airport_savings(numbers: Numbers, members: np.ndarray) -> np.ndarray:
    """One runway serves all who need a shorter one: the sum of `costs` less the largest.

    Source: Littlechild & Owen 1973, DOI 10.1287/mnsc.20.3.370.
    """
    costs = numbers["costs"]
    return members @ costs - np.where(members, costs, 0).max(1)


def assignment(numbers: Numbers, members: np.ndarray) -> np.ndarray:
    """Each of `rows` trades with at most one of `columns`: the best matching in `matrix`.

    Source: Shapley & Shubik 1971, DOI 10.1007/BF01753437.
    """
    matrix, rows, columns = numbers["matrix"], numbers["rows"], numbers["columns"]
    worth = np.zeros(len(members))
    for k, present in enumerate(members):
        some = matrix[np.ix_(present[rows], present[columns])]
        worth[k] = some[linear_sum_assignment(some, maximize=True)].sum()
    return worth


def weighted_voting(numbers: Numbers, members: np.ndarray) -> np.ndarray:
    """1 where the members' `weights` reach the `quota`, else 0."""
    return (members @ numbers["weights"] >= numbers["quota"]).astype(float)


def glove(numbers: Numbers, members: np.ndarray) -> np.ndarray:
    """Pairs of gloves: players `left` have a left one, players `right` a right one.

    Source: Shapley & Shubik 1969, DOI 10.1016/0022-0531(69)90008-4.
    """
    return np.minimum(members[:, numbers["left"]].sum(1), members[:, numbers["right"]].sum(1)).astype(float)


def bankruptcy(numbers: Numbers, members: np.ndarray) -> np.ndarray:
    """What is left of the `estate` when all others have got their `claims`.

    Source: O'Neill 1982, DOI 10.1016/0165-4896(82)90029-4; Aumann & Maschler 1985 (the Talmud).
    """
    return np.maximum(0, numbers["estate"] - ~members @ numbers["claims"]) * members.any(1)


def mcst_savings(numbers: Numbers, members: np.ndarray) -> np.ndarray:
    """All are to be connected to a source: what they pay apart less the cheapest tree of the members and the source.

    Source: Bird 1976, DOI 10.1002/net.3230060404; Prim's algorithm, all coalitions at once.
    """
    cost = numbers["cost_matrix_source_first"]
    left, reach = members.copy(), np.where(members, cost[0, 1:], np.inf)
    worth = members @ cost[0, 1:]
    each = np.arange(len(members))
    for _ in range(members.shape[1]):
        nearest = np.where(left, reach, np.inf).argmin(1)
        joins = left[each, nearest]
        worth = worth - np.where(joins, reach[each, nearest], 0)
        left[each, nearest] = False
        reach = np.where(joins[:, None], np.minimum(reach, cost[nearest + 1, 1:]), reach)
    return worth


Rule = Callable[[Numbers, np.ndarray], np.ndarray]
RULES: dict[str, Rule] = {
    rule.__name__: rule for rule in (airport_savings, assignment, weighted_voting, glove, bankruptcy, mcst_savings)
}
FIELDS = {
    "airport_savings": {"costs": "list"},
    "assignment": {"matrix": "table", "rows": "players", "columns": "players"},
    "weighted_voting": {"quota": "number", "weights": "list"},
    "glove": {"left": "players", "right": "players"},
    "bankruptcy": {"estate": "number", "claims": "list"},
    "mcst_savings": {"cost_matrix_source_first": "table"},
}  # what each rule is given by
