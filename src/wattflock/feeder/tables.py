"""Rows of the CSV tables that a feeder is made of."""

import csv
import dataclasses
import math
import typing
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from wattflock.errors import Problem, ScenarioError
from wattflock.feeder.circuit import Bus
from wattflock.feeder.network import (
    Capacitor,
    Coefficient,
    Control,
    Line,
    Load,
    Network,
    Rating,
    Regulator,
    Source,
    Switch,
    Transformer,
)

KINDS = {
    "source": Source,
    "buses": Bus,
    "configurations": Coefficient,
    "ratings": Rating,
    "lines": Line,
    "switches": Switch,
    "transformers": Transformer,
    "regulators": Regulator,
    "controls": Control,
    "capacitors": Capacitor,
    "loads": Load,
}
NEEDED = ("source", "buses", "loads")
SPOKEN = {str: "a word", int: "a whole number", float: "a finite number"}

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
    tables: dict[str, Any] = {}
    problems: list[Problem] = []
    for table, kind in KINDS.items():
        try:
            tables[table] = read_rows(folder, table, kind)
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
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
    types = typing.get_type_hints(kind)
    columns = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    if header != columns or not lines:
        raise ScenarioError([Problem(where, "columns", ",".join(header), f"{','.join(columns)}, and rows below")])
    problems: list[Problem] = []
    rows = []
    for number, line in enumerate(lines, start=1):
        found = f"{where}, row {number}"
        if len(line) != len(columns):
            problems.append(Problem(found, "words", len(line), f"{len(columns)}"))
            continue
        words = zip(columns, line, strict=True)
        rows.append([_value(found, column, word, types[column], problems) for column, word in words])
    if problems:
        raise ScenarioError(problems)
    return tuple(kind(*row) for row in rows)


def _value(where: str, column: str, word: str, kind: type, problems: list[Problem]) -> object:
    try:
        value = kind(word)
    except ValueError:
        value = math.nan
    if isinstance(value, float) and not math.isfinite(value):
        problems.append(Problem(where, column, word, SPOKEN[kind]))
    return value
