"""The typical day of a month where a home is: of the bundled region that is nearest in latitude."""

from csv import DictReader
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from wattflock.assistant.facts import City, cities
from wattflock.assistant.grammar.text import LOCALES, text_of

LATITUDE_DEG = {"london": 51.5, "california": 34.1}
UNKNOWN = "london"  # the region of a city that the table does not have


@dataclass(frozen=True)
class Typical:
    """Hours of the days of a year, (12, 24) each, as means of the bundled region."""

    region: str
    outdoor_c: np.ndarray
    sun_kw_per_kwp: np.ndarray
    load_share: np.ndarray  # over the mean of the year


@cache
def place_of(city: str) -> City | None:
    """The city of that name, or None."""
    return next(iter(cities(text_of(city, LOCALES[0]).flat)), None)


def region_of(city: str) -> str:
    """The bundled region that is nearest in latitude."""
    place = place_of(city)
    if place is None:
        return UNKNOWN
    return min(LATITUDE_DEG, key=lambda region: abs(LATITUDE_DEG[region] - abs(place.latitude)))


@cache
def typical(region: str) -> Typical:
    """Means by month and hour of a bundled region; `tests/assistant/climate.py` made the table."""
    text = (files("wattflock.assistant") / "tables" / "climate.csv").read_text(encoding="utf-8")
    rows = [row for row in DictReader(text.splitlines()) if row["region"] == region]
    names = ("outdoor_c", "sun_kw_per_kwp", "load_share")
    return Typical(region, *(np.array([float(row[name]) for row in rows]).reshape(12, 24) for name in names))
