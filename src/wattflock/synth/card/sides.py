"""The sides of a report card, real and made, and the lines of its table."""

import dataclasses
import datetime
from collections.abc import Container
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wattflock.data.home_days import HomeDays

FLOOR = "training against held-out homes"  # the effect of chance and few homes
Row = dict[str, Any]
Section = tuple[dict[str, Any], list[Row]]  # what a figure shows, and its lines of the table


class Criterion(NamedTuple):
    """The criterion of a figure."""

    sense: str  # "at most" or "at least"
    limit: float


class Reference(NamedTuple):
    """The same figure between real homes, to show the effect of chance."""

    value: float
    words: str


def row(
    name: tuple[str, str], value: float, unit: str, beside: Reference | None = None, bar: Criterion | None = None
) -> Row:
    """One line, ready for JSON; `name` is the figure it belongs to and its title."""
    topic, words = name
    held = bar and (value <= bar.limit if bar.sense == "at most" else value >= bar.limit)
    return {
        "topic": topic,
        "figure": words,
        "value": number(value),
        "unit": unit,
        "beside": number(beside.value) if beside else None,
        "beside_is": beside.words if beside else "",
        "sense": bar.sense if bar else "",
        "bar": number(bar.limit) if bar else None,
        "verdict": "" if bar is None else "held" if held else "short",
    }


def number(value: float) -> float | None:
    """Six significant digits; None for what is no number."""
    return float(f"{value:.6g}") if np.isfinite(value) else None


def numbers(values: np.ndarray) -> list:
    """An array of any shape as lists of numbers."""
    return [numbers(each) if np.ndim(each) else number(float(each)) for each in values]


def density(values: np.ndarray, edges: np.ndarray) -> list:
    """Per cent of the values per unit of x in each bin; of all values, also of those beyond the last bin."""
    return numbers(100 * np.histogram(values, edges)[0] / max(len(values), 1) / np.diff(edges))


def quantiles(values: np.ndarray) -> dict[str, list]:
    """A cumulative curve: values in order and the per cent at or below each."""
    percent = np.linspace(0, 100, 101)
    return {"value": numbers(np.percentile(values, percent)), "percent": numbers(percent)}


SIDES = ("training", "held_out", "synthetic")
WORDS = {"training": "training homes", "held_out": "held-out homes", "synthetic": "synthetic homes"}
MOST_HOMES = 400  # of a side; of more, so many spread evenly are judged

Real = HomeDays | tuple[HomeDays, ...] | None
Trio = dict[str, tuple[HomeDays, ...]]  # of each side; sources that measured different things are listed together


class LeftOut(Exception):
    """A figure that this data cannot show, and why."""


@dataclass(frozen=True)
class Part:
    """One column of one side. Values (homes, days, 24); NaN where there is no reading."""

    values: np.ndarray
    weekday: np.ndarray  # (days,), 0 is Monday
    month: np.ndarray  # (days,), 1 to 12
    place: np.ndarray  # (homes,) their index in their set
    kwp: np.ndarray | None = None  # (homes,) [kW peak]

    @property
    def weekend(self) -> np.ndarray:
        """1 on Saturday and Sunday, else 0, (days,)."""
        return (self.weekday >= 5).astype(int)

    def whole(self) -> np.ndarray:
        """Days without a gap, all homes together, (n, 24)."""
        return self.values[~np.isnan(self.values).any(-1)]

    def only(self, days: np.ndarray) -> "Part":
        """The same with other days made gaps; `days` is a mask (days,)."""
        return dataclasses.replace(self, values=np.where(days[None, :, None], self.values, np.nan))


Parts = dict[str, Part]
Cars = dict[str, HomeDays]
OF_CARS = ("ev_plugged", "ev_charging_need_kwh", "ev_driving_kwh")


def trio(training: Real, held_out: Real, synthetic: HomeDays) -> Trio:
    """The three sides in their order; one without data is left out."""
    given = zip(SIDES, (training, held_out, (synthetic,)), strict=True)
    return {side: (flocks,) if isinstance(flocks, HomeDays) else flocks for side, flocks in given if flocks}


