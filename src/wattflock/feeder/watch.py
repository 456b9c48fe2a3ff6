"""Which voltages limits judge: to ground where the wires are grounded, between phases where they float."""

from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU

from wattflock.feeder.circuit import GROUND, Circuit, bus_of
from wattflock.feeder.probe import Pair

FLOATING_PU = 1000.0  # impedance of all phases together to ground, at 100 kVA: only shunts of the solver hold it
ISOLATING = ("transformer", "autotrans", "regulator")  # beyond which grounding may be another
CHUNK = 256


def watchable(circuit: Circuit, floating: set[str]) -> dict[str, Pair]:
    """Voltages of all buses but the source's own and the unwatched: name → nodes.

    `1.2` is bus 1, phase 2 to ground; `610.1.2` lies between phases 1 and 2 of the floating bus 610.
    """
    left_out = {*circuit.unwatched, *(bus_of(circuit.nodes[n]) for n in circuit.infeeds[0].nodes if n != GROUND)}
    found: dict[str, Pair] = {}
    for bus, nodes in _by_bus(circuit).items():
        if bus in left_out:
            continue
        if bus not in floating:
            found |= {circuit.nodes[node]: (node, GROUND) for node in nodes}
        elif len(nodes) > 1:
            around = [*pairwise(nodes), *([(nodes[-1], nodes[0])] if len(nodes) > 2 else [])]
            found |= {f"{circuit.nodes[a]}.{circuit.nodes[b].rpartition('.')[2]}": (a, b) for a, b in around}
    return found


def every_node(circuit: Circuit) -> dict[str, Pair]:
    """All nodes to ground, as OpenDSS lists them."""
    return {name: (node, GROUND) for node, name in enumerate(circuit.nodes)}


def floating_buses(circuit: Circuit, factor: SuperLU) -> set[str]:
    """Buses whose phases have no common path to ground, found at one bus of each part between transformers."""
    nodes = _by_bus(circuit)
    names = list(nodes)
    region = _regions(circuit, names)
    first = [int(np.flatnonzero(region == number)[0]) for number in range(region.max() + 1)]
    high = np.zeros(len(first), bool)
    for begin in range(0, len(first), CHUNK):
        some = [nodes[names[bus]] for bus in first[begin : begin + CHUNK]]
        push = np.zeros((len(circuit.nodes), len(some)), complex)
        for column, at in enumerate(some):
            push[at, column] = 1
        rise = factor.solve(push)
        for column, at in enumerate(some):
            base_ohm = (1e3 * circuit.node_kv[at[0]]) ** 2 / 1e5
            high[begin + column] = abs(rise[at, column].mean()) > FLOATING_PU * base_ohm
    return {name for name, number in zip(names, region, strict=True) if high[number]}


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
