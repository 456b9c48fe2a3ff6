"""Regulators that settle: taps move as OpenDSS's controls move them, between power flows, outside any gradient."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np

from wattflock.feeder.circuit import Circuit, Control, Matrix, Regulator, Spot, with_taps
from wattflock.feeder.feeder import solve
from wattflock.feeder.probe import Probe, Rows, stacked
from wattflock.feeder.reduce import reduce_circuit

MOST = 100  # control actions, one set at a time


@dataclass(frozen=True)
class Tapped:
    """A circuit whose regulators have come to rest."""

    circuit: Circuit
    taps: tuple[int, ...]
    actions: int  # sets of moves until nothing was out of its band
    settled: bool  # False: still moving after the most, or a power flow did not converge


def settle_taps(circuit: Circuit, background: Sequence[Spot]) -> Tapped:
    """The taps at which every regulator's voltage is within its band, starting from the circuit's own.

    After each power flow every control compares |V + (R + jX) I| [V on its 120 V side] with its band; of those
    out of band the ones with the shortest delay move, by as many steps as the deviation asks for, at least one.

    Args:
        circuit: regulators without a control stay.
        background: the loads, as they depend on voltage.

    Source: R. C. Dugan, "OpenDSS reference guide", EPRI (RegControl, static control mode).
    """
    held: set[int] = set()
    for action in range(MOST):
        measured = _measured(circuit, background)
        if measured is None:
            return Tapped(circuit, taps_of(circuit), action, False)
        moves = {
            at: steps
            for at, (unit, volt) in enumerate(zip(circuit.regulators, measured, strict=True))
            if unit.control and (steps := _steps(unit, unit.control, volt))
        }
        held = {at for at in moves if at in held or _can_move(circuit.regulators[at], moves[at])}
        if not held:
            return Tapped(circuit, taps_of(circuit), action, True)
        first = min(_delay_s(circuit, at) for at in held)
        due = {at for at in held if _delay_s(circuit, at) == first}
        circuit = with_taps(
            circuit,
            tuple(_moved(unit, moves[at]) if at in due else unit.tap for at, unit in enumerate(circuit.regulators)),
        )
        held -= due
    return Tapped(circuit, taps_of(circuit), MOST, False)


def taps_of(circuit: Circuit) -> tuple[int, ...]:
    """Where the regulators stand, in their order."""
    return tuple(unit.tap for unit in circuit.regulators)


def _measured(circuit: Circuit, background: Sequence[Spot]) -> Matrix | None:
    """What each control sees [V on its 120 V side]; None without a solution."""
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


def _steps(unit: Regulator, control: Control, measured_v: float) -> int:
    """How far the tap should move; 0 within the band."""
    short_v = control.set_v - measured_v
    if abs(short_v) <= control.band_v / 2:
        return 0
    wanted = short_v * control.potential_ratio / control.winding_v / unit.step_pu
    return control.direction * _at_least_one(wanted, control.most_steps)


def _at_least_one(wanted: float, most: int) -> int:
    return int(math.copysign(min(max(1, abs(round(wanted))), most), wanted))


def _can_move(unit: Regulator, steps: int) -> bool:
    return unit.tap < unit.highest if steps > 0 else unit.tap > unit.lowest


def _moved(unit: Regulator, steps: int) -> int:
    return min(max(unit.tap + steps, unit.lowest), unit.highest)


def _delay_s(circuit: Circuit, at: int) -> float:
    control = circuit.regulators[at].control
    return control.delay_s if control else math.inf
