"""A reading of a few words: its kind, its candidates best first, and the place it was read from."""

from dataclasses import dataclass
from typing import Any

CLOCK, DURATION, ENERGY, POWER, CURRENT, VOLTAGE = "clock", "duration", "energy", "power", "current", "voltage"
SHARE, TEMPERATURE, NUMBER, DATE, RANGE, ECONOMY, DISTANCE = (
    "share",
    "temperature",
    "number",
    "date",
    "range",
    "economy",
    "distance",
)


@dataclass(frozen=True)
class Mention:
    """What a place of a text may mean.

    `values` are minutes of the day (clock), minutes (duration), kWh, kW, A, V, %, °C, ISO dates, or plain numbers.
    `exact` is false where a value was inferred: by arithmetic, a look-up, or "about". `why` says how, in words.
    """

    kind: str
    values: tuple[Any, ...]
    start: int
    end: int
    exact: bool = True
    why: str = ""

    @property
    def value(self) -> Any:
        """The first candidate."""
        return self.values[0]


def disjoint(found: list[Mention]) -> list[Mention]:
    """Readings in order of place; of two that overlap, the one listed first stays."""
    kept: list[Mention] = []
    for each in found:
        if all(each.end <= other.start or each.start >= other.end for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda mention: mention.start)


def masked(flat: str, found: list[Mention]) -> str:
    """The text with the places of these readings blanked, so that nothing is read twice."""
    for each in found:
        flat = blanked(flat, each.start, each.end)
    return flat


def blanked(flat: str, start: int, end: int) -> str:
    """The text with one place blanked: no pattern fits there, and all other places stay where they are."""
    return flat[:start] + "\x00" * (end - start) + flat[end:]
