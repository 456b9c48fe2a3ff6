"""How full the car should be when it leaves: shares, "full", "half"; what it has when it comes home is no target."""

import re
from itertools import pairwise

from wattflock.assistant.grammar.mention import DISTANCE, NUMBER, SHARE, Mention
from wattflock.assistant.grammar.quantity import tidy
from wattflock.assistant.grammar.read import Answer, amounts_in
from wattflock.assistant.rules.context import Said, part_of, said, unsure
from wattflock.assistant.rules.filling import Filling, ambiguous, distinct, filled
from wattflock.assistant.rules.sums import as_share

TARGET = "ev_target_soc_pct"
WORDS = [
    (
        re.compile(
            r"\b(?:full|fully|all the way(?: up)?|(?:right )?to the (?:top|brim|max|limit)|brim\w*|topped (?:up"
            r"|off)|maxed(?: out)?"
            r"|top (?:it|her|him|'?er|them|the car) (?:up|off)|fill (?:it|her|him|'?er) (?:right )?up"
            r"|to the gills|rammed"
            r"|max(?! ?(?:soc|charge|at|of|\d))|chock full|as full as)\b"
        ),
        100,
    ),
    (re.compile(r"\b(?:half(?: full| charged| way)?|halfway)\b(?! (?:past|an? hour|hour|\d))"), 50),
]
NOT_FULL = re.compile(
    r"(?:not|doesn't need to be|don't need it|needn't be|never|no need (?:for|to)[\w ]*|isn't|don't [\w ]{0,20}"
    r"|doesn't have to be|without|hardly ever|rarely|instead of)"
    r" (?:\w+ )?$"
)
BEFORE = re.compile(
    r"\b(?:now|when i (?:get|come)|arrive|get(?:s)? (?:home|back)|comes? (?:home|back)|starts?|drops?|left"
    r"|down to|remaining|currently|at the moment"
    r"|usually at|it's at|sits at|min|minimum|floor|at least when|below|under|lower|reserve|emergency|use|uses|used"
    r"|commute|trip)\b"
)
WANTED = re.compile(
    r"\b(?:want|need|like|target|to|by morning|up to|aim|set|should|prefer|charge|plenty|enough|fine|do|ok|okay"
    r"|leave|limit|stop|above|reicht)\b"
)


def read_charge(answer: Answer) -> dict[str, Filling]:
    """The target that an answer tells [%]."""
    if TARGET not in answer.asked:
        return {}
    flat, found = answer.flat, amounts_in(answer)
    shares = [each for each in found if each.kind == SHARE]
    if not shares or len(answer.asked) == 1:
        shares += [each for each in found if each.kind == NUMBER and 10 <= each.value <= 100]
        shares += [
            Mention(SHARE, (tidy(100 * each.value),), each.start, each.end, False)
            for each in found
            if each.kind == NUMBER and 0.2 <= each.value <= 1 and "." in flat[each.start : each.end]
        ]
    shares += _in_words(flat, shares)
    if result := as_share(flat, _parts(found, shares)):
        told = filled(TARGET, result.value, answer.text.quote(result.start, result.end), result.parts)
        if told.value is not None:
            return {TARGET: told}
    options = [(each, _wanted(flat, each)) for each in said(flat, sorted(shares, key=lambda each: each.start))]
    options = [(each, score) for each, score in options if each.holds]
    if not options:
        return {}
    if ranged := _range(answer, [each for each, _ in options]):
        return {TARGET: ranged}
    return {TARGET: _best(answer, options)}


def _parts(found: list[Mention], shares: list[Mention]) -> list[Mention]:
    """What a target may be reckoned from: shares below full, and distances."""
    less = [each for each in shares if each.kind == SHARE and each.value < 100]
    return sorted([*less, *(each for each in found if each.kind == DISTANCE)], key=lambda each: each.start)


def _in_words(flat: str, shares: list[Mention]) -> list[Mention]:
    taken = [(each.start, each.end) for each in shares]
    found = []
    for pattern, value in WORDS:
        for match in pattern.finditer(flat):
            if re.search(r"\b(?:more|less|over|above|under) (?:than )?$", flat[: match.start()]) and shares:
                continue
            if any(start <= match.start() < end + 6 for start, end in taken) or NOT_FULL.search(flat[: match.start()]):
                continue
            found.append(Mention(SHARE, (value,), match.start(), match.end(), value == 100))
    return found


def _wanted(flat: str, each: Said) -> int:
    start, end = part_of(flat, each.mention.start, each.mention.end)
    part = flat[start:end]
    return each.standing + bool(WANTED.search(part)) - 2 * bool(BEFORE.search(part))


def _range(answer: Answer, kept: list[Said]) -> Filling | None:
    """Of "20 to 80 %" the upper one is the target."""
    for one, two in pairwise(kept):
        low, high = one.mention, two.mention
        if re.fullmatch(r" ?(?:-|to|and|till) ?", answer.flat[low.end : high.start]) and low.value < high.value:
            quote = answer.text.quote(low.start, high.end)
            if high.value - low.value <= 15:
                return ambiguous(TARGET, (high.value, low.value), quote)
            return filled(TARGET, high.value, quote, (low.value,))
    return None


def _best(answer: Answer, options: list[tuple[Said, int]]) -> Filling:
    top = max(score for _, score in options)
    best = [each for each, score in options if score == top]
    values = distinct(each.mention.value for each in best)
    evidence = answer.text.quote(best[0].mention.start, best[-1].mention.end)
    if len(values) > 1:
        return ambiguous(TARGET, values, evidence)
    first = best[0]
    inferred = not first.mention.exact or len(options) > 1 or top < 0 or first.corrected or unsure(answer.flat)
    return filled(TARGET, first.mention.value, evidence, tuple(each.mention.value for each, _ in options), inferred)
