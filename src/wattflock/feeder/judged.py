"""Judged voltages: over the customers' own terminals, elsewhere from phase to neutral, to ground or between phases."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wattflock.feeder.circuit import GROUND, Circuit, Matrix, Spot, bus_of, terminal_name, terminals
from wattflock.feeder.floating import Factor, by_bus, floating_buses, phases_of, without_return
from wattflock.feeder.monitored import Pair, Probe, Rows, stacked, voltages

NEUTRAL_PU = 0.1  # voltage without load below which a node is a neutral
MISRATED = 0.1  # share by which rated voltages of a load and of its bus may differ before it is asked which is right
BALANCED = 0.5  # without load, negative over positive sequence up to which three voltages are a three-phase set
TURN = np.exp(2j * np.pi / 3)


@dataclass(frozen=True, eq=False)
class Unloaded:
    """A circuit, its voltages without load [V] (nodes,) and its buses without a path to ground."""

    circuit: Circuit
    voltage: Matrix
    floating: set[str]

    def live(self, nodes: Iterable[int]) -> list[int]:
        """Those that are no neutral."""
        return [node for node in nodes if abs(self.voltage[node]) > NEUTRAL_PU * 1e3 * self.circuit.node_kv[node]]

    def neutral(self, nodes: list[int]) -> int:
        """The last node without a voltage, or GROUND."""
        live = set(self.live(nodes))
        return next((node for node in reversed(nodes) if node not in live), GROUND)

    def judged_buses(self) -> dict[str, list[int]]:
        """Nodes of every bus but the source's own and the unwatched."""
        circuit = self.circuit
        own = {bus_of(circuit.nodes[node]) for node in circuit.infeeds[0].nodes if node != GROUND}
        return {bus: nodes for bus, nodes in by_bus(circuit).items() if bus not in own | {*circuit.unwatched}}


def nominal_kv(circuit: Circuit, no_load: Matrix, places: Iterable[Pair]) -> Matrix:
    """Nominal voltage over each place [kV]: of its bus to ground, √3 times it between phases, twice between two legs.

    Phases and legs are told apart by the angle between them without load. Where the rated voltage of a load there is
    another one and nearer to the voltage without load, that is taken: its bus has a base that is not its own.
    """
    rated: dict[Pair, Spot] = {}
    for spot in circuit.spots:
        place = spot.plus, spot.minus
        rated[place] = max(rated.get(place, spot), spot, key=lambda one: abs(one.kw))
    found = []
    for place in places:
        kv = _times_base(circuit, no_load, place) * float(circuit.node_kv[place[0]])
        own = rated[place].rated_kv if place in rated else kv
        here = abs(_across(no_load, place)) / 1e3
        found.append(own if abs(own / kv - 1) > MISRATED and abs(here - own) < abs(here - kv) else kv)
    return np.array(found)


def _times_base(circuit: Circuit, no_load: Matrix, place: Pair) -> float:
    plus, minus = place
    base_v = 1e3 * circuit.node_kv[plus]
    if minus == GROUND:
        return 1.0
    sizes = [abs(no_load[node]) for node in place]
    if min(sizes) <= NEUTRAL_PU * base_v:  # one is a neutral, or a phase that is grounded
        apart = max(sizes) / base_v
    else:
        apart = abs(no_load[plus] / sizes[0] - no_load[minus] / sizes[1])
    return min((1.0, 3**0.5, 2.0), key=lambda times: abs(times - apart))


def _across(no_load: Matrix, place: Pair) -> complex:
    return no_load[place[0]] - (0 if place[1] == GROUND else no_load[place[1]])


def watchable(unloaded: Unloaded) -> Probe:
    """The voltages that limits judge [pu].

    At a bus with loads over each load's own terminal. Conductors that no load touches: to the neutral of their bus, to
    ground where it has none, between neighbouring phases where the bus floats. Neutrals are recognised by their voltage
    without load, whatever their number. `1.2` is bus 1, phase 2 to ground; `far.1.4` from phase 1 to the neutral 4;
    `610.1.2` between phases 1 and 2.
    """
    circuit, voltage = unloaded.circuit, unloaded.voltage
    over: dict[str, list[Pair]] = {}
    for place, kv in zip(terminals(circuit), nominal_kv(circuit, voltage, terminals(circuit)), strict=True):
        if abs(_across(voltage, place)) > NEUTRAL_PU * 1e3 * kv:
            over.setdefault(bus_of(circuit.nodes[place[0]]), []).append(place)
    found: dict[str, Pair] = {}
    for bus, nodes in unloaded.judged_buses().items():
        own = over.get(bus, [])
        pairs = own + [pair for pair in _conductors(unloaded, bus, nodes, own) if pair not in own]
        found |= dict(sorted((terminal_name(circuit, *pair), pair) for pair in pairs))
    return voltages(circuit, found, nominal_kv(circuit, voltage, found.values()))


