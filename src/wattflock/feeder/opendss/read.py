"""Any OpenDSS model as a `Circuit`: read once through OpenDSS itself, from then on without it."""

import dataclasses
import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse.linalg import splu

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.circuit import GROUND, Bus, Circuit, Element, Infeed, Matrix, bus_of, system_admittance
from wattflock.feeder.circuit import injection as injected
from wattflock.feeder.opendss.elements import (
    CARRIERS,
    CONTROLS,
    LOADS,
    SOURCES,
    as_complex,
    at_nodes,
    enabled,
    kind_of,
    node_names,
    node_voltage,
    reached,
    read_elements,
)
from wattflock.feeder.opendss.engine import base_case, command
from wattflock.feeder.opendss.loads import read_loads
from wattflock.feeder.opendss.regulators import read_regulators

DEFAULT_RATING_A = 400.0
DEFAULT_BASES_KV = (0.208, 0.48, 12.47, 24.9, 34.5, 115.0, 230.0)
MOST_NAMES = 20  # in one note


def read_here(master: Path) -> Circuit:
    """What `apart.read_opendss` returns, read in this very process.

    Raises:
        ScenarioError: as there.
    """
    engine, notes = base_case(master)
    elements = _with_kva(engine, read_elements(engine, CARRIERS))
    regulators, words = read_regulators(engine, elements)
    heads = read_elements(engine, SOURCES)
    spots, load_words = read_loads(engine)
    names = node_names(engine)
    live = reached(elements, heads, read_elements(engine, LOADS), len(names))
    whole = Circuit(
        name=engine.ActiveCircuit.Name.lower(),
        frequency_hz=float(engine.ActiveCircuit.Solution.Frequency),
        buses=(),
        nodes=names,
        node_kv=np.full(len(names), np.nan),
        elements=tuple(elements),
        infeeds=tuple(_infeed(engine, one) for one in heads),
        spots=tuple(spots),
        regulators=tuple(regulators),
        notes=(*notes, *words, *load_words, *_frozen_controls(engine), *_ratings(elements)),
        origin=_origin(engine, master, regulators),
    )
    return _with_buses(engine, _without_dead(whole, live))


def _with_kva(engine: Any, elements: list[Element]) -> list[Element]:
    circuit = engine.ActiveCircuit
    rated = []
    for one in elements:
        if one.name.startswith(("transformer.", "autotrans.")):
            circuit.SetActiveElement(one.name)
            kva, kv = (_numbers(circuit, name) for name in ("kVAs", "kVs"))
            phases = int(circuit.ActiveCktElement.NumPhases)
            end_a = tuple(_winding_a(*each, phases) for each in zip(kva, kv, strict=True))
            one = dataclasses.replace(one, rating_kva=kva[0], end_a=end_a)
        rated.append(one)
    return rated


def _numbers(circuit: Any, name: str) -> list[float]:
    return [float(word) for word in circuit.ActiveCktElement.Properties(name).Val.strip("[] ,").split(",")]


def _winding_a(kva: float, kv: float, phases: int) -> float:
    """Rating of each conductor of a winding [A], its neutral too: OpenDSS's `NormalAmps` without its margin of 10 %.

    In a wye of two or three phases the voltage is less by √3 than `kv`, in a delta the line's current is more.
    """
    return kva / phases / kv * (1 if phases == 1 else math.sqrt(3))


def _infeed(engine: Any, one: Element) -> Infeed:
    """Voltage behind the source's impedance: what it would show at no current, E = V − Z I."""
    circuit = engine.ActiveCircuit
    circuit.SetActiveElement(one.name)
    current = as_complex(circuit.ActiveCktElement.Currents)
    across = at_nodes(node_voltage(engine), one.conductors)
    half = len(one.ends[0])
    inner = across[:half] - across[half:] - np.linalg.solve(one.admittance[:half, :half], current[:half])
    return Infeed(one.name, one.conductors, np.concatenate([inner, np.zeros(half)]), one.admittance)


def _origin(engine: Any, master: Path, regulators: list) -> dict[str, str]:
    return {
        "master": str(master.resolve()),
        "engine": engine.Version.splitlines()[0],
        "date": date.today().isoformat(),
        "taps": ", ".join(f"{unit.name} {unit.tap}" for unit in regulators),
    }


def _frozen_controls(engine: Any) -> list[str]:
    names = [name for name in enabled(engine) if kind_of(name) in CONTROLS]
    return [f"state kept as in the base case: {_some(names)}"] if names else []


