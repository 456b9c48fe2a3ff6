"""Import and export prices of every day and step, from what a contract says."""

import dataclasses
import datetime
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.data.files import table_of
from wattflock.data.numbers import numbers
from wattflock.data.own_columns import local_stamps, need, wrong_rows
from wattflock.data.source import Readings

PLAUSIBLE = 10.0  # currency per kWh: more is probably in hundredths
SUNDAY = 7
SET_BACK = ((10, 25, 31), (11, 1, 7), (4, 1, 7))  # month, first and last day: Europe, North America, Australia
MOST_TOLD = 10  # stamps that are repeated
Table = np.ndarray  # (days, steps) [currency per kWh]
Bands = tuple[tuple[float, float, float], ...]


class Contract(Protocol):
    """What a retail contract says about prices; the fields are told by `market.retail.Retail`."""

    @property
    def prices_from(self) -> str: ...

    @property
    def flat_per_kwh(self) -> float: ...

    @property
    def bands(self) -> Bands: ...

    @property
    def bands_free(self) -> Bands: ...

    @property
    def file(self) -> str: ...

    @property
    def exports_from(self) -> str: ...

    @property
    def export_per_kwh(self) -> float: ...

    @property
    def carbon_per_t(self) -> float: ...

    @property
    def carbon_on_exports(self) -> bool: ...


def priced(contract: Contract, readings: Readings) -> Readings:
    """Readings with the contract's prices; exports have the import price where nothing else is said.

    Raises:
        ScenarioError: lists every problem of the settings, or of the file.
    """
    bought, sold = readings.import_price_per_kwh, readings.export_price_per_kwh
    if contract.prices_from == "flat":
        bought = sold = np.full_like(bought, contract.flat_per_kwh)
    elif contract.prices_from == "bands":
        bought = sold = by_hour(contract, readings)
    elif contract.prices_from == "file":
        bought, sold = from_file(contract.file, readings)
    if contract.exports_from == "fixed":
        sold = np.full_like(sold, contract.export_per_kwh)
    elif contract.exports_from == "imports":
        sold = bought
    carbon = contract.carbon_per_t / 1000 * readings.carbon_kg_per_kwh
    sold = sold + carbon if contract.carbon_on_exports else sold
    return dataclasses.replace(readings, import_price_per_kwh=bought + carbon, export_price_per_kwh=sold)


def by_hour(contract: Contract, readings: Readings) -> Table:
    """Time of use, from bands of hours."""
    kinds = {"bands": contract.bands, "bands_free": contract.bands_free or contract.bands}
    problems = [each for name, bands in kinds.items() for each in wrong_bands(name, bands)]
    if problems:
        raise ScenarioError(problems)
    steps = readings.import_price_per_kwh.shape[1]
    hour = np.arange(steps) * 24 / steps
    work, free = (of_bands(bands, hour) for bands in kinds.values())
    return np.where(readings.weekend[:, None] > 0, free, work)


def wrong_bands(name: str, bands: Bands) -> Iterator[Problem]:
    """Bands that are not three numbers, leave the day, or do not cover it once."""
    field = f"market.settings.{name}"
    bad = [band for band in bands if len(band) != 3 or not 0 <= band[0] < band[1] <= 24]
    yield from (Problem("scenario", field, list(band), "[from hour, to hour, price], within 0 to 24 h") for band in bad)
    covered = sorted((band[0], band[1]) for band in bands if band not in bad)
    ends = [0.0, *(end for _, end in covered)]
    if not bad and (not covered or [start for start, _ in covered] != ends[:-1] or ends[-1] != 24):
        yield Problem("scenario", field, [list(band) for band in bands], "bands that cover 0 to 24 h once")


def of_bands(bands: Bands, hour: np.ndarray) -> np.ndarray:
    """Price at each hour (steps,)."""
    return np.sum([np.where((hour >= start) & (hour < end), price, 0.0) for start, end, price in bands], axis=0)


