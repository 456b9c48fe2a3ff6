"""Shapley values of games that are too large for all their values: estimates with error bars."""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import stats

from wattflock.core.errors import Problem, ScenarioError
from wattflock.game.game import Values

FEWEST = 10  # rounds before anything is said of an error
USUAL = 20  # rounds for which a budget is divided
GROWTH = 1.25  # rounds are added by a quarter, then the error is looked at again
CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An estimated payoff, with errors of each player."""

    payoff: np.ndarray  # (n,) adds up to v(N)
    error: np.ndarray  # (n,) standard error
    half_width: np.ndarray  # (n,) half of the 95 % interval by Student's t
    asked: int  # values of coalitions
    rounds: int
    reached: bool  # whether every half width is within the tolerance


def sampled_shapley(
    values: Values,
    budget: int,
    tolerance: float = 0.0,
    seed: int = 0,
    progress: Callable[[int, str], None] = lambda asked, note: None,
) -> Estimate:
    """Shapley's value by sampled orders of the players, until the intervals are narrow enough or the budget is spent.

    A round draws one circular order and reads it from several starts, evenly spaced and in both directions: every
    player joins coalitions of evenly spaced sizes (stratified), and each coalition comes with its complement
    (antithetic). Rounds are independent; what two known controls explain of their spread is taken away by regression.

    Args:
        values: what coalitions are worth.
        budget: values to ask for at most.
        tolerance: half width of the 95 % interval that is enough for every player; 0: spend the budget.
        seed: of the orders.
        progress: is told how many values were asked for.

    Raises:
        ScenarioError: the budget is too small for an error bar.

    Source: Castro, Gómez & Tejada 2009, DOI 10.1016/j.cor.2008.04.004 (orders); Castro et al. 2017, DOI
    10.1016/j.cor.2017.01.019 (strata by size); Mitchell et al. 2022 (antithetic orders); Lavenberg & Welch 1981
    (controls by regression).
    """
    n, rng = values.players, np.random.default_rng(seed)
    least = 2 * n + 1 + FEWEST * max(2 * (n - 1), 1)
    wrong = [("budget", budget, f"at least {least:,} values for {n} players")] if budget < least else []
    wrong += [] if tolerance >= 0 else [("tolerance", tolerance, "0 or more")]
    if wrong:
        raise ScenarioError([Problem("sampled Shapley", *each) for each in wrong])
    ends = _Ends.of(values)
    turns = int(np.clip((budget - 2 * n - 1) // (USUAL * 2 * max(n - 1, 1)), 1, n))
    drawn, asked, count, cost = [], 2 * n + 1, FEWEST, 1
    while True:
        for _ in range(count):
            *found, cost = _round(values, ends, rng.permutation(n), turns)
            drawn.append(found)
            asked += cost
        added, controls = (np.array(each) for each in zip(*drawn, strict=True))
        payoff, error, freedom = _regression(added, controls, ends.total)
        wide = error * stats.t.ppf((1 + CONFIDENCE) / 2, freedom)
        progress(min(asked, budget), f"largest half width {wide.max():.3g}")
        reached = bool(wide.max() <= tolerance)
        count = min(int(np.ceil((GROWTH - 1) * len(drawn))), (budget - asked) // max(cost, 1))
        if reached or count <= 0:
            return Estimate(payoff, error, wide, asked, len(drawn), reached)


@dataclasses.dataclass(frozen=True)
class _Ends:
    """What players are worth at both ends: alone, and to all others."""

    total: float
    weight: np.ndarray  # (n,) alone + to all others: how much a player counts, for the controls

    @staticmethod
    def of(values: Values) -> "_Ends":
        n = values.players
        one = np.eye(n, dtype=bool)
        found = np.asarray(values.values(np.concatenate([one, ~one, np.ones((1, n), bool)])), float)
        return _Ends(float(found[-1]), found[:n] + found[-1] - found[n:-1])


def _round(values: Values, ends: _Ends, order: np.ndarray, turns: int) -> tuple[np.ndarray, np.ndarray, int]:
    """What each player added in a circular order, (n,), its two controls (n, 2), and how many values that took."""
    n = len(order)
    starts = np.arange(turns) * n // turns
    line = order[(starts[:, None] + np.arange(n)) % n]  # (turns, n) players as they arrive
    before = np.zeros((turns, n + 1, n), bool)  # who is there when so many have arrived
    for place in range(n):
        before[:, place + 1] = before[:, place]
        before[np.arange(turns), place + 1, line[:, place]] = True
    ways = np.stack([before, ~before])  # both directions: the last are first
    inner = ways[:, :, 1:-1].reshape(-1, n)
    _, first, back = np.unique(np.packbits(inner, axis=1), axis=0, return_index=True, return_inverse=True)
    worth = np.zeros((2, turns, n + 1))
    worth[0, :, -1] = worth[1, :, 0] = ends.total
    if n > 1:
        worth[:, :, 1:-1] = np.asarray(values.values(inner[first]), float)[back.ravel()].reshape(2, turns, n - 1)
    added, controls = np.zeros(n), np.zeros((n, 2))
    np.add.at(added, line, (np.diff(worth[0]) - np.diff(worth[1])) / (2 * turns))
    np.add.at(controls, line, _controls(ends.weight, line) / turns)
    return added, controls, len(first)


def _controls(weight: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Two quantities of the players before each, with mean 0 and the same for the players after: (turns, n, 2).

    With d the weight of those before, less what as many of the others weigh on average: size from the middle times d,
    and d² less its mean.
    """
    n = len(weight)
    size, rest = np.arange(n), max(n - 1, 1)
    others = (weight.sum() - weight) / rest
    spread = (weight @ weight - weight**2) / rest - others**2
    heard = np.cumsum(weight[line], axis=1) - weight[line]
    apart = heard - size * others[line]
    mean = size * (n - 1 - size) / max(n - 2, 1) * spread[line]
    return np.stack([(size - (n - 1) / 2) * apart, apart**2 - mean], axis=-1)


