"""OpenDSS as an engine: compile, settle, read the base case, solve; loads that it would change are frozen."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.circuit import GROUND, Element, Matrix
from wattflock.feeder.opendss.commands import Script
from wattflock.feeder.opendss.elements import (
    CARRIERS,
    FROZEN,
    KNOWN,
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
from wattflock.feeder.opendss.loads import NO_EDGE, branches

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

    Three phases whose currents need no return are a delta too: a wye may be connected where nothing is grounded.
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


INSTALL = "pip install 'wattflock[opendss]'"
MOST_ITERATIONS, MOST_CONTROL_ITERATIONS = 300, 200
TOLERANCE, COARSER = 1e-10, (1e-8, 1e-7, 1e-6, 1e-5)
SINGULAR = "Matrix Inversion Error"


def start() -> Any:
    """An engine of its own: no windows, no editor, no shell, and the process stays in its folder.

    Raises:
        ScenarioError: dss-python is not installed.
    """
    try:
        from dss import DSS
    except ImportError as error:
        raise ScenarioError([Problem("OpenDSS", "package", "not installed", INSTALL)]) from error
    engine = DSS.NewContext()
    engine.AllowForms = engine.AllowEditor = engine.AllowDOScmd = engine.AllowChangeDir = False
    return engine


def command(engine: Any, *words: str) -> None:
    """Run OpenDSS commands, such as `set tolerance=1e-6`."""
    for one in words:
        engine.Text.Command = one


def base_case(master: Path) -> tuple[Any, list[str]]:
    """An engine with the model of a file solved once (a snapshot with its controls), then frozen; and notes.

    Taps and capacitors stay as the controls left them. Only commands that build a circuit are run, see `commands`.

    Raises:
        ScenarioError: the file is missing, it has commands that are refused, OpenDSS refuses it, or its base case has
            no solution.
    """
    if not master.is_file():
        raise ScenarioError([Problem(str(master), "file", "missing", "an OpenDSS master file (.dss)")])
    engine = start()
    names = engine.Executive
    verbs = [names.Command(at + 1) for at in range(names.NumCommands)]
    script = Script(master, verbs, [names.Option(at + 1) for at in range(names.NumOptions)])
    _compile(engine, script)
    with _in_words(str(master)):
        _check_kinds(engine, master)
        return engine, script.notes + _settle(engine, master)


def solve(engine: Any) -> bool:
    """One solution with what is set; True where it converged to finite voltages."""
    engine.ActiveCircuit.Solution.Solve()
    return bool(engine.ActiveCircuit.Solution.Converged) and bool(np.isfinite(node_voltage(engine)).all())


def _compile(engine: Any, script: Script) -> None:
    folder = None
    for one in script.commands:
        with _in_words(one.where):
            if one.folder != folder:
                folder = engine.DataPath = one.folder  # where names of files in a command begin
            engine.Text.Command = one.text
    if not engine.NumCircuits:
        raise ScenarioError([Problem(str(script.master), "circuit", "none", "a file with `new circuit.<name>`")])


def _settle(engine: Any, master: Path) -> list[str]:
    solution = engine.ActiveCircuit.Solution
    if solution.Mode != 0:
        command(engine, "set mode=snapshot")
    solution.MaxIterations = max(solution.MaxIterations, MOST_ITERATIONS)
    solution.MaxControlIterations = max(solution.MaxControlIterations, MOST_CONTROL_ITERATIONS)
    command(engine, "set loadmodel=powerflow")
    notes, own = [], solution.Tolerance
    if not (settled := solve(engine)) and (dead := _disable_dead(engine, master)):
        notes.append(f"left out, no source reaches it: {', '.join(dead)}")
        settled = solve(engine)
    command(engine, "set controlmode=off")
    _renew_loads(engine)
    coarse = _tighten(engine, master)
    _check_reach(engine, master)
    commands, words = stand_ins(engine)
    if commands:
        command(engine, *commands, f"set tolerance={own}")
        coarse = _tighten(engine, master)
    notes += words + coarse
    if not settled:
        notes.append("controls did not come to rest; taps and switches stay where the last one left them")
    return notes


def _tighten(engine: Any, master: Path) -> list[str]:
    """Solve as finely as OpenDSS can, and leave its tolerance there; a note where that tolerance is coarse.

    With a stiff switch next to a floating winding, rounding errors exceed the winding's voltage to ground, and some
    generators never settle.
    """
    solution = engine.ActiveCircuit.Solution
    own = solution.Tolerance
    for tolerance in (one for one in (TOLERANCE, *COARSER, own) if one <= own):
        solution.Tolerance = tolerance
        if solve(engine):
            return [f"OpenDSS solves this to {tolerance:g} pu, not to {TOLERANCE:g}"] if tolerance > TOLERANCE else []
    allowed = "a model that OpenDSS itself solves; try less load, or a `vminpu` further down"
    words = f"no solution after {solution.Iterations} iterations"
    raise ScenarioError([Problem(str(master), "base case", words, allowed)])


def _renew_loads(engine: Any) -> None:
    """Let every load build its admittance anew: it keeps that of an hour of the file's own mode otherwise."""
    circuit = engine.ActiveCircuit
    for name in (one for one in enabled(engine) if kind_of(one) in LOADS):
        circuit.Loads.Name = name.partition(".")[2]
        command(engine, f'edit "{name}" numcust={circuit.Loads.NumCust}')  # any edit does; this one changes nothing


