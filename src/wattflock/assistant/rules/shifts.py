"""Times told by their distance from another: "an hour before the alarm, which goes at 6:30", "gone for nine hours"."""

import re
from dataclasses import replace

from wattflock.assistant.grammar.mention import CLOCK, DURATION, Mention

AWAY = re.compile(
    r"^(?: or so| at least| at most)? (?P<side>before|earlier|ahead of|prior to|sooner|after|past|once|later)\b"
)
USUAL = re.compile(r"^ (?:than|as) (?:usual|normal|that|before|i used to|last year)\b| (?:that|it|this)\b| ?[.,;]| ?$")
BACK_IN = re.compile(r"\b(?:within|inside|back in|home in|home within|back within)(?: about| under| around)? $")
GONE_FOR = re.compile(
    r"\b(?:gone|away|out|at work|not home|shift(?: is| lasts)?|day is)(?: of the house)?(?: for| is)?(?: about"
    r"| around)? $"
)
HANGING = re.compile(
    r"\b(half|quarter|10|20|5|25) (past|to)\b(?! \d| half| the| my| work| get| go| drive| noon| midnight| be"
    r"| leave| do| spare| go)"
)
LATER = re.compile(r" (?:later|after that)\b")
BACK = "back"  # a time so told is of the return
RESTATED = re.compile(r"\b(?:so|well|more like|say|actually|about|around|it's|nearer)\b")


def shifted(flat: str, found: list[Mention]) -> list[Mention]:
    """Times and durations with those that are told from another time worked out, in order of place."""
    made = _hanging(flat, found)
    for each in [each for each in made if each.kind == DURATION]:
        if LATER.match(flat[each.end :]):
            made = _from_before(each, made, "later")
        elif match := AWAY.match(flat[each.end :]):
            made = _from_event(flat, each, match, made)
        elif BACK_IN.search(flat[: each.start]) or GONE_FOR.search(flat[: each.start]):
            made = _from_before(each, made, BACK)
    return sorted(made, key=lambda each: each.start)


def _hanging(flat: str, found: list[Mention]) -> list[Mention]:
    """ "At 3, home by half past": told from the hour before."""
    made = list(found)
    for match in HANGING.finditer(flat):
        inside = [each for each in made if each.start < match.end() and each.end > match.start()]
        before = [each for each in made if each.kind == CLOCK and each.end <= match.start()]
        if not before or not all(each.start >= match.start() and each.end <= match.end() for each in inside):
            continue
        minutes = {"half": 30, "quarter": 15}.get(match[1]) or int(match[1])
        base = before[-1]
        shift = 60 * (base.value % 60 > 0) - minutes if match[2] == "to" else minutes
        values = tuple((value // 60 * 60 + shift) % 1440 for value in base.values)
        made = [each for each in made if each not in inside]
        made.append(Mention(CLOCK, values, match.start(), match.end(), False))
        if RESTATED.search(flat[base.end : match.start()]):
            made.remove(base)
    return made


def _from_before(each: Mention, made: list[Mention], why: str) -> list[Mention]:
    before = [clock for clock in made if clock.kind == CLOCK and clock.end <= each.start]
    if not before:
        return made
    values = tuple((value + int(each.value)) % 1440 for value in before[-1].values)
    return [Mention(CLOCK, values, each.start, each.end, False, why) if one is each else one for one in made]


def _from_event(flat: str, each: Mention, match: re.Match, made: list[Mention]) -> list[Mention]:
    """The time of what is named, wherever it stands, moved by the duration."""
    rest = flat[each.end + match.end() :]
    clocks = [one for one in made if one.kind == CLOCK]
    after = [one for one in clocks if one.start >= each.end]
    before = [one for one in clocks if one.end <= each.start]
    if not USUAL.match(rest) and after:
        chosen = after[0]
    elif before and re.match(r" (?:that|it|this)\b| ?(?:[.,;]|$)", rest):
        chosen = before[-1]
    else:
        return made
    sign = -1 if match["side"] in ("before", "earlier", "ahead of", "prior to", "sooner") else 1
    values = tuple((value + sign * int(each.value)) % 1440 for value in chosen.values)
    away = sign > 0 and re.match(r" (?:i|we|she|he) (?:leave|leaves|go|goes|set|head)", rest)
    moved = replace(chosen, values=values, exact=False, why=BACK if away else "shift")
    return [moved if one is chosen else one for one in made if one is not each]
