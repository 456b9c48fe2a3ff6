"""Which voltages limits judge: to ground where the wires are grounded, between phases where they float."""

from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU

from wattflock.feeder.circuit import GROUND, Circuit, Matrix, bus_of
from wattflock.feeder.probe import Pair, Probe, voltages

FLOATING = 100.0  # impedance to ground over impedance between phases from which a bus counts as ungrounded
ALONE_PU = 1000.0  # the same for a single phase: impedance to ground at 100 kVA [pu]
STRIP = 8  # buses whose voltages are asked for at once
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
    """Every voltage that the wires determine [pu]: of all nodes to ground, of floating buses between phases.

    To ground these have what stray capacitance, antifloat shunts and rounding errors leave them, as an open star point
    has, which is left out. `factor` is that of `system_admittance`.
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

    Pushed into all phases together, a current meets the impedance to ground; into one and out of another, that of
    the wires. The second is far smaller where the first is only stray capacitance or a shunt of the solver.
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
    """Without neutrals and what stands inside a transformer."""
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
