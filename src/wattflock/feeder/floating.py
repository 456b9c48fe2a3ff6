"""Which parts of a feeder have no path to ground: their voltages to ground mean nothing."""

from typing import Protocol

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from wattflock.feeder.circuit import GROUND, Circuit, Matrix, bus_of

FLOATING = 100.0  # impedance to ground over impedance between phases from which a bus counts as ungrounded
ALONE_PU = 1000.0  # the same for a single phase: impedance to ground at 100 kVA [pu]
STRIP = 8  # buses whose voltages are computed at once
ISOLATING = ("transformer", "autotrans", "regulator")  # beyond which grounding may be another


class Factor(Protocol):
    """An admittance that has been factored, such as `scipy.sparse.linalg.SuperLU`."""

    def solve(self, right: Matrix) -> Matrix:
        """Voltages [V] of the currents into the nodes [A], both (nodes,) or (nodes, columns)."""
        ...


def floating_buses(circuit: Circuit, factor: Factor) -> set[str]:
    """Buses whose phases have no common path to ground, found at one bus of each part between transformers.

    Pushed into all phases together, a current meets the impedance to ground; into one and out of another, that of the
    network. The second is far smaller where the first is only stray capacitance or a shunt of the solver.
    """
    nodes = {bus: phases_of(circuit, some) or some for bus, some in by_bus(circuit).items()}
    names = list(nodes)
    region = _regions(circuit, names)
    widest: dict[int, str] = {}
    for name, number in zip(names, region, strict=True):
        if number not in widest or len(nodes[name]) > len(nodes[widest[number]]):
            widest[number] = name
    high = dict(zip(widest, without_return(circuit, factor, [nodes[name] for name in widest.values()]), strict=True))
    return {name for name, number in zip(names, region, strict=True) if high[number]}


def without_return(circuit: Circuit, factor: Factor, groups: list[list[int]]) -> list[bool]:
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


def phases_of(circuit: Circuit, nodes: list[int]) -> list[int]:
    """Without neutrals and nodes inside a transformer."""
    return [node for node in nodes if circuit.nodes[node].rpartition(".")[2] in ("1", "2", "3")]


def by_bus(circuit: Circuit) -> dict[str, list[int]]:
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
