"""Set A judged: each slot of each answer in one turn, and in an interview with a resident who knows the truth."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from wattflock.assistant.dialogue import begun, turn
from wattflock.assistant.extract import extract
from wattflock.assistant.rules.filling import FILLED, Filling
from wattflock.assistant.slots import SLOTS

SET_A = Path(__file__).parent / "set_a.jsonl"
TODAY = date(2024, 5, 1)
CLARIFICATIONS = 2


@dataclass(frozen=True)
class Verdict:
    """Of one slot: right at once; right or among the candidates; wrong and not read back."""

    right: bool
    later: bool
    silent: bool


@cache
def rows() -> tuple[dict, ...]:
    """The lines of set A."""
    return tuple(json.loads(line) for line in SET_A.read_text(encoding="utf-8").splitlines())


@cache
def readings() -> tuple[dict[str, Filling], ...]:
    """What the rules read in each line."""
    return tuple(
        extract(row["utterance"], tuple(row["asked"]), row["question"], row["locale"], TODAY) for row in rows()
    )


def same(found: object, wanted: object) -> bool:
    """Whether two values are the same; numbers to half a digit behind the point."""
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return abs(found - wanted) <= 0.051
    return found == wanted


def verdict(filling: Filling, wanted: dict) -> Verdict:
    """How a reading stands to what the answer means."""
    if "value" in wanted:
        right = filling.state == FILLED and same(filling.value, wanted["value"])
        later = right or any(same(each, wanted["value"]) for each in filling.candidates)
    else:
        right = later = filling.state == wanted["state"]
    return Verdict(right, later, not right and filling.state == FILLED and filling.read_back is None)


def verdicts() -> Iterator[tuple[dict, Verdict]]:
    """A verdict for each slot of each line."""
    for row, found in zip(rows(), readings(), strict=True):
        for slot, wanted in row["expected"].items():
            yield row, verdict(found[slot], wanted)


def interviewed(row: dict, wordy: bool) -> bool | None:
    """Whether the right value is stored after at most two clarifications; None where none is.

    Args:
        row: a line whose only slot has a value.
        wordy: a resident who is read back a wrong value says the right one; else only "no".
    """
    ((slot, wanted),) = row["expected"].items()
    truth = wanted["value"]
    state, _ = turn(begun((slot,), row["locale"], TODAY), None)
    state, _ = turn(state, row["utterance"])
    for _ in range(CLARIFICATIONS):
        if slot in state.values:
            break
        offer = state.offered.get(slot)
        reply = in_words(slot, truth)
        if offer and offer.state == FILLED:
            reply = "yes" if same(offer.value, truth) else f"No, {reply}" if wordy else "no"
        state, _ = turn(state, reply)
    return same(state.values[slot], truth) if slot in state.values else None


def in_words(slot: str, value: float | int | str) -> str:
    """A value as a resident says it who is asked again."""
    kind, unit = SLOTS[slot].kind, SLOTS[slot].unit
    if kind == "date":
        return f"{date.fromisoformat(str(value)):%d %B %Y}"
    return f"{value} {unit}".strip() if kind == "number" else str(value)
