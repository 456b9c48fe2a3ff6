"""Probes: rows that read voltages and currents, of infeeds, of branches with their ratings, of any two nodes."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from wattflock.feeder.circuit import GROUND, Circuit, Matrix, bus_of

SERIES = ("line", "switch", "transformer", "regulator", "autotrans", "reactor")  # whose currents are read
Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Probe:
    """y = offset + rows · V, V the voltages of all nodes [V]; one row for each name."""

    names: tuple[str, ...]
    rows: sparse.csr_array  # (names, nodes), complex
    offset: Matrix  # (names,)


def voltages(circuit: Circuit, places: dict[str, Pair], kv: Matrix) -> Probe:
    """Voltage from one node to another (or GROUND), per unit of the nominal one, `kv` (places,) [kV]."""
    each = [Rows(pair, np.array([[1.0, -1.0]]) / (1e3 * one)) for pair, one in zip(places.values(), kv, strict=True)]
    return Probe(tuple(places), stacked(each, len(circuit.nodes)), np.zeros(len(places), complex))


def heads(circuit: Circuit, base_kva: float) -> Probe:
    """Voltages of the infeeds' conductors, then the currents out of them: their product is per unit of power."""
    here, out, names, offset = [], [], [], []
    for one in circuit.infeeds:
        injected = one.admittance @ one.voltage
        for at, node in enumerate(one.nodes):
            if node != GROUND:
                volt = 1e3 * float(circuit.node_kv[node])
                ampere = 1e3 * base_kva / volt
                names.append(circuit.nodes[node])
                here.append(Rows((node,), np.array([[1 / volt]])))
                out.append(Rows(one.nodes, -one.admittance[at : at + 1] / ampere))
                offset.append(injected[at] / ampere)
    return Probe(
        names=(*(f"{name} voltage" for name in names), *(f"{name} current" for name in names)),
        rows=stacked([*here, *out], len(circuit.nodes)),
        offset=np.array([0j] * len(names) + offset),
    )


@dataclass(frozen=True)
class Conductor:
    """Where a branch current is read: an element, one of its ends, and a conductor of that end."""

    element: int  # its index among the elements
    end: int
    at: int


def conductors(circuit: Circuit) -> list[Conductor]:
    """Of the first end of each element in series, and of its further ends that have a rating of their own."""
    return [
        Conductor(index, end, at)
        for index, one in enumerate(circuit.elements)
        if one.kind in SERIES and len(one.ends) > 1
        for end, nodes in enumerate(one.ends)
        if end == 0 or (one.end_a and not math.isnan(one.end_a[end]))
        for at, node in enumerate(nodes)
        if node != GROUND
    ]


def branches(circuit: Circuit) -> tuple[Probe, Matrix]:
    """Current into each of `conductors` [A]; and its rating [A], nan where unknown."""
    names, rows, rating = branch_names(circuit), [], []
    for place in conductors(circuit):
        one = circuit.elements[place.element]
        row = sum(map(len, one.ends[: place.end])) + place.at
        rows.append(Rows(one.conductors, one.admittance[row : row + 1]))
        rating.append(one.end_a[place.end] if one.end_a else one.rating_a)
    probe = Probe(names, stacked(rows, len(circuit.nodes)), np.zeros(len(names), complex))
    return probe, np.array(rating)


def branch_names(circuit: Circuit) -> tuple[str, ...]:
    """Names of `conductors`: `line.l1.2` is phase 2 of the first end, `transformer.t.w3.2` of winding 3.

    A name that repeats gets #2, #3 ….
    """
    names = []
    for place in conductors(circuit):
        one = circuit.elements[place.element]
        phase = circuit.nodes[one.ends[place.end][place.at]].rpartition(".")[2]
        names.append(f"{one.name}.w{place.end + 1}.{phase}" if place.end else f"{one.name}.{phase}")
    return _told_apart(names)


def spans(circuit: Circuit) -> tuple[tuple[str, str, str], ...]:
    """Each branch with the two buses that it joins: the first end's, and that of its own end, or of the second."""
    found = []
    for name, place in zip(branch_names(circuit), conductors(circuit), strict=True):
        ends = circuit.elements[place.element].ends
        live = [[bus_of(circuit.nodes[node]) for node in ends[end] if node != GROUND] for end in (0, place.end or 1)]
        if all(live):
            found.append((name, live[0][0], live[1][0]))
    return tuple(found)


def _told_apart(names: list[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name}#{seen[name]}" if seen[name] > 1 else name)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Rows:
    """A small dense block of rows over given nodes, `GROUND` among them."""

    nodes: tuple[int, ...]
    values: Matrix  # (rows, nodes)


def stacked(blocks: Sequence[Rows], size: int) -> sparse.csr_array:
    row, column, value, count = [], [], [], 0
    for block in blocks:
        height, width = block.values.shape
        row.append(np.repeat(np.arange(count, count + height), width))
        column.append(np.tile(np.array(block.nodes, int), height))
        value.append(block.values.ravel())
        count += height
    if not blocks:
        return sparse.csr_array((0, size), dtype=complex)
    rows, columns, values = (np.concatenate(part) for part in (row, column, value))
    kept = columns != GROUND
    triplets = (values[kept].astype(complex), (rows[kept], columns[kept]))
    return sparse.coo_array(triplets, shape=(count, size)).tocsr()
