"""The coldest and the warmest that a home may be: spans, bounds, "give or take", °F where it must be."""

import re

from wattflock.assistant.grammar.mention import NUMBER, TEMPERATURE, Mention
from wattflock.assistant.grammar.quantity import celsius, tidy
from wattflock.assistant.grammar.read import Answer, amounts_in
from wattflock.assistant.rules.context import Said, said
from wattflock.assistant.rules.filling import Filling, ambiguous, distinct, filled

COLDEST, WARMEST = "comfort_temp_min_c", "comfort_temp_max_c"
SLOTS = (COLDEST, WARMEST)
FAHRENHEIT_FROM = 45  # no home is that warm in °C, none that cold in °F
LOW = re.compile(
    r"\b(?:no (?:lower|colder|cooler|less) than|not (?:below|under|less than)|never (?:below|under|less than"
    r"|goes? below)|at least|min\w*|not let it (?:drop|fall|go) (?:below|under)"
    r"|above|over|coldest|lowest|cold|colder|lower|low|below|under|drops?(?: to| below)?|falls?(?: to| below)?"
    r"|down to|dips?(?: to| below)?|at night"
    r"|heating (?:comes|kicks|goes) on|freez\w*|from|shiver\w*|chilly|cooler than|put up with|cope with"
    r"|tolerate|live with|less than|bottom|night time"
    r"|overnight|floor)\b"
)
HIGH = re.compile(
    r"\b(?:no (?:higher|warmer|hotter|more) than|not (?:above|over|more than)|never (?:above|over|more than"
    r"|goes? above)|at most|max\w*|up to|warmest|highest"
    r"|hottest|hot|hotter|warmer|warm|higher|high|top|too much|upper|stuffy|anything (?:more|above|over)"
    r"|any more|beyond|tops|open (?:a|the) window|sweat\w*"
    r"|more than|ceiling|limit|till|ac|air con\w*|cooling (?:comes|kicks)|boil\w*|roast\w*)\b"
)
ABOVE_IS_HIGH = re.compile(
    r"\b(?:(?:not|never|nothing|anything|don't \w+(?: it)?|no|doesn't go|without going) (?:\w+ )?(?:above|over)"
    r"|(?:above|over|past) (?:\d|that))"
)
BELOW_IS_LOW = re.compile(r"\b(?:below|under)\b")
SPAN = re.compile(r"^ ?(?:deg[cf]? ?|c |f )?(?:-|to|and|till|through|or|up to|/|;)(?: (?:about|maybe|at most))? ?$")
PLUS_MINUS = re.compile(r"(?:give or take|±|\+ ?/ ?-|plus or minus|or so either way|within|either side)")


def read_comfort(answer: Answer) -> dict[str, Filling]:
    """Comfort temperatures that an answer tells [°C]."""
    found = [_degrees(each, answer) for each in amounts_in(answer) if each.kind in (NUMBER, TEMPERATURE)]
    if around := _around(answer):
        return around
    kept = [each for each in said(answer.flat, [each for each in found if each]) if each.standing > -3]
    if not kept:
        return {}
    values: dict[str, list[Said]] = {COLDEST: [], WARMEST: []}
    if len(kept) >= 2 and _spans(answer.flat, kept[0].mention, kept[1].mention):
        values[COLDEST], values[WARMEST] = [kept[0]], [kept[1]]
        if kept[0].mention.value > kept[1].mention.value:
            values[COLDEST], values[WARMEST] = [kept[1]], [kept[0]]
    else:
        _by_words(answer, kept, values)
    return {slot: _told(answer, slot, each, len(kept)) for slot, each in values.items() if each}


def _degrees(mention: Mention, answer: Answer) -> Mention | None:
    """A number as a temperature of a home in °C, or None."""
    value, kind = mention.value, mention.kind
    fahrenheit = value >= FAHRENHEIT_FROM if kind == NUMBER else False
    if kind == TEMPERATURE and mention.why == "°F":
        given = Mention(TEMPERATURE, (value,), mention.start, mention.end, False, "°F")
    elif fahrenheit:
        given = Mention(TEMPERATURE, (celsius(value),), mention.start, mention.end, False, "°F")
    else:
        given = Mention(TEMPERATURE, (value,), mention.start, mention.end, mention.exact, "")
    return given if 5 <= given.value <= 35 else None


def _around(answer: Answer) -> dict[str, Filling]:
    """ "20, give or take a degree" is 19 to 21."""
    match = PLUS_MINUS.search(answer.flat)
    numbers = [each for each in amounts_in(answer) if each.kind in (NUMBER, TEMPERATURE)]
    if not match or not numbers:
        return {}
    middle = _degrees(numbers[0], answer)
    if middle is None:
        return {}
    after = [each for each in numbers[1:] if each.start >= match.start() or each.end <= match.start() + 1]
    step = float(after[0].value) if after and after[0].why != "°F" else 1.0
    if middle.why == "°F":
        step = round(step / 1.8, 1)
    quote = answer.text.quote(middle.start, max(match.end(), after[0].end if after else 0))
    low, high = tidy(round(middle.value - step, 1)), tidy(round(middle.value + step, 1))
    return {COLDEST: filled(COLDEST, low, quote), WARMEST: filled(WARMEST, high, quote)}


def _spans(flat: str, one: Mention, two: Mention) -> bool:
    between = flat[one.end : two.start]
    return bool(SPAN.match(between)) and not (LOW.search(between) or HIGH.search(between.replace("up to", "")))


def _by_words(answer: Answer, kept: list[Said], values: dict[str, list[Said]]) -> None:
    flat = answer.flat
    for index, each in enumerate(kept):
        last = kept[index - 1].mention.end if index else 0
        until = kept[index + 1].mention.start if index + 1 < len(kept) else len(flat)
        role = _role(flat[last : each.cue_start], flat[each.mention.end : until])
        asked = [slot for slot in SLOTS if slot in answer.asked]
        if role is None and len(asked) == 1:
            role = asked[0]
        if role:
            values[role].append(each)
    if len(kept) == 2 and not (values[COLDEST] and values[WARMEST]) and len({e.mention.value for e in kept}) == 2:
        low, high = sorted(kept, key=lambda each: each.mention.value)
        values[COLDEST], values[WARMEST] = [low], [high]


def _role(before: str, after: str) -> str | None:
    """Whether the words just before a temperature, or else after it, tell a lower or an upper bound."""
    for words, nearest_last in ((before, True), (after[:40], False)):
        marks = [(match.start(), WARMEST) for match in ABOVE_IS_HIGH.finditer(words + ("1" if nearest_last else ""))]
        marks += [
            (match.start(), COLDEST)
            for match in LOW.finditer(words)
            if not any(m[0] <= match.start() < m[0] + 30 for m in marks)
        ]
        marks += [(match.start(), WARMEST) for match in HIGH.finditer(words)]
        if marks:
            return sorted(marks)[-1 if nearest_last else 0][1]
    return None


def _told(answer: Answer, slot: str, options: list[Said], count: int) -> Filling:
    top = max(each.standing for each in options)
    best = [each for each in options if each.standing == top]
    values = distinct(each.mention.value for each in best)
    evidence = answer.text.quote(best[0].mention.start, best[-1].mention.end)
    others = tuple(each.mention.value for each in options)
    if len(values) > 1:
        return ambiguous(slot, values, evidence)
    inferred = not best[0].mention.exact or best[0].corrected or count > 2 or slot not in answer.asked or top < 0
    return filled(slot, best[0].mention.value, evidence, others, inferred)
