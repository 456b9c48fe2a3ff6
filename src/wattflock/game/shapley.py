"""Values that average what a player adds to coalitions: Shapley's and Banzhaf's, exact."""

import math

import numpy as np

from wattflock.game.game import Game


def shapley(game: Game) -> np.ndarray:
    """Mean of what each player adds, over all orders in which players can arrive: payoffs (n,).

    Source: Shapley 1953, eq. 13: φ_i = Σ_{S without i} |S|! (n − 1 − |S|)! / n! · (v(S ∪ i) − v(S)).
    """
    n = game.players
    by_size = np.array([1 / (n * math.comb(n - 1, size)) for size in range(n)])
    return _means(game, by_size)


def banzhaf(game: Game) -> np.ndarray:
    """Mean of what each player adds, over all 2ⁿ⁻¹ coalitions of the others: payoffs (n,).

    This is the raw (absolute) value: the payoffs need not add up to v(N). In a voting game it is the share of
    coalitions in which a player's vote decides.

    Source: Banzhaf 1965; Dubey & Shapley 1979, DOI 10.1287/moor.4.2.99.
    """
    return _means(game, np.full(game.players, 0.5 ** (game.players - 1)))


def _means(game: Game, by_size: np.ndarray) -> np.ndarray:
    """What each player adds to coalitions of the others, weighted by their size."""
    game = game.centred()
    n = game.players
    weight = by_size[np.bitwise_count(np.arange(2 ** (n - 1)))]  # the same for every player: its bit is left out
    halves = (game.worth.reshape(-1, 2, 2**i) for i in range(n))
    return game.base + np.array([weight @ (half[:, 1] - half[:, 0]).ravel() for half in halves])
