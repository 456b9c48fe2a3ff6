"""Cleaned days of measured homes → readings for a study; what was not measured is borrowed from another set."""

import dataclasses
import datetime

import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import part
from wattflock.data.calendar import calendar
from wattflock.data.check import refuse
from wattflock.data.clean import Cleaned, clean
from wattflock.data.look import LEAST_WEEKS, look, whole_weeks
from wattflock.data.raw import Raw
from wattflock.data.sample import resample, split_of_week
from wattflock.data.source import DataSource, Readings

PRICES = ("import_price_per_kwh", "export_price_per_kwh")
HALF_YEAR = 182.5  # days
SOUTH = ("Australia/", "Antarctica/", "Pacific/Auckland", "America/Sao_Paulo", "America/Argentina", "America/Santiago",
         "Africa/Johannesburg", "Africa/Harare", "Africa/Windhoek", "Indian/")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Shelf:
    """A donor set: dates and columns (days, steps) or, for `sun`, (days, steps, homes)."""

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
    source = part("data", DataSource, "california")
    held = (source(colder_c=0.0) if south else source()).read()
    names = ("outdoor_c", *PRICES, "carbon_kg_per_kwh")
    columns = {name: getattr(held, name) for name in names} | {"sun": held.sun_kw_per_kwp}
    dates = tuple(held.first_day + datetime.timedelta(days=k) for k in range(len(held.month)))
    return Shelf("california", held.currency, dates, columns)


def agile(path: str) -> Shelf:
    """Prices and carbon from the user's file.

    Raises:
        ScenarioError: it is not there, or has not one whole day of prices.
    """
    cleaned = clean(part("data", DataSource, "agile")(path).raw())
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
    """For each date the replacing day of `there`: the day itself, or the nearest in season on the same weekday."""
    wanted, held = (pl.Series(each, dtype=pl.Date) for each in (dates, there))
    turn = HALF_YEAR if south else 0.0
    apart = np.abs(wanted.dt.ordinal_day().to_numpy()[:, None] + turn - held.dt.ordinal_day().to_numpy()[None])
    apart = np.minimum(apart % 365.25, 365.25 - apart % 365.25)
    other = wanted.dt.weekday().to_numpy()[:, None] != held.dt.weekday().to_numpy()[None]
    same = wanted.to_numpy()[:, None] == held.to_numpy()[None]
    return np.argmin(np.where(same, -1.0, apart + 1000.0 * other), 1)


def southern(zone: str) -> bool:
    """Whether a time zone is south of the equator."""
    return zone.startswith(SOUTH)


LEAST_WHOLE = 0.8  # share of the days that a home must have
MOST_OUTPUT = 1.2  # kW per kW peak
SHARED = ("outdoor_c", "import_price_per_kwh", "export_price_per_kwh", "carbon_kg_per_kwh")
USED = {"load_kw", "pv_kw", "ev_plugged", "ev_driving_kwh"}  # columns of a home that a study takes
COMMUTE = "a plain commute"


@dataclasses.dataclass(frozen=True)
class PriceSource:
    """Where prices and carbon come from: `own`, `california` or `agile`, and the file of the last."""

    prices: str = "own"
    path: str = ""


