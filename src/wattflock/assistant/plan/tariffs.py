"""Tariffs by name, with currency and country; a price or bands of hours of one's own."""

from csv import DictReader
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from wattflock.assistant.plan.climate import place_of
from wattflock.core.errors import Problem
from wattflock.core.registry import nearest
from wattflock.data.price_table import Bands

ELSEWHERE = "*"  # in the column of countries: where no other tariff is usual


@dataclass(frozen=True)
class Tariff:
    """Prices of a kWh bought, by hour, and of one fed in [currency per kWh]; `said` is the tariff in words."""

    currency: str
    bands: Bands
    export_per_kwh: float
    said: str


def of(asked: Any, city: str, where: str, problems: list[Problem]) -> Tariff | None:
    """The tariff that was asked for, in the currency of the city; None, and a problem more, where there is none.

    Args:
        asked: a name, a price [currency per kWh], bands [[from hour, to hour, price], …], or None for the usual one.
        city: a name; cities that are not known are taken to be British.
        where: what the problem is said to be in.
        problems: gets one more where there is no such tariff.
    """
    table = known()
    usual = _usual(city, table)
    if asked is None:
        return usual
    if isinstance(asked, int | float) and not isinstance(asked, bool):
        return Tariff(usual.currency, ((0.0, 24.0, float(asked)),), min(usual.export_per_kwh, asked), "")
    if isinstance(asked, list | tuple):
        return Tariff(usual.currency, tuple(asked), usual.export_per_kwh, "")
    if asked in table:
        return table[asked][1]
    problems.append(Problem(where, "tariff", asked, nearest(str(asked), table) + "; or a price, or bands of hours"))
    return None


@cache
def known() -> dict[str, tuple[str, Tariff]]:
    """Name → countries in which it is usual, and the tariff."""
    text = (files("wattflock.assistant") / "tables" / "tariffs.csv").read_text(encoding="utf-8")
    found = {}
    for row in DictReader(text.splitlines()):
        tariff = Tariff(row["currency"], _bands(row["bands"]), float(row["export_per_kwh"]), row["said"])
        found[row["name"]] = row["countries"], tariff
    return found


def _bands(text: str) -> Bands:
    """`0-8 0.12;8-24 0.27`."""
    parts = (band.replace("-", " ", 1).split() for band in text.split(";"))
    return tuple((float(start), float(end), float(price)) for start, end, price in parts)


def _usual(city: str, table: dict[str, tuple[str, Tariff]]) -> Tariff:
    place = place_of(city)
    country = place.country if place else "GB"
    by_country = {name: tariff for countries, tariff in table.values() for name in countries.split() if name}
    return by_country.get(country, by_country[ELSEWHERE])
