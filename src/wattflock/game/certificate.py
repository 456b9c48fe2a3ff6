"""What can be said about a payoff without knowing where it came from: who gets what, and who could complain."""

import dataclasses

import numpy as np

from wattflock.core.fairness import gini, jain
from wattflock.game.game import Game, Values, sums
from wattflock.game.least_core import Worst

SHARE = 1e-9  # of the largest payoff: less than this is rounding


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What a payoff keeps of what it should; the excess of a coalition is its value less what its members get."""

    efficiency_gap: float  # what is handed out less what the grand coalition is worth
    individually_rational: bool  # nobody gets less than alone
    worse_off: dict[str, float]  # players who do, and by how much
    largest_excess: float  # found, of all coalitions but ∅ and N; above 0: the payoff is not in the core
    largest_excess_upper: float | None  # no coalition's is larger; None: only some coalitions were looked at
    complaining: tuple[str, ...]  # the coalition with the largest excess
    jain: float | None  # of the payoffs; None where one is negative
    gini: float | None  # of the payoffs; None where one is negative


def certificate(
    game: Game | Values, payoff: np.ndarray, worst: Worst | None = None, names: tuple[str, ...] = ()
) -> Certificate:
    """Judge a payoff (n,).

    The largest excess is exact where all values are held. Of larger games `worst` finds it, or brackets it; without
    `worst` only players alone and all but one are asked, n + n values.

    Args:
        game: what coalitions are worth.
        payoff: what each player gets, (n,).
        worst: payoff → excess of the coalition that complains most, an upper bound of any excess, and its members.
        names: of players; those of a `Game` are its own.
    """
    n = game.players
    names = names or getattr(game, "names", ()) or tuple(f"player {k}" for k in range(n))
    alone = np.asarray(game.values(np.eye(n, dtype=bool)), float)
    total = game.total if isinstance(game, Game) else float(game.values(np.ones((1, n), bool))[0])
    rounding = SHARE * max(float(abs(payoff).max()), float(abs(alone).max()), abs(total))
    less = {names[k]: float(alone[k] - payoff[k]) for k in np.flatnonzero(alone - payoff > rounding)}
    excess, upper, members = _worst(game, payoff, worst, rounding)
    who = tuple(names[k] for k in np.flatnonzero(members))
    equal = np.where(abs(payoff) <= rounding, 0.0, payoff)
    gap = float(payoff.sum() - total)
    return Certificate(gap, not less, less, excess, upper, who, *_evenness(equal))


def _evenness(payoff: np.ndarray) -> tuple[float | None, float | None]:
    """Jain's index and the Gini coefficient; None where a payoff is negative."""
    if payoff.min() < 0:
        return None, None
    share = payoff / (payoff.max() or 1.0)
    return float(jain(share)), float(gini(share))


def _worst(
    game: Game | Values, payoff: np.ndarray, worst: Worst | None, rounding: float
) -> tuple[float, float | None, np.ndarray]:
    """The largest excess found, its upper bound where there is one, and the coalition: of equal ones, the smallest."""
    n = game.players
    if n == 1:
        return -np.inf, -np.inf, np.zeros(1, bool)  # there is no other coalition
    if worst is not None:
        return worst(payoff)
    if isinstance(game, Game):
        centred = game.centred()
        excess = (centred.worth - sums(payoff - centred.base))[1:-1]
        loudest = np.flatnonzero(excess >= excess.max() - rounding) + 1
        mask = loudest[np.bitwise_count(loudest).argmin()]
        return float(excess.max()), float(excess.max()), (mask >> np.arange(n)) % 2 == 1
    asked = np.concatenate([np.eye(n, dtype=bool), ~np.eye(n, dtype=bool)])
    excess = game.values(asked) - asked @ payoff
    return float(excess.max()), None, asked[excess.argmax()]
