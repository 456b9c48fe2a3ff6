"""A limit of charging from a file: by stamps as long as the readings, or one day of hours."""

from pathlib import Path

import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.data.files import table_of
from wattflock.data.numbers import numbers
from wattflock.data.own_columns import local_stamps, need, wrong_rows
from wattflock.data.price_table import on_steps
from wattflock.data.source import Readings

FIELD = "coordinator.limit.file"


def from_file(path: str, readings: Readings) -> np.ndarray:
    """Limits [kW] at the steps of the readings (days, steps): held over finer steps, averaged over coarser ones.

    Columns `time` (the readings' own local clock, at the beginning of a step) and `limit_kw`; or `hour`, each from 0 to
    23 once, and `limit_kw`: the same on every day.

    Raises:
        ScenarioError: lists every problem of the file at once.
    """
    if not path or not Path(path).is_file():
        raise ScenarioError([Problem("scenario", FIELD, path, "a CSV or Parquet file with time or hour, and limit_kw")])
    table = table_of(Path(path))
    clock = "hour" if "hour" in table.columns and "time" not in table.columns else "time"
    need(path, table, (clock, "limit_kw"))
    limit, bad = numbers(table["limit_kw"])
    wrong = bad | limit.is_null() | (limit < 0).fill_null(False)
    problems = wrong_rows(path, table, "limit_kw", wrong, "a power, 0 or more [kW]")
    if clock == "hour":
        return _by_hour(path, table, limit, problems, readings)
    when, wrong_stamps = local_stamps(path, table)
    if problems := [*problems, *wrong_stamps]:
        raise ScenarioError(problems)
    sorted_rows = pl.DataFrame({"time": when, "bought": limit, "sold": limit, "row": table["row"]}).sort("time")
    return on_steps(path, sorted_rows, readings, "limits")[0]


def _by_hour(
    path: str, table: pl.DataFrame, limit: pl.Series, problems: list[Problem], readings: Readings
) -> np.ndarray:
    hour, _ = numbers(table["hour"])
    if sorted(hour.fill_null(-1).to_list()) != list(range(24)):
        problems.append(Problem(path, "hour", table["hour"].to_list()[:30], "each of 0 to 23 once"))
    if problems:
        raise ScenarioError(problems)
    days, steps = readings.import_price_per_kwh.shape
    of_hour = limit.to_numpy()[np.argsort(hour.to_numpy())]
    return np.tile(of_hour[np.arange(steps) * 24 // steps], (days, 1))
