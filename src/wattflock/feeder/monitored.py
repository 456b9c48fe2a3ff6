"""Monitored quantities: which voltages and currents are read, and which voltages limits judge."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU

from wattflock.feeder.circuit import GROUND, Circuit, Element, Matrix, bus_of

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
    """Current into the first end of each element in series [A]; and its rating [A], nan where unknown."""
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


FLOATING = 100.0  # impedance to ground over impedance between phases from which a bus counts as ungrounded
ALONE_PU = 1000.0  # the same for a single phase: impedance to ground at 100 kVA [pu]
STRIP = 8  # buses whose voltages are computed at once
NEUTRAL_PU = 0.1  # voltage without load below which a node is a neutral
ISOLATING = ("transformer", "autotrans", "regulator")  # beyond which grounding may be another


def watchable(circuit: Circuit, no_load: Matrix, floating: set[str]) -> Probe:
    """Voltages of all buses but the source's own and the unwatched [pu]; neutrals are left out.

    `1.2` is bus 1, phase 2 to ground; `610.1.2` lies between phases 1 and 2 of the floating bus 610.

    Args:
        circuit: the feeder.
        no_load: voltage of each node without load [V], shape (nodes,).
        floating: buses without a path to ground, as `floating_buses` finds them.
    """
    left_out = {*circuit.unwatched, *(bus_of(circuit.nodes[n]) for n in circuit.infeeds[0].nodes if n != GROUND)}
    found: dict[str, Pair] = {}
    for bus, nodes in _by_bus(circuit).items():
        live = [node for node in nodes if abs(no_load[node]) > NEUTRAL_PU * 1e3 * circuit.node_kv[node]]
        if bus not in left_out:
            found |= _between(circuit, nodes) if bus in floating else {circuit.nodes[n]: (n, GROUND) for n in live}
    return voltages(circuit, found)


def _between(circuit: Circuit, nodes: list[int]) -> dict[str, Pair]:
    """Voltages between neighbouring phases: three of three, one of two."""
    phases = _phases(circuit, nodes)
    around = [*pairwise(phases), *([(phases[-1], phases[0])] if len(phases) > 2 else [])]
    return {f"{circuit.nodes[a]}.{circuit.nodes[b].rpartition('.')[2]}": (a, b) for a, b in around}


def every_node(circuit: Circuit) -> Probe:
    """All nodes to ground, as OpenDSS lists them [pu]."""
    return voltages(circuit, {name: (node, GROUND) for node, name in enumerate(circuit.nodes)})


def determined(circuit: Circuit, factor: SuperLU) -> Probe:
    """Every voltage that the network determines [pu]: of all nodes to ground, of floating buses between phases.

    Their voltages to ground depend on stray capacitance, antifloat shunts and rounding only, as that of an open star
    point does; these are left out. `factor` is that of `system_admittance`.
    """
    floating = floating_buses(circuit, factor)
    neutrals = [node for nodes in _by_bus(circuit).values() for node in set(nodes) - set(_phases(circuit, nodes))]
    loose = _float(circuit, factor, [[node] for node in neutrals])
    left_out = {node for node, alone in zip(neutrals, loose, strict=True) if alone}
    found: dict[str, Pair] = {}
    for bus, nodes in _by_bus(circuit).items():
        grounded = {circuit.nodes[node]: (node, GROUND) for node in nodes if node not in left_out}
        found |= _between(circuit, nodes) if bus in floating else grounded
    return voltages(circuit, found)


def floating_buses(circuit: Circuit, factor: SuperLU) -> set[str]:
    """Buses whose phases have no common path to ground, found at one bus of each part between transformers.

    Pushed into all phases together, a current meets the impedance to ground; into one and out of another, that of the
    network. The second is far smaller where the first is only stray capacitance or a shunt of the solver.
    """
    nodes = {bus: _phases(circuit, some) or some for bus, some in _by_bus(circuit).items()}
    names = list(nodes)
    region = _regions(circuit, names)
    widest: dict[int, str] = {}
    for name, number in zip(names, region, strict=True):
        if number not in widest or len(nodes[name]) > len(nodes[widest[number]]):
            widest[number] = name
    high = dict(zip(widest, _float(circuit, factor, [nodes[name] for name in widest.values()]), strict=True))
    return {name for name, number in zip(names, region, strict=True) if high[number]}


def _float(circuit: Circuit, factor: SuperLU, groups: list[list[int]]) -> list[bool]:
    found = []
    for at in range(0, len(groups), STRIP):
        some = groups[at : at + STRIP]
        push = np.zeros((len(circuit.nodes), 2, len(some)), complex)
        for number, nodes in enumerate(some):
            push[nodes, 0, number] = 1
            push[nodes[:2], 1, number] = (1, -1)[: len(nodes)]
        rise = factor.solve(push.reshape(len(push), -1)).reshape(push.shape)
        found += [_floats(circuit, rise[nodes, :, number], nodes[0]) for number, nodes in enumerate(some)]
    return found


def _floats(circuit: Circuit, rise: Matrix, node: int) -> bool:
    """Of the voltages at a bus: by 1 A into each phase, and by 1 A into one and out of the next; shape (phases, 2)."""
    together = abs(rise[:, 0].mean())
    if len(rise) == 1:
        return together > ALONE_PU * (1e3 * circuit.node_kv[node]) ** 2 / 1e5
    return together > FLOATING * abs(rise[0, 1] - rise[1, 1]) / 2


def _phases(circuit: Circuit, nodes: list[int]) -> list[int]:
    """Without neutrals and nodes inside a transformer."""
    return [node for node in nodes if circuit.nodes[node].rpartition(".")[2] in ("1", "2", "3")]


def _by_bus(circuit: Circuit) -> dict[str, list[int]]:
    nodes: dict[str, list[int]] = {}
    for index, node in enumerate(circuit.nodes):
        nodes.setdefault(bus_of(node), []).append(index)
    return {bus: sorted(some, key=lambda n: circuit.nodes[n]) for bus, some in nodes.items()}


def _regions(circuit: Circuit, names: list[str]):
    at = {name: index for index, name in enumerate(names)}
    pairs = [(0, 0)]
    for one in circuit.elements:
        if one.kind not in ISOLATING:
            buses = [at[bus_of(circuit.nodes[node])] for node in one.conductors if node != GROUND]
            pairs += [(buses[0], other) for other in buses[1:]]
    row, column = np.array(pairs).T
    graph = sparse.coo_array((np.ones(len(row)), (row, column)), shape=(len(names), len(names)))
    return connected_components(graph, directed=False)[1]
