"""The CSV tables of a feeder: reading them, and whether they fit together."""

import csv
import dataclasses
import itertools
import math
import typing
from collections import Counter
from functools import partial
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, TypeVar

from pydantic import Field

from wattflock.core.errors import Problem, ScenarioError, gathered
from wattflock.feeder.circuit import Bus
from wattflock.feeder.tables.network import (
    PER_LONG,
    Capacitor,
    Coefficient,
    ControlRow,
    Line,
    Load,
    Network,
    Rating,
    RegulatorRow,
    Source,
    Switch,
    Transformer,
    node_names,
    nodes_at,
    sizes,
)

KINDS = {
    "source": Source,
    "buses": Bus,
    "configurations": Coefficient,
    "ratings": Rating,
    "lines": Line,
    "switches": Switch,
    "transformers": Transformer,
    "regulators": RegulatorRow,
    "controls": ControlRow,
    "capacitors": Capacitor,
    "loads": Load,
}
NEEDED = ("source", "buses", "loads")
SPOKEN = {str: "a word", int: "a whole number", float: "a finite number"}
MOST_TAPS = 16
PHASES: set[str] = {"".join(some) for count in (1, 2, 3) for some in itertools.permutations("123", count)}
POSITIVE = {"line_kv", "from_kv", "to_kv", "winding_kv", "rated_kv", "rating_kva", "rating_kvar", "rating_a"}
POSITIVE |= {"frequency_hz", "voltage_pu", "length", "potential_ratio", "current_a", "set_v", "band_v"}

Row = TypeVar("Row")


def shipped(feeder: str) -> Traversable:
    """The folder of a feeder that comes with the package."""
    return resources.files("wattflock.feeder").joinpath("tables", feeder)


def read_network(folder: Traversable, taps: tuple[int, ...] = ()) -> Network:
    """A feeder's tables as one `Network`, its regulators at `taps` (in the order of the table).

    A table that is not there has no rows; source, buses and loads must be.

    Raises:
        ScenarioError: every table, column and word that cannot be read.
    """
    read = gathered(*(partial(read_rows, folder, table, kind) for table, kind in KINDS.items()))
    tables = dict(zip(KINDS, read, strict=True))
    return Network(**{**tables, "source": tables["source"][0]}, taps=taps)


def read_rows(folder: Traversable, table: str, kind: type[Row]) -> tuple[Row, ...]:
    """Each line of `<table>.csv` as one `kind`, whose fields are the columns.

    Raises:
        ScenarioError: every column and word that cannot be read.
    """
    path = folder.joinpath(f"{table}.csv")
    where = f"{folder.name}/{table}.csv"
    if not path.is_file():
        if table in NEEDED:
            raise ScenarioError([Problem(where, "file", "missing", "a table")])
        return ()
    header, *lines = list(csv.reader(path.read_text("utf-8").splitlines())) or [[]]
    columns = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    if header != columns or not lines:
        raise ScenarioError([Problem(where, "columns", ",".join(header), f"{','.join(columns)}, and rows below")])
    problems: list[Problem] = []
    rows = [_row(f"{where}, row {number}", kind, line, problems) for number, line in enumerate(lines, start=1)]
    if problems:
        raise ScenarioError(problems)
    return tuple(kind(*row) for row in rows)


def _row(where: str, kind: type, line: list[str], problems: list[Problem]) -> list[object]:
    types = typing.get_type_hints(kind)
    if len(line) != len(types):
        problems.append(Problem(where, "words", len(line), f"{len(types)}"))
    return [_value(where, column, word, types[column], problems) for column, word in zip(types, line, strict=False)]


def _value(where: str, column: str, word: str, kind: type, problems: list[Problem]) -> object:
    try:
        value = kind(word)
    except ValueError:
        value = math.nan
    if isinstance(value, float) and not math.isfinite(value):
        problems.append(Problem(where, column, word, SPOKEN[kind]))
    return value


