"""The least core: payoffs whose largest excess is least; and the fairest of them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import nnls

from wattflock.game import excess
from wattflock.game.excess import ACCURACY, POSITIVE, SPANNED, Complaints, Face, Level, Listen, unheard
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
    room, above 0 it is empty. Individual rationality is not asked for; it follows where ε ≤ 0.

    Args:
        game: what coalitions are worth.
        worst: for a game without a list of all values: the coalition that complains most at a payoff, its excess and
            an upper bound of any excess. Where the two differ, ε is a lower bound.

    Source: Maschler, Peleg & Shapley 1979, DOI 10.1287/moor.4.4.303.
    """
    centred = _centred(game, worst)
    if len(centred.alone) == 1:
        return -np.inf, centred.alone
    level = _level(centred)
    return float(excess.clean(np.array(level.epsilon), centred.scale)), centred.alone + level.payoff


def fair_least_core(game: Game | Values, worst: Worst | None = None) -> np.ndarray:
    """The payoff (n,) of the least core with the least variance over players; there is exactly one.

    It is the point of the least core that is nearest to equal shares, by least squares. Like the least core it needs
    a few coalitions per player (rows), not all 2ⁿ.

    Source: Fioriti, Bigi, Frangioni, Passacantando & Poli 2025, DOI 10.1109/TEMPR.2024.3495237 (row generation;
    EnergyCommunity.jl); Lawson & Hanson 1974, ch. 23 (least distance programming).
    """
    centred = _centred(game, worst)
    n, alone = len(centred.alone), centred.alone
    if n == 1:
        return alone
    level = _level(centred)
    equal = (centred.total + alone.sum()) / n - alone
    fixed = np.concatenate([np.ones((1, n)), level.members[level.weight > POSITIVE]])
    free = null_space(fixed, rcond=SPANNED)
    members, value, payoff = level.members, level.value, level.payoff
    for _ in range(excess.ROUNDS):
        short = members @ level.payoff - value + level.epsilon  # what each coalition can give up, ≥ 0
        ideal = free.T @ (equal - level.payoff)
        rows = members @ free
        payoff = level.payoff + free @ (ideal + _shortest(rows, -np.maximum(short, 0) - rows @ ideal))
        heard = centred.listen(payoff)
        new = unheard(heard, members, payoff, level.epsilon + 10 * ACCURACY * centred.scale)
        if not new.any():
            break
        members = np.concatenate([members, heard.members[new]])
        value = np.concatenate([value, heard.value[new]])
    return alone + excess.clean(payoff, centred.scale)


def _shortest(rows: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """The shortest vector with rows @ vector ≥ floor, which some vector fulfils."""
    size = max(float(abs(floor).max()), 1e-300)
    target = np.append(np.zeros(rows.shape[1]), 1.0)
    free = abs(rows).max(1, initial=0) > SPANNED  # the others are settled, whatever the vector
    if not free.any():
        return np.zeros(rows.shape[1])
    rows, floor = rows[free], floor[free]
    held = nnls(np.vstack([rows.T, floor / size]), target)[0] > 0
    return np.linalg.lstsq(rows[held], floor[held])[0]


def _level(centred: Centred) -> Level:
    n = len(centred.alone)
    start = Face(np.full(n, centred.total / n), np.ones((1, n), bool), np.full(n, -np.inf))
    return excess.lower(start, centred.first, centred.listen, centred.scale)


def _centred(game: Game | Values, worst: Worst | None) -> Centred:
    """Coalitions by enumeration, or by `worst`."""
    n = game.players
    if worst is None:
        if not isinstance(game, Game):
            raise TypeError("a game without a list of all values needs `worst`")
        game = game.centred()
        still = np.arange(2**n) % (2**n - 1) > 0
        scale, listen = float(abs(game.worth).max()) or 1.0, excess.by_enumeration(game, still)
        return Centred(game.base, float(game.worth[-1]), excess.alone_rows(game, still), listen, scale)
    alone = np.asarray(game.values(np.eye(n, dtype=bool)), float)
    total = float(game.values(np.ones((1, n), bool))[0] - alone.sum())

    def ask(payoff: np.ndarray) -> Complaints:
        found, upper, members = worst(alone + payoff)
        return Complaints(members[None], np.array([found + payoff[members].sum()]), upper)

    first = Complaints(np.eye(n, dtype=bool), np.zeros(n), np.inf)
    return Centred(alone, total, first, ask, abs(total) or 1.0)
