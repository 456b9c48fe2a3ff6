"""The linear program of a day of any coalition of homes: one HiGHS model whose bounds are swapped.

This file imports no JAX, so that a process that works on coalitions starts fast.
"""

import dataclasses
from pathlib import Path
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from wattflock.core import linear
from wattflock.core.errors import WattflockError
from wattflock.core.kept import code_of, digest
from wattflock.core.linear import LinearProgram, highs_of

TOLERANCE = 1e-9  # of feasibility
SIMPLEX: dict[str, Any] = {
    "parallel": "off", "presolve": "off", "solver": "simplex",
    "primal_feasibility_tolerance": TOLERANCE, "dual_feasibility_tolerance": TOLERANCE,
}  # fmt: skip
DUAL = SIMPLEX | {"simplex_strategy": 1, "simplex_scale_strategy": 0}  # a tenth faster without scales
PRIMAL = SIMPLEX | {"simplex_strategy": 4}
FILES = Path(__file__), Path(linear.__file__)
CODE = code_of(FILES)


@dataclasses.dataclass(frozen=True)
class Day:
    """A day of homes as blocks, one a home, that meet in the community's net power.

    The cost of a coalition S is, with s_i = 1 for its members and 0 for others,

        min cost·x + Σ_t bought_t take_t − sold_t give_t   with   s·lower ≤ x ≤ s·upper,
        s·row_lower ≤ matrix x ≤ s·row_upper,  take − give = power x,  0 ≤ take, give ≤ Σ_i s_i limit_kw_i.

    Columns and rows are sorted by their homes. Powers of time steps are means [kW]; uncontrolled power is a column that
    is fixed at 1, as is every constant of a home.
    """

    cost: np.ndarray  # (columns,) [currency]
    lower: np.ndarray  # (columns,)
    upper: np.ndarray  # (columns,)
    owner: np.ndarray  # (columns,) number of the home
    row_lower: np.ndarray  # (rows,)
    row_upper: np.ndarray  # (rows,)
    row_owner: np.ndarray  # (rows,)
    matrix: Any  # (rows, columns) sparse, by column
    power: Any  # (steps, columns) sparse, by column: net power drawn [kW]
    bought: np.ndarray  # (steps,) price of a kW drawn in a step: import price · dt [currency per kW]
    sold: np.ndarray  # (steps,) the same of a kW fed in
    limit_kw: np.ndarray  # (homes,) of the connection that each home brings; all finite, or no limit

    @property
    def steps(self) -> int:
        """How many time steps there are."""
        return len(self.bought)

    @property
    def homes(self) -> int:
        """How many homes there are."""
        return len(self.limit_kw)

    def digest(self) -> str:
        """sha256 of all that a cost depends on."""
        parts = [self.cost, self.lower, self.upper, self.owner, self.row_lower, self.row_upper, self.row_owner]
        parts += [self.bought, self.sold, self.limit_kw]
        parts += [part for each in (self.matrix, self.power) for part in (each.indptr, each.indices, each.data)]
        return digest(parts)

    def of(self, homes: np.ndarray) -> "Day":
        """The day of some homes only, which are numbered anew in this order; `homes` (k,) ascend."""
        columns, rows = blocks(self.owner, homes), blocks(self.row_owner, homes)
        number = np.zeros(self.homes, int)
        number[homes] = np.arange(len(homes))
        return dataclasses.replace(
            self,
            **{name: getattr(self, name)[columns] for name in ("cost", "lower", "upper")},
            **{name: getattr(self, name)[rows] for name in ("row_lower", "row_upper")},
            owner=number[self.owner[columns]],
            row_owner=number[self.row_owner[rows]],
            matrix=self.matrix[:, columns][rows],
            power=self.power[:, columns],
            limit_kw=self.limit_kw[homes],
        )

    def sizes(self) -> np.ndarray:
        """How much of the program a home is, (homes,): by this order the smallest changes most often in a Gray code."""
        span = np.where(np.isfinite(self.upper - self.lower), self.upper - self.lower, 0.0)
        reach_kw = abs(self.power).sum(0).A1 * span
        return np.bincount(self.owner, (span > 0) + 1e-6 * reach_kw, self.homes)


def blocks(owner: np.ndarray, homes: np.ndarray) -> np.ndarray:
    """Places of the homes' entries in a sorted list of owners."""
    begin, end = np.searchsorted(owner, homes), np.searchsorted(owner, homes, "right")
    return np.concatenate([np.zeros(0, int), *map(np.arange, begin, end)])


