"""Other values that an answer could mean: what it also names, and what its numbers give when they are reckoned with."""

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from wattflock.assistant import facts
from wattflock.assistant.grammar.clock import shown
from wattflock.assistant.grammar.mention import CLOCK, DATE, DURATION, ENERGY, NUMBER, POWER, SHARE, TEMPERATURE
from wattflock.assistant.grammar.quantity import tidy
from wattflock.assistant.grammar.read import Answer, amounts_in, days_in, times_in
from wattflock.assistant.rules.filling import Value, distinct
from wattflock.assistant.rules.sums import MONEY, NOT_A_SIZE
from wattflock.assistant.slots import SLOTS

KINDS = {"%": SHARE, "°C": TEMPERATURE, "kWh": ENERGY, "kW": POWER, "minutes": DURATION}
SUM = re.compile(r"\b(?:plus|and|another|more|extra|add(?:ed|s)?|on top|above|over|further|higher|warmer|then)\b|\+")
DIFFERENCE = re.compile(
    r"\b(?:minus|less|los[test]\w*|fewer|below|under|down|drop\w*|off|short|reserve|lower|colder|cooler|sold|without"
    r"|except|apart)\b"
)
PRODUCT = re.compile(r"\b(?:each|apiece|times|x|of|per|every|all|with|at)\b")
HALF = re.compile(r"\b(?:half|halv\w*|split|shared?)\b")
DOUBLE = re.compile(r"\b(?:doubl\w*|twice|same|both|pair|two|2|again)\b")
LATER = ("ev_arrival_time", "appliance_earliest_start")  # a duration comes after what is told; else before it
STEP = re.compile(r"\b(?P<step>half a|an?|\d(?:\.\d)?) deg[cf]?( and a half)?\b")
MINUTES = re.compile(r"\b(?:plus|and|another|about|then) ([1-9]|[1-5]\d) (?:to|for|on the) \w")  # "plus 10 to park"


def other_values(answer: Answer, slot: str, value: Value) -> tuple[Value, ...]:
    """Other values that an answer could tell for a slot, those that it names first; all within the slot's range."""
    read = {"time": _times, "date": _dates, "text": _names}.get(SLOTS[slot].kind, _numbers)
    found = distinct(read(answer, slot, value))
    return tuple(each for each in found if each != value and SLOTS[slot].accepts(each))


def raw_numbers(answer: Answer, slot: str) -> list[float | int]:
    """Numbers of an answer that are of the slot's unit or of none."""
    flat, kinds = answer.flat, (NUMBER, KINDS.get(SLOTS[slot].unit, NUMBER))
    return [
        each.value
        for each in amounts_in(answer)
        if each.kind in kinds
        and (each.kind != NUMBER or not (NOT_A_SIZE.match(flat[each.end :]) or MONEY.search(flat[: each.start])))
    ]


def _numbers(answer: Answer, slot: str, value: Value) -> Iterable[Value]:
    told = raw_numbers(answer, slot)
    found = amounts_in(answer)
    every = [each.value for each in found if each.kind in (NUMBER, KINDS.get(SLOTS[slot].unit, NUMBER))]
    shares = [each.value for each in found if each.kind == SHARE] if SLOTS[slot].unit != "%" else []
    bases = distinct((float(value), *told)) if isinstance(value, int | float) else tuple(told)
    yield from told
    if SLOTS[slot].unit == "°C":
        yield from _steps(answer.flat, bases)
    if SLOTS[slot].kind == "number":
        yield from _parts(answer.flat, bases, shares)
    yield from _pairs(answer.flat, distinct((*every, *bases)), SLOTS[slot].kind == "number")


def _steps(flat: str, bases: Sequence[float]) -> Iterable[Value]:
    """ "23, and a degree and a half on top": both sides of it."""
    for match in STEP.finditer(flat):
        words = match["step"]
        size = (float(words) if words[0].isdigit() else 0.5 if words.startswith("half") else 1) + 0.5 * bool(match[2])
        yield from (tidy(base + side * size) for base in bases for side in (1, -1))


def _parts(flat: str, bases: Sequence[float], shares: Sequence[float]) -> Iterable[Value]:
    """What a share, half or twice of a number is."""
    for base in bases:
        for share in shares:
            yield tidy(round(base * (100 - share) / 100, 2))
            yield tidy(round(base * share / 100, 2))
        if HALF.search(flat):
            yield tidy(round(base / 2, 2))
        if DOUBLE.search(flat):
            yield tidy(2 * base)


def _pairs(flat: str, numbers: Sequence[float], products: bool) -> Iterable[Value]:
    """Sums, differences and products of two numbers, and the sum of all, as far as words call for them."""
    pairs = list(combinations(numbers, 2))
    if SUM.search(flat) and len(numbers) > 2:
        yield tidy(sum(numbers))
    for one, two in pairs:
        if products and PRODUCT.search(flat) and min(one, two) in range(2, 40):
            yield tidy(round(one * two, 2))
        if SUM.search(flat):
            yield tidy(one + two)
        if DIFFERENCE.search(flat):
            yield tidy(round(abs(one - two), 2))


def _times(answer: Answer, slot: str, value: Value) -> Iterable[Value]:
    """All times that are told, in the half of the day that is nearer to the value, and those moved by durations."""
    found = times_in(answer, bare=True)
    base = int(str(value)[:2]) * 60 + int(str(value)[3:])
    clocks = distinct(
        min(each.values, key=lambda one: min((one - base) % 1440, (base - one) % 1440))
        for each in found
        if each.kind == CLOCK
    )
    spans = [int(each.value) for each in found if each.kind == DURATION and each.value < 720]
    spans += [int(match[1]) for match in MINUTES.finditer(answer.flat)]
    sums = [sum(some) for many in range(len(spans[:3]), 0, -1) for some in combinations(spans[:3], many)]
    sign = 1 if slot in LATER else -1
    yield from map(shown, clocks)
    for side in (sign, -sign):
        yield from (shown(clock + side * minutes) for minutes in sums for clock in clocks)


def _dates(answer: Answer, slot: str, value: Value) -> Iterable[Value]:
    for each in days_in(answer):
        if each.kind == DATE:
            yield from each.values


def _names(answer: Answer, slot: str, value: Value) -> Iterable[Value]:
    return (city.name for city in facts.cities(answer.flat))
