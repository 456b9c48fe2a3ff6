"""`homes.file`: a row for each home; what it says goes before what the scenario says of all homes."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest
from wattflock.core.sections import LOAD_ONLY, HomesSection, Kind
from wattflock.core.settings import allowed, device_fields, misfits
from wattflock.data.files import table_of
from wattflock.data.numbers import numbers
from wattflock.homes.device import Device

UNSAID = -1  # index of what a file does not say; a number is NaN
COLUMNS = ("home", "kind", "terminal", "bus", "phases", "source", "homes_per_agent")  # and `<device>.<field>`


@dataclasses.dataclass(frozen=True)
class Known:
    """What the cells of a file may name."""

    kinds: tuple[Kind, ...]
    devices: dict[str, type[Device]]
    terminals: tuple[str, ...]
    measured: tuple[str, ...]  # homes of the readings
    held_out: tuple[str, ...] = ()  # measured homes that no agent learns from


@dataclasses.dataclass(frozen=True)
class Said:
    """What is said of each home by itself. Indices are -1 and numbers NaN where the scenario decides."""

    kind: np.ndarray  # (homes,) index in `Known.kinds`; one more is a load only
    terminal: np.ndarray  # (homes,) index in `Known.terminals`
    source: np.ndarray  # (homes,) index in `Known.measured`
    homes_per_agent: np.ndarray  # (homes,)
    fields: dict[tuple[str, str], np.ndarray]  # (device, field) → (homes,)


def read(homes: HomesSection, known: Known) -> Said:
    """The rows of `homes.file`; without a file nothing is said.

    Raises:
        ScenarioError: every column and cell that cannot be used, with its line.
    """
    if not homes.file:
        nothing = np.full(homes.count, UNSAID)
        return Said(nothing, nothing, nothing, np.full(homes.count, np.nan), {})
    table = table_of(Path(homes.file))
    file = _File(homes.file, table.filter(pl.any_horizontal(pl.exclude("row").is_not_null())), [])
    rows = file.table.height
    if rows != homes.count:
        file.problems.append(Problem(homes.file, "homes.count", homes.count, f"as many as the file has rows: {rows}"))
    _refuse_columns(file, known)
    _refuse_twins(file)
    kind = file.index(file.words("kind"), (*(each.name for each in known.kinds), LOAD_ONLY), "kind")
    free = [name for name in known.measured if name not in known.held_out]
    source = file.index(file.words("source"), free, "source")
    place = "bus, phases" if "bus" in table.columns else "terminal"
    said = Said(
        kind=kind,
        terminal=file.index(_places(file), known.terminals, place),
        source=np.array([known.measured.index(free[each]) if each >= 0 else UNSAID for each in source], int),
        homes_per_agent=file.numbers("homes_per_agent", HomesSection.model_fields["homes_per_agent"]),
        fields=_fields(file, known, kind),
    )
    if file.problems:
        raise ScenarioError(file.problems)
    return said


@dataclasses.dataclass(frozen=True)
class _File:
    """The table of a file, and the problems that were found in it."""

    path: str
    table: pl.DataFrame
    problems: list[Problem]

    def words(self, column: str) -> list[str]:
        """Cells as text; empty where there is nothing, or no such column."""
        if column not in self.table.columns:
            return [""] * self.table.height
        return self.table[column].cast(pl.String).fill_null("").str.strip_chars().to_list()

    def refuse(self, rows: Iterable[Any], column: str, values: Any, text: str) -> None:
        """One problem for each of these rows."""
        line = self.table["row"]
        self.problems.extend(Problem(f"{self.path}:{line[row]}", column, values[row], text) for row in map(int, rows))

    def index(self, words: list[str], known: tuple[str, ...] | list[str], column: str) -> np.ndarray:
        """Place of each word in `known`, -1 where it is empty."""
        at = {name: place for place, name in enumerate(known)}
        for row, word in enumerate(words):
            if word and word not in at:
                self.refuse([row], column, words, nearest(word, known))
        return np.array([at.get(word, UNSAID) for word in words], int)

    def numbers(self, column: str, field: Any) -> np.ndarray:
        """Cells as numbers that `field` allows, NaN where there is nothing."""
        if column not in self.table.columns:
            return np.full(self.table.height, np.nan)
        plain, wrong = numbers(self.table[column])
        told = np.flatnonzero(plain.is_not_null())
        beyond = told[misfits(plain.drop_nulls().to_list(), field)]
        self.refuse([*np.flatnonzero(wrong), *beyond], column, self.table[column], allowed(field))
        return plain.to_numpy().astype(float)


def _refuse_columns(file: _File, known: Known) -> None:
    """Columns that mean nothing, and two ways of saying one thing."""
    for column in file.table.columns[1:]:
        device, dot, field = column.partition(".")
        if dot and device not in known.devices:
            text = f"<device>.<field> of a device that a kind of `homes.kinds` has: {nearest(device, known.devices)}"
        elif dot and field not in (fields := device_fields(known.devices[device])):
            text = f"a field of {device}, {nearest(field, fields)}"
        elif not dot and column not in COLUMNS:
            text = f"{nearest(column, COLUMNS)}; or <device>.<field>, as in battery.size_kwh"
        else:
            continue
        file.problems.append(Problem(file.path, "column", column, text))
    if {"terminal", "bus"} <= set(file.table.columns):
        file.problems.append(Problem(file.path, "columns", "terminal, bus", "terminal, or bus and phases"))


def _refuse_twins(file: _File) -> None:
    """Names of homes that stand twice."""
    homes = file.words("home")
    first = {name: row for row, name in reversed(list(enumerate(homes)))}
    again = [row for row, name in enumerate(homes) if name and first[name] != row]
    file.refuse(again, "home", homes, "a name of its own in every row")


def _places(file: _File) -> list[str]:
    """Names of terminals: the column, or bus and phases, as 35 and 12 for `35.1.2`."""
    pairs = zip(file.words("bus"), file.words("phases"), strict=True)
    joined = [".".join([bus, *filter(str.isdigit, phases)]) for bus, phases in pairs]
    return joined if "bus" in file.table.columns else file.words("terminal")


def _fields(file: _File, known: Known, kind: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Fields of devices; a cell of a device that the home's kind lacks may be empty or 0 only."""
    said = {}
    for name, device in known.devices.items():
        has = np.array([name in each.devices for each in known.kinds] + [False, False])[kind]
        for field, info in device_fields(device).items():
            column = f"{name}.{field}"
            if column not in file.table.columns:
                continue
            said[name, field] = file.numbers(column, info)
            idle = np.flatnonzero(~has & (np.nan_to_num(said[name, field]) != 0))
            file.refuse(idle, column, file.table[column], f"empty; or in the column kind, a kind that has {name}")
    return said
