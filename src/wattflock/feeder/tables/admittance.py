"""A feeder's tables → a `Circuit`, element by element as OpenDSS models them.

Source: R. C. Dugan, "OpenDSS reference guide", EPRI (nodal admittance formulation, the primitive matrices
of Line, Transformer, Capacitor and Vsource).
"""

import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder import circuit
from wattflock.feeder.circuit import GROUND, Circuit, Element, Infeed, Matrix, Spot
from wattflock.feeder.tables.network import (
    PER_KM,
    PER_LONG,
    TAP_PU,
    Network,
    RegulatorRow,
    Transformer,
    node_names,
    nodes_at,
    phase_kv,
    sizes,
)
from wattflock.feeder.tables.read import check

Places = dict[str, int]  # name of a node → its index
Sides = tuple[tuple[Matrix, float], ...]  # of both sides: (windings, conductors) of -1, 0, 1; rated kV of a winding


def circuit_of(network: Network, name: str) -> Circuit:
    """The feeder of these tables; nodes in the order of the table of buses, phases in order.

    Raises:
        ScenarioError: tables that do not fit together, or an element without impedance.
    """
    check(network)
    nodes = node_names(network)
    at = {node: index for index, node in enumerate(nodes)}
    still = (*_lines(network, at), *_switches(network, at), *_transformers(network, at))
    regulators = _regulators(network, at, len(still))
    moving = (_regulator_element(network, at, unit) for unit in regulators)
    line_kv = {bus.bus: bus.line_kv for bus in network.buses}
    made = Circuit(
        name=name,
        frequency_hz=network.source.frequency_hz,
        buses=network.buses,
        nodes=nodes,
        node_kv=np.array([line_kv[circuit.bus_of(node)] / 3**0.5 for node in nodes]),
        elements=(*still, *moving, *_capacitors(network, at)),
        infeeds=(_infeed(network, at),),
        spots=_spots(network, at),
        regulators=regulators,
    )
    _check_impedances(made)
    return made


def long_matrices(network: Network) -> dict[str, tuple[Matrix, Matrix]]:
    """Series impedance [ohm] and shunt admittance [S] of each configuration, per mile or km, both symmetric."""
    matrices = {name: (np.zeros((n, n), complex), np.zeros((n, n), complex)) for name, n in sizes(network).items()}
    for entry in network.configurations:
        impedance, shunt = matrices[entry.configuration]
        for place in ((entry.row - 1, entry.column - 1), (entry.column - 1, entry.row - 1)):
            impedance[place] = complex(entry.resistance_ohm, entry.reactance_ohm)
            shunt[place] = 1e-6j * entry.susceptance_us
    return matrices


def _lines(network: Network, at: Places) -> list[Element]:
    matrices = long_matrices(network)
    unit = network.source.length_unit
    per_long, per_km = PER_LONG[unit], PER_KM[unit]
    rating_a = {entry.configuration: entry.rating_a for entry in network.ratings}
    elements = []
    for line in network.lines:
        impedance, shunt = (matrix * line.length / per_long for matrix in matrices[line.configuration])
        block = _series(_inverse(impedance)) + np.kron(np.eye(2), shunt / 2)
        rating = rating_a.get(line.configuration, np.nan)
        ends, length_km = _ends(line, line.phases, at), line.length / per_km
        elements.append(Element(f"line.{line.name}", ends, block, rating_a=rating, length_km=length_km))
    return elements


def _switches(network: Network, at: Places) -> list[Element]:
    return [
        Element(
            f"switch.{unit.name}",
            _ends(unit, unit.phases, at),
            _series(_inverse(np.eye(len(unit.phases)) * complex(unit.resistance_ohm))),
        )
        for unit in network.switches
    ]


def _transformers(network: Network, at: Places) -> list[Element]:
    elements = []
    for unit in network.transformers:
        higher = unit.from_connection if unit.from_kv >= unit.to_kv else unit.to_connection
        turn = -1 if unit.from_connection != unit.to_connection and higher == "delta" else 1
        ends = ((unit.from_connection, unit.from_kv), (unit.to_connection, unit.to_kv))
        delta = np.eye(3) - np.roll(np.eye(3), turn, axis=1)
        sides = tuple((delta, kv) if kind == "delta" else (np.eye(3), kv / 3**0.5) for kind, kv in ends)
        block = _ratio_shape(unit, sides, unit.rating_kva / 3).sum(axis=0)
        name, nodes = f"transformer.{unit.name}", _ends(unit, "123", at)
        end_a = tuple(unit.rating_kva / kv / 3**0.5 for _, kv in ends)
        elements.append(Element(name, nodes, block, rating_kva=unit.rating_kva, end_a=end_a))
    return elements


def _regulators(network: Network, at: Places, first: int) -> tuple[circuit.Regulator, ...]:
    """Their elements follow one another from index `first`."""
    controls = _controls(network, at)
    made = []
    for index, (unit, tap) in enumerate(zip(network.regulators, network.taps, strict=True)):
        between = len(unit.phases) == 2
        side = np.array([[1.0, -1.0]]) if between else np.eye(len(unit.phases)), phase_kv(unit.winding_kv, unit.phases)
        shape = _ratio_shape(unit, (side, side), unit.rating_kva / len(side[0]))
        control = controls.get(unit.name)
        made.append(circuit.Regulator(unit.name, first + index, tap, shape, step_pu=TAP_PU, control=control))
    return tuple(made)


