"""The least core: payoffs whose largest excess is least; and the fairest of them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from wattflock.game.excess import Complaints, Face, Level, Listen, alone_rows, by_enumeration, lower
from wattflock.game.game import Game, Values

Worst = Callable[[np.ndarray], tuple[float, float, np.ndarray]]  # payoff (n,) → excess, its upper bound, members (n,)


class Centred(NamedTuple):
    """A game less what its players are worth alone, however its coalitions are looked through."""

    alone: np.ndarray  # (n,)
    total: float  # beyond what players are worth alone
    first: Complaints
    listen: Listen
    scale: float


def least_core(game: Game | Values, worst: Worst | None = None) -> tuple[float, np.ndarray]:
    """Least ε such that no coalition gets less than v(S) − ε, and a payoff (n,) that reaches it.

    ε = min over x(N) = v(N) of the largest v(S) − x(S) over all S but ∅ and N; −∞ for one player. Below 0 the core has
    room, above 0 it is empty. Individual rationality is not asked for; it follows where ε ≤ 0. Of the payoffs that
    reach ε this is the one nearest to what players have alone and an equal share of the rest.

    Args:
        game: what coalitions are worth.
        worst: for a game without a list of all values: the coalition that complains most at a payoff, its excess and
            an upper bound of any excess. Where the two differ, ε is a lower bound.

    Source: Maschler, Peleg & Shapley 1979, DOI 10.1287/moor.4.4.303.
    """
    centred = _centred(game, worst)
    level = _nearest(centred, np.zeros_like(centred.alone))
    return level.epsilon, centred.alone + level.payoff


def fair_least_core(game: Game | Values, worst: Worst | None = None) -> np.ndarray:
    """The payoff (n,) of the least core with the least variance over players; there is exactly one.

    It is the point of the least core that is nearest to equal shares, by least squares. Like the least core it needs
    a few coalitions per player (rows), not all 2ⁿ.

    Args:
        game: what coalitions are worth.
        worst: as for `least_core`.

    Source: Fioriti, Bigi, Frangioni, Passacantando & Poli 2025, DOI 10.1109/TEMPR.2024.3495237 (row generation;
    EnergyCommunity.jl).
    """
    centred = _centred(game, worst)
    return centred.alone + _nearest(centred, centred.alone.mean() - centred.alone).payoff


def _nearest(centred: Centred, point: np.ndarray) -> Level:
    """The least core's point nearest to this one, and its level; payoffs are those beyond `alone`."""
    n = len(point)
    if n == 1:
        nobody = np.zeros((0, 1), bool)
        return Level(-np.inf, np.array([centred.total]), nobody, np.zeros(0), np.zeros(0))
    start = Face(point + (centred.total - point.sum()) / n, np.ones((1, n), bool), np.full(n, -np.inf))
    return lower(start, centred.first, centred.listen, max(centred.scale, float(abs(point).max())))


def _centred(game: Game | Values, worst: Worst | None) -> Centred:
    """Coalitions by enumeration, or by `worst`."""
    n = game.players
    if worst is None:
        if not isinstance(game, Game):
            raise TypeError("a game without a list of all values needs `worst`")
        game = game.centred()
        still = np.arange(2**n) % (2**n - 1) > 0
        scale, listen = float(abs(game.worth).max()) or 1.0, by_enumeration(game, still)
        return Centred(game.base, float(game.worth[-1]), alone_rows(game, still), listen, scale)
    alone = np.asarray(game.values(np.eye(n, dtype=bool)), float)
    total = float(game.values(np.ones((1, n), bool))[0] - alone.sum())

    def ask(payoff: np.ndarray) -> Complaints:
        found, upper, members = worst(alone + payoff)
        return Complaints(members[None], np.array([found + payoff[members].sum()]), upper)

    first = Complaints(np.eye(n, dtype=bool), np.zeros(n), np.inf)
    return Centred(alone, total, first, ask, abs(total) or 1.0)
