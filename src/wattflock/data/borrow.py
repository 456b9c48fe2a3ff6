"""What a set has not measured, from a set that has: by the day of the year and the day of the week."""

import dataclasses
import datetime

import numpy as np
import polars as pl

from wattflock.data.agile import Agile
from wattflock.data.california import California
from wattflock.data.clean import clean
from wattflock.data.sample import resample
from wattflock.errors import Problem, ScenarioError

PRICES = ("import_price_per_kwh", "export_price_per_kwh")
HALF_YEAR = 182.5  # days
SOUTH = ("Australia/", "Antarctica/", "Pacific/Auckland", "America/Sao_Paulo", "America/Argentina", "America/Santiago",
         "Africa/Johannesburg", "Africa/Harare", "Africa/Windhoek", "Indian/")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Shelf:
    """Days to borrow from: dates and columns (days, steps) or, for `sun`, (days, steps, homes)."""

    name: str
    currency: str
    dates: tuple[datetime.date, ...]
    columns: dict[str, np.ndarray]

    def take(self, column: str, dates: list[datetime.date], south: bool, steps: int) -> np.ndarray:
        """A column for other dates, on so many steps a day."""
        values = self.columns[column]
        known = np.flatnonzero(whole(values))
        picked = known[alike(dates, [self.dates[k] for k in known], south)]
        return resample(values[picked], 24 / steps)


def california(south: bool) -> Shelf:
    """The bundled set: prices, carbon, 15 panels, weather; lowered as its own default says, but not for the south."""
    held = (California(colder_c=0.0) if south else California()).read()
    names = ("outdoor_c", *PRICES, "carbon_kg_per_kwh")
    columns = {name: getattr(held, name) for name in names} | {"sun": held.sun_kw_per_kwp}
    dates = tuple(held.first_day + datetime.timedelta(days=k) for k in range(len(held.month)))
    return Shelf("california", held.currency, dates, columns)


def agile(path: str) -> Shelf:
    """Prices and carbon from the user's file.

    Raises:
        ScenarioError: it is not there, or has not one whole day of prices.
    """
    cleaned = clean(Agile(path).raw())
    first = cleaned.flock.first_day
    days = len(next(iter(cleaned.common.values()), np.zeros((0, 1))))
    shelf = Shelf("agile", "GBP", tuple(first + datetime.timedelta(days=k) for k in range(days)), cleaned.common)
    if "import_price_per_kwh" not in shelf.columns or not whole(shelf.columns["import_price_per_kwh"]).any():
        raise ScenarioError([Problem(path, "import price", "(missing)", "at least one whole day of prices")])
    return shelf


def whole(values: np.ndarray) -> np.ndarray:
    """Which days (axis 0) have every reading."""
    return np.isfinite(values.reshape(len(values), -1).sum(1))


def alike(dates: list[datetime.date], there: list[datetime.date], south: bool) -> np.ndarray:
    """For each date the day of `there` that stands in: the day itself, or the nearest in season on the same weekday."""
    wanted, held = (pl.Series(each, dtype=pl.Date) for each in (dates, there))
    turn = HALF_YEAR if south else 0.0
    apart = np.abs(wanted.dt.ordinal_day().to_numpy()[:, None] + turn - held.dt.ordinal_day().to_numpy()[None])
    apart = np.minimum(apart % 365.25, 365.25 - apart % 365.25)
    other = wanted.dt.weekday().to_numpy()[:, None] != held.dt.weekday().to_numpy()[None]
    same = wanted.to_numpy()[:, None] == held.to_numpy()[None]
    return np.argmin(np.where(same, -1.0, apart + 1000.0 * other), 1)


def southern(zone: str) -> bool:
    """Is a time zone south of the equator?"""
    return zone.startswith(SOUTH)
