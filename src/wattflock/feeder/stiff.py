"""Branches of next to no impedance, such as a busbar of 1 mm: the voltage across each is an unknown of its own.

Added to a matrix, 5e9 S leaves of the 0.1 S beside it what rounding leaves: 5e-7 S. With V = T x, where x holds the
voltage of one node of each group that such branches join, and for the others the difference to the node before, the
large admittances cancel exactly instead: the small ones stay with the voltages, the large ones with the differences.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from wattflock.feeder.circuit import GROUND, Circuit, Element, Matrix, assemble

STIFF_S = 1.5e6  # from which a branch is one: the closed switches of 1e6 S in our tables lose nothing
NOTHING = 1e-15  # share of its admittance below which the shunt of such a branch is rounding
KINDS = ("line", "switch", "reactor", "fault")


@dataclasses.dataclass(frozen=True, eq=False)
class System:
    """Admittance in the unknowns x, `join` the matrix T of V = T x; both (nodes, nodes)."""

    circuit: Circuit  # the same, shunts of its stiff branches without rounding
    join: sparse.csr_array
    admittance: sparse.csc_array

    def unknowns(self, nodes: tuple[int, ...]) -> tuple[int, ...]:
        """Those on which the voltages of some nodes depend."""
        start, index = self.join.indptr, self.join.indices
        return tuple(at for node in nodes if node != GROUND for at in index[start[node] : start[node + 1]].tolist())


@dataclasses.dataclass(frozen=True, eq=False)
class Factored:
    """Voltages from currents, through the unknowns of a system."""

    join: sparse.csr_array
    inner: SuperLU

    def solve(self, right: Matrix) -> Matrix:
        """Voltages [V] of the currents into the nodes [A], both (nodes,) or (nodes, columns)."""
        return self.join @ self.inner.solve(self.join.T @ right)


def factored(system: System) -> Factored:
    """Raises RuntimeError where a node has no path to a source."""
    return Factored(system.join, splu(system.admittance))


def system_of(circuit: Circuit, shunts: list[tuple[tuple[int, ...], Matrix]]) -> System:
    """Elements, infeeds and some shunts of a circuit, in unknowns that rounding does not hurt."""
    size = len(circuit.nodes)
    bars = {index: series for index, one in enumerate(circuit.elements) if (series := _series(one)) is not None}
    elements = list(circuit.elements)
    soft = [(one.nodes, one.admittance) for one in circuit.infeeds] + shunts
    for index, one in enumerate(circuit.elements):
        if index in bars:
            shunt = _shunt(one, bars[index])
            soft.append((one.conductors, shunt))
            elements[index] = dataclasses.replace(one, admittance=_between(bars[index]) + shunt)
        else:
            soft.append((one.conductors, one.admittance))
    pairs = [pair for index in bars for pair in zip(*circuit.elements[index].ends, strict=True)]
    join: Any = _joined(pairs, size)
    admittance = join.T @ assemble(soft, size) @ join
    if bars:
        across = sparse.csr_array(join[[a for a, _ in pairs]] - join[[b for _, b in pairs]])
        across.eliminate_zeros()
        admittance = admittance + across.T @ sparse.block_diag(list(bars.values()), format="csr") @ across
    exact = dataclasses.replace(circuit, elements=tuple(elements))
    return System(exact, join, sparse.csc_array(admittance))


def _series(one: Element) -> Matrix | None:
    """Admittance from the first end to the second [S], None where it is not stiff."""
    if one.kind not in KINDS or len(one.ends) != 2 or len(one.ends[0]) != len(one.ends[1]) or GROUND in one.conductors:
        return None
    width = len(one.ends[0])
    series = -one.admittance[:width, width:]
    return series if abs(series).max() > STIFF_S else None


def _between(series: Matrix) -> Matrix:
    return np.kron(np.array([[1, -1], [-1, 1]]), series)


def _shunt(one: Element, series: Matrix) -> Matrix:
    rest = one.admittance - _between(series)
    return np.where(abs(rest) > NOTHING * abs(series).max(), rest, 0)


def _joined(pairs: list[tuple[int, int]], size: int) -> sparse.csr_array:
    """T: a row for each node, with a one for the first node of its group and for every node on the way to it."""
    way = dict(_ways(pairs))
    rows = [way.get(node, (node,)) for node in range(size)]
    index = np.concatenate([np.array(row) for row in rows])
    start = np.cumsum([0, *map(len, rows)])
    return sparse.csr_array((np.ones(len(index)), index, start), shape=(size, size))


def _ways(pairs: list[tuple[int, int]]) -> Iterator[tuple[int, tuple[int, ...]]]:
    beside: dict[int, list[int]] = {}
    for a, b in pairs:
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    seen: set[int] = set()
    for first in beside:
        reached: list[tuple[int, ...]] = [] if first in seen else [(first,)]
        seen.add(first)
        for way in reached:  # it grows
            yield way[-1], way
            for other in beside[way[-1]]:
                if other not in seen:
                    seen.add(other)
                    reached.append((*way, other))
