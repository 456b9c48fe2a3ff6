"""A long table of any origin as a flock, as it is: nothing is repaired, since a card judges what is there."""

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import no_panic, regular
from wattflock.core.registry import nearest
from wattflock.data.home_days import OWN, HomeDays, from_table
from wattflock.data.numbers import numbers
from wattflock.data.stamps import odd_years_as_text, stamps
from wattflock.synth.generate import SIZES, SIZES_OF

POWERS = {"load_kwh": "load_kw", "pv_kwh": "pv_kw", "heat_kwh": "heat_kw"}  # energy of a step is taken too
VALUES = (*OWN, *POWERS, "outdoor_c", "kwp")
KNOWN = ("home", "time", *VALUES)
MOST_HOMES = 400
FEWEST_DAYS = 14
TWICE = 0.001  # of the rows may come twice: the hour that autumn has twice


def read_flock(path: Path, columns: dict[str, str]) -> tuple[HomeDays, list[str]]:
    """A Parquet or CSV with a row for each home and time, in local clock time.

    Args:
        path: the file.
        columns: our name -> the file's name, for those that are called otherwise.

    Returns:
        The flock, of at most 400 homes spread evenly; and what to say about the reading.

    Raises:
        ScenarioError: no such file, no time, no home, no known column, not enough days: lists every problem.
    """
    try:
        with no_panic():
            table, notes = _some_homes(_renamed(_scan(path), path, columns), path)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise ScenarioError([Problem(str(path), "file", str(error).splitlines()[0], "a Parquet or CSV file")]) from None
    table, step = _checked(odd_years_as_text(table), path)
    for energy, power in POWERS.items():
        if energy in table.columns:
            table = table.with_columns((pl.col(energy) / (step / timedelta(hours=1))).alias(power))
    flock = from_table(table)
    sizes = {"kwp": "kwp"} if "kwp" in table.columns else {}
    if (path / SIZES).is_file():
        table, sizes = pl.read_csv(path / SIZES), SIZES_OF
    sized: dict[str, Any] = {name: _each(flock, table, column) for name, column in sizes.items()}
    return dataclasses.replace(flock, **sized), notes


def _each(flock: HomeDays, table: pl.DataFrame, column: str) -> np.ndarray:
    """A column that is the same in all rows of a home, (homes,)."""
    known = dict(table.group_by("home").agg(pl.col(column).first()).iter_rows())
    return np.array([known.get(home) or 0.0 for home in flock.homes])


def _scan(path: Path) -> pl.LazyFrame:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path] * path.is_file()
    if not files:
        allowed = "a Parquet or CSV file, or a folder of Parquet files"
        raise ScenarioError([Problem(str(path), "file", "(missing)", allowed)])
    if files[0].suffix == ".parquet":
        return pl.scan_parquet([*map(regular, files)])
    return pl.read_csv(regular(path), infer_schema_length=10_000).lazy()


def _renamed(scan: pl.LazyFrame, path: Path, columns: dict[str, str]) -> pl.LazyFrame:
    """Our columns by our names."""
    there = scan.collect_schema().names()
    columns = {own: given for own, given in columns.items() if given in there or own not in there}
    listed = ", ".join(there[:12]) + (" …" if len(there) > 12 else "")
    problems = [
        Problem("--column", own, given, f"a column of {path.name}: {listed}")
        for own, given in columns.items()
        if given not in there
    ]
    problems += [
        Problem("--column", own, given, nearest(own, KNOWN)) for own, given in columns.items() if own not in KNOWN
    ]
    given = {name: name for name in KNOWN if name in there} | columns
    problems += [
        Problem(
            str(path), name, "(missing)", f"a column of this name, or --column {name}=<column>; there are: {listed}"
        )
        for name in ("home", "time")
        if name not in given
    ]
    if not set(given) & set(OWN) | set(given) & set(POWERS):
        problems.append(
            Problem(str(path), "columns", listed, f"one of {', '.join((*OWN, *POWERS))}, or --column load_kw=<column>")
        )
    if problems:
        raise ScenarioError(problems)
    return scan.select(pl.col(theirs).alias(own) for own, theirs in given.items())


def _some_homes(scan: pl.LazyFrame, path: Path) -> tuple[pl.DataFrame, list[str]]:
    homes = scan.select(pl.col("home").unique(maintain_order=True)).collect(engine="streaming")["home"]
    if len(homes) > MOST_HOMES:
        places = np.linspace(0, len(homes) - 1, MOST_HOMES).round().astype(int)
        kept = homes.gather(pl.Series(places))
        scan = scan.filter(pl.col("home").is_in(kept.implode()))
        notes = [f"{path.name}: {MOST_HOMES} of its {len(homes):,} homes are judged, spread evenly"]
    else:
        notes = []
    return scan.with_columns(pl.col("home").cast(pl.String)).collect(engine="streaming"), notes


def _checked(table: pl.DataFrame, path: Path) -> tuple[pl.DataFrame, timedelta]:
    """Stamps and numbers read, in order, with the step; a column that cannot be read is a problem."""
    problems = [Problem(str(path), "rows", 0, "at least one reading")] if table.is_empty() else []
    time, bad = _local(table["time"])
    if bad:
        problems.append(Problem(str(path), "time", bad, "date and time, as in 2013-01-31 13:30"))
    read = {name: numbers(table[name]) for name in table.columns if name in VALUES}
    problems += [
        Problem(str(path), name, str(table[name].filter(wrong)[0]), "numbers; empty where missing")
        for name, (_, wrong) in read.items()
        if wrong.any()
    ]
    if problems:
        raise ScenarioError(problems)
    table = table.with_columns(time=time, **{name: plain for name, (plain, _) in read.items()}).drop_nulls(
        ["home", "time"]
    )
    table = table.sort("home", "time")
    return table, _step(table, path)


def _local(time: pl.Series) -> tuple[pl.Series, str]:
    """Naive stamps of the local clock; and one that cannot be read."""
    if isinstance(time.dtype, pl.Datetime):
        return time.dt.replace_time_zone(None).cast(pl.Datetime("us")), ""
    read, _, _ = stamps(time)
    wrong = time.filter(read.is_null() & time.is_not_null())
    return read, str(wrong[0]) if len(wrong) else ""


def _step(table: pl.DataFrame, path: Path) -> timedelta:
    """The commonest distance of two stamps; raises every problem of the time axis."""
    after = table["time"].diff().filter(table["home"] == table["home"].shift())
    twice = int((after == timedelta(0)).sum())
    problems = []
    if twice > TWICE * len(table):
        problems.append(Problem(str(path), "time", f"{twice:,} rows", "one row for each home and time"))
    step = after.filter(after > timedelta(0)).mode().min()
    if not isinstance(step, timedelta) or timedelta(hours=1) % step:
        problems.append(
            Problem(
                str(path),
                "time",
                f"a step of {step}" if step else "no two stamps of a home",
                "steps that fill an hour, such as 30 or 60 minutes",
            )
        )
    days = table["time"].dt.date().n_unique()
    if days < FEWEST_DAYS:
        problems.append(Problem(str(path), "days", days, f"at least {FEWEST_DAYS} days"))
    if problems:
        raise ScenarioError(problems)
    assert isinstance(step, timedelta)
    return step
