"""Tables whose columns have names of ours: columns that are missing, rows that are wrong, stamps of another clock."""

from collections.abc import Iterable, Mapping

import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.data.stamps import stamps


def need(path: str, table: pl.DataFrame, names: Iterable[str], instead: Mapping[str, str] | None = None) -> None:
    """Does nothing where all columns are there; `instead` says what may stand in place of one.

    Raises:
        ScenarioError: lists every column that is missing, and those that are there.
    """
    there = ", ".join(name for name in table.columns if name != "row") or "none"
    problems = [
        Problem(path, name, "(missing)", f"a column of that name{(instead or {}).get(name, '')}; there are {there}")
        for name in names
        if name not in table.columns
    ]
    if problems:
        raise ScenarioError(problems)


def wrong_rows(path: str, table: pl.DataFrame, name: str, wrong: pl.Series, allowed: str) -> list[Problem]:
    """One problem for a column's wrong rows: the first, and how many there are."""
    rows = table.filter(wrong)
    more = f"; {rows.height} such rows" if rows.height > 1 else ""
    return [Problem(f"{path}:{rows['row'][0]}", name, rows[name][0], allowed + more)] if rows.height else []


def local_stamps(path: str, table: pl.DataFrame) -> tuple[pl.Series, list[Problem]]:
    """The column `time` on the readings' own local clock; stamps that say their offset are of another."""
    when, zoned, _ = stamps(table["time"])
    problems = wrong_rows(path, table, "time", when.is_null(), "a date and time")
    if zoned:
        said = "the readings' own local clock, without an offset or Z"
        problems = [Problem(f"{path}:{table['row'][0]}", "time", table["time"][0], said), *problems]
    return when, problems
