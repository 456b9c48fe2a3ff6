"""Which buses and voltages are neighbours, and which phase each voltage belongs to."""

import re

import numpy as np
from numpy.typing import NDArray

from wattflock.feeder.circuit import GROUND, Circuit, Element, bus_of
from wattflock.feeder.solve import Feeder

Whole = NDArray[np.int64]


def split(name: str) -> tuple[str, str]:
    """Bus and ends of a watched voltage or a terminal: `610` and `1.2` of `610.1.2`."""
    found = re.fullmatch(r"(.*?)((?:\.\d+)+)", name)
    return (found[1], found[2][1:]) if found else (name, "")


def live(nodes: tuple[int, ...]) -> list[int]:
    """Without GROUND."""
    return [node for node in nodes if node != GROUND]


def bus_pairs(circuit: Circuit, at: dict[str, int], one: Element) -> list[tuple[int, int]]:
    """The first end's bus with every other one, smaller index first."""
    ends = [at[bus_of(circuit.nodes[some[0]])] for end in one.ends if (some := live(end))]
    return list(dict.fromkeys((min(ends[0], to), max(ends[0], to)) for to in ends[1:] if to != ends[0]))


def _fed_by(circuit: Circuit) -> dict[str, str]:
    """Phase that feeds each node: behind a transformer of one phase, legs 1 and 2 are no phases of the feeder."""
    fed = {node: node.rpartition(".")[2] for node in circuit.nodes}
    beside: dict[str, list[str]] = {}
    legs: list[tuple[str, str]] = []
    for one in circuit.elements:
        ends = [[circuit.nodes[n] for n in live(end)] for end in one.ends]
        if _single(one):
            legs += [(ends[0][0], leg) for end in ends[1:] for leg in end]
        elif len(ends) == 2:
            for a, b in zip(*ends, strict=False):
                beside.setdefault(a, []).append(b)
                beside.setdefault(b, []).append(a)
    while legs:
        above, leg = legs.pop()
        if fed[leg] != fed[above]:
            fed[leg] = fed[above]
            legs += [(leg, other) for other in beside.get(leg, [])]
    return fed


def _single(one: Element) -> bool:
    """Whether it is a transformer of one phase to ground."""
    return one.kind in ("transformer", "autotrans") and len(live(one.ends[0])) == 1


def watched(circuit: Circuit, feeder: Feeder, at: dict[str, int]) -> tuple[Whole, tuple[str, ...]]:
    """Bus of each watched voltage, and its phase: "1" to ground, "1-2" between phases."""
    fed = _fed_by(circuit)
    buses, phases = [], []
    for name in feeder.nodes:
        bus, ends = split(name)
        buses.append(at[bus])
        between = "-".join(sorted(ends.split(".")))
        phases.append({"1-3": "3-1"}.get(between, between) if "." in ends else fed.get(name, ends))
    return np.array(buses, int), tuple(phases)


def joins(circuit: Circuit, feeder: Feeder, at: dict[str, int], known: tuple[Whole, tuple[str, ...]]) -> Whole:
    """Voltages of the same phase at both ends of an element; behind a centre-tapped one both legs."""
    node_bus, phases = known
    here: dict[int, list[int]] = {}
    for index, bus in enumerate(node_bus):
        here.setdefault(int(bus), []).append(index)
    ends = [split(name)[1] for name in feeder.nodes]
    found: dict[tuple[int, int], None] = {}
    for one in circuit.elements:
        tapped = _single(one)
        touched = {circuit.nodes[node] for node in live(one.conductors)}
        for first, second in bus_pairs(circuit, at, one):
            for a in here.get(first, []):
                for b in here.get(second, []):
                    same = phases[a] == phases[b] and (tapped or ends[a] == ends[b])
                    if same and all(_touches(feeder.nodes[n], touched) for n in (a, b)):
                        found[a, b] = None
    return np.array(list(found), int).reshape(-1, 2)


def _touches(name: str, touched: set[str]) -> bool:
    bus, ends = split(name)
    return all(f"{bus}.{end}" in touched for end in ends.split("."))
