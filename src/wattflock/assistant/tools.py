"""What a language model can look at while it reads an answer: tools that return candidates with their words."""

from collections.abc import Callable
from datetime import date
from typing import Any

from wattflock.assistant import facts
from wattflock.assistant.grammar.clock import clocks, shown
from wattflock.assistant.grammar.dates import dates
from wattflock.assistant.grammar.mention import CLOCK
from wattflock.assistant.grammar.quantity import quantities
from wattflock.assistant.grammar.text import text_of
from wattflock.assistant.slots import SLOTS

UNITS = {"energy": "kWh", "power": "kW", "duration": "minutes", "temperature": "°C", "share": "%", "current": "A"}
Look = Callable[[str, str, date], str]


def read_clock(phrase: str, locale: str, today: date) -> str:
    """Times that a phrase may mean, in 24 hours."""
    flat = text_of(phrase, locale).flat
    found = [each for each in clocks(flat, locale, bare=True) if each.kind == CLOCK]
    return "; ".join(" or ".join(map(shown, each.values)) for each in found) or "no time"


def read_quantity(phrase: str, locale: str, today: date) -> str:
    """Quantities with units that a phrase has, in kWh, kW, minutes, °C or %."""
    found = quantities(text_of(phrase, locale).flat)
    return "; ".join(f"{each.value} {UNITS.get(each.kind, each.kind)}" for each in found) or "no quantity with a unit"


def read_date(phrase: str, locale: str, today: date) -> str:
    """Days that a phrase may mean, as YYYY-MM-DD."""
    found = dates(text_of(phrase, locale).flat, locale, today)
    return "; ".join(" or ".join(map(str, each.values)) for each in found) or "no day"


def look_up(phrase: str, locale: str, today: date) -> str:
    """Cars and home batteries [kWh], chargers and sockets [kW], cities, by the names that a phrase has."""
    flat = text_of(phrase, locale).flat
    kinds = ((facts.cars, "car", "kWh"), (facts.batteries, "battery", "kWh"), (facts.chargers, "charger", "kW"))
    found = [
        f"{what} {each.name}: {' or '.join(f'{value:g}' for value in each.values)} {unit}"
        for search, what, unit in kinds
        for each in search(flat)
    ]
    return "; ".join([*found, *(f"city {each.name}" for each in facts.cities(flat))]) or "nothing by that name"


def validate(slot: str, value: Any) -> str:
    """Whether a value is of the slot's kind and in its range."""
    if slot not in SLOTS:
        return f"no slot {slot!r}"
    return "fine" if SLOTS[slot].accepts(value) else f"allowed: {SLOTS[slot].allowed()}"


LOOKS: dict[str, Look] = {each.__name__: each for each in (read_clock, read_quantity, read_date, look_up)}
ENDS = {
    "store": "Propose a value that the resident said in so many words; evidence quotes them.",
    "read_back": "Propose a value that you inferred; the resident will be asked whether it is right.",
    "ask": "The answer does not tell the slot; the resident will be asked again.",
}


def described() -> str:
    """All tools with what they are for, a line each."""
    looks = [f"{name}(phrase): {look.__doc__}" for name, look in LOOKS.items()]
    ends = [f"{name}(slot{', value, evidence' if name != 'ask' else ''}): {text}" for name, text in ENDS.items()]
    return "\n".join([*looks, f"validate(slot, value): {validate.__doc__}", *ends])
