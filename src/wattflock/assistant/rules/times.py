"""When the car leaves and comes back: cue words, windows, commutes; morning or evening as is plausible, read back."""

import re
from dataclasses import replace
from itertools import pairwise

from wattflock.assistant.grammar.clock import shown
from wattflock.assistant.grammar.mention import CLOCK, DURATION, Mention, masked
from wattflock.assistant.grammar.read import Answer, times_in
from wattflock.assistant.rules.context import Said, said, unsure
from wattflock.assistant.rules.cues import (
    CAR,
    LEAVE,
    OTHER,
    RETURN,
    WORK_ENDS,
    WORK_STARTS,
    Cue,
    cues,
    role_of,
    roles_of,
)
from wattflock.assistant.rules.filling import NOTHING, Filling, ambiguous, filled
from wattflock.assistant.rules.shifts import BACK, shifted

ARRIVAL, DEPARTURE = "ev_arrival_time", "ev_departure_time"
SLOTS = (ARRIVAL, DEPARTURE)
JOINED = re.compile(
    r"^ ?(?:in the \w+ )?(?:-|to|till|and|or|through|thru|up to) ?(?:about |around |maybe |sometimes |perhaps )?$"
)
WORKING = re.compile(r"\b(?:work|office|shift|job|desk|teach|nine to five)\b")
AT_HOME = re.compile(
    r"\b(?:plug\w*|parked|connected|at home|home (?:from|between)|in the garage|on charge|charging|available"
    r"|in the drive\w*)\b"
)
NIGHTS = re.compile(r"\b(?:nights|night shifts?|graveyard|nightshift|work at night|late shift|night work)\b")
TRAVEL = re.compile(
    r"\b(?:drive|drives|driving|commute|commuting|journey|door to door|trip|ride|takes|take|travel|away"
    r"|each way|later|after that|traffic"
    r"|to get (?:there|home|in|back)|from (?:work|home|the office)|in the car|on the road|minutes home|route"
    r"|run|way home|fahrt|needs?|(?:up|down) the (?:road|street)|round the corner|from (?:here|us|the house"
    r"|the station))\b"
)
FAMILY = re.compile(r"^(?!.*\b(?:i|i'm|we)\b).*\b(?:dad|mum|mom|son|daughter|wife|husband|parents)\b")
HOMEWARDS = re.compile(r"\b(?:head|set off|start|leave|drive|go)(?:s|ing)? (?:for |back |off )*(?:home|back)\b")
BARE_WAY = re.compile(
    r"\b(?:then|it's|takes|takes me|about|another|plus) (?P<n>[1-9]\d) (?:on the|down the|along|in the car|by car"
    r"|up the|to get|each way)"
)
STAY = re.compile(r"\b(?:charg\w*|notice|late|early|nap|lunch|break|wait|lie in|snooze)\b")
PARKING = re.compile(
    r"\b(?:tid(?:y|ies|ying)|clean\w*|pack\w*|cash up|park\w*|walk\w*|drop\w*|nursery|spare|settle|coffee"
    r"|buffer|change)\b"
)
CLOSE = 120  # minutes: two times this close are one that is not certain, not a window


def read_times(answer: Answer) -> dict[str, Filling]:
    """Arrival and departure that an answer tells."""
    flat = answer.flat
    found = shifted(flat, times_in(answer, bare=True))
    clocks = said(flat, paired(flat, [each for each in found if each.kind == CLOCK]))
    if not clocks:
        return {}
    travel = _travel(flat, [each for each in found if each.kind == DURATION]) or _bare_way(flat)
    nights = bool(NIGHTS.search(flat))
    window = _window(flat, clocks, answer)
    told: dict[str, list[tuple[int, Filling]]] = {slot: [] for slot in SLOTS}
    for slot, each, sure in window or _by_cue(answer, clocks):
        told[slot].append((each.standing, _value(answer, slot, each, sure and len(clocks) < 3, travel, nights)))
    asked = [slot for slot in SLOTS if slot in answer.asked]
    if len(asked) == 1 and not told[asked[0]] and len(clocks) == 1 and travel:  # when it is where the car goes
        told[asked[0]].append((clocks[0].standing, _by_way(answer, asked[0], clocks[0], travel, nights)))
    return {slot: _best(slot, options, answer) for slot, options in told.items() if options}


def paired(flat: str, found: list[Mention]) -> list[Mention]:
    """Of "6 to 7 pm" and "7 pm till 6" the open time is the one that is nearest to the told one."""
    made = list(found)
    for index in range(len(made) - 1):
        one, two = made[index], made[index + 1]
        if {one.kind, two.kind} != {CLOCK} or not JOINED.match(flat[one.end : two.start]):
            continue
        if len(one.values) > 1 and len(two.values) == 1:
            values = tuple(sorted(one.values, key=lambda value: (two.value - value) % 1440 or 1440))
            made[index] = Mention(CLOCK, values, one.start, one.end, False, "pair")
        elif len(two.values) > 1 and len(one.values) == 1:
            values = tuple(sorted(two.values, key=lambda value: (value - one.value) % 1440 or 1440))
            made[index + 1] = Mention(CLOCK, values, two.start, two.end, False, "pair")
    return made