def _regression(added: np.ndarray, controls: np.ndarray, total: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean of rounds (rounds, n) where the controls (rounds, n, 2) are 0: payoff (n,), error (n,), degrees of freedom.

    What the payoffs lack of the total is shared by the squares of their errors.
    """
    rounds, n, known = controls.shape
    freedom = rounds - 1 - known
    payoff, error = np.zeros(n), np.zeros(n)
    for k in range(n):
        size = abs(controls[:, k]).max(axis=0)
        design = np.column_stack([np.ones(rounds), controls[:, k] / np.where(size > 0, size, 1.0)])
        solve = np.linalg.pinv(design, rcond=1e-10)
        fit = solve @ added[:, k]
        rest = added[:, k] - design @ fit
        payoff[k], error[k] = fit[0], np.sqrt(rest @ rest / freedom * (solve[0] @ solve[0]))
    lacking = total - payoff.sum()
    return payoff + lacking * (error**2 / (error @ error) if error.any() else 1 / n), error, freedom


Expected = Callable[[int], tuple[np.ndarray, np.ndarray]]


def stratified_expected(players: int, total: float, expected: Expected) -> np.ndarray:
    """What each player adds to 0 … n − 1 players who are the mean of all others: payoffs (n,) that add up to `total`.

    Two values for each player and size, and no error bar: exact where a coalition's value depends on sums of what its
    members have, and those sums hardly vary; biased elsewhere.

    Args:
        players: how many, n.
        total: what the grand coalition is worth.
        expected: player → values (n,) of 0 … n − 1 mean others without, and with, that player.

    Source: Cremers, Robu, Zhang, Andoni, Norbu & Flynn 2023, DOI 10.1016/j.apenergy.2022.120328.
    """
    pairs = map(expected, range(players))
    added = np.array([np.mean(joined - without) for without, joined in pairs])
    return added + (total - added.sum()) / players if not added.sum() else added * (total / added.sum())
