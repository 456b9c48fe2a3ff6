"""A feeder's tables → the small dense operator between its terminals that `solve` iterates on.

All of it in float64 numpy: switches of 1e-6 ohm stand next to an antifloat shunt of 1e-9 S, and what
a floating winding adds cancels only between whole columns.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from wattflock.errors import Problem, ScenarioError
from wattflock.feeder.admittance import Matrix, admittance, node_names, source_impedance, source_voltage
from wattflock.feeder.feeder import Feeder
from wattflock.feeder.network import Network, nodes_at, terminal_names

BASE_KVA = 100.0  # of one terminal; it only scales numbers, no result depends on it


def reduce_network(network: Network, monitored: tuple[str, ...] | None = None) -> Feeder:
    """The reduced feeder, in float64 numpy arrays.

    With Y the system's admittance, A the (terminals, nodes) incidence and I₀ the source's injection:
    no-load voltages V₀ = Y⁻¹ I₀, terminal impedance M = A Y⁻¹ Aᵀ, node impedance W = Y⁻¹ Aᵀ.

    Args:
        network: the tables.
        monitored: nodes whose voltage is wanted; None: all of them.

    Raises:
        ScenarioError: a load or a monitored node at a node that the tables do not have.

    Source: T.-H. Chen et al., "Distribution system power flow analysis - a rigid approach", IEEE Trans. Power
    Delivery 6(3), 1991 (implicit Z-bus); delta branches as in A. Bernstein et al., "Load flow in multiphase
    distribution networks", IEEE Trans. Power Systems, 2018, DOI 10.1109/TPWRS.2018.2823277.
    """
    nodes = node_names(network)
    chosen = nodes if monitored is None else monitored
    _check(network, nodes, chosen)
    at = {node: index for index, node in enumerate(nodes)}
    watch, head = ([at[node] for node in some] for some in (chosen, nodes_at(network.source.bus, "123")))
    node_volt = _node_volt(network, nodes)
    incidence, terminal_volt = _incidence(network, at, node_volt)
    no_load, transfer = _responses(network, nodes, head, incidence)
    transfer = transfer * (BASE_KVA * 1e3 / terminal_volt)  # volt per unit of terminal current
    head_maps = _head_maps(network, no_load[head], transfer[head], node_volt[head[0]])
    return Feeder(
        impedance=_pack((incidence @ transfer) / terminal_volt[:, None]),
        no_load_pu=_pack_vector((incidence @ no_load) / terminal_volt),
        node_impedance=_pack(transfer[watch] / node_volt[watch, None]),
        node_no_load_pu=_pack_vector(no_load[watch] / node_volt[watch]),
        head_impedance=_pack(head_maps[0]),
        head_no_load_pu=_pack_vector(head_maps[1]),
        head_share=_pack(head_maps[2]),
        head_charging_pu=_pack_vector(head_maps[3]),
        nominal_kw=np.array([load.load_kw for load in network.loads]),
        nominal_kvar=np.array([load.load_kvar for load in network.loads]),
        base_kva=np.array(BASE_KVA),
        terminals=terminal_names(network),
        nodes=tuple(chosen),
    )


def _responses(
    network: Network, nodes: tuple[str, ...], head: list[int], incidence: sparse.csr_array
) -> tuple[Matrix, Matrix]:
    """Voltage of every node without load [V], and its drop per ampere at each terminal [V/A]."""
    injection = np.zeros(len(nodes), complex)
    injection[head] = np.linalg.solve(source_impedance(network), source_voltage(network))
    factor = splu(admittance(network, nodes))
    return factor.solve(injection), factor.solve(incidence.T.toarray().astype(complex))


def _head_maps(network: Network, no_load: Matrix, transfer: Matrix, volt: float) -> tuple[Matrix, ...]:
    """What each terminal does to the head's voltage and current [pu], and both without load."""
    admit = np.linalg.inv(source_impedance(network)) * volt / (BASE_KVA * 1e3)
    return transfer / volt, no_load / volt, admit @ transfer, admit @ (source_voltage(network) - no_load)


def _node_volt(network: Network, nodes: tuple[str, ...]) -> Matrix:
    volt = {bus.bus: bus.line_kv * 1e3 / 3**0.5 for bus in network.buses}
    return np.array([volt[node.rpartition(".")[0]] for node in nodes])


def _incidence(network: Network, at: dict[str, int], node_volt: Matrix) -> tuple[sparse.csr_array, Matrix]:
    matrix = sparse.lil_array((len(network.loads), len(at)))
    volt = np.empty(len(network.loads))
    for row, load in enumerate(network.loads):
        first, *second = (at[node] for node in nodes_at(load.bus, load.phases))
        matrix[row, first], volt[row] = 1.0, node_volt[first]
        for other in second:
            matrix[row, other], volt[row] = -1.0, node_volt[first] * 3**0.5
    return matrix.tocsr(), volt


def _pack(matrix: Matrix) -> Matrix:
    """Complex (out, in) → real (2 in, 2 out) that multiplies [Re|Im] from the right."""
    real, imaginary = np.real(matrix).T, np.imag(matrix).T
    return np.block([[real, imaginary], [-imaginary, real]])


def _pack_vector(vector: Matrix) -> Matrix:
    return np.concatenate([np.real(vector), np.imag(vector)])


def _check(network: Network, nodes: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    known = set(nodes)
    wanted = [("loads", node) for load in network.loads for node in nodes_at(load.bus, load.phases)]
    wanted += [("monitored", node) for node in chosen]
    problems = [Problem("feeder", table, node, "a node of the tables") for table, node in wanted if node not in known]
    if problems:
        raise ScenarioError(problems)