def _conductors(unloaded: Unloaded, bus: str, nodes: list[int], own: list[Pair]) -> list[Pair]:
    """Pairs that judge what the loads' own terminals leave out."""
    neutral = unloaded.neutral(nodes)
    if bus in unloaded.floating and neutral == GROUND:
        touched = {frozenset(pair) for pair in own}
        return [pair for pair in _around(phases_of(unloaded.circuit, nodes)) if frozenset(pair) not in touched]
    used = {node for pair in own for node in pair}
    return [(node, neutral) for node in unloaded.live(nodes) if node not in used]


def _around(phases: list[int]) -> list[Pair]:
    """Neighbouring phases: three pairs of three, one of two."""
    return [*pairwise(phases), *([(phases[-1], phases[0])] if len(phases) > 2 else [])]


def sequences(unloaded: Unloaded) -> Probe:
    """Positive sequence of every bus with three phases, then the negative one of each [pu].

    Which of both rotations is positive is decided by the voltages without load: a bus whose phases are numbered
    backwards is not unbalanced. The legs of a split phase are no three-phase set. Neither sequence depends on the node
    that voltages are taken to. Source: IEC 61000-4-30:2015, 5.7.
    """
    circuit = unloaded.circuit
    names, positive, negative = [], [], []
    for bus, nodes in unloaded.judged_buses().items():
        lone = bus in unloaded.floating and unloaded.neutral(nodes) == GROUND
        three = (phases_of(circuit, nodes) if lone else unloaded.live(nodes))[:3]
        if len(three) < 3:
            continue
        turns = np.array([[1, TURN, TURN**2], [1, TURN**2, TURN]]) / (3e3 * circuit.node_kv[three[0]])
        sizes = abs(turns @ unloaded.voltage[three])
        if sizes.min() > BALANCED * sizes.max():
            continue
        names.append(bus)
        for rows, at in ((positive, sizes.argmax()), (negative, sizes.argmin())):
            rows.append(Rows(tuple(three), turns[[at]]))
    named = tuple(f"{bus} {which}" for which in ("positive", "negative") for bus in names)
    return Probe(named, stacked([*positive, *negative], len(circuit.nodes)), np.zeros(len(named), complex))


def every_node(circuit: Circuit) -> Probe:
    """All nodes to ground, as OpenDSS lists them [pu]."""
    return voltages(circuit, {name: (node, GROUND) for node, name in enumerate(circuit.nodes)}, circuit.node_kv)


def determined(circuit: Circuit, factor: Factor) -> Probe:
    """Every voltage that the network determines [pu]: of all nodes to ground, of floating buses between phases.

    Their voltages to ground depend on stray capacitance, antifloat shunts and rounding only, as that of an open star
    point does; these are left out. `factor` is that of `system_admittance`.
    """
    floating = floating_buses(circuit, factor)
    neutrals = [node for nodes in by_bus(circuit).values() for node in set(nodes) - set(phases_of(circuit, nodes))]
    loose = without_return(circuit, factor, [[node] for node in neutrals])
    left_out = {node for node, alone in zip(neutrals, loose, strict=True) if alone}
    found: dict[str, Pair] = {}
    for bus, nodes in by_bus(circuit).items():
        grounded = {circuit.nodes[node]: (node, GROUND) for node in nodes if node not in left_out}
        between = {terminal_name(circuit, *pair): pair for pair in _around(phases_of(circuit, nodes))}
        found |= between if bus in floating else grounded
    kv = [circuit.node_kv[plus] * (1 if minus == GROUND else 3**0.5) for plus, minus in found.values()]
    return voltages(circuit, found, np.array(kv))
