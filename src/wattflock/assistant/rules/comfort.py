"""The coldest and the warmest that a home may be: spans, bounds, "give or take", °F where it must be."""

import re

from wattflock.assistant.grammar.mention import NUMBER, TEMPERATURE, Mention
from wattflock.assistant.grammar.quantity import celsius, tidy
from wattflock.assistant.grammar.read import Answer, amounts_in
from wattflock.assistant.rules.context import Said, part_of, said
from wattflock.assistant.rules.filling import Filling, ambiguous, distinct, filled

COLDEST, WARMEST = "comfort_temp_min_c", "comfort_temp_max_c"
SLOTS = (COLDEST, WARMEST)
FAHRENHEIT_FROM = 45  # no home is that warm in °C, none that cold in °F
LOW = re.compile(
    r"\b(?:no (?:lower|colder|cooler|less) than|not (?:below|under|less than)|never (?:below|under|less than"
    r"|goes? below)|at least|min(?:imum|utes)?|not let it (?:drop|fall|go) (?:below|under)"
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
    r"|any more|beyond|tops|opens? (?:a |the |my )?windows?|sweat\w*"
    r"|more than|ceiling|limit|till|ac|air con\w*|cooling (?:comes|kicks)|boil(?:ing|s)?|roast\w*)\b"
)
ABOVE_IS_HIGH = re.compile(
    r"\b(?:(?:not|never|nothing|anything|don't \w+(?: it)?|no|doesn't go|without going) (?:\w+ )?(?:above|over)"
    r"|(?:above|over|past) (?:\d|that))"
)
SPAN = re.compile(r"^ ?(?:deg[cf]? ?|c |f )?(?:-|to|and|till|through|or|up to|/|;)(?: (?:about|maybe|at most))? ?$")
PLUS_MINUS = re.compile(
    r"(?:give or take|± ?|\+ ?/ ?-|\+ or -|plus or minus|plus minus|or so either way|within|either side"
    r"|either way|up or down"
    r"|leeway|each way|margin|slack|above or below|in both directions|(?:wander|drift|stray|vary|deviate"
    r"|move)\w*(?: by| off)?(?: more than)?|tolerance"
    r"|hysteresis|swing|max deviation)"
)
STEP = r"(?P<step>\d+(?:\.\d+)?|an?|half(?: a)?)"
NEAR = re.compile(rf"^[ ,]*(?:of |about |by )?{STEP}\b(?P<half> deg and a half)?")
BEFORE = re.compile(rf"{STEP}(?: deg[cf]?)?(?P<half> and a half)?(?: at most)? ?$")
DRIFT = re.compile(
    rf"\b(?P<minus>minus) {STEP.replace('step', 'less')}\b|"
    rf"\b{STEP} (?:deg[cf]? )?(?P<side>below|under|lower|colder|cooler|less|above|over|higher|warmer"
    rf"|more)\b(?: (?:that|it|than that))?"
)
MORE_THAN = re.compile(
    rf"\b{STEP} (?:deg[cf]? )?(?P<side>more|less|above|below|over|under|higher|lower|warmer|cooler|colder) (?:than )?"
    r"(?:the |our |my |what we have , )?(?:usual |normal )?(?P<base>[12]\d(?:\.\d)?)\b(?! ?deg ?f)"
)  # "two more than the 21 we have"
STEP_BY = STEP.replace("<step>", "<by>")
CLIMB = re.compile(
    rf"\b(?P<side>climb|rise|go up|creep up|get up|drop|fall|sink|slip"
    rf"|go down)(?:(?: by)? (?:another )?{STEP} deg[cf]?| by {STEP_BY}\b)"
)
STRICT = {
    COLDEST: re.compile(
        r"\b(?:at least|min(?:imum|utes)?|no (?:lower|colder|less) than|not (?:below|under)|never below|lower (?:bound"
        r"|limit)|floor) ?$"
    ),
    WARMEST: re.compile(
        r"\b(?:at most|max\w*|no (?:higher|warmer|hotter|more) than|not (?:above|over)|never above|upper (?:bound"
        r"|limit)) ?$"
    ),
}
KEPT_ABOVE = re.compile(
    r"(?<!never )(?<!not )(?<!don't )\b(?:keep|stays?|kept|remain|has to be|must be|should be|always"
    r"|just) (?:\w+ ){0,3}?(?:above|over) $"
)
OUTSIDE = re.compile(
    r"\b(?:outside|outdoors|garage|shed|garden|loft|conservatory|attic|porch|utility room"
    r"|water|flow|tank|cylinder|radiators?|fridge|freezer|oven|wash|boiler's|cellar"
    r"|greenhouse"
    r"|spin|fever|office|shop|car|studio)\b"
)