def _disable_dead(engine: Any, master: Path) -> list[str]:
    """Switch off elements that no source reaches, by name: with no way to ground, OpenDSS finds no solution."""
    _check_reach(engine, master)
    elements = read_elements(engine, CARRIERS)
    live = reached(elements, read_elements(engine, SOURCES), read_elements(engine, LOADS), len(node_names(engine)))
    dead = [one.name for one in elements if not any(node != GROUND and live[node] for node in one.conductors)]
    command(engine, *(f'edit "{name}" enabled=no' for name in dead))
    return dead


def _check_reach(engine: Any, master: Path) -> None:
    names = node_names(engine)
    drawing = read_elements(engine, (*LOADS, *FROZEN))
    live = reached(read_elements(engine, CARRIERS), read_elements(engine, SOURCES), drawing, len(names))
    problems = [
        _unreached(str(master), one, [names[node] for node in dead])
        for one in drawing
        if (dead := [node for node in dict.fromkeys(one.conductors) if node != GROUND and not live[node]])
    ]
    if problems:
        raise ScenarioError(problems)


def _unreached(file: str, one: Element, dead: list[str]) -> Problem:
    """A load at nodes that no source reaches: at all of them, or at its neutral only."""
    if len(dead) < len({node for node in one.conductors if node != GROUND}):
        words = f"its star point {', '.join(dead)} is open: only loads are joined to it"
        return Problem(file, one.name, words, "a neutral that a wire or reactor joins to ground, or conn=delta")
    allowed = "a node that is joined to a source (a switch, fuse or relay may have opened)"
    return Problem(file, one.name, f"at {', '.join(dead)}", allowed)


def _check_kinds(engine: Any, master: Path) -> None:
    """Everything that a circuit of ours cannot hold, at once."""
    circuit = engine.ActiveCircuit
    names = enabled(engine)
    allowed = f"{', '.join((*CARRIERS, *SOURCES, *LOADS, *FROZEN))}, controls and meters"
    problems = [Problem(str(master), "element", one, allowed) for one in names if kind_of(one) not in KNOWN]
    for name in (one for one in names if kind_of(one) in LOADS):
        circuit.Loads.Name = name.partition(".")[2]
        if circuit.Loads.kV <= 0:
            problems.append(Problem(str(master), f"{name}.kv", circuit.Loads.kV, "a rated voltage above zero [kV]"))
        if circuit.Loads.Rneut >= 0:
            problems.append(Problem(str(master), f"{name}.rneut", circuit.Loads.Rneut, "none; make it a reactor"))
    if not any(kind_of(one) in SOURCES for one in names):
        problems.append(Problem(str(master), "element", "no vsource", "at least one voltage source"))
    if circuit.Settings.CktModel:
        problems.append(
            Problem(str(master), "cktmodel", "positive sequence", "multiphase: all wires stand for themselves")
        )
    if problems:
        raise ScenarioError(problems)


@contextmanager
def _in_words(where: str) -> Generator[None]:
    """An exception of OpenDSS becomes a ScenarioError with its message: element, file and line."""
    from dss import DSSException

    try:
        yield
    except DSSException as error:
        words = " ".join(str(error.args[-1]).split())
        allowed = "a model that OpenDSS itself compiles and solves"
        if SINGULAR in words:
            allowed = "an impedance and a length above zero; a switch is a line with `switch=yes`"
        raise ScenarioError([Problem(where, "OpenDSS", words, allowed)]) from error