def to_readings(raw: Raw, beside: PriceSource) -> Readings:
    """Whole weeks from a Monday; a home's days that are left out are replaced, and the card reports it.

    Raises:
        ScenarioError: the files have errors, or hold too few days or homes.
    """
    seen, name = look(raw), raw.files[0]
    refuse(seen.findings)
    cleaned = seen.cleaned or clean(raw)
    if cleaned.flock.load_kw is None:
        raise ScenarioError([Problem(name, "load", "(missing)", "a source with the load of homes")])
    days = _weeks(cleaned, name)
    dates = [cleaned.flock.first_day + datetime.timedelta(days=int(k)) for k in days]
    when = calendar(dates[0], len(dates))
    weekend = np.asarray(when.weekend, float)
    load, homes, stood_in = _own(cleaned.flock.load_kw[:, days], weekend)
    if not len(homes):
        raise ScenarioError([Problem(name, "homes", 0, f"a home with at least {LEAST_WHOLE:.0%} of its days whole")])
    completed = _completed(_shelves(raw, cleaned, beside), cleaned, (days, homes), southern(raw.zone))
    cars, drivers = _cars(cleaned, (days, homes), weekend)
    origin = completed.origin | {"cars": drivers}
    card = raw.card | {
        "period": f"{dates[0]} to {dates[-1]}",
        "composite": {column: place for column, place in origin.items() if place != "measured"},
        "not_used": sorted(set(cleaned.flock.columns()) - USED),
        "left_out": [home for k, home in enumerate(cleaned.flock.homes) if k not in homes],
        "days_stood_in": stood_in,
        "repairs": cleaned.counts(),
    }
    return Readings(
        load_kw=load, **completed.tables, **cars, weekend=weekend, month=np.asarray(when.month),
        first_day=dates[0], homes=tuple(cleaned.flock.homes[k] for k in homes), currency=completed.currency, card=card,
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Completed:
    """Sun, weather, prices and carbon for all days, and where each is from."""

    tables: dict[str, np.ndarray]
    origin: dict[str, str]
    currency: str


def _completed(shelves: list[Shelf], cleaned: Cleaned, which: tuple[np.ndarray, np.ndarray], south: bool) -> Completed:
    """Missing columns of days and homes (numbers of both), each from the first donor set that has it."""
    dates = [cleaned.flock.first_day + datetime.timedelta(days=int(k)) for k in which[0]]
    steps = cleaned.flock.shape()[2]
    taken = {column: next(shelf for shelf in shelves if column in shelf.columns) for column in SHARED}
    taken["export_price_per_kwh"] = taken["import_price_per_kwh"]
    tables = {column: _shared(taken[column], column, dates, (south, steps)) for column in SHARED}
    tables["sun_kw_per_kwp"], sky = _sun(cleaned, which, shelves[-1].take("sun", dates, south, steps))
    origin = {"sun": sky} | {column: shelf.name for column, shelf in taken.items()}
    return Completed(tables, origin, taken["import_price_per_kwh"].currency)


def _weeks(cleaned: Cleaned, name: str) -> np.ndarray:
    days = whole_weeks(cleaned)
    if len(days) < 7 * LEAST_WEEKS:
        allowed = f"at least {LEAST_WEEKS} whole weeks from a Monday, so that some are left to judge on"
        raise ScenarioError([Problem(name, "weeks", len(days) // 7, allowed)])
    return days


def _own(values: np.ndarray, weekend: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """(homes, days, steps) → (days, steps, homes) without gaps, which homes, and the days that were replaced."""
    whole = np.isfinite(values.sum(2))
    weeks = np.array([split_of_week(day // 7) for day in range(len(weekend))])
    part = np.array([f"{split}{free:.0f}" for split, free in zip(weeks, weekend, strict=True)])
    kept, tables, stood_in = [], [], 0
    for home in np.flatnonzero(whole.mean(1) >= LEAST_WHOLE):
        day = _stand_in(whole[home], part)
        if day is not None:
            kept.append(int(home))
            tables.append(values[home, day])
            stood_in += int((~whole[home]).sum())
    return (np.stack(tables, -1) if tables else np.zeros((0, 0, 0))).astype(float), np.array(kept, int), stood_in


def _stand_in(whole: np.ndarray, part: np.ndarray) -> np.ndarray | None:
    """For each day itself, or the nearest whole day of the same split and part of the week; None without one."""
    picked = np.arange(len(whole))
    for day in np.flatnonzero(~whole):
        able = np.flatnonzero(whole & (part == part[day]))
        if not len(able):
            return None
        picked[day] = able[np.argmin(np.abs(able - day))]
    return picked


def _sun(cleaned: Cleaned, which: tuple[np.ndarray, np.ndarray], other: np.ndarray) -> tuple[np.ndarray, str]:
    """(days, steps, homes) [kW per kW peak] and where it is from; homes without a panel take a neighbour's."""
    (days, homes), flock = which, cleaned.flock
    if flock.pv_kw is not None and flock.kwp is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            unit = flock.pv_kw[:, days] / flock.kwp[:, None, None]
        measured, who, _ = _own(np.where(np.isfinite(unit), unit, np.nan), np.zeros(len(days)))
        shines = measured.mean((0, 1)) > 0.01 if len(who) else np.zeros(0, bool)
        if shines.any():
            column, alone = _lent(homes, who[shines])
            panels = np.clip(measured[..., shines][..., column], 0, MOST_OUTPUT)
            return panels, "measured" if alone else "neighbours' panels"
    return other[..., np.arange(len(homes)) % other.shape[-1]], "california"


def _cars(cleaned: Cleaned, which: tuple[np.ndarray, np.ndarray], weekend: np.ndarray) -> tuple[dict, str]:
    """When cars are plugged in and what they drive (days, steps, homes); homes without a car take a neighbour's."""
    (days, homes), flock = which, cleaned.flock
    if flock.ev_plugged is None or flock.ev_driving_kwh is None:
        return {}, COMMUTE
    steps = flock.shape()[2]
    both, who, _ = _own(np.concatenate([flock.ev_plugged, flock.ev_driving_kwh], 2)[:, days], weekend)
    has = both[:, :steps].any((0, 1)) if len(who) else np.zeros(0, bool)
    if not has.any():
        return {}, COMMUTE
    column, alone = _lent(homes, who[has])
    both = both[..., has][..., column]
    cars = {"ev_plugged": both[:, :steps], "ev_driving_kw": both[:, steps:] * (steps / 24)}
    return cars, "measured" if alone else "neighbours' cars"


def _lent(homes: np.ndarray, who: np.ndarray) -> tuple[list[int], bool]:
    """For each home its own index in `who`, or in turn another one's; and whether all have their own."""
    places = {int(home): place for place, home in enumerate(who)}
    return [places.get(int(home), k % len(who)) for k, home in enumerate(homes)], set(map(int, homes)) <= set(places)


def _shelves(raw: Raw, cleaned: Cleaned, beside: PriceSource) -> list[Shelf]:
    """Donor sets of shared columns, in order of preference; the last has all columns."""
    first = cleaned.flock.first_day
    own = {name: values for name, values in cleaned.common.items() if whole(values).any()}
    bundled = california(southern(raw.zone))
    chosen = []
    if beside.prices != "own":
        own = {name: values for name, values in own.items() if name == "outdoor_c"}
        chosen = [bundled if beside.prices == "california" else agile(beside.path)]
        prices = {name: values for name, values in chosen[0].columns.items() if name in SHARED[1:]}
        chosen = [dataclasses.replace(chosen[0], columns=prices)]
    count = len(next(iter(own.values()), ()))
    dates = tuple(first + datetime.timedelta(days=k) for k in range(count))
    return [*chosen, Shelf("measured", raw.currency, dates, own), bundled]


def _shared(shelf: Shelf, column: str, dates: list[datetime.date], how: tuple[bool, int]) -> np.ndarray:
    """A column of a donor set; a missing export price is the import price. A home's own days keep their season."""
    south, steps = how
    name = column if column in shelf.columns else "import_price_per_kwh"
    return shelf.take(name, dates, south and shelf.name == "california", steps)
