"""Hosting capacity and envelopes of a feeder, in both directions and all allocations, at one base load."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.circuit import Circuit, terminals
from wattflock.feeder.limits import Limits
from wattflock.feeder.loads import apportion, per_terminal, scaled
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.tap_control import settle_taps
from wattflock.study.hosting.capacity import EXPORT, IMPORT, Hosting, hosting_capacity
from wattflock.study.hosting.envelope import ALLOCATIONS, EQUAL, PROPORTIONAL, Envelope, EnvelopeRules, envelope
from wattflock.study.hosting.sensitivity import Sensitivity, operating_point, voltage_sensitivity

DIRECTIONS = (EXPORT, IMPORT)
MAXIMUM_MOST = 1000  # terminals up to which the largest total is looked for: its linear programs are dense
SENSITIVITIES = 5_000_000  # voltages times terminals up to which they are kept
ALONE = 3.0  # times all spot loads together, up to which a terminal alone is looked at


@dataclass(frozen=True)
class HostingRequest:
    """The request."""

    limits: Limits
    load: float  # share of the spot loads that is the base
    homes: int  # on the feeder, in proportion to the spot loads; 0: one at each terminal
    cap_kw: float  # of one home
    taps: str  # "fixed" or "settle"


@dataclass(frozen=True, eq=False)
class Hosted:
    """The results; `homes` (terminals,)."""

    circuit: Circuit
    asked: HostingRequest
    homes: np.ndarray
    alone: dict[str, Hosting]  # by direction
    together: dict[tuple[str, str], Envelope]  # by direction and allocation
    sensitivity: Sensitivity | None  # of every monitored voltage; None on feeders of too many


def hosted(circuit: Circuit, asked: HostingRequest, say: Callable[[int, str], None]) -> Hosted:
    """Hosting capacity of each terminal and all envelopes; `say` gets the number of steps done and the next one.

    Raises:
        ScenarioError: a base load that violates the limits, or fewer homes than none.
    """
    if asked.homes < 0:
        raise ScenarioError([Problem("hosting", "homes", asked.homes, "0 (one at each terminal) or more")])
    base = scaled(circuit.spots, asked.load)
    if asked.taps == "settle":
        circuit = settle_taps(circuit, base).circuit
    feeder = reduce_circuit(circuit)
    size_kva = np.hypot(feeder.nominal_kw, feeder.nominal_kvar)
    drawing_kva = np.asarray(feeder.drawing_kva)
    share = drawing_kva if drawing_kva.any() else np.ones(len(drawing_kva))
    homes = apportion(asked.homes, share).astype(float) if asked.homes else np.ones(len(share))
    most_kw = max(asked.cap_kw, ALONE * float(size_kva.sum()))
    allocations = allocations_of(circuit)
    alone, together, done = {}, {}, 0
    with jax.enable_x64(True):
        point = operating_point(feeder, asked.limits, *per_terminal(circuit, base))
        few = len(feeder.nodes) * len(feeder.terminals) <= SENSITIVITIES
        sensitivity = voltage_sensitivity(point) if few else None
        for direction in DIRECTIONS:
            say(done, f"{direction}, each terminal alone")
            alone[direction] = hosting_capacity(point, direction, most_kw)
            for allocation in allocations:
                done += 1
                say(done, f"{direction}, {allocation}")
                together[direction, allocation] = envelope(
                    point, EnvelopeRules(direction, allocation, asked.cap_kw, homes)
                )
            done += 1
    say(done, "done")
    return Hosted(circuit, asked, homes, alone, together, sensitivity)


def allocations_of(circuit: Circuit) -> tuple[str, ...]:
    """Allocations that take reasonable time."""
    return ALLOCATIONS if len(terminals(circuit)) <= MAXIMUM_MOST else (EQUAL, PROPORTIONAL)


def steps_of(circuit: Circuit) -> int:
    """Number of steps that `hosted` reports."""
    return len(DIRECTIONS) * (1 + len(allocations_of(circuit)))