def _regulator_element(network: Network, at: Places, moved: circuit.Regulator) -> Element:
    unit = next(one for one in network.regulators if one.name == moved.name)
    block = moved.admittance(moved.tap)
    rating_a = unit.rating_kva / unit.winding_kv / (3**0.5 if len(unit.phases) == 3 else 1)
    ends = _ends(unit, unit.phases, at)
    return Element(f"regulator.{unit.name}", ends, block, rating_kva=unit.rating_kva, end_a=(rating_a,) * len(ends))


def _controls(network: Network, at: Places) -> dict[str, circuit.Control]:
    units = {unit.name: unit for unit in network.regulators}
    controls = {}
    for one in network.controls:
        unit = units[one.regulator]
        place = unit.phases.index(one.phase)
        nodes = [at[node] for node in nodes_at(unit.to_bus, unit.phases)]
        controls[unit.name] = circuit.Control(
            plus=nodes[place],
            minus=nodes[1 - place] if len(nodes) == 2 else GROUND,
            conductor=len(nodes) + place,
            set_v=one.set_v,
            band_v=one.band_v,
            potential_ratio=one.potential_ratio,
            current_a=one.current_a,
            drop_v=complex(one.drop_resistance_v, one.drop_reactance_v),
            delay_s=one.delay_s,
            winding_v=1e3 * phase_kv(unit.winding_kv, unit.phases),
        )
    return controls


def _capacitors(network: Network, at: Places) -> list[Element]:
    elements = []
    for unit in network.capacitors:
        count = len(unit.phases)
        siemens = unit.rating_kvar / count / phase_kv(unit.winding_kv, unit.phases) ** 2 / 1e3
        nodes = tuple(at[node] for node in nodes_at(unit.bus, unit.phases))
        elements.append(Element(f"capacitor.{unit.name}", (nodes,), 1j * siemens * np.eye(count)))
    return elements


def _infeed(network: Network, at: Places) -> Infeed:
    unit = network.source
    positive, zero = complex(unit.r1_ohm, unit.x1_ohm), complex(unit.r0_ohm, unit.x0_ohm)
    impedance = positive * np.eye(3) + (zero - positive) / 3
    degrees = unit.angle_deg - np.array([0, 120, 240])
    voltage = unit.voltage_pu * unit.line_kv * 1e3 / 3**0.5 * np.exp(1j * np.deg2rad(degrees))
    nodes = tuple(at[node] for node in nodes_at(unit.bus, "123"))
    return Infeed("source", nodes, voltage, _inverse(impedance))


def _spots(network: Network, at: Places) -> tuple[Spot, ...]:
    spots = []
    for load in network.loads:
        plus, minus = (*(at[node] for node in nodes_at(load.bus, load.phases)), GROUND)[:2]
        powers = load.load_kw, load.load_kvar
        spots.append(Spot(load.name, plus, minus, *powers, load.rated_kv, load.kw_exponent, load.kvar_exponent))
    return tuple(spots)


def _ratio_shape(unit: Transformer | RegulatorRow, sides: Sides, each_kva: float) -> Matrix:
    """a, b, c of the admittance a + b/r + c/r² [S], shape (3, conductors, conductors), r the ratio of side 2."""
    (first, first_kv), (second, second_kv) = sides
    percent = complex(unit.resistance_percent, unit.reactance_percent)
    winding = _inverse(np.array([[percent * 10 * first_kv**2 / each_kva]]))  # percent, kV, kVA → S
    here = np.hstack([first, np.zeros_like(second)])
    there = -first_kv / second_kv * np.hstack([np.zeros_like(first), second])
    shape = winding * np.stack([here.T @ here, here.T @ there + there.T @ here, there.T @ there])
    shunts = [abs(side).sum(axis=0) * each_kva / kv**2 for side, kv in sides]  # half at each end of a winding
    shape[0] -= 0.5e-9j * unit.antifloat_ppm * np.diag(np.concatenate(shunts))
    return shape


def _ends(part, phases: str, at: Places) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(at[node] for node in nodes_at(bus, phases)) for bus in (part.from_bus, part.to_bus))


def _series(block: Matrix) -> Matrix:
    return np.kron(np.array([[1, -1], [-1, 1]]), block)


def _inverse(impedance: Matrix) -> Matrix:
    """All nan where there is none; `_check_impedances` then names the element."""
    fine = np.isfinite(impedance).all() and np.linalg.matrix_rank(impedance) == len(impedance)
    return np.linalg.inv(impedance) if fine else np.full(impedance.shape, complex(np.nan))


def _check_impedances(made: Circuit) -> None:
    parts = (*made.elements, *made.infeeds)
    bad = [part.name for part in parts if not np.isfinite(part.admittance).all()]
    if bad:
        allowed = "an impedance that can be inverted, not zero"
        raise ScenarioError([Problem(f"{made.name}, {name}", "impedance", "singular", allowed) for name in bad])
