"""What a cluster got is shared among its members, nobody of whom gets less than alone."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest

if TYPE_CHECKING:
    from wattflock.game.values import Flock

BY = ("marginal", "prices", "equal")
FEW = 40  # homes whose marginal contributions are found by a linear program each


def split(payoff: np.ndarray, label: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Payoffs (homes,) of the members of clusters, in proportion to weights; a cluster without weights shares equally.

    A home by itself saves nothing, so that a share of at least 0 is what individual rationality asks for. All that the
    clusters got is handed out.

    Args:
        payoff: (clusters,) at least 0.
        label: (homes,) number of the cluster of each home.
        weight: (homes,); what is below 0 counts as 0.
    """
    weight = np.maximum(weight, 0.0)
    sums, members = np.bincount(label, weight), np.bincount(label)
    return payoff[label] * np.where(sums[label] > 0, weight / np.where(sums > 0, sums, 1)[label], 1 / members[label])


def weights(flock: "Flock", by: str, prices: Callable[[], np.ndarray]) -> np.ndarray:
    """By what members of a cluster share, (homes,).

    Args:
        flock: homes and days.
        by: `marginal`: what a home adds to all others, v(N) − v(N∖i), by a program for each home where they are at most
            40; above that by `prices`: what it costs alone less what it costs at the prices of the grand coalition's
            optimum (Owen's point), which the marginal contribution is never less than. `equal`: members alike.
        prices: gives Owen's point, (homes,).

    Raises:
        ScenarioError: no such way.
    """
    if by not in BY:
        raise ScenarioError([Problem("share", "split", by, nearest(by, BY))])
    if by == "equal":
        return np.ones(flock.players)
    if by == "marginal" and flock.players <= FEW:
        total = float(flock.alone.sum()) - flock.grand.cost
        return total - flock.values(~np.eye(flock.players, dtype=bool))
    return prices()