def _travel(flat: str, durations: list[Mention]) -> Mention | None:
    """How long the way takes: the duration that stands by a word of travel."""
    marks = cues(flat, CAR)
    if len(durations) == 1 and any(mark.role in (WORK_STARTS, WORK_ENDS) for mark in marks):
        return durations[0]
    if len(durations) == 1 and 3 <= durations[0].value <= 150 and not STAY.search(flat):
        return durations[0]
    near = [each for each in durations if TRAVEL.search(flat[max(0, each.start - 45) : each.end + 40])]
    if near and len(near) == len(durations) > 1:
        near.sort(key=lambda each: bool(PARKING.search(flat[max(0, each.start - 15) : each.end])))
    around = [
        (each, flat[max(0, each.start - 15) : each.end + 30]) for each in durations if near and each is not near[0]
    ]
    more = [each for each, words in around if PARKING.search(words)]
    if not more:
        return near[0] if near else None
    return replace(near[0], values=(near[0].value + more[0].value,), end=max(near[0].end, more[0].end))


def _bare_way(flat: str) -> Mention | None:
    """ "Then it's 45 on the freeway": minutes that are not called so."""
    match = BARE_WAY.search(flat)
    return Mention(DURATION, (int(match["n"]),), match.start("n"), match.end("n"), False) if match else None


def _window(flat: str, clocks: list[Said], answer: Answer) -> list[tuple[str, Said, bool]]:
    """Slots of a span such as "gone from 8 till 6"; empty where there is none."""
    for one, two in pairwise(clocks):
        if not JOINED.match(flat[one.mention.end : two.mention.start]):
            continue
        gap = min((b - a) % 1440 or 1440 for a in one.mention.values for b in two.mention.values)
        if gap <= CLOSE and not AT_HOME.search(flat):
            continue
        if " or " in flat[one.mention.end : two.mention.start + 1]:
            continue
        away = bool(re.search(r"\b(?:away|out|gone|leave|not (?:at )?home|working|work|office|shift)\b", flat))
        about = flat if away or AT_HOME.search(flat) else answer.question
        home = bool(AT_HOME.search(about)) and not (away and not AT_HOME.search(flat))
        first, second = (ARRIVAL, DEPARTURE) if home else (DEPARTURE, ARRIVAL)
        return [(first, one, False), (second, two, False)]
    return []


def _by_cue(answer: Answer, clocks: list[Said]) -> list[tuple[str, Said, bool]]:
    flat, marks = answer.flat, _marks(answer)
    roles = roles_of(flat, [(each.cue_start, max(each.mention.end, each.cue_start)) for each in clocks], marks)
    roles = [RETURN if each.mention.why == BACK else role for each, role in zip(clocks, roles, strict=True)]
    asked = _asked_in_order(answer)
    meant = {LEAVE: DEPARTURE, WORK_STARTS: DEPARTURE, RETURN: ARRIVAL, WORK_ENDS: ARRIVAL}
    found, free = [], [each for each, role in zip(clocks, roles, strict=True) if role is None]
    for each, role in zip(clocks, roles, strict=True):
        if role in meant:
            found.append((meant[role], each, True))
    direct = {slot for slot, role in ((DEPARTURE, LEAVE), (ARRIVAL, RETURN)) if role in roles}
    work = {id(each) for each, role in zip(clocks, roles, strict=True) if role in (WORK_STARTS, WORK_ENDS)}
    found = [one for one in found if not (one[0] in direct and id(one[1]) in work)]
    if free and asked:
        open_slots = [slot for slot in asked if slot not in {slot for slot, *_ in found}]
        if len(asked) == 1:
            found += [(asked[0], each, not found) for each in free]
        else:
            found += [(slot, each, False) for slot, each in zip(open_slots, free, strict=False)]
    if len(asked) == 1 and asked[0] not in {slot for slot, *_ in found}:
        found += _only_hint(asked[0], clocks, roles)
    return found


def _marks(answer: Answer) -> list[Cue]:
    """Cues of the answer outside its times: the "in" of "in the morning" is none."""
    return cues(masked(answer.flat, times_in(answer, bare=True)), CAR)


def _only_hint(slot: str, clocks: list[Said], roles: list[str | None]) -> list[tuple[str, Said, bool]]:
    """One time, one slot, and a cue of the other direction or of something else: still a hint, never a fact."""
    wrong = {ARRIVAL: (LEAVE,), DEPARTURE: (RETURN,)}[slot]
    return (
        [(slot, each, False) for each, role in zip(clocks, roles, strict=True) if role == OTHER or role in wrong][:1]
        if len(clocks) == 1 and roles[0] == OTHER
        else []
    )