def parts(sides: Trio, column: str) -> tuple[Parts, list[str]]:
    """A column on every side that has it, in the months that all of them share; and a note about them.

    Raises:
        LeftOut: the synthetic side has no such column, or no month is shared.
    """
    found = {side: _part(flocks, column) for side, flocks in sides.items()}
    there = {side: part for side, part in found.items() if part and len(part.values)}
    if "synthetic" not in there:
        raise LeftOut(f"no {column} in the synthetic homes")
    months = set.intersection(*(_months(part) for part in there.values()))
    if not months:
        raise LeftOut(f"the sides have no month of {column} in common")
    shared = {side: _of_months(part, months) for side, part in there.items()}
    return shared, [f"{column}: {text}" for text in _notes(sides, there, months)]


def car_parts(sides: Trio) -> tuple[Cars, list[str]]:
    """Cars of every side that has any, hour by hour, in the months that all of them share; and a note about them.

    Raises:
        LeftOut: the synthetic side lacks plug-in times or requested energy.
    """
    asked, notes = parts(sides, "ev_charging_need_kwh")
    plugged, _ = parts(sides, "ev_plugged")
    found = {}
    for side, part in asked.items():
        flock = next(one for one in sides[side] if one.ev_charging_need_kwh is not None)
        if side in plugged and flock.ev_plugged is not None:
            own = {
                name: _of_homes(values, part) for name, values in flock.hourly().columns().items() if name in OF_CARS
            }
            homes = tuple(flock.homes[place] for place in part.place)
            battery_kwh = None if flock.battery_kwh is None else flock.battery_kwh[part.place]
            found[side] = HomeDays(homes, flock.first_day, battery_kwh=battery_kwh, **own)
    return found, notes


def _of_homes(values: np.ndarray, part: Part) -> np.ndarray:
    return np.where(np.isnan(part.values[..., :1]), np.nan, values[part.place])


def _part(flocks: tuple[HomeDays, ...], column: str) -> Part | None:
    """Of the first source that has the column; homes without any whole day are left out."""
    flock = next((flock for flock in flocks if column in flock.columns()), None)
    if flock is None:
        return None
    hourly = flock.hourly()
    values = hourly.columns()[column]
    days = np.asarray(~np.isnan(values).any(-1))
    some = np.flatnonzero(days.any(1))
    if len(some) > MOST_HOMES:
        some = some[np.linspace(0, len(some) - 1, MOST_HOMES).round().astype(int)]
    kept = np.where(days[some][..., None], values[some], np.nan)
    when = flock.when()
    kwp = None if flock.kwp is None else flock.kwp[some]
    return Part(kept, np.asarray(when.weekday), np.asarray(when.month), some, kwp)


def _months(part: Part) -> set[int]:
    return set(part.month[~np.isnan(part.values[..., 0]).all(0)].tolist())


def _of_months(part: Part, months: set[int]) -> Part:
    kept = part.only(np.isin(part.month, list(months)))
    some = ~np.isnan(kept.values[..., 0]).all(1)
    kwp = None if kept.kwp is None else kept.kwp[some]
    return dataclasses.replace(kept, values=kept.values[some], place=kept.place[some], kwp=kwp)


def _notes(sides: Trio, there: Parts, months: set[int]) -> list[str]:
    said = []
    if set.union(*(_months(part) for part in there.values())) != months:
        names = ", ".join(datetime.date(2000, month, 1).strftime("%B") for month in sorted(months))
        said.append(f"judged on the months that all sides have: {names}")
    if missing := [WORDS[side] for side in sides if side not in there]:
        said.append(f"not measured in {' and '.join(missing)}")
    if many := [WORDS[side] for side, part in there.items() if len(part.values) == MOST_HOMES]:
        said.append(f"at most {MOST_HOMES} homes of a side are judged, spread evenly: {' and '.join(many)}")
    return said


def reference(found: Container[str]) -> str | None:
    """The real side that made homes are compared with: held-out homes, or else those of training; None without any."""
    return next((side for side in ("held_out", "training") if side in found), None)


def all_real(found: Parts) -> Part | None:
    """Training and held-out homes together where they share their days; else the reference alone; None without any."""
    real = [found[side] for side in ("training", "held_out") if side in found]
    if len(real) == 2 and real[0].values.shape[1:] == real[1].values.shape[1:]:
        values = np.concatenate([part.values for part in real])
        return dataclasses.replace(real[0], values=values, place=np.arange(len(values)), kwp=None)
    side = reference(found)
    return found[side] if side else None
