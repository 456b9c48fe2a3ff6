"""The file of a network tariff: a price by terminal, kind of day and hour."""

from pathlib import Path

import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest
from wattflock.core.types import DAY_KINDS
from wattflock.data.files import table_of
from wattflock.data.numbers import numbers
from wattflock.data.own_columns import need, wrong_rows

COLUMNS = ("terminal", "day", "hour", "network_per_kwh")
MOST_PER_KWH = 1000.0


def table_of_homes(path: str, terminals: tuple[str, ...]) -> np.ndarray:
    """Prices of homes at `terminals` from the file, (kinds of day, steps, homes) [currency per kWh].

    Raises:
        ScenarioError: lists every problem of the file at once.
    """
    if not Path(path).is_file():
        raise ScenarioError([Problem("scenario", "market.settings.network_file", path, "a file that is there")])
    table = table_of(Path(path))
    need(path, table, COLUMNS)
    price, bad = numbers(table["network_per_kwh"])
    hour, bad_hour = numbers(table["hour"])
    day, at = table["day"].cast(pl.String), table["terminal"].cast(pl.String)
    wrong = bad | price.is_null() | (price.abs() > MOST_PER_KWH).fill_null(True)
    problems = wrong_rows(path, table, "network_per_kwh", wrong, f"a price, at most {MOST_PER_KWH:g} either way")
    far = bad_hour | hour.is_null() | ~hour.is_between(0, 24, closed="left").fill_null(False)
    problems += wrong_rows(path, table, "hour", far, "the beginning of a step, 0 or more and below 24 [h]")
    problems += wrong_rows(path, table, "day", ~day.is_in(list(DAY_KINDS)), f"one of {', '.join(DAY_KINDS)}")
    if problems:
        raise ScenarioError(problems)
    return _filled(path, pl.DataFrame({"at": at, "day": day, "hour": hour, "price": price}), terminals)


def _filled(path: str, rows: pl.DataFrame, terminals: tuple[str, ...]) -> np.ndarray:
    hours = sorted(rows["hour"].unique())
    if not np.allclose(hours, np.arange(len(hours)) * 24 / len(hours)):
        raise ScenarioError([Problem(path, "hour", hours[:50], "equal steps that fill a day")])
    known = sorted(rows["at"].unique())
    missing = [each for each in dict.fromkeys(terminals) if each not in set(known)]
    size = len(DAY_KINDS) * len(hours)
    counts = rows.group_by("at").agg(pl.len(), pl.struct("day", "hour").n_unique().alias("each"))
    uneven = counts.filter((pl.col("len") != size) | (pl.col("each") != size)).sort("at")
    problems = [Problem(path, "terminal", each, f"a row for it; {nearest(each, known)}") for each in missing]
    said = f"one for each of {len(DAY_KINDS)} kinds of day and {len(hours)} hours: {size}"
    problems += [Problem(path, f"rows of terminal {name}", count, said) for name, count, _ in uneven.iter_rows()]
    if problems:
        raise ScenarioError(problems)
    kinds = pl.DataFrame({"day": list(DAY_KINDS), "kind": range(len(DAY_KINDS))})
    prices = rows.join(kinds, on="day").sort("kind", "hour", "at")["price"].to_numpy()
    shaped = prices.reshape(len(DAY_KINDS), len(hours), len(known))
    return shaped[..., [known.index(each) for each in terminals]]