def read_comfort(answer: Answer) -> dict[str, Filling]:
    """Comfort temperatures that an answer tells [°C]."""
    told = [each for each in amounts_in(answer) if each.kind in (NUMBER, TEMPERATURE)]
    celsius_told = any(each.kind == NUMBER and 12 <= each.value <= 30 for each in told)
    read = [_degrees(each, answer, celsius_told) for each in told if not _elsewhere(answer.flat, each)]
    found = [each for each in read if each]
    bound = any(
        STRICT[slot].search(answer.flat[: each.start]) for slot in answer.asked if slot in STRICT for each in found
    )
    if derived := (not bound and _around(answer, found)) or _drifts(answer, found):
        return derived
    kept = [each for each in said(answer.flat, found) if each.holds]
    if not kept:
        return {}
    for slot in SLOTS:
        strict = [each for each in kept if STRICT[slot].search(answer.flat[: each.mention.start])]
        if answer.asked == (slot,) and len(strict) == 1:
            return {slot: _told(answer, slot, strict, len(kept))}
    if pair := _above_below(answer, kept):
        return pair
    if either := _either(answer, kept):
        return either
    values: dict[str, list[Said]] = {COLDEST: [], WARMEST: []}
    if len(kept) >= 2 and _spans(answer.flat, kept[0].mention, kept[1].mention):
        values[COLDEST], values[WARMEST] = [kept[0]], [kept[1]]
        if kept[0].mention.value > kept[1].mention.value:
            values[COLDEST], values[WARMEST] = [kept[1]], [kept[0]]
    else:
        _by_words(answer, kept, values)
    return {slot: _told(answer, slot, each, len(kept)) for slot, each in values.items() if each}


def _elsewhere(flat: str, each: Mention) -> bool:
    start, end = part_of(flat, each.start, each.end)
    return bool(
        OUTSIDE.search(flat[start:end]) or re.match(r" ?(?:years?|rpm|kw|%|outside|out there)", flat[each.end :])
    )


def _above_below(answer: Answer, kept: list[Said]) -> dict[str, Filling]:
    """ "Above 18 but below 22", "keep us above 18"."""
    flat = answer.flat
    if len(kept) == 1 and KEPT_ABOVE.search(flat[: kept[0].mention.start]):
        return {COLDEST: _told(answer, COLDEST, kept, 1)}
    if len(kept) != 2 or kept[0].mention.value >= kept[1].mention.value:
        return {}
    before = [flat[: each.mention.start] for each in kept]
    if re.search(r"\b(?:above|over) $", before[0]) and re.search(r"\b(?:below|under) $", before[1]):
        return {slot: _told(answer, slot, [each], 2) for slot, each in zip(SLOTS, kept, strict=True)}
    return {}


def _either(answer: Answer, kept: list[Said]) -> dict[str, Filling]:
    """ "17 or 18" for one bound is a question."""
    asked = [slot for slot in SLOTS if slot in answer.asked]
    if len(asked) != 1 or len(kept) != 2:
        return {}
    one, two = kept[0].mention, kept[1].mention
    if not re.fullmatch(
        r" ?(?:deg[cf]? )?(?:\?|,? ?or(?: maybe| even| perhaps)?|, (?:maybe|possibly|perhaps)(?: even)?) ?",
        answer.flat[one.end : two.start],
    ):
        return {}
    return {asked[0]: ambiguous(asked[0], (one.value, two.value), answer.text.quote(one.start, two.end))}


