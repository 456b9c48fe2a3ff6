"""Cutting a feeder at a few buses, so that the rest falls into blocks of a bounded number of terminals."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components

from wattflock.feeder.circuit import Matrix, bus_of, terminals
from wattflock.feeder.stiff import System

DENSE_MOST = 300  # terminals up to which one block is fastest, on a CPU (docs/feeder.md)
WIDTHS = (48, 64, 96, 128, 192, 256)  # terminals of a block that are tried
RIM_MOST = 12  # cut nodes around one block


@dataclass(frozen=True, eq=False)
class Block:
    """Nodes that meet others only at `rim`; with one block there is no rim and `inside` is every node."""

    inside: Matrix  # nodes
    rim: Matrix  # cut nodes around it
    terminals: Matrix  # numbers of the terminals in it


@dataclass(frozen=True, eq=False)
class Partition:
    """Blocks and the cut nodes between them; every node is inside one block or cut."""

    blocks: tuple[Block, ...]
    cut: Matrix


def partition(system: System) -> Partition:
    """One block; for a feeder of many terminals that or a cut, whichever takes the fewest multiplications."""
    count = len(terminals(system.circuit))
    whole = Partition((Block(np.arange(len(system.circuit.nodes)), _none(), np.arange(count)),), _none())
    if count <= DENSE_MOST:
        return whole
    graph = _Graph(system)
    return min((whole, *(_cut(graph, width) for width in WIDTHS)), key=_products)


def _none() -> Matrix:
    return np.zeros(0, int)


class _Graph:
    """Buses joined by what must stay within one block: the unknowns of elements and terminals."""

    def __init__(self, system: System):
        circuit = system.circuit
        names = {name: at for at, name in enumerate(dict.fromkeys(map(bus_of, circuit.nodes)))}
        self.bus = np.array([names[bus_of(node)] for node in circuit.nodes])
        places = list(terminals(circuit))
        self.terminals = [system.unknowns(place) for place in places]
        groups = [system.unknowns(one.conductors) for one in circuit.elements] + self.terminals
        self.groups = [sorted({int(self.bus[n]) for n in group}) for group in groups]
        pairs = [pair for group in self.groups for pair in combinations(group, 2)]
        row, column = np.array(pairs).T
        size = len(names)
        self.joined: Any = sparse.coo_array((np.ones(len(row)), (row, column)), shape=(size, size)).tocsr()
        self.load = np.bincount(self.bus[[plus for plus, _ in places]], minlength=size)
        root = int(self.bus[circuit.infeeds[0].nodes[0]])
        self.order, self.parent = breadth_first_order(self.joined, root, directed=False)


def _cut(graph: _Graph, width: int) -> Partition:
    """From the ends to the source: a bus with more than `width` terminals behind it is cut."""
    behind, cut = graph.load.copy(), np.zeros(len(graph.load), bool)
    for bus in graph.order[::-1]:
        if behind[bus] > width:
            cut[bus], behind[bus] = True, 0
        if graph.parent[bus] >= 0:
            behind[graph.parent[bus]] += behind[bus]
    whole = np.flatnonzero(~cut)
    _, label = connected_components(graph.joined[whole][:, whole], directed=False)
    part = np.full(len(cut), -1)
    part[whole] = label
    return _packed(graph, part, width)


def _packed(graph: _Graph, part: Matrix, width: int) -> Partition:
    """Parts with the same cut buses around them share a block, up to `width` terminals."""
    count = part.max() + 1
    rims: list[set[int]] = [set() for _ in range(count)]
    for group in graph.groups:
        inside = {int(part[bus]) for bus in group} - {-1}
        for one in inside:
            rims[one] |= {bus for bus in group if part[bus] < 0}
    nodes_of = np.bincount(graph.bus)
    load = np.bincount(part[part >= 0], weights=graph.load[part >= 0], minlength=count)
    bins: list[tuple[list[int], set[int]]] = []
    filled = np.inf
    for one in sorted(range(count), key=lambda each: sorted(rims[each])):
        together = bins[-1][1] | rims[one] if bins else set()
        if filled + load[one] > width or nodes_of[list(together)].sum() > RIM_MOST:
            bins.append(([], set()))
            filled, together = 0, rims[one]
        bins[-1] = ([*bins[-1][0], one], together)
        filled += load[one]
    return _blocks(graph, part, bins)


def _blocks(graph: _Graph, part: Matrix, bins: list[tuple[list[int], set[int]]]) -> Partition:
    home = np.full(part.max() + 2, -1)  # block of each part; the last entry serves cut buses
    for number, (parts, _) in enumerate(bins):
        home[parts] = number
    for group in graph.groups:  # elements between cut buses alone need these in one rim
        if all(part[bus] < 0 for bus in group) and not any(set(group) <= rim for _, rim in bins):
            min(bins, key=lambda one: len(one[1]))[1].update(group)
    block = home[part[graph.bus]]
    where = [_place(graph, block, bins, terminal) for terminal in graph.terminals]
    blocks = tuple(
        Block(
            np.flatnonzero(block == number),
            np.flatnonzero(np.isin(graph.bus, list(rim)) & (block < 0)),
            np.flatnonzero(np.array(where) == number),
        )
        for number, (_, rim) in enumerate(bins)
    )
    return Partition(blocks, np.flatnonzero(block < 0))


def _place(graph: _Graph, block: Matrix, bins: list[tuple[list[int], set[int]]], nodes: tuple[int, ...]) -> int:
    """The block that holds these nodes, on its inside or its rim."""
    inside = [int(block[node]) for node in nodes if block[node] >= 0]
    if inside:
        return inside[0]
    return next(number for number, (_, rim) in enumerate(bins) if {int(graph.bus[n]) for n in nodes} <= rim)


def _products(found: Partition) -> int:
    """Real multiplications of one application of the operator."""
    blocks = len(found.blocks)
    width = 2 * max(len(block.terminals) for block in found.blocks)
    rim = 2 * max(len(block.rim) for block in found.blocks)
    return blocks * width**2 + 2 * blocks * width * rim + (blocks * rim) ** 2
