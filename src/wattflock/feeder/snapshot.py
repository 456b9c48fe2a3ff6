"""One snapshot of a feeder at its spot loads, in float64, with every result that the commands show."""

import dataclasses
from collections.abc import Sequence

import jax
import numpy as np

from wattflock.feeder.circuit import Circuit, Spot
from wattflock.feeder.judged import every_node
from wattflock.feeder.loads import constant_power, scaled
from wattflock.feeder.monitored import Probe
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.solve import Feeder, Flow, solve
from wattflock.feeder.tap_control import at_rest, settle_taps

TOLERANCE_PU = 1e-10
MOST = 500  # iterations: near collapse they are many


@dataclasses.dataclass(frozen=True, eq=False)
class Snapshot:
    """A solved feeder; arrays are numpy float64 without leading axes."""

    circuit: Circuit  # its taps as they ended
    feeder: Feeder  # with the voltages that limits judge
    flow: Flow
    phasor_pu: np.ndarray  # of every node to ground, complex, shape (nodes,)
    taps: str  # "fixed", or "settle"
    settled: bool  # the voltage of every regulator is in its band


def snapshot(circuit: Circuit, loads: str = "constant-power", scale: float = 1.0, taps: str = "fixed") -> Snapshot:
    """The feeder at its own loads.

    Args:
        circuit: the feeder.
        loads: "constant-power", or "as-modelled".
        scale: of every load; loads that feed in are unchanged.
        taps: "fixed", or "settle".
    """
    spots = scaled(constant_power(circuit.spots) if loads == "constant-power" else circuit.spots, scale)
    if taps == "settle":
        circuit = settle_taps(circuit, spots).circuit
    feeder, flow = solved(circuit, spots, None)
    phasor_pu = np.asarray(solved(circuit, spots, every_node(circuit))[1].phasor_pu)
    settled = bool(flow.converged) and at_rest(circuit, 1e3 * np.asarray(circuit.node_kv) * phasor_pu)
    return Snapshot(circuit, feeder, flow, phasor_pu, taps, settled)


def solved(circuit: Circuit, spots: Sequence[Spot], watched: Probe | None) -> tuple[Feeder, Flow]:
    """The feeder with these loads in it, and its flow in float64, both as numpy."""
    feeder = reduce_circuit(circuit, spots, watched)
    none = np.zeros(len(feeder.terminals))
    with jax.enable_x64(True):
        return feeder, jax.tree.map(np.asarray, solve(feeder, none, none, TOLERANCE_PU, MOST))
