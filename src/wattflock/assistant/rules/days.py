"""First and last day: two dates, or one and a span; a year that was not told and a relative day are read back."""

import re
from dataclasses import replace
from datetime import date, timedelta

from wattflock.assistant.grammar.dates import SPAN
from wattflock.assistant.grammar.mention import DATE, Mention
from wattflock.assistant.grammar.read import Answer, days_in
from wattflock.assistant.grammar.relative import COUNTED
from wattflock.assistant.rules.context import Said, said, sentence_of
from wattflock.assistant.rules.filling import Filling, ambiguous, distinct, filled

FIRST, LAST = "date_start", "date_end"
SLOTS = (FIRST, LAST)
STARTS = re.compile(
    r"\b(?:from|start\w*|begin\w*|kick(?:s|ing)? off|as of|since|first day|once|off on|go live|onwards|so|shall we say"
    r"|let's say|how about|say|then)\b"
)
ENDS = re.compile(
    r"\b(?:till|to|through|thru|up to|end\w*|stop\w*|finish\w*|last day|by|over|wrap\w* up|no later than|including"
    r"|inclusive)\b"
)
OTHERS = re.compile(
    r"\b(?:birthday|anniversary|wedding|contract|lease|holidays?|vacation|away|abroad|here|visit\w*|guests?|staying"
    r"|grandchildren|kids|school|builders?|electrician|plumber|installed|delivered|bill|deadline|appointment|party"
    r"|exam\w*|moved in|payday|flight|busy)\b"
)

NAMED = {
    slot: re.compile(rf"\b{which} day(?: of (?:the|our) (?:plan|stay|study))?(?: is| will be| should be| would be| ?:)")
    for slot, which in ((FIRST, "first"), (LAST, "last"))
}


def read_days(answer: Answer) -> dict[str, Filling]:
    """Start and end that an answer tells."""
    found = days_in(answer)
    told = said(answer.flat, [each for each in found if each.kind == DATE])
    long = [each for each in found if each.kind == SPAN]
    asked = [slot for slot in SLOTS if slot in answer.asked]
    if not told:
        return {}
    if len(asked) == 1 and (one := _one_of(answer, asked[0], told)):
        return one
    named = [slot for slot, words in NAMED.items() if words.search(answer.flat)]
    if len(told) == len(named) == 1 and not long and asked != named:
        return {named[0]: _told(answer, named[0], told[0])}
    if not asked:
        return {}
    if asked == [LAST] and not long:
        return {LAST: _told(answer, LAST, told[0])}
    start = {FIRST: _told(answer, FIRST, told[0])}
    if len(told) > 1:
        return start | {LAST: _told(answer, LAST, _after(told[0], told[-1]))}
    return start | (_counted(answer, told[0], long[0]) if long else {})


def _after(first: Said, last: Said) -> Said:
    """Of "Monday to Thursday" the Thursday is the one after that Monday."""
    day, begins = date.fromisoformat(last.mention.value), date.fromisoformat(first.mention.value)
    if last.mention.why != COUNTED or day >= begins:
        return last
    day += timedelta(7 * -((day - begins).days // 7))
    return replace(last, mention=replace(last.mention, values=(day.isoformat(),)))


def _one_of(answer: Answer, slot: str, told: list[Said]) -> dict[str, Filling]:
    """Of several dates the one that the words give to the only slot that was asked for; equal ones are candidates."""
    days = distinct(each.mention.value for each in told)
    if len(days) < 2:
        return {}
    between = answer.flat[told[0].mention.end : told[1].mention.start]
    quote = answer.text.quote(told[0].mention.start, told[-1].mention.end)
    if re.search(r"\bor\b", between):
        return {slot: ambiguous(slot, days, quote)}
    other = LAST if slot == FIRST else FIRST
    ranked = sorted(told, key=lambda each: -_fit(answer, slot, each))
    best = ranked[0] if _fit(answer, slot, ranked[0]) > _fit(answer, slot, ranked[1]) else None
    chosen = best or (told[0] if slot == FIRST else told[-1])
    rest = [each for each in told if each is not chosen]
    second = _told(answer, other, rest[-1]) if other == LAST and _fit(answer, other, rest[-1]) > 0 else None
    filling = _told(answer, slot, chosen)
    if filling.value is not None:
        filling = filled(slot, filling.value, filling.evidence, (*filling.candidates[1:], *days))
    return {slot: filling} | ({other: second} if second else {})


def _fit(answer: Answer, slot: str, each: Said) -> int:
    """How well the words just before a date fit the first or the last day; those of other matters count against it."""
    earlier = [one.end for one in days_in(answer) if one.end <= each.cue_start]
    start = max(sentence_of(answer.flat, each.mention.start, each.mention.end)[0], each.cue_start - 40, *earlier[-1:])
    before = answer.flat[start : each.mention.start]
    own, against = (STARTS, ENDS) if slot == FIRST else (ENDS, STARTS)
    places = [max((match.start() for match in pattern.finditer(before)), default=-1) for pattern in (own, against)]
    score = 0 if places == [-1, -1] else 2 if places[0] > places[1] else -2
    return score - 3 * bool(OTHERS.search(before))


def _told(answer: Answer, slot: str, each: Said) -> Filling:
    mention = each.mention
    evidence = answer.text.quote(mention.start, mention.end)
    if len(mention.values) > 1 and answer.locale == "en-GB" and mention.why == COUNTED:
        return ambiguous(slot, mention.values, evidence)
    inferred = not mention.exact or each.corrected
    return filled(slot, mention.value, evidence, mention.values[1:], inferred)


def _counted(answer: Answer, each: Said, long: Mention) -> dict[str, Filling]:
    """The last of so many days, the first one counted; with the day after as a candidate."""
    ends = [date.fromisoformat(value) + timedelta(long.value - 1) for value in each.mention.values]
    evidence = answer.text.quote(min(each.mention.start, long.start), max(each.mention.end, long.end))
    after = (ends[0] + timedelta(1)).isoformat()
    if re.match(r" (?:after|later|on from|past)\b", answer.flat[long.end :]):  # "5 days after we begin"
        return {LAST: filled(LAST, after, evidence, (ends[0].isoformat(),))}
    if len(ends) > 1 and each.mention.why == COUNTED:
        return {LAST: ambiguous(LAST, tuple(end.isoformat() for end in ends), evidence)}
    return {LAST: filled(LAST, ends[0].isoformat(), evidence, (after,))}