def _degrees(mention: Mention, answer: Answer, celsius_told: bool) -> Mention | None:
    """A number as a temperature of a home in °C, or None."""
    value, kind = mention.value, mention.kind
    fahrenheit = kind == NUMBER and value >= FAHRENHEIT_FROM and not (celsius_told and answer.locale != "en-US")
    if kind == TEMPERATURE and mention.why == "°F":
        given = Mention(TEMPERATURE, (value,), mention.start, mention.end, False, "°F")
    elif fahrenheit:
        given = Mention(TEMPERATURE, (celsius(value),), mention.start, mention.end, False, "°F")
    else:
        given = Mention(TEMPERATURE, (value,), mention.start, mention.end, mention.exact, "")
    return given if 5 <= given.value <= 35 else None


def _around(answer: Answer, found: list[Mention]) -> dict[str, Filling]:
    """ "20, give or take a degree" is 19 to 21."""
    flat, match = answer.flat, PLUS_MINUS.search(answer.flat)
    if not match or not found:
        return {}
    middle = found[0]
    step = NEAR.match(flat[match.end() :]) or BEFORE.search(flat[middle.end : match.start()])
    size = _size(step, middle)
    quote = answer.text.quote(middle.start, match.end() + (step.end() if step and step.re is NEAR else 0))
    low, high = tidy(round(middle.value - size, 1)), tidy(round(middle.value + size, 1))
    return {
        COLDEST: filled(COLDEST, low, quote, (middle.value,)),
        WARMEST: filled(WARMEST, high, quote, (middle.value,)),
    }


def _size(step: re.Match | None, middle: Mention | None) -> float:
    """Degrees of a step in words [°C]."""
    said = next(filter(None, map(step.groupdict().get, ("step", "by", "less"))), "1") if step else "1"
    size = float(said) if said[0].isdigit() else 0.5 if said.startswith("half") else 1.0
    size += 0.5 * bool(step and step.groupdict().get("half"))
    return round(size / 1.8, 1) if middle and middle.why == "°F" else size


def _drifts(answer: Answer, found: list[Mention]) -> dict[str, Filling]:
    """ "19, and it may drop two degrees below that": the bound is told from the middle."""
    if match := MORE_THAN.search(answer.flat):
        side = 1 if match["side"] in ("more", "above", "over", "higher", "warmer") else -1
        value = tidy(round(float(match["base"]) + side * _size(match, found[0] if found else None), 1))
        slots = [slot for slot in SLOTS if slot in answer.asked] or [WARMEST if side > 0 else COLDEST]
        if len(slots) == 1:
            return {slots[0]: filled(slots[0], value, answer.text.quote(*match.span()), (float(match["base"]),))}
    match = DRIFT.search(answer.flat) or CLIMB.search(answer.flat)
    if not match or not found or found[0].end > match.start():
        return {}
    middle, low = (
        found[0],
        match["side"]
        in (None, "below", "under", "lower", "colder", "cooler", "less", "drop", "fall", "sink", "slip", "go down"),
    )
    value = tidy(round(middle.value + (-1 if low else 1) * _size(match, middle), 1))
    slot = COLDEST if low else WARMEST
    return {slot: filled(slot, value, answer.text.quote(middle.start, match.end()), (middle.value,))}


def _spans(flat: str, one: Mention, two: Mention) -> bool:
    between = flat[one.end : two.start]
    return bool(SPAN.match(between)) and not (LOW.search(between) or HIGH.search(between.replace("up to", "")))


def _by_words(answer: Answer, kept: list[Said], values: dict[str, list[Said]]) -> None:
    flat, ends = answer.flat, [each.end for each in amounts_in(answer) if each.kind in (NUMBER, TEMPERATURE)]
    for index, each in enumerate(kept):
        last = max((end for end in ends if end <= each.cue_start), default=0)
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