class Model:
    """HiGHS with the day of all homes; a coalition is made by changes of bounds.

    Homes outside have finite bounds at zero; infinite bounds of columns without power stay, so that a basis keeps
    its dual feasibility: the dual simplex goes on from the coalition before.
    """

    def __init__(self, day: Day, members: np.ndarray):
        self.day, self.members = day, members.copy()
        steps, own = day.steps, len(day.cost)
        self.column_of = [blocks(day.owner, np.array([i])) for i in range(day.homes)]
        self.row_of = [blocks(day.row_owner, np.array([i])) for i in range(day.homes)]
        with_power = np.diff(day.power.indptr) > 0
        self.inside = day.lower, day.upper
        self.outside = tuple(np.where(np.isinf(b) & ~with_power, b, 0.0) for b in self.inside)
        self.row_inside = day.row_lower, day.row_upper
        self.row_outside = tuple(np.where(np.isinf(b), b, 0.0) for b in self.row_inside)
        self.grid = np.arange(own, own + 2 * steps, dtype=np.int32)
        self.cost = np.concatenate([day.cost, day.bought, -day.sold])
        self.highs = highs_of(self._program(members), DUAL)

    def _program(self, members: np.ndarray) -> LinearProgram:
        day, here, rows = self.day, members[self.day.owner], members[self.day.row_owner]
        lower, upper = (np.where(here, own, out) for own, out in zip(self.inside, self.outside, strict=True))
        row_lower, row_upper = (
            np.where(rows, own, out) for own, out in zip(self.row_inside, self.row_outside, strict=True)
        )
        zero, most = np.zeros(day.steps), np.full(2 * day.steps, self._most(members))
        eye = sparse.eye(day.steps)
        matrix: Any = sparse.bmat([[day.matrix, None, None], [day.power, -eye, eye]], "csc")
        columns = self.cost, np.concatenate([lower, zero, zero]), np.concatenate([upper, most])
        rows = np.concatenate([row_lower, zero]), np.concatenate([row_upper, zero])
        return LinearProgram(*columns, matrix, *rows)

    def swap(self, members: np.ndarray) -> None:
        """Makes the model that of another coalition, (homes,) booleans."""
        changed = np.flatnonzero(members != self.members)
        if not len(changed):
            return
        columns = np.concatenate([self.column_of[i] for i in changed])
        rows = np.concatenate([self.row_of[i] for i in changed])
        here, at = members[self.day.owner[columns]], members[self.day.row_owner[rows]]
        bounds = (
            np.where(here, own[columns], out[columns]) for own, out in zip(self.inside, self.outside, strict=True)
        )
        sides = (np.where(at, own[rows], out[rows]) for own, out in zip(self.row_inside, self.row_outside, strict=True))
        self.highs.changeColsBounds(len(columns), columns.astype(np.int32), *bounds)
        self.highs.changeRowsBounds(len(rows), rows.astype(np.int32), *sides)
        if np.isfinite(most := self._most(members)):
            count = len(self.grid)
            self.highs.changeColsBounds(count, self.grid, np.zeros(count), np.full(count, most))
        self.members = members.copy()

    def _most(self, members: np.ndarray) -> float:
        limit_kw = self.day.limit_kw
        return float(limit_kw[members].sum()) if np.isfinite(limit_kw).all() else np.inf

    def solve(self) -> float:
        """Cost of the coalition [currency] from the last basis, else from none, else presolved; nan: it has no plan."""
        for presolve in ("off", "off", "on"):
            self.highs.setOptionValue("presolve", presolve)
            self.highs.run()
            if self.highs.getModelStatus() == highspy.HighsModelStatus.kOptimal:
                return float(self.highs.getObjectiveValue())
            self.highs.clearSolver()
        return float("nan")


def costs(day: Day, members: np.ndarray) -> np.ndarray:
    """Costs (k,) of coalitions (k, homes), solved in this order; the model holds only homes that are in one of them.

    Raises:
        WattflockError: a coalition without a plan.
    """
    present = np.flatnonzero(members.any(0))
    if not len(present):
        return np.zeros(len(members))
    inner = members[:, present]
    model = Model(day.of(present), inner[0])
    found = np.zeros(len(members))
    for place, each in enumerate(inner):
        model.swap(each)
        found[place] = model.solve()
    if np.isnan(found).any():
        homes = np.flatnonzero(members[np.isnan(found).argmax()])
        raise WattflockError(f"coalition of homes {', '.join(map(str, homes[:20]))}: no plan keeps its limits")
    return found


def alone(day: Day, homes: np.ndarray) -> np.ndarray:
    """Cost of each of these homes by itself, (k,); nan where it has no plan."""
    one = np.ones(1, bool)
    return np.array([Model(day.of(np.array([home])), one).solve() for home in homes])


def together(day: Day) -> tuple[float, np.ndarray, np.ndarray]:
    """All homes: cost, net power (steps, homes) [kW], and what another kW in a step is worth, (steps,) [currency].

    Up to a thousand homes the dual simplex method is faster than an interior-point method, and its prices are exact.

    Raises:
        WattflockError: there is no plan.
    """
    model = Model(day, np.ones(day.homes, bool))
    cost = model.solve()
    if np.isnan(cost):
        raise WattflockError("all homes together: no plan keeps their limits")
    solution, columns = model.highs.getSolution(), len(day.cost)
    each: Any = sparse.csr_matrix((np.array(solution.col_value)[:columns], (np.arange(columns), day.owner)))
    return cost, (day.power @ each).toarray(), -np.array(solution.row_dual)[len(day.row_lower) :]


def gray_order(members: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The order (k,) of coalitions (k, homes) in a reflected Gray code whose fastest bit is the smallest home."""
    bits = members[:, np.argsort(-size, kind="stable")]
    rank = np.logical_xor.accumulate(bits, axis=1)
    return np.lexsort(rank.T[::-1])
