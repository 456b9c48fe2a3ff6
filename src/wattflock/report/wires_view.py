"""What the picture and the page of a feeder draw: buses, wires and watched voltages of one snapshot, as arrays."""

import re
from dataclasses import dataclass

import jax
import numpy as np
from numpy.typing import NDArray

from wattflock.feeder.circuit import GROUND, Circuit, Element, bus_of, terminals
from wattflock.feeder.feeder import Feeder, Flow
from wattflock.feeder.limits import branch_loading, three_phase, unbalance
from wattflock.report.wires_layout import Places, place

KINDS = ("line", "switch", "transformer", "regulator")  # the last that is found between two buses is drawn
LIKE = {"autotrans": "transformer"}
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Wire:
    """All elements between two buses; `loading` is the highest of them, nan where no rating is known."""

    buses: tuple[int, int]
    kind: str
    elements: tuple[int, ...]
    loading: float
    current_a: float  # of the conductor that carries most; nan: not read


@dataclass(frozen=True, eq=False)
class View:
    """Arrays over buses, over watched voltages (`node_`) and over wires."""

    buses: tuple[str, ...]
    places: Places
    sources: tuple[int, ...]
    wires: tuple[Wire, ...]
    node_bus: NDArray[np.int64]
    node_phase: tuple[str, ...]  # "1" to ground or "1-2" between phases
    joins: NDArray[np.int64]  # neighbouring voltages of the same phase, shape (joins, 2)
    voltage_pu: Reals  # of each watched voltage
    worst_pu: Reals  # of each bus: its voltage furthest from nominal; nan: none is watched
    unbalance: Reals  # of each bus [share]; nan: it has not three phases
    drawn_kw: Reals  # by the loads at each bus in this snapshot
    drawn_kvar: Reals
    element_loading: Reals  # of each element [share]; nan: no rating is known
    element_a: Reals

    @property
    def loading(self) -> Reals:
        """Of each wire [share]."""
        return np.array([wire.loading for wire in self.wires], float)


def see(circuit: Circuit, feeder: Feeder, flow: Flow) -> View:
    """Bring circuit, feeder and one snapshot together."""
    buses = tuple(bus.bus for bus in circuit.buses)
    at = {bus: index for index, bus in enumerate(buses)}
    loading, ampere = _of_elements(circuit, feeder, flow)
    wires = _wires(circuit, at, loading, ampere)
    pairs = np.array([wire.buses for wire in wires], int).reshape(-1, 2)
    sources = tuple(dict.fromkeys(at[bus_of(circuit.nodes[n])] for one in circuit.infeeds for n in _live(one.nodes)))
    x, y = (np.array([getattr(bus, axis) for bus in circuit.buses], float) for axis in "xy")
    node_bus, phases = _watched(circuit, feeder, at)
    voltage = np.asarray(flow.voltage_pu, float)
    kw, kvar = (_summed(circuit, feeder, power, at) for power in (flow.drawn_kw, flow.drawn_kvar))
    return View(
        buses, place(x, y, pairs, list(sources)), sources, wires, node_bus, phases,
        _joins(circuit, feeder, at, (node_bus, phases)), voltage, _worst(voltage, node_bus, len(buses)),
        _unbalance(feeder, flow, at), kw, kvar, loading, ampere,
    )  # fmt: skip


def split(name: str) -> tuple[str, str]:
    """Bus and ends of a watched voltage or a terminal: `610` and `1.2` of `610.1.2`."""
    found = re.fullmatch(r"(.*?)((?:\.\d+)+)", name)
    return (found[1], found[2][1:]) if found else (name, "")


def _live(nodes: tuple[int, ...]) -> list[int]:
    return [node for node in nodes if node != GROUND]


def _of_elements(circuit: Circuit, feeder: Feeder, flow: Flow) -> tuple[Reals, Reals]:
    """Highest loading and current over the conductors of each element; nan where unknown."""
    at = {one.name: index for index, one in enumerate(circuit.elements)}
    index = np.array([at[name.rpartition(".")[0]] for name in feeder.branch.names], int)
    with jax.enable_x64(True):
        share = np.asarray(branch_loading(feeder, np.asarray(flow.branch_a)), float)
    share = np.where(np.asarray(feeder.rating_a) > 0, share, np.nan)
    return tuple(_highest(values, index, len(at)) for values in (share, np.abs(np.asarray(flow.branch_a))))


def _highest(values: Reals, index: NDArray[np.int64], size: int) -> Reals:
    found = np.full(size, np.nan)
    np.fmax.at(found, index, values)
    return found


