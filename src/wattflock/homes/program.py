"""A linear program that is built from whole arrays of columns and rows; study/lp.py solves it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

Terms = Sequence[tuple[np.ndarray, Any]]  # (column numbers, coefficients); column -1 is nothing
ONE = 0  # the column that is fixed at 1, so that uncontrolled power is a term like any other


@dataclasses.dataclass
class Program:
    """min cost·x  with  lower <= x <= upper  and  row_lower <= A x <= row_upper; column `ONE` is 1."""

    lower: list[np.ndarray] = dataclasses.field(default_factory=lambda: [np.ones(1)])
    upper: list[np.ndarray] = dataclasses.field(default_factory=lambda: [np.ones(1)])
    cost: list[np.ndarray] = dataclasses.field(default_factory=lambda: [np.zeros(1)])
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)
    row_lower: list[np.ndarray] = dataclasses.field(default_factory=list)
    row_upper: list[np.ndarray] = dataclasses.field(default_factory=list)
    pairs: list[tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)
    width: int = 1
    height: int = 0

    def copy(self) -> "Program":
        """The same program; additions to the copy do not change this one."""
        names = ("lower", "upper", "cost", "entries", "row_lower", "row_upper", "pairs")
        return dataclasses.replace(self, **{name: list(getattr(self, name)) for name in names})

    def columns(self, lower, upper, cost, present: Any = True) -> np.ndarray:
        """New variables; returns their numbers in the broadcast shape, -1 where `present` is false."""
        lower, upper, cost, present = np.broadcast_arrays(lower, upper, cost, present)
        number = np.full(present.shape, -1)
        number[present] = self.width + np.arange(present.sum())
        self.width += int(present.sum())
        self.lower.append(lower[present].astype(float))
        self.upper.append(upper[present].astype(float))
        self.cost.append(cost[present].astype(float))
        return number

    def apart(self, one, other) -> None:
        """Notes pairs of columns of which at most one may differ from zero; a solver may violate this (`shut`)."""
        here = one >= 0
        self.pairs.append((one[here], other[here]))

    def shut(self, best, least: float) -> "Program":
        """The program after a solution: of each pair with both above `least` the smaller is fixed at zero."""
        upper = np.concatenate(self.upper)
        for one, other in self.pairs:
            smaller = np.where(best[one] < best[other], one, other)
            upper[smaller[best[smaller] > least]] = 0.0
        return dataclasses.replace(self.copy(), upper=[upper])

    def rows(self, lower, upper, terms: Terms) -> None:
        """New constraints lower <= sum of coefficient × column <= upper, one per element of the first term.

        A row is left out where its first term is absent (column -1).
        """
        shape = terms[0][0].shape
        kept = terms[0][0] >= 0
        number = np.cumsum(kept).reshape(shape) - 1
        lower, upper = (np.broadcast_to(side, shape)[kept].astype(float) for side in (lower, upper))
        row, column, value = [], [], []
        for columns, coefficients in terms:
            columns, coefficients = np.broadcast_to(columns, shape), np.broadcast_to(coefficients, shape)
            here = kept & (columns >= 0)
            row.append(number[here])
            column.append(columns[here])
            value.append(coefficients[here].astype(float))
        self.block(lower, upper, np.concatenate(row), np.concatenate(column), np.concatenate(value))

    def block(self, lower, upper, row, column, value) -> None:
        """New constraints from their entries: `row` counts from 0 in this block of `len(lower)` rows."""
        self.entries.append((self.height + row, column, value))
        self.row_lower.append(lower)
        self.row_upper.append(upper)
        self.height += len(lower)

    def balance(self, state: Terms, start, keep, add, flows: Terms) -> None:
        """The rows state_t = keep · state_(t-1) + add + sum of coefficient × flow, from `start` at t = 0.

        Axes (steps, homes). `state` is a sum of terms whose coefficients do not change with time.
        """
        shape = state[0][0].shape
        keep = np.broadcast_to(keep, shape)
        right = np.broadcast_to(add, shape).astype(float)
        right[0] += keep[0] * start
        before = [(np.vstack([np.full_like(c[:1], -1), c[:-1]]), -keep * k) for c, k in state]
        self.rows(right, right, [*state, *before, *((column, -k) for column, k in flows)])

    def end_value(self, last: Terms, target, short, spare) -> None:
        """Adds max(short · (target - last), spare · (target - last)) to the objective (short >= spare).

        `last` is a sum of terms; where its first is absent nothing is added.
        """
        cost = self.columns(-np.inf, np.inf, 1.0, last[0][0] >= 0)
        for slope in (short, spare):
            self.rows(slope * target, np.inf, [(cost, 1.0), *((column, slope * k) for column, k in last)])
