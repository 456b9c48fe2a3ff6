"""A feeder's tables → the admittance between its nodes, element by element as OpenDSS models them.

Source: R. C. Dugan, "OpenDSS reference guide", EPRI (nodal admittance formulation, the primitive matrices
of Line, Transformer, Capacitor and Vsource).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from wattflock.feeder.network import FEET_PER_MILE, TAP_PU, Network, nodes_at, phase_kv

Matrix = NDArray[Any]  # float64 or complex128
Stamp = tuple[tuple[str, ...], Matrix]


def node_names(network: Network) -> tuple[str, ...]:
    """Every node, in the order of the table of buses, phases in order."""
    present = {node for nodes, _ in stamps(network) for node in nodes}
    every = [node for bus in network.buses for node in nodes_at(bus.bus, "123")]
    return tuple(node for node in every if node in present)


def admittance(network: Network, nodes: tuple[str, ...]) -> sparse.csc_array:
    """The system's admittance [S], shape (nodes, nodes), float64 complex; loads are left out.

    Lines, switches, transformers, regulators at their taps, capacitors and the source's impedance are in.
    """
    at = {node: index for index, node in enumerate(nodes)}
    rows, columns, values = [], [], []
    for names, block in stamps(network):
        index = [at[name] for name in names]
        rows.append(np.repeat(index, len(index)))
        columns.append(np.tile(index, len(index)))
        values.append(block.ravel())
    triplets = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.coo_array(triplets, shape=(len(nodes), len(nodes))).tocsc()


def stamps(network: Network) -> Iterator[Stamp]:
    """The nodes of each element and its own admittance between them [S]."""
    yield nodes_at(network.source.bus, "123"), np.linalg.inv(source_impedance(network))
    yield from _line_stamps(network)
    for switch in network.switches:
        names = nodes_at(switch.from_bus, switch.phases) + nodes_at(switch.to_bus, switch.phases)
        yield names, _series(np.eye(len(switch.phases)) / switch.resistance_ohm)
    yield from _transformer_stamps(network)
    yield from _regulator_stamps(network)
    for capacitor in network.capacitors:
        each_kvar = capacitor.rating_kvar / len(capacitor.phases)
        siemens = each_kvar / phase_kv(capacitor.winding_kv, capacitor.phases) ** 2 / 1e3
        yield nodes_at(capacitor.bus, capacitor.phases), 1j * siemens * np.eye(len(capacitor.phases))


def source_impedance(network: Network) -> Matrix:
    """Impedance behind which the source's ideal voltages stand [ohm], shape (3, 3)."""
    return np.eye(3) * complex(network.source.resistance_ohm, network.source.reactance_ohm)


def source_voltage(network: Network) -> Matrix:
    """The source's ideal voltages to ground [V], shape (3,)."""
    turn = np.exp(-2j * np.pi / 3 * np.arange(3))
    return network.source.voltage_pu * network.source.line_kv * 1e3 / 3**0.5 * turn


def per_mile(network: Network) -> dict[str, tuple[Matrix, Matrix]]:
    """Series impedance [ohm/mile] and shunt admittance [S/mile] of each configuration, both symmetric."""
    size = {entry.configuration: entry.row for entry in network.configurations}
    matrices = {name: (np.zeros((n, n), complex), np.zeros((n, n), complex)) for name, n in size.items()}
    for entry in network.configurations:
        impedance, shunt = matrices[entry.configuration]
        for place in ((entry.row - 1, entry.column - 1), (entry.column - 1, entry.row - 1)):
            impedance[place] = complex(entry.resistance_ohm, entry.reactance_ohm)
            shunt[place] = 1e-6j * entry.susceptance_us
    return matrices


def _line_stamps(network: Network) -> Iterator[Stamp]:
    matrices = per_mile(network)
    for line in network.lines:
        impedance, shunt = matrices[line.configuration]
        miles = line.length_ft / FEET_PER_MILE
        ends = np.kron(np.eye(2), shunt * miles / 2)
        names = nodes_at(line.from_bus, line.phases) + nodes_at(line.to_bus, line.phases)
        yield names, _series(np.linalg.inv(impedance * miles)) + ends


def _transformer_stamps(network: Network) -> Iterator[Stamp]:
    around = np.array([[1, -1, 0], [0, 1, -1], [-1, 0, 1]])  # which branch lies between which phases
    for unit in network.transformers:
        each_kva = unit.rating_kva / 3
        turns = np.kron(np.array([[1, -unit.from_kv / unit.to_kv]]), around)
        winding = _winding(unit.resistance_percent, unit.reactance_percent, unit.from_kv, each_kva)
        shunt = [-1e-9j * unit.antifloat_ppm * each_kva / kv**2 for kv in (unit.from_kv, unit.to_kv)]
        names = nodes_at(unit.from_bus, "123") + nodes_at(unit.to_bus, "123")
        yield names, turns.T @ turns * winding + np.diag(np.repeat(shunt, 3))


def _regulator_stamps(network: Network) -> Iterator[Stamp]:
    for unit, tap in zip(network.regulators, network.taps, strict=True):
        count = len(unit.phases)
        kv = phase_kv(unit.winding_kv, unit.phases)
        winding = _winding(unit.resistance_percent, unit.reactance_percent, kv, unit.rating_kva / count)
        turns = np.array([[1, -1 / (1 + TAP_PU * tap)]])
        names = nodes_at(unit.from_bus, unit.phases) + nodes_at(unit.to_bus, unit.phases)
        yield names, np.kron(turns.T @ turns, np.eye(count)) * winding


def _winding(resistance_percent: float, reactance_percent: float, kv: float, kva: float) -> complex:
    return kva / (10 * kv**2 * complex(resistance_percent, reactance_percent))  # percent, kV, kVA → S


def _series(block: Matrix) -> Matrix:
    return np.kron(np.array([[1, -1], [-1, 1]]), block)
