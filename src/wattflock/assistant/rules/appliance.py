"""When an appliance may run and for how long: its window crosses midnight where the words say so, never by a guess."""

import re
from dataclasses import replace

from wattflock.assistant.grammar.clock import shown
from wattflock.assistant.grammar.mention import CLOCK, DURATION, NUMBER, Mention, masked
from wattflock.assistant.grammar.read import Answer, amounts_in, times_in
from wattflock.assistant.rules.context import Said, said
from wattflock.assistant.rules.cues import APPLIANCE, END, LATEST_START, START, cues, roles_of
from wattflock.assistant.rules.filling import Filling, ambiguous, distinct, filled
from wattflock.assistant.rules.shifts import shifted
from wattflock.assistant.rules.sums import reckoned, with_units
from wattflock.assistant.rules.times import paired

EARLIEST, LATEST, DURATION_SLOT = "appliance_earliest_start", "appliance_latest_end", "appliance_duration_min"
SLOTS = (EARLIEST, LATEST, DURATION_SLOT)
JOINED = re.compile(r"^ ?(?:in the \w+ |at night )?(?:-|to|till|and|through|thru|up to) ?(?:about |around )?$")
EITHER = re.compile(r"\b(?:an|1) hour or (?:so or )?(?P<n>[2-4])\b")
MORNING = re.compile(r"\b(?:alarm|get up|gets up|wake|wakes|up at|breakfast|school run|leave for work|kids are up)\b")
THEN = re.compile(
    r"\b(?:that's|it's|which is) (?:over|done|finished) (?:by|at)\b|\b(?:after|from|since|once) (?:that|then"
    r"|it's (?:over|done|finished))\b"
)
BY_NIGHT = re.compile(
    r"\b(?:overnight|at night|night|nights|bed|asleep|sleep\w*|bedtime|while we sleep|night time|evening)\b"
)
BY_DAY = re.compile(
    r"\b(?:daytime|during the day|day time|sun|sunny|solar|daylight|panels|lunch\w*|while (?:i'm|we're) (?:out"
    r"|at work))\b"
)


def read_appliance(answer: Answer) -> dict[str, Filling]:
    """Earliest start, latest end and duration that an answer tells."""
    found = paired(answer.flat, shifted(answer.flat, _in_hours(answer, times_in(answer, bare=True))))
    durations = said(answer.flat, [each for each in found if each.kind == DURATION])
    clocks = said(answer.flat, [each for each in found if each.kind == CLOCK])
    told = _between(answer, clocks, durations) or _worked_out(answer, found) or _duration(answer, durations)
    if DURATION_SLOT in answer.asked and len(answer.asked) == 1:
        return told
    asked = [slot for slot in (EARLIEST, LATEST) if slot in answer.asked]
    if len(asked) == 1 and (either := _either(answer, asked[0], clocks)):
        return told | either
    roles = _roles(answer, clocks)
    start = next((each for each, role in zip(clocks, roles, strict=True) if role == START), None)
    end = next((each for each, role in zip(clocks, roles, strict=True) if role in (END, LATEST_START)), None)
    late = end is not None and roles[clocks.index(end)] == LATEST_START
    minutes = int(told[DURATION_SLOT].value or 0) if DURATION_SLOT in told else 0
    return told | _edges(answer, start, end, minutes, late)


def _in_hours(answer: Answer, found: list[Mention]) -> list[Mention]:
    """ "Two hours, well, two and a half": the second number is of hours too."""
    if answer.asked != (DURATION_SLOT,):
        return found
    told = with_units(answer.flat, amounts_in(answer), DURATION, 0.25, 300)
    spans = [each for each in told if each.kind == DURATION]
    more = [
        each
        for each in spans
        if not any(each.start < one.end and each.end > one.start for one in found if one.kind == DURATION)
    ]
    hours = [replace(each, values=(int(each.value * 60),)) if each.value <= 8 else each for each in more]
    clocks = [each for each in found if not any(each.start < one.end and each.end > one.start for one in hours)]
    return sorted([*clocks, *hours], key=lambda each: each.start)


def _between(answer: Answer, clocks: list[Said], durations: list[Said]) -> dict[str, Filling]:
    """ "On at 1 and done by 3:20" runs for 140 minutes."""
    if answer.asked != (DURATION_SLOT,) or len(clocks) != 2 or any(each.mention.value >= 15 for each in durations):
        return {}
    one, two = clocks[0].mention, clocks[1].mention
    minutes = min((b - a) % 720 or 720 for a in one.values for b in two.values)
    return {DURATION_SLOT: filled(DURATION_SLOT, minutes, answer.text.quote(one.start, two.end))}


def _worked_out(answer: Answer, found: list[Mention]) -> dict[str, Filling]:
    if answer.asked != (DURATION_SLOT,):
        return {}
    if either := EITHER.search(answer.flat):  # "an hour or two"
        values = (60, 60 * int(either["n"]))
        return {DURATION_SLOT: ambiguous(DURATION_SLOT, values, answer.text.quote(*either.span()))}
    numbers = amounts_in(answer)
    counts = [each for each in numbers if each.kind == NUMBER]
    spans = [each for each in found if each.kind == DURATION]
    if not (result := reckoned(answer.flat, sorted([*counts, *spans], key=lambda each: each.start), DURATION)):
        return {}
    quote = answer.text.quote(result.start, result.end)
    return {DURATION_SLOT: filled(DURATION_SLOT, result.value, quote, result.parts)}


