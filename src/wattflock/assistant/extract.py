"""From a question and an answer to slots: what is told, what stays open, what must be read back; the rules backend."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from wattflock.assistant.grammar.dates import reference
from wattflock.assistant.grammar.read import Answer, answer_of
from wattflock.assistant.rules import amounts, appliance, charge, comfort, days, household, times
from wattflock.assistant.rules.doubt import doubted
from wattflock.assistant.rules.filling import FILLED, NOTHING, Filling, filled
from wattflock.assistant.slots import SLOTS

FAMILIES: tuple[tuple[tuple[str, ...], Callable[[Answer], dict[str, Filling]]], ...] = (
    (times.SLOTS, times.read_times),
    (appliance.SLOTS, appliance.read_appliance),
    (amounts.SLOTS, amounts.read_amounts),
    ((charge.TARGET,), charge.read_charge),
    (comfort.SLOTS, comfort.read_comfort),
    (days.SLOTS, days.read_days),
    (household.SLOTS, household.read_household),
)
COMMAND = re.compile(
    r"\b(?:ignore|disregard|forget) (?:all|any|the|your|previous)"
    r"|\b(?:system|assistant|tool|prompt|action|json|store|execute)\b"
)
ALWAYS = (
    amounts.read_amounts,
    household.read_household,
    days.read_days,
)  # name what they are of, so that nobody needs to have asked


def extract(
    utterance: str, asked: tuple[str, ...], question: str = "", locale: str = "en-GB", today: date | None = None
) -> dict[str, Filling]:
    """What an answer says of every slot.

    Args:
        utterance: the resident's words.
        asked: slots that the question was about.
        question: its words: order of what was asked, "today is …", a year.
        locale: en-GB, en-US or de.
        today: what relative dates count from, where the question does not tell it.

    Returns:
        A filling for each slot. Slots that nobody asked for are filled only from words that name them, and always read
        back. What is not told is unknown.
    """
    day = reference(question, today or date.today(), locale)
    answer = answer_of(utterance, question, asked, locale, day)
    found: dict[str, Filling] = {}
    for slots, read in FAMILIES:
        if set(slots) & set(asked) or read in ALWAYS:
            found |= read(answer)
    found = {slot: doubted(answer, slot, each) for slot, each in found.items()}
    strange = bool(COMMAND.search(answer.flat)) or bool(set("{}<>`=") & set(utterance))
    return {name: _offered(name, found.get(name, NOTHING), asked, strange) for name in SLOTS}


def _offered(name: str, filling: Filling, asked: tuple[str, ...], strange: bool) -> Filling:
    """A filling with a read-back where nobody asked for it, or where the words look like a command to a program."""
    if name in asked and not (strange and filling.state == FILLED):
        return filling
    if filling.state != FILLED or filling.value is None:
        return NOTHING
    return replace(filled(name, filling.value, filling.evidence), candidates=filling.candidates)
