"""Loads of an OpenDSS model as spots: per phase or branch, with the engine's own voltage dependence.

Measured against the engine (tests/feeder/test_feeder_import.py), with v in share of the rated voltage, in the order in
which it asks: v ≤ vlowpu draws v² of the rated power; v ≤ vminpu has a current linear in v between that impedance and
the one of the band's edge; v > vmaxpu is the impedance of the edge. The share drawn at the edge is 1 for models 1, 3, 4
(they jump there if their exponents say otherwise), v for model 5, and each part's own for model 8. Model 2 has no band.
Models 6 and 7 hold reactive power apart, unscaled by the load multiplier: as rated in the band and its impedance
outside (6), or an impedance throughout (7). Below the band their active power keeps the impedance of the edge; OpenDSS
leaves it again below vlowpu, which is not followed here.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from wattflock.feeder.circuit import GROUND, Element, Spot
from wattflock.feeder.opendss.elements import LOADS, read_elements

NO_EDGE = 1e9  # a `vmaxpu` from which a band has no upper end
FIXED_Q, FIXED_X = 6, 7  # OpenDSS's numbers of load models with a reactive power of their own


@dataclass(frozen=True)
class Draw:
    """What one part of a load draws on each of its branches: share of kW and kvar, and how they follow voltage."""

    kw: float
    kvar: float
    kw_exponent: float = 0.0
    kvar_exponent: float = 0.0
    low_pu: float = 0.0
    high_pu: float = math.inf
    floor_pu: float = 0.0
    edge_exponent: float = math.nan


def read_loads(engine: Any) -> tuple[list[Spot], list[str]]:
    """Every enabled load, phase by phase or branch by branch, and notes."""
    spots, notes = [], []
    for one in read_elements(engine, LOADS):
        engine.ActiveCircuit.Loads.Name = one.name.partition(".")[2]  # SetActiveElement would not move this list
        found, note = _spots(engine.ActiveCircuit, one)
        spots += found
        notes += note
    return spots, notes


def _spots(circuit: Any, one: Element) -> tuple[list[Spot], list[str]]:
    load = circuit.Loads
    name, phases, rated_kv = one.name.partition(".")[2], int(load.Phases), float(load.kV)
    if not load.IsDelta and phases in (2, 3):  # OpenDSS divides for these only
        rated_kv /= math.sqrt(3)
    spots = []
    draws, notes = _draws(circuit)
    for plus, minus in branches(len(one.ends[0]), phases, bool(load.IsDelta)):
        # the admittance of a branch carries the power at rated voltage with every multiplier and growth in it
        power = np.conj(-one.admittance[plus, minus]) * rated_kv**2 * 1e3
        ends = (one.conductors[plus], one.conductors[minus])
        if load.Model in (FIXED_Q, FIXED_X):
            power = complex(power.real, load.kvar / phases)
        spots += [_spot(name, ends, power, rated_kv, draw) for draw in draws]
    return [spot for spot in spots if spot.plus != spot.minus], [f"load {name}: {note}" for note in notes]


def branches(conductors: int, phases: int, delta: bool) -> list[tuple[int, int]]:
    """Pairs of conductors that carry a load: phase to neutral, the last one, or phase to next phase."""
    if delta:
        return [(phase, (phase + 1) % conductors) for phase in range(phases)]
    return [(phase, conductors - 1) for phase in range(phases)]


def _spot(name: str, ends: tuple[int, int], power: complex, rated_kv: float, draw: Draw) -> Spot:
    plus, minus = ends
    if plus == GROUND:
        plus, minus = minus, plus
    return Spot(
        name=name,
        plus=plus,
        minus=minus,
        kw=float(draw.kw * power.real),
        kvar=float(draw.kvar * power.imag),
        rated_kv=float(rated_kv),
        kw_exponent=draw.kw_exponent,
        kvar_exponent=draw.kvar_exponent,
        low_pu=draw.low_pu,
        high_pu=draw.high_pu,
        floor_pu=draw.floor_pu,
        edge_exponent=draw.edge_exponent,
    )


def _draws(circuit: Any) -> tuple[list[Draw], list[str]]:
    load = circuit.Loads
    low, high = float(load.Vminpu), float(load.Vmaxpu) if load.Vmaxpu < NO_EDGE else math.inf
    band = (low, high, float(circuit.ActiveCktElement.Properties("Vlowpu").Val))
    match int(load.Model):
        case 2:
            return [Draw(1, 1, 2.0, 2.0)], []
        case 3:
            return [Draw(1, 1, 0.0, 2.0, *band, 0.0)], []
        case 4:
            return [Draw(1, 1, float(load.CVRwatts), float(load.CVRvars), *band, 0.0)], []
        case 5:
            return [Draw(1, 1, 1.0, 1.0, *band)], []
        case 6:
            return [Draw(1, 0, 0.0, 0.0, low, high), Draw(0, 1, 0.0, 0.0, low, high, 0.0, 2.0)], []
        case 7:
            return [Draw(1, 0, 0.0, 0.0, low, high), Draw(0, 1, 2.0, 2.0)], []
        case 8:
            return _zip_draws([float(x) for x in load.ZIPV], band)
        case _:
            return [Draw(1, 1, 0.0, 0.0, *band)], []


def _zip_draws(coefficients: list[float], band: tuple[float, float, float]) -> tuple[list[Draw], list[str]]:
    active, reactive, cut_off = coefficients[:3], coefficients[3:6], coefficients[6]
    shares = zip((2.0, 1.0, 0.0), active, reactive, strict=True)
    draws = [Draw(kw, kvar, power, power, *band) for power, kw, kvar in shares if kw or kvar]
    return draws, [f"its cut-off below {cut_off:g} pu is left out"] if cut_off > 0 else []
