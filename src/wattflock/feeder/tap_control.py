"""Control of regulators: taps move as OpenDSS's controls move them, between power flows, without gradients."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np

from wattflock.feeder.circuit import Circuit, Matrix, Regulator, Spot, with_taps
from wattflock.feeder.monitored import Probe, Rows, stacked
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.solve import solve

MOST = 100  # control actions, one set at a time
SHARE = 0.7  # of the way to the set voltage that one action goes


@dataclass(frozen=True)
class Tapped:
    """A circuit whose regulators have settled."""

    circuit: Circuit
    taps: tuple[int, ...]
    actions: int  # sets of moves until nothing was out of its band
    settled: bool  # False: still moving after the most, or a power flow did not converge


def settle_taps(circuit: Circuit, background: Sequence[Spot]) -> Tapped:
    """The taps at which every regulator's voltage is within its band, starting from the circuit's own.

    After each power flow every control compares |V + (R + jX) I| [V on its 120 V side] with its band; of those
    out of band the ones with the shortest delay move, 70 % of the way, at least one step.

    Args:
        circuit: regulators without a control stay.
        background: the loads, as they depend on voltage.

    Source: R. C. Dugan, "OpenDSS reference guide", EPRI (RegControl, static control mode).
    """
    if not circuit.regulators:
        return Tapped(circuit, (), 0, True)
    for action in range(MOST):
        measured = _measured(circuit, background)
        if measured is None:
            return Tapped(circuit, taps_of(circuit), action, False)
        units = list(zip(circuit.regulators, measured, strict=True))
        moves = {at: steps for at, (unit, volt) in enumerate(units) if (steps := _steps(unit, volt))}
        if not moves:
            return Tapped(circuit, taps_of(circuit), action, True)
        first = min(_delay_s(circuit, at) for at in moves)
        due = {at: steps for at, steps in moves.items() if _delay_s(circuit, at) == first}
        circuit = with_taps(circuit, tuple(unit.tap + due.get(at, 0) for at, (unit, _) in enumerate(units)))
    return Tapped(circuit, taps_of(circuit), MOST, False)


def taps_of(circuit: Circuit) -> tuple[int, ...]:
    """Taps of the regulators, in their order."""
    return tuple(unit.tap for unit in circuit.regulators)


def at_rest(circuit: Circuit, voltage_v: Matrix) -> bool:
    """Whether no control would move its tap at these voltages of all nodes [V], complex, shape (nodes,)."""
    measured = np.abs(_sensors(circuit).rows @ voltage_v)
    return not any(_steps(unit, float(volt)) for unit, volt in zip(circuit.regulators, measured, strict=True))


def _measured(circuit: Circuit, background: Sequence[Spot]) -> Matrix | None:
    """Voltage that each control measures [V on its 120 V side]; None without a solution."""
    feeder = reduce_circuit(circuit, background, watched=_sensors(circuit))
    with jax.enable_x64(True):
        none = np.zeros(len(feeder.terminals))
        flow = solve(feeder, none, none, tolerance=1e-9, most=200)
        return np.array(flow.voltage_pu) if flow.converged else None


def _sensors(circuit: Circuit) -> Probe:
    """V + (R + jX) I of each regulator, on the secondary sides of its instrument transformers."""
    rows = [_sensor(circuit, unit) for unit in circuit.regulators]
    return Probe(
        names=tuple(unit.name for unit in circuit.regulators),
        rows=stacked(rows, len(circuit.nodes)),
        offset=np.zeros(len(rows), complex),
    )


def _sensor(circuit: Circuit, unit: Regulator) -> Rows:
    control = unit.control
    if control is None:
        return Rows((), np.zeros((1, 0)))
    element = circuit.elements[unit.element]
    current = element.admittance[control.conductor] * control.drop_v / control.current_a
    values = np.concatenate([np.array([1, -1]) / control.potential_ratio, current])
    return Rows((control.plus, control.minus, *element.conductors), values[None])


def _steps(unit: Regulator, measured_v: float) -> int:
    """How far the tap moves at once; 0 within the band, without a control, and at the end of its range."""
    control = unit.control
    if control is None or abs(control.set_v - measured_v) <= control.band_v / 2:
        return 0
    short_v = control.set_v - measured_v
    wanted = round(short_v * control.potential_ratio / control.winding_v / unit.step_pu)
    at_once = min(max(1, int(SHARE * abs(wanted * unit.step_pu) / unit.step_pu)), control.most_steps)
    steps = control.direction * int(math.copysign(at_once, wanted)) if wanted else 0
    return min(max(unit.tap + steps, unit.lowest), unit.highest) - unit.tap


def _delay_s(circuit: Circuit, at: int) -> float:
    control = circuit.regulators[at].control
    return control.delay_s if control else math.inf
