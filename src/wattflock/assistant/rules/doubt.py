"""What must be read back although a reading is plain: other numbers stand by it, or words of doubt or of reckoning."""

import re

from wattflock.assistant.grammar.mention import NUMBER, SHARE, TEMPERATURE
from wattflock.assistant.grammar.read import Answer, amounts_in
from wattflock.assistant.rules.context import CORRECTS, unsure
from wattflock.assistant.rules.filling import FILLED, Filling, Value, distinct, filled
from wattflock.assistant.rules.sums import MONEY, NOT_A_SIZE
from wattflock.assistant.slots import SLOTS

RECKONS = re.compile(
    r"\b(?:half|halv\w*|doubl\w*|twice|triple|each|apiece|minus|plus|less|more|or|but|share\w*|except|total|together"
    r"|another|extra|added|below|above|before|after|lost|reserve|than|same|within|sink|drop|climb|rise|third"
    r"|quarter|depends|earlier|later|nearly|unless|if|give)\b"
)
PLAIN = 14  # characters of an answer that is nothing but a value
LONG = 12  # words; what is told in more of them may mean another thing


def doubted(answer: Answer, slot: str, filling: Filling) -> Filling:
    """The filling, read back with the answer's other numbers as candidates where it may not be what is meant."""
    if filling.state != FILLED or filling.value is None:
        return filling
    others = _others(answer, slot, filling.value)
    words = len(answer.flat.split()) > LONG or (
        len(answer.flat) > PLAIN
        and (CORRECTS.search(answer.flat) or RECKONS.search(answer.flat) or unsure(answer.flat))
    )
    if filling.read_back and not others:
        return filling
    if not (others or words):
        return filling
    made = filled(slot, filling.value, filling.evidence, distinct((*filling.candidates[1:], *others)))
    return made if filling.read_back is None or len(made.candidates) > len(filling.candidates) else filling


def _others(answer: Answer, slot: str, value: Value) -> tuple[Value, ...]:
    """Other values that an answer could tell for a number or a time."""
    kind = SLOTS[slot].kind
    if kind not in ("number", "count"):
        return ()
    flat, units = answer.flat, {"%": SHARE, "°C": TEMPERATURE, "kWh": "energy", "kW": "power", "minutes": "duration"}
    kinds = (NUMBER, units.get(SLOTS[slot].unit, NUMBER))
    found = [each for each in amounts_in(answer) if each.kind in kinds]
    free = [
        each.value
        for each in found
        if each.kind != NUMBER or not (NOT_A_SIZE.match(flat[each.end :]) or MONEY.search(flat[: each.start]))
    ]
    return tuple(each for each in free if each != value and SLOTS[slot].accepts(each))