def _kind(circuit: Circuit, tapped: set[int], index: int) -> str:
    kind = circuit.elements[index].kind
    kind = "regulator" if index in tapped else LIKE.get(kind, kind)
    return kind if kind in KINDS else "line"


def _wires(circuit: Circuit, at: dict[str, int], loading: Reals, ampere: Reals) -> tuple[Wire, ...]:
    tapped = {unit.element for unit in circuit.regulators}
    found: dict[tuple[int, int], list[int]] = {}
    for index, one in enumerate(circuit.elements):
        for pair in _pairs(circuit, at, one):
            found.setdefault(pair, []).append(index)
    return tuple(
        Wire(
            pair,
            max((_kind(circuit, tapped, index) for index in some), key=KINDS.index),
            tuple(some),
            float(np.fmax.reduce(loading[some])),
            float(np.fmax.reduce(ampere[some])),
        )
        for pair, some in found.items()
    )


def _pairs(circuit: Circuit, at: dict[str, int], one: Element) -> list[tuple[int, int]]:
    """The first end's bus with every other one, smaller index first."""
    ends = [at[bus_of(circuit.nodes[live[0]])] for end in one.ends if (live := _live(end))]
    return list(dict.fromkeys((min(ends[0], to), max(ends[0], to)) for to in ends[1:] if to != ends[0]))


def _fed_by(circuit: Circuit) -> dict[str, str]:
    """Phase that feeds each node: behind a transformer of one phase, legs 1 and 2 are no phases of the feeder."""
    fed = {node: node.rpartition(".")[2] for node in circuit.nodes}
    beside: dict[str, list[str]] = {}
    legs: list[tuple[str, str]] = []
    for one in circuit.elements:
        ends = [[circuit.nodes[n] for n in _live(end)] for end in one.ends]
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
    return one.kind in ("transformer", "autotrans") and len(_live(one.ends[0])) == 1


def _watched(circuit: Circuit, feeder: Feeder, at: dict[str, int]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    fed, turn = _fed_by(circuit), {("1", "3"): "3-1"}
    buses, phases = [], []
    for name in feeder.nodes:
        bus, ends = split(name)
        buses.append(at[bus])
        each = tuple(sorted(ends.split(".")))
        phases.append(turn.get(each, "-".join(each)) if len(each) > 1 else fed.get(name, ends))
    return np.array(buses, int), tuple(phases)


def _joins(circuit: Circuit, feeder: Feeder, at: dict[str, int], watched) -> NDArray[np.int64]:
    """Voltages of the same phase at both ends of an element; behind a centre-tapped one both legs."""
    node_bus, phases = watched
    here: dict[int, list[int]] = {}
    for index, bus in enumerate(node_bus):
        here.setdefault(int(bus), []).append(index)
    ends = [split(name)[1] for name in feeder.nodes]
    found: dict[tuple[int, int], None] = {}
    for one in circuit.elements:
        tapped = _single(one)
        touched = {circuit.nodes[node] for node in _live(one.conductors)}
        for first, second in _pairs(circuit, at, one):
            for a in here.get(first, []):
                for b in here.get(second, []):
                    same = phases[a] == phases[b] and (tapped or ends[a] == ends[b])
                    if same and all(_touches(feeder.nodes[n], touched) for n in (a, b)):
                        found[a, b] = None
    return np.array(list(found), int).reshape(-1, 2)


def _touches(name: str, touched: set[str]) -> bool:
    bus, ends = split(name)
    return all(f"{bus}.{end}" in touched for end in ends.split("."))


def _worst(voltage: Reals, node_bus: NDArray[np.int64], size: int) -> Reals:
    worst = np.full(size, np.nan)
    order = np.argsort(np.abs(voltage - 1), kind="stable")
    worst[node_bus[order]] = voltage[order]
    return worst


def _unbalance(feeder: Feeder, flow: Flow, at: dict[str, int]) -> Reals:
    found = np.full(len(at), np.nan)
    with jax.enable_x64(True):
        share = np.asarray(unbalance(feeder.nodes, np.asarray(flow.phasor_pu)), float)
    found[[at[bus] for bus in three_phase(feeder.nodes)]] = share
    return found


def _summed(circuit: Circuit, feeder: Feeder, power: object, at: dict[str, int]) -> Reals:
    """What all loads at each bus draw."""
    bus = {name: at[bus_of(circuit.nodes[plus])] for (plus, _), name in terminals(circuit).items()}
    found = np.zeros(len(at))
    np.add.at(found, [bus[name] for name in feeder.terminals], np.asarray(power, float))
    return found
