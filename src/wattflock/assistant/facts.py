"""Look-ups: cars, home batteries, chargers and cities by the names that people use. Each needs the resident's yes."""

import re
from csv import DictReader
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from wattflock.assistant.grammar.mention import blanked
from wattflock.assistant.grammar.spelling import slips_between


@dataclass(frozen=True)
class Fact:
    """What a name stands for: values best first, in the unit of the table, with the model year of the figures."""

    name: str
    values: tuple[float, ...]
    start: int
    end: int
    year: str = ""
    ac_kw: float = 0.0  # the most that a car takes from alternating current


@dataclass(frozen=True)
class City:
    """A city and where it is, in degrees."""

    name: str
    country: str
    latitude: float
    longitude: float
    start: int = 0
    end: int = 0


def cars(flat: str) -> list[Fact]:
    """Cars that a normalised text names, with usable or gross sizes of their batteries [kWh]."""
    return _found(flat, "cars", "battery_kwh")


def batteries(flat: str) -> list[Fact]:
    """Home batteries that a normalised text names [kWh]."""
    return _found(flat, "batteries", "energy_kwh")


def chargers(flat: str) -> list[Fact]:
    """Chargers, sockets and cables that a normalised text names [kW]."""
    return _found(flat, "chargers", "power_kw")


def cities(flat: str) -> list[City]:
    """Cities that a normalised text names, in its order."""
    found, taken = [], flat
    for name, pattern, row in _cities():
        for match in pattern.finditer(taken):
            taken = blanked(taken, *match.span())
            place = float(row["latitude"]), float(row["longitude"])
            found.append(City(name, row["country"], *place, match.start(), match.end()))
    return sorted(found, key=lambda city: city.start)


def near_cities(flat: str, locale: str) -> list[City]:
    """Cities of the locale's countries that a word of a normalised text is a slip of, where it names none."""
    countries = {"en-US": ("US",), "de": ("DE", "AT", "CH")}.get(locale, ("GB", "IE"))
    found = []
    for match in re.finditer(r"\b[^\W\d_]{5,20}\b", flat):
        near = [
            (slips, name, row)
            for name, _, row in _cities()
            if row["country"] in countries
            for spelt in (name, *row["also"].split("|"))
            if len(spelt) >= 5 and (slips := slips_between(match.group(), spelt.lower())) <= _slips(spelt)
            if spelt[0].lower() == match.group()[0]
        ]
        if near:
            _, name, row = min(near, key=lambda each: each[:2])
            found.append(City(name, row["country"], float(row["latitude"]), float(row["longitude"]), *match.span()))
    return found


def _slips(name: str) -> int:
    """How many slips still are the name: one in five letters, two in seven, three in nine."""
    return 1 if len(name) < 7 else 2 if len(name) < 9 else 3


def _found(flat: str, table: str, column: str) -> list[Fact]:
    found: list[Fact] = []
    for row, pattern in _patterns(table):
        for match in pattern.finditer(flat):
            if any(match.start() < other.end and match.end() > other.start for other in found):
                continue
            values = tuple(float(value) for value in row[column].split(";"))
            kw = float(row.get("ac_kw") or 0)
            found.append(Fact(row["name"], values, match.start(), match.end(), row["year"], kw))
    return sorted(found, key=lambda fact: fact.start)


@cache
def _rows(table: str) -> tuple[dict[str, str], ...]:
    text = (files("wattflock.assistant") / "tables" / f"{table}.csv").read_text(encoding="utf-8")
    return tuple(DictReader(text.splitlines()))


@cache
def _patterns(table: str) -> tuple[tuple[dict[str, str], re.Pattern], ...]:
    return tuple((row, re.compile(rf"\b(?:{row['pattern']})(?: ?s)?(?!\w)")) for row in _rows(table))


@cache
def _cities() -> tuple[tuple[str, re.Pattern, dict[str, str]], ...]:
    """Longest names first, so that Salt Lake City is one place."""
    made = []
    for row in _rows("cities"):
        for name in (row["name"].lower().replace(".", "").replace("-", " "), *filter(None, row["also"].split("|"))):
            made.append((row["name"], re.compile(rf"\b{re.escape(name)}(?!\w)"), row))
    return tuple(sorted(made, key=lambda each: -len(each[1].pattern)))
