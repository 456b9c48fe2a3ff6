"""First and last day: two dates, or one and a span; a year that was not told and a relative day are read back."""

from datetime import date, timedelta

from wattflock.assistant.grammar.dates import SPAN
from wattflock.assistant.grammar.mention import DATE, Mention
from wattflock.assistant.grammar.read import Answer, days_in
from wattflock.assistant.rules.context import Said, said
from wattflock.assistant.rules.filling import Filling, ambiguous, filled

FIRST, LAST = "date_start", "date_end"
SLOTS = (FIRST, LAST)


def read_days(answer: Answer) -> dict[str, Filling]:
    """Start and end that an answer tells."""
    found = days_in(answer)
    told = [each for each in said(answer.flat, [each for each in found if each.kind == DATE]) if each.standing > -3]
    long = [each for each in found if each.kind == SPAN]
    if not told:
        return {}
    if len(told) == 1 and len(answer.asked) == 1 and LAST in answer.asked and not long:
        return {LAST: _told(answer, LAST, told[0])}
    start = {FIRST: _told(answer, FIRST, told[0])}
    if len(told) > 1:
        return start | {LAST: _told(answer, LAST, told[-1])}
    return start | (_counted(answer, told[0], long[0]) if long else {})


def _told(answer: Answer, slot: str, each: Said) -> Filling:
    mention = each.mention
    evidence = answer.text.quote(mention.start, mention.end)
    if len(mention.values) > 1 and answer.locale == "en-GB" and mention.why == "counted from today":
        return ambiguous(slot, mention.values, evidence)
    inferred = not mention.exact or each.corrected
    return filled(slot, mention.value, evidence, mention.values[1:], inferred)


def _counted(answer: Answer, each: Said, long: Mention) -> dict[str, Filling]:
    """The last of so many days, the first one counted; with the day after as a candidate."""
    ends = [date.fromisoformat(value) + timedelta(long.value - 1) for value in each.mention.values]
    evidence = answer.text.quote(min(each.mention.start, long.start), max(each.mention.end, long.end))
    after = (ends[0] + timedelta(1)).isoformat()
    if len(ends) > 1 and each.mention.why == "counted from today":
        return {LAST: ambiguous(LAST, tuple(end.isoformat() for end in ends), evidence)}
    return {LAST: filled(LAST, ends[0].isoformat(), evidence, (after,))}
