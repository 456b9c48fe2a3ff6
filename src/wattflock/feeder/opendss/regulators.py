"""Regulators of an OpenDSS model: transformers under a RegControl, exact at every tap."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from wattflock.feeder.circuit import Control, Element, Matrix, Regulator
from wattflock.feeder.opendss.elements import as_complex, at_nodes, enabled, kind_of, node_voltage, read_element
from wattflock.feeder.opendss.engine import solve

UNLIKE = (("Reversible", "yes"), ("InverseTime", "yes"), ("LDC_Z", "0"), ("VLimit", "0"))


@dataclass(frozen=True)
class Steps:
    """The taps of a transformer's winding: ratio [per unit] = middle + step · tap."""

    transformer: str
    winding: int
    tap: int
    step: float
    lowest: int
    highest: int
    middle: float

    def ratio(self, tap: int) -> float:
        return self.middle + self.step * tap


def read_regulators(engine: Any, elements: list[Element]) -> tuple[list[Regulator], list[str]]:
    """One for each transformer with one RegControl, and notes on what is not as in OpenDSS. Taps stay."""
    controls = [name for name in enabled(engine) if kind_of(name) == "regcontrol"]
    owners = {name: _owner(engine, name) for name in controls}
    often = Counter(owners.values())
    at = {one.name: index for index, one in enumerate(elements)}
    used, notes = [], []
    for name, owner in owners.items():
        if owner in at and owner.startswith("transformer.") and often[owner] == 1:
            used.append(name)
        else:
            notes.append(f"{name}: {owner} keeps its tap (several controls, or not a plain transformer)")
    made = [_control(engine, name, elements[at[owners[name]]]) for name in used]
    steps = [_steps(engine, name) for name in used]
    shapes = _shapes(engine, steps)
    regulators = [
        Regulator(unit.transformer, at[f"transformer.{unit.transformer}"], unit.tap, shape,
                  unit.step / unit.middle, unit.lowest, unit.highest, control)
        for unit, shape, (control, _) in zip(steps, shapes, made, strict=True)
    ]  # fmt: skip
    return regulators, notes + [note for _, found in made for note in found]


def _owner(engine: Any, name: str) -> str:
    engine.ActiveCircuit.RegControls.Name = name.partition(".")[2]
    transformer = engine.ActiveCircuit.RegControls.Transformer.lower()
    return transformer if "." in transformer else f"transformer.{transformer}"


def _steps(engine: Any, name: str) -> Steps:
    control, transformer = _select(engine, name)
    transformer.Wdg = int(control.TapWinding)
    step = (transformer.MaxTap - transformer.MinTap) / transformer.NumTaps
    tap = round((transformer.Tap - (transformer.MaxTap + transformer.MinTap) / 2) / step)
    middle = transformer.Tap - step * tap  # a tap between two steps stays there
    lowest = math.ceil((transformer.MinTap - middle) / step - 1e-6)
    highest = math.floor((transformer.MaxTap - middle) / step + 1e-6)
    return Steps(transformer.Name.lower(), int(control.TapWinding), tap, step, lowest, highest, middle)


def _select(engine: Any, name: str) -> tuple[Any, Any]:
    circuit = engine.ActiveCircuit
    circuit.RegControls.Name = name.partition(".")[2]
    circuit.Transformers.Name = circuit.RegControls.Transformer
    return circuit.RegControls, circuit.Transformers


def _shapes(engine: Any, steps: list[Steps]) -> list[Matrix]:
    """a, b, c of admittance = a + b/r + c/r² from three taps each, all transformers at once: three builds of Y."""
    samples, inverse = [], []
    for pick in (lambda unit: unit.lowest, lambda unit: 0, lambda unit: unit.highest):
        taps = [pick(unit) for unit in steps]
        samples.append(_sample(engine, steps, taps))
        inverse.append([unit.middle / unit.ratio(tap) for unit, tap in zip(steps, taps, strict=True)])
    _sample(engine, steps, [unit.tap for unit in steps])
    if steps:
        solve(engine)
    return [
        np.tensordot(np.linalg.inv(np.vander([row[at] for row in inverse], 3, increasing=True)), stack, 1)
        for at, stack in enumerate(np.array(one) for one in zip(*samples, strict=True))
    ]


def _sample(engine: Any, steps: list[Steps], taps: list[int]) -> list[Matrix]:
    circuit = engine.ActiveCircuit
    for unit, tap in zip(steps, taps, strict=True):
        circuit.Transformers.Name = unit.transformer
        circuit.Transformers.Wdg = unit.winding
        circuit.Transformers.Tap = unit.ratio(tap)
    if steps:
        circuit.Solution.BuildYMatrix(1, 0)
    return [read_element(circuit, f"transformer.{unit.transformer}").admittance for unit in steps]


def _control(engine: Any, name: str, one: Element) -> tuple[Control | None, list[str]]:
    circuit = engine.ActiveCircuit
    circuit.SetActiveElement(name)
    words = {key: circuit.ActiveCktElement.Properties(key).Val for key in (*dict(UNLIKE), "PTPhase", "revThreshold")}
    control, transformer = _select(engine, name)
    odd = [key for key, plain in UNLIKE if _differs(words[key], plain)]
    notes = [f"{name}: {', '.join(odd)} is left out"] if odd else []
    if control.MonitoredBus or not words["PTPhase"].isdigit():
        return None, [*notes, f"{name}: measures {control.MonitoredBus or words['PTPhase']}; its tap is kept"]
    if "Reversible" in odd and _backward_kw(engine, one, int(control.Winding)) > float(words["revThreshold"]):
        return None, [f"{name}: power flows backward in the base case; its tap is kept"]
    phase = int(words["PTPhase"]) - 1
    transformer.Wdg = int(control.Winding)
    plus, minus = _measured(engine, one.ends[int(control.Winding) - 1], phase)
    whole = transformer.IsDelta or circuit.ActiveCktElement.NumPhases == 1
    return Control(
        plus=plus,
        minus=minus,
        conductor=sum(len(end) for end in one.ends[: int(control.Winding) - 1]) + phase,
        set_v=float(control.ForwardVreg),
        band_v=float(control.ForwardBand),
        potential_ratio=float(control.PTratio),
        current_a=float(control.CTPrimary),
        drop_v=complex(control.ForwardR, control.ForwardX),
        delay_s=float(control.Delay),
        most_steps=int(control.MaxTapChange),
        winding_v=float(transformer.kV) * 1e3 / (1 if whole else math.sqrt(3)),
        direction=1 if control.TapWinding == control.Winding else -1,
    ), notes


def _backward_kw(engine: Any, one: Element, winding: int) -> float:
    """What flows into a transformer at a winding."""
    voltage = at_nodes(node_voltage(engine), one.conductors)
    power = voltage * np.conj(one.admittance @ voltage) / 1e3
    width = len(one.ends[0])
    return float(power[(winding - 1) * width : winding * width].real.sum())


def _differs(value: str, plain: str) -> bool:
    try:
        return float(value) != float(plain)
    except ValueError:
        return value.lower()[:1] == plain[:1]


def _measured(engine: Any, end: tuple[int, ...], phase: int) -> tuple[int, int]:
    """Nodes of the active winding's phase: of all partners, the one whose voltage is the winding's."""
    voltage = at_nodes(node_voltage(engine), end)
    across = as_complex(engine.ActiveCircuit.Transformers.WdgVoltages)[phase]
    partners = [at for at in range(len(end)) if at != phase]
    best = min(partners, key=lambda at: abs(voltage[phase] - voltage[at] - across))
    return end[phase], end[best]