def _duration(answer: Answer, durations: list[Said]) -> dict[str, Filling]:
    asked = DURATION_SLOT in answer.asked
    if not durations:
        numbers = [each for each in amounts_in(answer) if each.kind == NUMBER]
        if asked and len(answer.asked) == 1 and len(numbers) == 1:
            value = numbers[0].value
            quote = answer.text.quote(numbers[0].start, numbers[0].end)
            return {
                DURATION_SLOT: ambiguous(
                    DURATION_SLOT, (value, value * 60) if value > 5 else (value * 60, value), quote
                )
            }
        return {}
    if not asked and not re.search(r"\b(?:takes?|runs?|lasts?|cycle|programme|program|long)\b", answer.flat):
        return {}
    top = max(each.standing for each in durations)
    best = [each for each in durations if each.standing == top]
    values = distinct(each.mention.value for each in best)
    evidence = answer.text.quote(best[0].mention.start, best[-1].mention.end)
    others = tuple(each.mention.value for each in durations if each.mention.value not in values)
    if len(values) > 1:
        first = best[0].mention
        if re.search(r"\b(?:plus|and another|followed by|then)\b", answer.flat[first.end : best[1].mention.start]):
            return {DURATION_SLOT: filled(DURATION_SLOT, sum(values), evidence, values)}
        if top < 1 and re.search(r"\b(?:with|if|for the|on (?:the )?(?:eco|quick|cotton))\b", answer.flat):
            return {DURATION_SLOT: filled(DURATION_SLOT, values[0], evidence, values[1:])}
        return {DURATION_SLOT: ambiguous(DURATION_SLOT, values, evidence)}
    inferred = not best[0].mention.exact or bool(others) or best[0].corrected or top < 0
    return {DURATION_SLOT: filled(DURATION_SLOT, best[0].mention.value, evidence, others, inferred)}


def _either(answer: Answer, slot: str, clocks: list[Said]) -> dict[str, Filling]:
    """ "9 or 10 in the evening" is a question."""
    if len(clocks) != 2:
        return {}
    one, two = clocks[0].mention, clocks[1].mention
    if not re.fullmatch(r" ?,? ?or (?:maybe |even |perhaps )?", answer.flat[one.end : two.start]):
        return {}
    return {slot: ambiguous(slot, (shown(one.value), shown(two.value)), answer.text.quote(one.start, two.end))}


def _roles(answer: Answer, clocks: list[Said]) -> list[str | None]:
    flat = answer.flat
    if len(clocks) == 2 and JOINED.match(flat[clocks[0].mention.end : clocks[1].mention.start]):
        return [START, END]
    marks = cues(masked(flat, [each.mention for each in clocks]), APPLIANCE)
    roles = roles_of(flat, [(each.cue_start, each.mention.end) for each in clocks], marks)
    asked = [slot for slot in (EARLIEST, LATEST) if slot in answer.asked]
    only = {EARLIEST: START, LATEST: END}
    free = [only[slot] for slot in asked if only[slot] not in roles]
    if len(asked) == 1 and len(clocks) == 1 and roles[0] not in (LATEST_START, only[asked[0]]):
        return [only[asked[0]]] if roles[0] is None or (asked[0] == EARLIEST and THEN.search(flat)) else roles
    return [role or (free.pop(0) if free else None) for role in roles]


def _edges(answer: Answer, start: Said | None, end: Said | None, minutes: int, late: bool) -> dict[str, Filling]:
    """Both ends of the window; an open morning or evening is told by the other end, by night and by day, or asked."""
    first, last = (start.mention if start else None), (end.mention if end else None)
    found: dict[str, Filling] = {}
    pairs = _pairs(answer.flat, first, last, minutes)
    for slot, place, side in ((EARLIEST, start, 0), (LATEST, end, 1)):
        if place is None:
            continue
        values = distinct(pair[side] for pair in pairs)
        more = minutes if late and side else 0
        quote = answer.text.quote(place.mention.start, place.mention.end)
        texts = tuple(shown(value + more) for value in values)
        others = tuple(shown(value + more) for value in place.mention.values)
        sure = len(place.mention.values) == 1 and place.mention.exact and not more and not place.corrected
        if late and side and not minutes:
            found[slot] = ambiguous(slot, (texts[0], shown(values[0] + 120)), quote)
        elif len(texts) > 1:
            found[slot] = ambiguous(slot, texts, quote)
        else:
            found[slot] = filled(slot, shown(values[0] + more), quote, others, not sure)
    return found


def _pairs(flat: str, first: Mention | None, last: Mention | None, minutes: int) -> list[tuple[int, int]]:
    """What start and end may be together, the likeliest alone where words or the other end tell it."""
    night, day = bool(BY_NIGHT.search(flat)), bool(BY_DAY.search(flat))
    starts, ends = (first.values if first else (-1,)), (last.values if last else (-1,))
    pairs = [(a, b) for a in starts for b in ends]
    if len(pairs) == 1:
        return pairs
    if not first and MORNING.search(flat):
        return pairs[:1] if pairs[0][1] < 720 else pairs
    if first and last:
        fits = [pair for pair in pairs if (pair[1] - pair[0]) % 1440 >= max(minutes, 1)]
        shortest = min(((b - a) % 1440 for a, b in fits), default=0)
        fits = [pair for pair in fits if (pair[1] - pair[0]) % 1440 == shortest] or pairs
        if len(fits) > 1 and night != day:
            fits = [pair for pair in fits if (pair[0] > pair[1]) == night] or fits
        return fits
    told = [pair for pair in pairs if _told(max(pair), night, day, first is not None)]
    return told or pairs


def _told(value: int, night: bool, day: bool, start: bool) -> bool:
    """Whether "at night" or "by day" allows a lone end of the window at this time."""
    if night == day:
        return False
    if day:
        return 420 <= value < 1200
    return value >= 1080 or value < 300 if start else value < 720
