"""Generation in an OpenDSS model: loads of constant power that draw what it draws (−) in the solved base case."""

from typing import Any

import numpy as np

from wattflock.feeder.circuit import GROUND, Element, Matrix
from wattflock.feeder.opendss.loads import NO_EDGE, branches
from wattflock.feeder.opendss.parts import FROZEN, as_complex, at_nodes, node_names, node_voltage, read_elements

LEVEL = "wattflock_level"  # the growth of the stand-ins over the years: none
PLAIN = f"model=1 status=exempt growth={LEVEL} vminpu=0 vlowpu=0 vmaxpu={NO_EDGE:g}"
NO_RETURN = 1e-4  # of the largest current, below which what three phases leave over is none
Pair = tuple[int, int]


def stand_ins(engine: Any) -> tuple[list[str], list[str]]:
    """OpenDSS commands that put loads in place of generators, panels and stores; and a note on what they draw."""
    voltage, names = node_voltage(engine), node_names(engine)
    commands, words = [f"new growthshape.{LEVEL} year=(1 2) mult=(1 1)"], []
    for one in read_elements(engine, FROZEN):
        engine.ActiveCircuit.SetActiveElement(one.name)
        active = engine.ActiveCircuit.ActiveCktElement
        drawn = _drawn(one, int(active.NumPhases), at_nodes(voltage, one.conductors), as_complex(active.Currents))
        commands += [_load(f"{one.name}.{at}", names, *each) for at, each in enumerate(drawn)]
        commands.append(f'edit "{one.name}" enabled=no')
        words.append(f"{one.name} ({sum(power.real for _, power, _ in drawn):.4g} kW)")
    return (commands, [f"kept at the constant power of the base case: {', '.join(words)}"]) if words else ([], [])


def _drawn(one: Element, phases: int, voltage: Matrix, current: Matrix) -> list[tuple[Pair, complex, float]]:
    """Nodes, power [kW + j kvar] and voltage [kV] of each branch; no current circulates in a delta: (I_a − I_b) / 3.

    Three phases whose currents need no return are a delta too: a star may stand where no wire is grounded.
    """
    delta = phases == 3 and abs(current[:3].sum()) <= NO_RETURN * abs(current).max()
    drawn = []
    for plus, minus in branches(3, 3, True) if delta else branches(len(current), len(current) - 1, False):
        across = voltage[plus] - voltage[minus]
        through = (current[plus] - current[minus]) / 3 if delta else current[plus]
        pair = one.conductors[plus], one.conductors[minus]
        if across and pair[0] != pair[1]:
            drawn.append((pair, across * np.conj(through) / 1e3, abs(across) / 1e3))
    return drawn


def _load(name: str, nodes: tuple[str, ...], pair: Pair, power: complex, kv: float) -> str:
    plus, minus = pair if pair[0] != GROUND else pair[::-1]
    other = "0" if minus == GROUND else nodes[minus].rpartition(".")[2]
    drawn = f"kv={float(kv)!r} kw={float(power.real)!r} kvar={float(power.imag)!r}"
    return f'new "load.{name}" phases=1 bus1="{nodes[plus]}.{other}" {drawn} {PLAIN}'