def from_file(path: str, readings: Readings) -> tuple[Table, Table]:
    """Prices of a file at the steps of the readings: held over finer steps, averaged over coarser ones.

    Stamps are the readings' own local clock, at the beginning of a step.

    Raises:
        ScenarioError: lists every problem of the file at once.
    """
    if not path or not Path(path).is_file():
        raise ScenarioError([Problem("scenario", "market.settings.file", path, "a CSV or Parquet file with prices")])
    table = table_of(Path(path))
    need(path, table, ("time", "import_per_kwh"))
    when, problems = local_stamps(path, table)
    names = ("import_per_kwh", "export_per_kwh" if "export_per_kwh" in table.columns else "import_per_kwh")
    found = []
    for name in dict.fromkeys(names):
        values, bad = numbers(table[name])
        far = bad | values.is_null() | (values.abs() > PLAUSIBLE).fill_null(False)
        problems += wrong_rows(path, table, name, far, f"a price within ±{PLAUSIBLE:g} in currency per kWh")
        found.append(values)
    if problems:
        raise ScenarioError(problems)
    prices = pl.DataFrame({"time": when, "bought": found[0], "sold": found[-1], "row": table["row"]}).sort("time")
    return on_steps(path, prices, readings)


def repeated(path: str, prices: pl.DataFrame, width: int) -> list[Problem]:
    """Stamps that occur more than once: only the one hour may, and twice, of the Sunday when clocks are set back.

    Args:
        path: of the file, for the message.
        prices: sorted, with the `row` of the file.
        width: of a step [s].
    """
    again, date = prices.filter(pl.col("time").is_duplicated()), pl.col("time").dt.date()
    early = (date.dt.weekday() == SUNDAY) & (pl.col("time").dt.hour() < 4)
    back = pl.any_horizontal((date.dt.month() == month) & date.dt.day().is_between(a, b) for month, a, b in SET_BACK)
    twice = [pl.len().over("time") == 2]  # and an hour twice, of which no other stamp of the day is one
    twice += [pl.len().over(span) * width == 2 * 3600 for span in (pl.col("time").dt.truncate("1h"), date)]
    wrong = again.filter(~pl.all_horizontal(early, back, *twice))
    said = "each stamp once; only the hour that clocks are set back by, on a Sunday in autumn, may be there twice"
    return [
        Problem(f"{path}:{rows['row'].min()}", "time", str(when), f"{said}; rows {', '.join(map(str, rows['row']))}")
        for (when,), rows in wrong.sort("time", "row").group_by("time", maintain_order=True)
    ][:MOST_TOLD]


def on_steps(path: str, prices: pl.DataFrame, readings: Readings, called: str = "prices") -> tuple[Table, Table]:
    """Sorted stamps and prices, or what is `called` otherwise, as tables (days, steps) of the readings."""
    days, steps = readings.import_price_per_kwh.shape
    start = datetime.datetime.combine(readings.first_day, datetime.time())
    once = prices.group_by("time").mean().sort("time")
    second = (once["time"] - start).dt.total_seconds().to_numpy()
    if len(second) < 2:
        raise ScenarioError([Problem(path, "time", f"{len(second)} stamps", "two or more")])
    width = round(float(np.median(np.diff(second))))
    if problems := repeated(path, prices, width):
        raise ScenarioError(problems)
    fine = np.arange(0, days * 86400, math.gcd(width, round(86400 / steps)))
    at = np.searchsorted(second, fine + 1e-6, "right") - 1
    lost = (at < 0) | (fine - second[at] >= 1.5 * width)
    if lost.any():
        first = start + datetime.timedelta(seconds=float(fine[lost][0]))
        end = readings.first_day + datetime.timedelta(days=days - 1)
        said = f"{called} for all of {readings.first_day} to {end}; {lost.mean():.0%} of that is missing"
        raise ScenarioError([Problem(path, "time", str(first), said)])
    bought, sold = (once[name].to_numpy()[at].reshape(days, steps, -1).mean(2) for name in ("bought", "sold"))
    return bought, sold