def _ratings(elements: list[Element]) -> list[str]:
    count = sum(one.rating_a == DEFAULT_RATING_A for one in elements)
    words = f"lines rated {DEFAULT_RATING_A:g} A, which is also what OpenDSS takes where none is given: {count}"
    return [words] if count else []


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _without_dead(circuit: Circuit, live: Matrix) -> Circuit:
    """Only what a source reaches, its nodes counted anew."""
    if live.all():
        return circuit
    new = np.append(np.where(live, np.cumsum(live) - 1, GROUND), GROUND)  # the last place is that of GROUND itself
    kept, place = [], {}
    for index, one in enumerate(circuit.elements):
        if any(new[node] != GROUND for node in one.conductors):
            place[index] = len(kept)
            ends = tuple(tuple(int(new[node]) for node in end) for end in one.ends)
            kept.append(dataclasses.replace(one, ends=ends))
    dead = [name for name, alive in zip(circuit.nodes, live, strict=True) if not alive]
    return dataclasses.replace(
        circuit,
        nodes=tuple(name for name, alive in zip(circuit.nodes, live, strict=True) if alive),
        node_kv=circuit.node_kv[live],
        elements=tuple(kept),
        infeeds=tuple(dataclasses.replace(one, nodes=tuple(int(new[n]) for n in one.nodes)) for one in circuit.infeeds),
        spots=tuple(dataclasses.replace(x, plus=int(new[x.plus]), minus=int(new[x.minus])) for x in circuit.spots),
        regulators=tuple(_moved(unit, place, new) for unit in circuit.regulators if unit.element in place),
        notes=(*circuit.notes, f"left out, no source reaches it: {_some(dead)}"),
    )


def _moved(unit: Any, place: dict[int, int], new: Matrix) -> Any:
    control = unit.control
    if control is not None:
        control = dataclasses.replace(control, plus=int(new[control.plus]), minus=int(new[control.minus]))
    return dataclasses.replace(unit, element=place[unit.element], control=control)


def _with_buses(engine: Any, circuit: Circuit) -> Circuit:
    """Nominal voltages and coordinates as OpenDSS keeps them; where it has no voltage base, the one without load."""
    names = list(dict.fromkeys(bus_of(node) for node in circuit.nodes))
    notes: list[str] = []
    if 0 in (bases := _bases(engine, names)).values() and not np.allclose(
        engine.ActiveCircuit.Settings.VoltageBases, DEFAULT_BASES_KV
    ):
        command(engine, "calcvoltagebases")
        bases = _bases(engine, names)
    lacking = [name for name in names if not bases[name]]
    if lacking:
        bases |= _unloaded(circuit, lacking, _source_pu(engine))
        notes = [f"no voltage base in the file, taken from the voltage without load: {_some(lacking)}"]
    return dataclasses.replace(
        circuit,
        buses=tuple(_bus(engine, name, bases[name]) for name in names),
        node_kv=np.array([bases[bus_of(node)] for node in circuit.nodes]),
        notes=(*circuit.notes, *notes),
    )


def _bases(engine: Any, names: list[str]) -> dict[str, float]:
    """Line to neutral [kV], 0 where the file set none."""
    circuit = engine.ActiveCircuit
    found = {}
    for name in names:
        circuit.SetActiveBus(name)
        found[name] = float(circuit.ActiveBus.kVBase)
    return found


def _source_pu(engine: Any) -> float:
    """Voltage at the head of the feeder, as a share of its nominal voltage."""
    sources = engine.ActiveCircuit.Vsources
    sources.First  # noqa: B018  (an action in this interface)
    return float(sources.pu)


def _unloaded(circuit: Circuit, names: list[str], source_pu: float) -> dict[str, float]:
    voltage = np.abs(splu(system_admittance(circuit)).solve(injected(circuit))) / 1e3 / source_pu
    highest = dict.fromkeys(names, 0.0)
    for node, kv in zip(circuit.nodes, voltage, strict=True):
        if bus_of(node) in highest:
            highest[bus_of(node)] = max(highest[bus_of(node)], float(kv))
    if dead := [name for name, kv in highest.items() if not kv]:
        raise ScenarioError([Problem(name, "voltage base", 0.0, "a bus with a voltage") for name in dead])
    return highest


def _bus(engine: Any, name: str, base_kv: float) -> Bus:
    engine.ActiveCircuit.SetActiveBus(name)
    at = engine.ActiveCircuit.ActiveBus
    x, y = (float(at.x), float(at.y)) if at.Coorddefined else (math.nan, math.nan)
    return Bus(name, math.sqrt(3) * base_kv, x, y)
