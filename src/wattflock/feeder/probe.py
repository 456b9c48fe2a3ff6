"""Named linear quantities of the node voltages: a voltage over a terminal, a current through a branch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from wattflock.feeder.circuit import GROUND, Circuit, Element, Matrix

SERIES = ("line", "switch", "transformer", "regulator", "autotrans", "reactor")  # whose currents are read
Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Probe:
    """y = offset + rows · V, V the voltages of all nodes [V]; one row for each name."""

    names: tuple[str, ...]
    rows: sparse.csr_array  # (names, nodes), complex
    offset: Matrix  # (names,)


def voltages(circuit: Circuit, places: dict[str, Pair]) -> Probe:
    """Voltage from one node to another (or GROUND), per unit of the nominal one."""
    size = len(circuit.nodes)
    each = [
        Rows((plus, minus), np.array([[1.0, -1.0]]) / (1e3 * terminal_kv(circuit, plus, minus)))
        for plus, minus in places.values()
    ]
    return Probe(tuple(places), stacked(each, size), np.zeros(len(places), complex))


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


def branches(circuit: Circuit) -> tuple[Probe, Matrix]:
    """Current into the first end of each element in series [A]; and what it may be [A], nan where unknown."""
    names, rows, rating = [], [], []
    for one in circuit.elements:
        if one.kind in SERIES and len(one.ends) > 1:
            live = [at for at, node in enumerate(one.ends[0]) if node != GROUND]
            names += [f"{one.name}.{circuit.nodes[one.ends[0][at]].rpartition('.')[2]}" for at in live]
            rows.append(Rows(one.conductors, one.admittance[live]))
            rating += [_rating_a(circuit, one, len(live))] * len(live)
    return Probe(tuple(names), stacked(rows, len(circuit.nodes)), np.zeros(len(names), complex)), np.array(rating)


def terminal_kv(circuit: Circuit, plus: int, minus: int) -> float:
    """Nominal voltage over a terminal [kV]: to ground or a neutral, or between two phases."""
    if minus == GROUND:
        return float(circuit.node_kv[plus])
    phases = {circuit.nodes[node].rpartition(".")[2] for node in (plus, minus)}
    return float(circuit.node_kv[plus]) * (3**0.5 if phases <= {"1", "2", "3"} else 1.0)


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


def _rating_a(circuit: Circuit, one: Element, live: int) -> float:
    """Of each conductor of the first end; a transformer's follows from its kVA."""
    if math.isnan(one.rating_kva):
        return one.rating_a
    kv = float(circuit.node_kv[next(node for node in one.ends[0] if node != GROUND)])
    return one.rating_kva / kv / {1: 1.0, 2: 3**0.5}.get(live, 3.0)
