"""A linear program in the making: columns and rows as whole arrays, solved elsewhere (study/bound.py)."""

import dataclasses

import numpy as np

Terms = list[tuple[np.ndarray, np.ndarray]]  # (column numbers, coefficients), equal shapes; column -1 is nothing


@dataclasses.dataclass
class Program:
    """min cost·x  with  lower <= x <= upper  and  row_lower <= A x <= row_upper."""

    lower: list[np.ndarray] = dataclasses.field(default_factory=list)
    upper: list[np.ndarray] = dataclasses.field(default_factory=list)
    cost: list[np.ndarray] = dataclasses.field(default_factory=list)
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)
    row_lower: list[np.ndarray] = dataclasses.field(default_factory=list)
    row_upper: list[np.ndarray] = dataclasses.field(default_factory=list)
    width: int = 0
    height: int = 0

    def columns(self, lower, upper, cost, present) -> np.ndarray:
        """New variables; returns their numbers in the broadcast shape, -1 where `present` is false."""
        lower, upper, cost, present = np.broadcast_arrays(lower, upper, cost, present)
        number = np.full(present.shape, -1)
        number[present] = self.width + np.arange(present.sum())
        self.width += int(present.sum())
        self.lower.append(lower[present].astype(float))
        self.upper.append(upper[present].astype(float))
        self.cost.append(cost[present].astype(float))
        return number

    def rows(self, lower, upper, terms: Terms) -> None:
        """New constraints lower <= sum of coefficient × column <= upper, one per element of the first term.

        A row is left out where its first term is absent (column -1).
        """
        kept = terms[0][0] >= 0
        row = self.height + np.arange(kept.sum())
        for column, coefficient in terms:
            column = np.broadcast_to(column, kept.shape)[kept]
            coefficient = np.broadcast_to(coefficient, kept.shape)[kept]
            here = column >= 0
            self.entries.append((row[here], column[here], coefficient[here].astype(float)))
        self.row_lower.append(np.broadcast_to(lower, kept.shape)[kept].astype(float))
        self.row_upper.append(np.broadcast_to(upper, kept.shape)[kept].astype(float))
        self.height += int(kept.sum())

    def balance(self, state, start, keep, add, flows: Terms) -> None:
        """The rows state_t = keep · state_(t-1) + add + sum of coefficient × flow, from `start` at t = 0."""
        shape = state.shape
        before = np.vstack([np.full_like(state[:1], -1), state[:-1]])
        keep, add = np.broadcast_to(keep, shape), np.broadcast_to(add, shape)
        right = add.astype(float)
        right[0] = right[0] + keep[0] * start
        moves = [(column, -np.broadcast_to(coefficient, shape)) for column, coefficient in flows]
        self.rows(right, right, [(state, np.ones(shape)), (before, -keep), *moves])

    def end_value(self, last, target, short, spare) -> None:
        """Adds max(short · (target - last), spare · (target - last)) to the objective (short >= spare)."""
        cost = self.columns(-np.inf, np.inf, 1.0, last >= 0)
        ones = np.ones(cost.shape)
        for slope in (short, spare):
            self.rows(slope * target, np.inf, [(cost, ones), (last, slope * ones)])