def check(network: Network) -> None:
    """That the tables fit together.

    Raises:
        ScenarioError: everything that does not: names of no row, phases and sizes, numbers out of range.
    """
    tables = {field.name: getattr(network, field.name) for field in dataclasses.fields(Network)}
    tables |= {"source": (network.source,), "taps": ()}
    named = _choices(network)
    problems = _repeated(tables)
    problems += [
        Problem(f"{table}, row {number}", name, value, allowed)
        for table, rows in tables.items()
        for number, row in enumerate(rows, start=1)
        for name, value in vars(row).items()
        if (allowed := _allowed(name, value, named))
    ]
    problems += [] if problems else _misfits(network)
    if len(network.taps) != len(network.regulators):
        problems.append(Problem("taps", "number", len(network.taps), f"{len(network.regulators)}, as regulators"))
    if problems:
        raise ScenarioError(problems)


Taps = Annotated[
    tuple[int, ...],
    Field(description="step of each regulator, -16 to 16; a step is 0.625 %; as many as it has [steps]"),
]


def as_taps(taps) -> tuple:
    """Taps may come as a list; a word or a number becomes a tuple of one, which `check_taps` refuses."""
    return tuple(taps) if isinstance(taps, list | tuple) else (taps,)


def check_taps(feeder: str, taps: tuple[int, ...], regulators: tuple[str, ...]) -> None:
    """That there is one whole step per regulator, each -16 to 16.

    Raises:
        ScenarioError: every tap that is not.
    """
    where, allowed = f"feeder {feeder}", f"a whole number from -{MOST_TAPS} to {MOST_TAPS}"
    wrong = [(at, tap) for at, tap in enumerate(taps) if type(tap) is not int or abs(tap) > MOST_TAPS]
    problems = [Problem(where, f"taps[{at}]", tap, allowed) for at, tap in wrong]
    if len(taps) != len(regulators):
        problems.append(Problem(where, "taps", taps, f"one for each of {', '.join(regulators)}"))
    if problems:
        raise ScenarioError(problems)


def _choices(network: Network) -> dict[str, set[str]]:
    buses = {bus.bus for bus in network.buses}
    return {
        **dict.fromkeys(("bus", "from_bus", "to_bus"), buses),
        "from_connection": {"delta", "wye"},
        "to_connection": {"delta", "wye"},
        "configuration": {entry.configuration for entry in network.configurations},
        "regulator": {unit.name for unit in network.regulators},
        "length_unit": set(PER_LONG),
        "phases": PHASES,
    }


def _allowed(name: str, value: object, named: dict[str, set[str]]) -> str:
    """What is allowed there, empty where `value` is."""
    if name in named and value not in named[name]:
        return f"one of {', '.join(sorted(named[name]))}"
    if isinstance(value, float) and not math.isfinite(value) and name not in ("x", "y"):
        return "a finite number"
    return "a number above 0" if name in POSITIVE and isinstance(value, float) and value <= 0 else ""


def _repeated(tables: dict[str, tuple]) -> list[Problem]:
    problems = []
    for table, key in (("buses", "bus"), ("lines", "name"), ("switches", "name"), ("regulators", "name")):
        names = [getattr(row, key) for row in tables[table]]
        problems += [Problem(table, key, name, "once") for name, times in Counter(names).items() if times > 1]
    return problems


def _misfits(network: Network) -> list[Problem]:
    size = sizes(network)
    nodes = set(node_names(network))
    problems = [
        Problem(f"line {line.name}", "phases", line.phases, f"{size[line.configuration]} as in its configuration")
        for line in network.lines
        if len(line.phases) != size[line.configuration]
    ]
    parts = [("capacitor", part.name, part) for part in network.capacitors]
    parts += [("load", part.name, part) for part in network.loads]
    for kind, name, part in parts:
        gone = [node for node in nodes_at(part.bus, part.phases) if node not in nodes]
        problems += [Problem(f"{kind} {name}", "phases", node, "a node with a line or transformer") for node in gone]
    problems += [
        Problem(f"load {load.name}", "phases", load.phases, "one phase or two; three phases are three rows")
        for load in network.loads
        if len(load.phases) == 3
    ]
    phases = {unit.name: unit.phases for unit in network.regulators}
    return problems + [
        Problem(f"control of {one.regulator}", "phase", one.phase, f"one of {', '.join(phases[one.regulator])}")
        for one in network.controls
        if len(one.phase) != 1 or one.phase not in phases[one.regulator]
    ]
