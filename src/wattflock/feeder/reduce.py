"""A feeder's tables → the small dense operator between its terminals that `solve` iterates on.

All of it in float64 numpy: switches of 1e-6 ohm stand next to an antifloat shunt of 1e-9 S, and what
a floating winding adds cancels only between whole columns.
"""

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

from wattflock.errors import Problem, ScenarioError
from wattflock.feeder.admittance import admittance, node_names, source_impedance, source_voltage
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

    Source: T. Chen et al., "Distribution system power flow analysis: a rigid approach", IEEE Trans. Power
    Delivery 6(3), 1991, DOI 10.1109/61.85860, eqs. (4) to (6) (implicit Z-bus).
    """
    nodes = node_names(network)
    chosen = nodes if monitored is None else monitored
    _check(network, nodes, chosen)
    at = {node: index for index, node in enumerate(nodes)}
    node_volt = np.repeat([_base_volt(network)[node.rpartition(".")[0]] for node in nodes], 1)
    incidence, terminal_volt = _incidence(network, at, node_volt)
    factor = splu(admittance(network, nodes))
    head = [at[node] for node in nodes_at(network.source.bus, "123")]
    ideal_volt, source_ohm = source_voltage(network), source_impedance(network)
    injection = np.zeros(len(nodes), complex)
    injection[head] = np.linalg.solve(source_ohm, ideal_volt)
    no_load = factor.solve(injection)
    transfer = factor.solve(incidence.T.toarray().astype(complex))
    ampere = BASE_KVA * 1e3 / terminal_volt
    into_head = np.linalg.solve(source_ohm, np.eye(3))
    scale = terminal_volt.max()
    watch = [at[node] for node in chosen]
    kw, kvar = ([getattr(load, name) for load in network.loads] for name in ("load_kw", "load_kvar"))
    return Feeder(
        impedance=_pack((incidence @ transfer) * ampere / terminal_volt[:, None]),
        no_load_pu=_pack_vector((incidence @ no_load) / terminal_volt),
        node_impedance=_pack(transfer[watch] * ampere / node_volt[watch, None]),
        node_no_load_pu=_pack_vector(no_load[watch] / node_volt[watch]),
        head_impedance=_pack(transfer[head] * ampere / scale),
        head_no_load_pu=_pack_vector(no_load[head] / scale),
        head_share=_pack(into_head @ transfer[head] * ampere / (BASE_KVA * 1e3 / scale)),
        head_charging_pu=_pack_vector(into_head @ (ideal_volt - no_load[head]) / (BASE_KVA * 1e3 / scale)),
        nominal_kw=np.array(kw),
        nominal_kvar=np.array(kvar),
        base_kva=np.array(BASE_KVA),
        terminals=terminal_names(network),
        nodes=tuple(chosen),
    )


def _base_volt(network: Network) -> dict[str, float]:
    return {bus.bus: bus.line_kv * 1e3 / 3**0.5 for bus in network.buses}


def _incidence(
    network: Network, at: dict[str, int], node_volt: np.ndarray
) -> tuple[sparse.csr_matrix, np.ndarray]:
    matrix = sparse.lil_matrix((len(network.loads), len(at)))
    volt = np.empty(len(network.loads))
    for row, load in enumerate(network.loads):
        first, *second = (at[node] for node in nodes_at(load.bus, load.phases))
        matrix[row, first], volt[row] = 1.0, node_volt[first]
        for other in second:
            matrix[row, other], volt[row] = -1.0, node_volt[first] * 3**0.5
    return matrix.tocsr(), volt


def _pack(matrix: np.ndarray) -> np.ndarray:
    """Complex (out, in) → real (2 in, 2 out) that multiplies [Re|Im] from the right."""
    return np.block([[matrix.real.T, matrix.imag.T], [-matrix.imag.T, matrix.real.T]])


def _pack_vector(vector: np.ndarray) -> np.ndarray:
    return np.concatenate([vector.real, vector.imag])


def _check(network: Network, nodes: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    known = set(nodes)
    wanted = [("loads", node) for load in network.loads for node in nodes_at(load.bus, load.phases)]
    wanted += [("monitored", node) for node in chosen]
    problems = [
        Problem("feeder", table, node, "a node of the tables") for table, node in wanted if node not in known
    ]
    if problems:
        raise ScenarioError(problems)
