"""The nucleolus: the largest excess as small as can be, then the second largest, and so on."""

import numpy as np
from scipy.linalg import null_space

from wattflock.core.errors import WattflockError
from wattflock.game.excess import POSITIVE, SPANNED, Face, alone_rows, by_enumeration, lower
from wattflock.game.game import Game, sums

ROUNDING = 1e-13  # share of what is added and taken away


def nucleolus(game: Game) -> np.ndarray:
    """The one payoff (n,) whose excesses, sorted from the largest down, are least among the individually rational.

    Raises:
        WattflockError: the players get more alone than together, so that no payoff is individually rational.

    Source: Schmeidler 1969, DOI 10.1137/0117107.
    """
    rounding = ROUNDING * abs(game.worth[1 << np.arange(game.players)]).sum()  # of `centred`; 0 for games of files
    game = game.centred()
    alone, total = game.alone.sum(), game.total
    if game.worth[-1] < -rounding:
        why = "nobody can be asked to share; the prenucleolus exists"
        raise WattflockError(f"nucleolus: all players are worth {total:g} together and {alone:g} alone: {why}")
    return game.base + _lexicographic(game, np.zeros(game.players))


def prenucleolus(game: Game) -> np.ndarray:
    """The nucleolus among all payoffs that hand out v(N), individually rational or not: (n,).

    Source: Sobolev 1975; Maschler, Peleg & Shapley 1979, DOI 10.1287/moor.4.4.303.
    """
    game = game.centred()
    return game.base + _lexicographic(game, np.full(game.players, -np.inf))


def _lexicographic(game: Game, least: np.ndarray) -> np.ndarray:
    """One program per level of excess until every payoff is settled; each settles at least one more direction.

    A coalition may be settled only if its excess is the largest on the whole optimal face. A dual weight above 0 says
    so (complementary slackness); being tight at the program's corner does not. Those that are missed come at the next
    level.

    Source: Kohlberg 1972, DOI 10.1137/0123004; Guajardo & Jörnsten 2015 (common mistakes), DOI
    10.1016/j.ejor.2014.10.037.
    """
    n, scale = game.players, float(abs(game.worth).max())
    payoff, fixed = np.full(n, game.worth[-1] / n), np.ones((1, n), bool)
    while scale and len(free := np.asarray(null_space(fixed.astype(float), rcond=SPANNED)).T):
        still = np.any([abs(sums(direction)) > SPANNED for direction in free], axis=0)
        level = lower(Face(payoff, fixed, least), alone_rows(game, still), by_enumeration(game, still), scale)
        payoff, fixed = level.payoff, np.concatenate([fixed, level.members[level.weight > POSITIVE]])
    return payoff
