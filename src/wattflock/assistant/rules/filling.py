"""What an answer says of one slot: a value, candidates, or nothing; always with the words it was read from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from wattflock.assistant.slots import SLOTS

FILLED, AMBIGUOUS, UNKNOWN = "filled", "ambiguous", "unknown"
Value = float | int | str


@dataclass(frozen=True)
class Filling:
    """A slot as an answer leaves it. With a `read_back` a value counts only once the resident has said yes."""

    value: Value | None = None
    state: str = UNKNOWN
    candidates: tuple[Value, ...] = ()
    evidence: str = ""
    read_back: str | None = None


NOTHING = Filling()


def distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """The values without repeats, in their order."""
    return tuple(dict.fromkeys(values))


def filled(slot: str, value: Value, evidence: str, others: tuple = (), inferred: bool = True) -> Filling:
    """A value, with other candidates; read back where it was inferred. Values out of range are left unknown."""
    if not SLOTS[slot].accepts(value):
        return replace(NOTHING, evidence=evidence)
    candidates = distinct((value, *(other for other in others if SLOTS[slot].accepts(other))))
    said = f"{SLOTS[slot].told(value)}, right?" if inferred else None
    return Filling(value, FILLED, candidates, evidence, said)


def ambiguous(slot: str, candidates: tuple, evidence: str) -> Filling:
    """Several candidates, best first; one that is left alone fills the slot and is read back."""
    kept = distinct(value for value in candidates if SLOTS[slot].accepts(value))
    if len(kept) < 2:
        return filled(slot, kept[0], evidence) if kept else replace(NOTHING, evidence=evidence)
    return Filling(None, AMBIGUOUS, kept, evidence)
