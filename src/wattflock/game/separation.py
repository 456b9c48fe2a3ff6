"""The coalition that complains most about a payoff, of games that are too large to ask every coalition."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from wattflock.core.errors import WattflockError
from wattflock.core.linear import LinearProgram, highs_of
from wattflock.game.coalition import Day
from wattflock.game.owen import owen
from wattflock.game.values import Flock

WHOLE_HOMES = 150  # up to which members are chosen by a mixed-integer program
NODES = 200  # of its tree; where they are too few, the largest excess is bracketed
TRIED = 40  # coalitions of more homes, in the order in which homes gain
ACCURACY = 1e-7  # of the tree's bound [currency]


def complaint(flock: Flock, payoff: np.ndarray) -> tuple[float, float, np.ndarray]:
    """The largest excess v(S) − Σ payoff of all coalitions but ∅ and all homes, or a bracket of it.

    Up to `WHOLE_HOMES` homes the members are variables, 0 or 1, of the coalition's program; with `NODES` nodes its tree
    is mostly complete. Of more homes the upper bound is what the homes that get less than at Owen's point lack
    together, which is never below 0; the coalitions that are tried are those of the homes that lack most.

    Args:
        flock: two homes or more.
        payoff: what each home gets of the saving, (homes,) [currency].

    Returns:
        Excess of the coalition found, an upper bound of every excess, and the coalition's members, (homes,) booleans.

    Source: HiGHS branch and bound; the bound of many homes is weak duality, as in `owen`.
    """
    keeps = flock.alone - payoff  # a coalition may cost its members so much before it complains
    if flock.players <= WHOLE_HOMES:
        trials, bound = chosen(flock.days, keeps)
    else:
        lacks = owen(flock).payoff - payoff
        trials, bound = first(lacks), float(np.maximum(lacks, 0).sum())
    trials = np.concatenate([trials, np.eye(flock.players, dtype=bool)])
    excess = flock.values(trials) - trials @ payoff
    best = int(excess.argmax())
    return float(excess[best]), max(float(excess[best]), bound), trials[best]


def first(order: np.ndarray) -> np.ndarray:
    """Coalitions (k, homes) of the homes with the largest numbers, from one home to all but one."""
    homes = len(order)
    counts = np.unique(np.linspace(1, homes - 1, TRIED).astype(int))
    return np.argsort(np.argsort(-order, kind="stable"), kind="stable") < counts[:, None]


def chosen(days: tuple[Day, ...], keeps: np.ndarray) -> tuple[np.ndarray, float]:
    """The coalition with the largest Σ keeps − cost as (0 or 1, homes) booleans, and an upper bound of all.

    Raises:
        WattflockError: HiGHS ends without a bound.
    """
    homes, parts = len(keeps), [scaled(day) for day in days]
    blocks = [[each.shares, *(each.matrix if each is other else None for other in parts)] for each in parts]
    joint: Any = sparse.bmat(blocks, "csc")
    count = sparse.csc_matrix(np.concatenate([np.ones(homes), np.zeros(joint.shape[1] - homes)])[None])
    matrix: Any = sparse.vstack([joint, count], "csc")  # neither nobody nor all
    cost, lower, upper, row_upper = (
        np.concatenate([getattr(each, name) for each in parts]) for name in ("cost", "lower", "upper", "row_upper")
    )
    program = LinearProgram(
        cost=np.concatenate([-keeps, cost]),
        lower=np.concatenate([np.zeros(homes), lower]),
        upper=np.concatenate([np.ones(homes), upper]),
        matrix=matrix,
        row_lower=np.append(np.zeros(len(row_upper)), 1.0),
        row_upper=np.append(row_upper, homes - 1.0),
        whole=np.arange(matrix.shape[1]) < homes,
    )
    highs = highs_of(program, {"mip_max_nodes": NODES, "mip_rel_gap": 0.0, "mip_abs_gap": ACCURACY})
    highs.run()
    bound, found = -highs.getInfo().mip_dual_bound, np.array(highs.getSolution().col_value)[:homes]
    if not np.isfinite(bound):
        status = highs.modelStatusToString(highs.getModelStatus())
        raise WattflockError(f"the coalition that complains most: HiGHS has no bound ({status})")
    members = found[None] > 0.5
    return members[members.any(1) & ~members.all(1)], bound + ACCURACY


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
    rows: Any = sparse.csr_matrix(matrix)
    same = lower == upper
    for sign, side, kept in ((1.0, lower, np.isfinite(lower)), (-1.0, upper, np.isfinite(upper) & ~same)):
        count = int(kept.sum())
        shares = sparse.csr_matrix((-sign * side[kept], (np.arange(count), owner[kept])), shape=(count, homes))
        yield shares, sign * rows[kept], np.where(same[kept], 0.0, np.inf)