def _asked_in_order(answer: Answer) -> list[str]:
    """Arrival and departure, as far as asked, in the order of the question's words."""
    asked = [slot for slot in SLOTS if slot in answer.asked]
    marks = [cue.role for cue in cues(answer.question, CAR)]
    if len(asked) == 2 and LEAVE in marks and (RETURN not in marks or marks.index(LEAVE) < marks.index(RETURN)):
        return [DEPARTURE, ARRIVAL]
    return asked


def _value(answer: Answer, slot: str, each: Said, sure: bool, travel: Mention | None, nights: bool) -> Filling:
    """A time as the value of a slot: shifted by the commute where it is of work, morning or evening as is plausible."""
    flat, mention = answer.flat, each.mention
    values = mention.values if mention.why == "pair" else _ranked(slot, mention.values, nights)
    evidence = answer.text.quote(mention.start, mention.end)
    role = role_of(flat, each.cue_start, mention.end, _marks(answer), [])
    window = not sure and WORKING.search(flat) and role not in (LEAVE, RETURN)
    homewards = slot == ARRIVAL and travel and HOMEWARDS.search(flat[max(0, mention.start - 30) : mention.start])
    shift = mention.why in (BACK, "shift")
    of_work = (
        (not shift and bool(homewards))
        or (not shift and role in (WORK_STARTS, WORK_ENDS))
        or (not shift and (bool(window) or (role in (None, OTHER) and travel is not None)))
    )
    if of_work and travel:
        minutes = int(travel.value)
        values = tuple(value + (minutes if slot == ARRIVAL else -minutes) for value in values)
        evidence = answer.text.quote(min(mention.start, travel.start), max(mention.end, travel.end))
    texts = tuple(shown(value) for value in values)
    if of_work and not travel and role in (WORK_STARTS, WORK_ENDS) and not _starts_or_ends_trip(flat, each, role):
        return ambiguous(slot, (*texts[:1], _usual_trip(slot, values[0])), evidence)
    inferred = not (
        sure
        and mention.exact
        and len(values) == 1
        and not of_work
        and not travel
        and each.standing >= 0
        and not each.corrected
    )
    return filled(slot, texts[0], evidence, texts[1:], inferred or not _usual(slot, values[0], nights))


def _by_way(answer: Answer, slot: str, each: Said, travel: Mention, nights: bool) -> Filling:
    """The time at the far end of the way, less or plus the way."""
    minutes = int(travel.value)
    values = _ranked(slot, each.mention.values, nights)
    texts = [shown(value + (minutes if slot == ARRIVAL else -minutes)) for value in values]
    start, end = min(each.mention.start, travel.start), max(each.mention.end, travel.end)
    return filled(slot, texts[0], answer.text.quote(start, end), tuple(texts[1:]))


def _starts_or_ends_trip(flat: str, each: Said, role: str) -> bool:
    """Whether words of work still tell the trip itself: "off to work at 8", "home from work at 6"."""
    near = flat[max(0, each.cue_start - 30) : each.mention.end + 30]
    if role == WORK_STARTS:
        return bool(re.search(r"\b(?:go|going|leave|off|drive|set off|head\w*) (?:off |out )?(?:to|for|into) ", near))
    return bool(re.search(r"\bhome from\b|\bback from\b|\bin from\b", near))


def _usual_trip(slot: str, minutes: int) -> str:
    """A second candidate where the commute is not told: half an hour of it."""
    return shown(minutes + (30 if slot == ARRIVAL else -30))


def _ranked(slot: str, values: tuple[int, ...], nights: bool) -> tuple[int, ...]:
    """Cars leave in the morning and come back after noon, those of night workers the other way round."""
    if len(values) < 2:
        return values
    return tuple(sorted(values, key=lambda value: not _usual(slot, value, nights)))


def _usual(slot: str, minutes: int, nights: bool) -> bool:
    first, last = (240, 720) if (slot == DEPARTURE) != nights else (720, 1440)
    return first <= minutes % 1440 < last


def _best(slot: str, options: list[tuple[int, Filling]], answer: Answer) -> Filling:
    """The option that is trusted most; options of equal trust that differ are candidates."""
    top = max(standing for standing, _ in options)
    if top <= -2:
        only = options[0][1] if len(options) == 1 and FAMILY.search(answer.flat) else NOTHING
        return filled(slot, only.value, only.evidence, only.candidates[1:]) if only.value is not None else NOTHING
    best = list(dict.fromkeys(filling for standing, filling in options if standing == top))
    values = tuple(
        dict.fromkeys(value for filling in best for value in (filling.value, *filling.candidates[:1]) if value)
    )
    if len(values) > 1:
        return ambiguous(slot, values, " / ".join(dict.fromkeys(filling.evidence for filling in best)))
    rest = tuple(value for _, filling in options for value in filling.candidates if value not in values)
    first = best[0]
    if first.value is None:
        return first
    inferred = first.read_back is not None or len(options) > 1 or unsure(answer.flat)
    return filled(slot, first.value, first.evidence, (*first.candidates[1:], *rest), inferred)
