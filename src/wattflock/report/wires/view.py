"""What the picture and the page of a feeder draw: buses, wires and watched voltages of one snapshot, as arrays."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from wattflock.feeder.circuit import Circuit, bus_of, terminals
from wattflock.feeder.limits import branch_loading, three_phase, unbalance
from wattflock.feeder.solve import Feeder, Flow
from wattflock.report.wires.joins import bus_pairs, joins, live, watched
from wattflock.report.wires.layout import Places, place

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


def in_numpy(flow: Flow) -> Flow:
    """The same flow in numpy: float64 of jax cannot be worked with where x64 is off."""
    return jax.tree.map(np.asarray, flow)


def see(circuit: Circuit, feeder: Feeder, flow: Flow) -> View:
    """Bring circuit, feeder and one snapshot together."""
    flow = in_numpy(flow)
    buses = tuple(bus.bus for bus in circuit.buses)
    at = {bus: index for index, bus in enumerate(buses)}
    loading, ampere = _of_elements(circuit, feeder, flow)
    wires = _wires(circuit, at, loading, ampere)
    pairs = np.array([wire.buses for wire in wires], int).reshape(-1, 2)
    sources = tuple(dict.fromkeys(at[bus_of(circuit.nodes[n])] for one in circuit.infeeds for n in live(one.nodes)))
    x, y = (np.array([getattr(bus, axis) for bus in circuit.buses], float) for axis in "xy")
    node_bus, phases = watched(circuit, feeder, at)
    voltage = np.asarray(flow.voltage_pu, float)
    kw, kvar = (_summed(circuit, feeder, power, at) for power in (flow.drawn_kw, flow.drawn_kvar))
    return View(
        buses, place(x, y, pairs, list(sources)), sources, wires, node_bus, phases,
        joins(circuit, feeder, at, (node_bus, phases)), voltage, _worst(voltage, node_bus, len(buses)),
        _unbalance(feeder, flow, at), kw, kvar, loading, ampere,
    )  # fmt: skip


def _of_elements(circuit: Circuit, feeder: Feeder, flow: Flow) -> tuple[Reals, Reals]:
    """Highest loading and current over the conductors of each element; nan where unknown."""
    at = {one.name: index for index, one in enumerate(circuit.elements)}
    index = np.array([at[name.rpartition(".")[0]] for name in feeder.branch.names], int)
    with jax.enable_x64(True):
        share = np.asarray(branch_loading(feeder, jnp.asarray(flow.branch_a)), float)
    share = np.where(np.asarray(feeder.rating_a) > 0, share, np.nan)
    return _highest(share, index, len(at)), _highest(np.abs(np.asarray(flow.branch_a)), index, len(at))


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
        for pair in bus_pairs(circuit, at, one):
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


def _worst(voltage: Reals, node_bus: NDArray[np.int64], size: int) -> Reals:
    worst = np.full(size, np.nan)
    order = np.argsort(np.abs(voltage - 1), kind="stable")
    worst[node_bus[order]] = voltage[order]
    return worst


def _unbalance(feeder: Feeder, flow: Flow, at: dict[str, int]) -> Reals:
    found = np.full(len(at), np.nan)
    with jax.enable_x64(True):
        share = np.asarray(unbalance(feeder.nodes, jnp.asarray(flow.phasor_pu)), float)
    found[[at[bus] for bus in three_phase(feeder.nodes)]] = share
    return found


def _summed(circuit: Circuit, feeder: Feeder, power: object, at: dict[str, int]) -> Reals:
    """What all loads at each bus draw."""
    bus = {name: at[bus_of(circuit.nodes[plus])] for (plus, _), name in terminals(circuit).items()}
    found = np.zeros(len(at))
    np.add.at(found, [bus[name] for name in feeder.terminals], np.asarray(power, float))
    return found
