"""What must be read back although a reading is plain: other numbers stand by it, or words of doubt or of reckoning."""

import re
from dataclasses import replace
from itertools import chain

from wattflock.assistant.grammar.read import Answer
from wattflock.assistant.rules.context import CORRECTS, unsure
from wattflock.assistant.rules.filling import AMBIGUOUS, FILLED, Filling, distinct, filled
from wattflock.assistant.rules.meanings import other_values, raw_numbers
from wattflock.assistant.slots import SLOTS

RECKONS = re.compile(
    r"\b(?:half|halv\w*|doubl\w*|twice|triple|each|apiece|minus|plus|less|more|or|but|share\w*|except|total|together"
    r"|another|extra|added|below|above|before|after|lost|reserve|than|same|within|sink|drop|climb|rise|third"
    r"|quarter|depends|earlier|later|nearly|unless|if|give)\b"
)
PLAIN = 14  # characters of an answer that is nothing but a value
LONG = 12  # words; what is told in more of them may mean another thing
MOST = 6  # candidates of a value: a question names no more


def doubted(answer: Answer, slot: str, filling: Filling) -> Filling:
    """The filling, read back with the other values that the answer could mean as candidates, best first."""
    first = next(iter(filling.candidates), None)
    if first is None:
        return filling
    if filling.state == AMBIGUOUS:
        told = filling.candidates
        more = [other_values(answer, slot, each) for each in told] if SLOTS[slot].kind in ("time", "count") else []
        return replace(filling, candidates=distinct((*told, *chain(*more)))[: max(MOST, len(told))])
    if filling.state != FILLED or filling.value is None or not (filling.read_back or _doubtful(answer, slot, filling)):
        return filling
    candidates = distinct((*filling.candidates[1:], *other_values(answer, slot, filling.value)))
    return filled(slot, filling.value, filling.evidence, candidates[: max(MOST, len(filling.candidates)) - 1])


def _doubtful(answer: Answer, slot: str, filling: Filling) -> bool:
    """Whether a plain reading may not be what is meant."""
    flat = answer.flat
    numeric = SLOTS[slot].kind in ("number", "count")
    if numeric and any(each != filling.value and SLOTS[slot].accepts(each) for each in raw_numbers(answer, slot)):
        return True
    words = CORRECTS.search(flat) or RECKONS.search(flat) or unsure(flat)
    return len(flat.split()) > LONG or (len(flat) > PLAIN and bool(words))
