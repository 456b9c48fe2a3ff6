"""The coalition that complains most about a payoff, of games that are too large to ask every coalition."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from wattflock.core.errors import WattflockError
from wattflock.game.coalition import FEW, TOLERANCE, Day
from wattflock.game.owen import at_prices, inside, owen
from wattflock.game.values import Flock

RELAXED_HOMES = 150  # of more, the bound is that of Owen's prices
PASSES = 3  # of the local search over homes that join or leave


def complaint(flock: Flock, payoff: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Brackets the largest excess v(S) − Σ payoff of all coalitions but ∅ and all homes.

    The upper bound is that of fractional members: a home that is in by the share s brings s times its devices and load.
    Such a game has a largest excess of at least 0 (nobody is in), so that of a payoff in the core the bound says no
    more than that nobody complains. The lower bound is a coalition found by rounding shares and a local search.

    Args:
        flock: two homes or more.
        payoff: what each home gets of the saving, (homes,) [currency].

    Returns:
        Excess of the coalition found, an upper bound of every excess, and the coalition's members, (homes,) booleans.

    Source: price decomposition, Dantzig & Wolfe 1960, DOI 10.1287/opre.8.1.101; v(s) is concave as in Owen 1975.
    """
    keeps = flock.alone - payoff  # a coalition may cost its members so much before it complains
    if flock.players <= RELAXED_HOMES:
        share, prices = relaxed(flock.days, keeps)
    else:
        price = owen(flock).price_per_kwh * np.asarray(flock.profile.dt_h)
        share, prices = np.zeros(flock.players), list(price)
    prices = [inside(*each) for each in zip(flock.days, prices, strict=True)]
    gains = keeps - at_prices(flock, prices)
    trials = rounded(np.stack([share, gains]))
    excess = trials @ keeps - flock.costs(trials)
    lower, members = searched(flock, keeps, trials[excess.argmax()], float(excess.max()))
    return lower, max(lower, float(np.maximum(gains, 0).sum())), members


def rounded(orders: np.ndarray) -> np.ndarray:
    """Coalitions (k, homes) of the homes that come first by each order (orders, homes), but ∅ and all."""
    homes = orders.shape[1]
    kept = np.unique(np.linspace(1, homes - 1, min(homes - 1, FEW)).astype(int))
    ranks = np.argsort(np.argsort(-orders, axis=1, kind="stable"), axis=1)
    return np.unique(np.concatenate([rank[None] < kept[:, None] for rank in ranks]), axis=0)


def searched(flock: Flock, keeps: np.ndarray, members: np.ndarray, excess: float) -> tuple[float, np.ndarray]:
    """The best coalition after passes in which every home is asked to join or to leave."""
    for _ in range(PASSES if flock.players <= RELAXED_HOMES else 0):
        trials = members ^ np.eye(len(members), dtype=bool)
        trials = trials[trials.any(1) & ~trials.all(1)]
        found = trials @ keeps - flock.costs(trials)
        if found.max() <= excess + TOLERANCE:
            break
        members, excess = trials[found.argmax()], float(found.max())
    return excess, members


def relaxed(days: tuple[Day, ...], keeps: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Members' shares (homes,) with the largest excess, and the prices of each day at that point, (steps,)."""
    homes = len(keeps)
    parts = [scaled(day) for day in days]
    matrix: Any = sparse.bmat(
        [[each.shares, *(each.matrix if each is other else None for other in parts)] for each in parts], "csc"
    )
    cost, lower, upper, row_upper = (
        np.concatenate([getattr(each, name) for each in parts]) for name in ("cost", "lower", "upper", "row_upper")
    )
    highs: Any = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("solver", "ipx" if homes > FEW // 2 else "simplex")):
        highs.setOptionValue(option, value)
    highs.passModel(
        matrix.shape[1], matrix.shape[0], matrix.nnz,
        int(highspy.MatrixFormat.kColwise), int(highspy.ObjSense.kMinimize), 0.0, np.concatenate([-keeps, cost]),
        np.concatenate([np.zeros(homes), lower]), np.concatenate([np.ones(homes), upper]),
        np.zeros(len(row_upper)), row_upper,
        matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data.astype(float),
        np.zeros(matrix.shape[1], np.int32),
    )  # fmt: skip
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise WattflockError(f"fractional coalitions: {highs.modelStatusToString(highs.getModelStatus())}")
    solution = highs.getSolution()
    ends = np.cumsum([len(each.row_upper) for each in parts])
    dual = -np.array(solution.row_dual)
    return np.array(solution.col_value)[:homes], [
        dual[end - day.steps : end] for end, day in zip(ends, days, strict=True)
    ]


@dataclasses.dataclass(frozen=True)
class Scaled:
    """A day whose bounds are multiples of the members' shares, as rows; the last rows are the balance of power."""

    cost: np.ndarray  # (columns,) those of the day, then what is taken from and given to the grid
    lower: np.ndarray  # (columns,)
    upper: np.ndarray  # (columns,)
    shares: Any  # (rows, homes) sparse
    matrix: Any  # (rows, columns) sparse
    row_upper: np.ndarray  # (rows,) 0 or infinite; lower sides are 0


Rows = tuple[Any, Any, np.ndarray]  # coefficients of shares, of columns, and the upper side


def scaled(day: Day) -> Scaled:
    """The program of a day with members' shares as variables; bounds that are 0 stay bounds."""
    width, steps = len(day.cost), day.steps
    columns: Any = sparse.eye(width, width + 2 * steps, format="csr")
    grid: Any = sparse.eye(2 * steps, width + 2 * steps, k=width, format="csr")
    lower, upper = (np.where(side == 0, far, side) for side, far in ((day.lower, -np.inf), (day.upper, np.inf)))
    rows = [
        *multiples(columns, lower, upper, day.owner, day.homes),
        *multiples(day.matrix @ columns, day.row_lower, day.row_upper, day.row_owner, day.homes),
    ]
    if np.isfinite(day.limit_kw).all():
        rows.append((sparse.csr_matrix(np.tile(day.limit_kw, (2 * steps, 1))), -grid, np.full(2 * steps, np.inf)))
    balance = day.power @ columns - grid[:steps] + grid[steps:]
    rows.append((sparse.csr_matrix((steps, day.homes)), balance, np.zeros(steps)))
    shares, matrices, sides = zip(*rows, strict=True)
    open_ = np.full(2 * steps, np.inf)
    return Scaled(
        np.concatenate([day.cost, day.bought, -day.sold]),
        np.concatenate([np.where(day.lower == 0, 0, -np.inf), np.zeros(2 * steps)]),
        np.concatenate([np.where(day.upper == 0, 0, np.inf), open_]),
        sparse.vstack(shares),
        sparse.vstack(matrices),
        np.concatenate(sides),
    )


def multiples(matrix: Any, lower: np.ndarray, upper: np.ndarray, owner: np.ndarray, homes: int) -> Iterator[Rows]:
    """The rows s·lower <= matrix x <= s·upper, with the share s of each row's home on the same side as x."""
    same = lower == upper
    for sign, side, kept in ((1.0, lower, np.isfinite(lower)), (-1.0, upper, np.isfinite(upper) & ~same)):
        count = int(kept.sum())
        shares = sparse.csr_matrix((-sign * side[kept], (np.arange(count), owner[kept])), shape=(count, homes))
        yield shares, sign * sparse.csr_matrix(matrix)[kept], np.where(same[kept], 0.0, np.inf)
