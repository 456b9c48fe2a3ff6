"""Values that an answer leaves to be reckoned: sums, so many of a size, shares of a size, what is left of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

from wattflock.assistant.grammar.mention import DISTANCE, DURATION, ENERGY, NUMBER, SHARE, VOLTAGE, Mention
from wattflock.assistant.grammar.quantity import PARTS, tidy
from wattflock.assistant.rules.context import CORRECTS, said

EACH = re.compile(r"\b(?:each|apiece|a piece|a pop|per \w+|every one|a panel|a module|jeweils|both|all(?= \d))\b")
PLUS = re.compile(
    r"\b(?:plus|another|as well as|next to|beside|on (?:the|my|our) [\w ]{2,20} and|on top|add(?:ed)?|followed by"
    r"|then|and (?:then )?(?:an?|one|1|the other)"
    r"|together with|in addition|(?:dry|dries|drying|rinse|spin)|further|additional|extra|and then)\b|\+"
    r"|[,;] (?:then )?(?:an?|1) "
    r"|(?:,|and) (?:the )?(?:east|west|south|north|front|back|garage|shed|annexe|extension)\b"
)
MINUS = re.compile(r"\b(?:minus|less(?! than)|take (?:off|away)|subtract|knock off|except)\b[\w', ]{0,30}$")
LOST = re.compile(
    r"\b(?:los[tse]\w*|gone|degrad\w*|worn|faded|fade|down|shrunk|dropped|off|minus|less|degradation|under|short"
    r"|reserve|held back|unusable)\b"
)
KEPT = re.compile(
    r"\b(?:left|kept|health|soh|dod|depth of discharge|of (?:that|it|this|those|the original|new|its)|usable"
    r"|remain\w*|still"
    r"|retain\w*|capacity|as new)\b"
)
BEFORE = re.compile(
    r"(?<![\d.])\b(?<!level )([2-9]) (?:x |of (?:the |our |my |those |these )?|times |(?:\w+ ){1,2}(?:at|of"
    r"|with|rated(?: at)?) )?$"
)
SO_MANY = re.compile(
    r"(?<![\d.])\b([2-9]) (?:more |extra |further |other )?(?:modules?|batteries|packs?|blocks?|units?|ones)"
    r" (?:of|at|with) $"
)
TWICE = re.compile(
    r"\b(?:doubl\w*|twice|(?:second|another|two|2)(?: one| 1)?(?: of)? (?:the same|identical|just like it)"
    r"|twice (?:that|as)|times (?:2|two)|(?:the )?same again|as much again|two of (?:them|those)|2 of (?:them"
    r"|those))\b"
)
HALVED = re.compile(
    r"\b(?:halv\w*|half (?:of )?(?:that|it|of (?:that|it))|half (?:as|the (?:time|power|speed))"
    r"|split (?:evenly )?between"
    r" (?:2|two)|shared? (?:between|by|with))\b"
)
LINKS = re.compile(
    r"\b(?:at home|at ours|here|mine(?:'s| is)?|ours(?: is| has)?|this (?:one|1)(?:'s| is| has)?|for (?:one|1) with"
    r"|the new (?:one|1|car)(?:'s| is| has)?|ended up with|more like|closer to|or|but|only|max|minus|less|plus"
    r"|another"
    r"|limit\w*|set to|so|now|actually|comes? to|is)\b|\+"
)
RANGE = re.compile(r"^ ?(?:or|to|and|-|till) (?:maybe |perhaps |possibly )?$")
NOT_A_SIZE = re.compile(
    r" ?(?:kwh|years?|months?|weeks?|days?|of us|people|kids|cars?|evs?|pin|phases?|panels?|modules?|miles|km"
    r"|p\b|pence"
    r"|pounds?|cents?|quid|grand|bucks|dollars|euros?|%"
    r"|(?:more |extra |further )(?:modules?|batteries|packs?|panels?|blocks?|units?)\b"
    r"|amp|volt|v\b|ah\b|hours?|minutes|metres?|meters?|foot"
    r"|feet|deg|bed"
    r"|rooms?|pm\b|am\b|o'clock|strings?|packs?|units?|batteries|of (?:them|those|these|the|our)|th\b|st\b|nd\b|rd\b)"
)
MONEY = re.compile(r"[£$€#] ?$|\b(?:number|no|level|mode|type|gen|model|version|mk|mark|in|since|times|minus) $")


@dataclass(frozen=True)
class Reckoned:
    """A value, what it was made of, and the place of its parts."""

    value: float | int
    parts: tuple[float | int, ...]
    start: int
    end: int


def with_units(flat: str, found: Sequence[Mention], kind: str, low: float, high: float) -> list[Mention]:
    """Numbers that take the unit of the quantity before them: "10 kWh, or rather 13.5", "5 kW and another 2"."""
    made = list(found)
    for index, each in enumerate(made):
        before = [other for other in made[:index] if other.kind == kind]
        if each.kind != NUMBER or not (low <= each.value <= high or MINUS.search(flat[: each.start])):
            continue
        following = made[index + 1] if index + 1 < len(made) else each
        gap = flat[each.end : following.start]
        if following.kind == kind and (RANGE.match(gap) or re.search(r"\b(?:another|further|extra)\b", gap)):
            made[index] = replace(each, kind=kind)
        if not before or made[index].kind == kind:
            continue
        between, after = flat[before[-1].end : each.start], flat[each.end :]
        linked = CORRECTS.search(between) or LINKS.search(between) or PLUS.search(between) or EACH.match(after.lstrip())
        if linked and not NOT_A_SIZE.match(after) and not MONEY.search(flat[: each.start]):
            made[index] = replace(each, kind=kind, exact=False)
    return made


def reckoned(flat: str, found: Sequence[Mention], kind: str) -> Reckoned | None:
    """A quantity of `kind` that the words ask to be worked out; None where they tell it as it is."""
    own = [each for each in found if each.kind == kind]
    if not own:
        return None
    shares = [each for each in found if each.kind == SHARE]
    kept = [each.mention for each in said(flat, own) if each.holds]
    if len(own) > 1 and re.search(r"\b(?:another|further|extra|more|added)\b", flat[own[0].end : own[-1].start]):
        kept = own  # what they had is still there
    if len(kept) > 1 and kind == ENERGY:
        kept = [_multiplied(flat, each) for each in kept]
    return (
        (_of_shares(flat, own[0], shares) if kind == ENERGY else None)
        or _remaining(flat, own[0], shares)
        or (
            _scaled(flat, kept) or _counted(flat, kept, found) or _less(flat, kept) or _added(flat, kept)
            if kept
            else None
        )
    )


def _multiplied(flat: str, each: Mention) -> Mention:
    """The 2.5 of "two more modules of 2.5" as 5."""
    match = SO_MANY.search(flat[: each.start])
    return replace(each, values=(tidy(int(match[1]) * each.value),), start=match.start()) if match else each


def _made(value: float, parts: Sequence[Mention]) -> Reckoned:
    start, end = min(each.start for each in parts), max(each.end for each in parts)
    return Reckoned(tidy(round(value, 2)), tuple(each.value for each in parts if each.kind != SHARE), start, end)


def _of_shares(flat: str, own: Mention, shares: Sequence[Mention]) -> Reckoned | None:
    """ "30 kWh took it from 20 to 80 %" is a battery of 50 kWh; "32 kWh left at 50 %" one of 64."""
    pair = re.search(r"\bfrom (\d+) ?%? ?(?:to|till|up to) (\d+) ?%", flat)
    if pair and 0 <= int(pair[1]) < int(pair[2]) <= 100:
        value = own.value * 100 / (int(pair[2]) - int(pair[1]))
        return Reckoned(tidy(round(value, 1)), (own.value,), min(own.start, pair.start()), max(own.end, pair.end()))
    half = re.search(r"\bhalf (?:full|charged|way|a charge)\b", flat)
    if half and re.search(r"\b(?:is|equals|=|means|shows|says)\b", flat):
        return Reckoned(tidy(2 * own.value), (own.value,), min(own.start, half.start()), max(own.end, half.end()))
    if re.search(r"\b(?:health|soh|degrad\w*|retain\w*|capacity)\b", flat):
        return None
    at = [each for each in shares if re.search(r"\b(?:at|when it's (?:on|at)|when) $", flat[: each.start])]
    if at and 0 < at[0].value < 100 and not re.search(r"\b(?:limit|stop|charge to)\b", flat):
        return _made(own.value * 100 / at[0].value, [own, at[0]])
    return None


def _remaining(flat: str, own: Mention, shares: Sequence[Mention]) -> Reckoned | None:
    """What is left of a size: "it has lost ten percent", "state of health 92 %"."""
    for share in reversed(shares):
        if not 0 < share.value < 100:
            continue
        around = flat[max(0, share.start - 32) : share.end + 26]
        kept, lost = KEPT.search(around), LOST.search(around)
        if kept and not (lost and share.value < 45 and not re.search(r"\bof (?:that|it)\b", around)):
            return _made(own.value * share.value / 100, [own, share])
        if lost:
            return _made(own.value * (100 - share.value) / 100, [own, share])
    return None


def _scaled(flat: str, kept: Sequence[Mention]) -> Reckoned | None:
    part = re.search(r"\b(?:a|1|one) (?P<part>third|quarter|fifth) of (?:that|it|this)\b", flat)
    times = re.search(r"\btimes (?P<n>[3-9])\b", flat)
    factor = int(times["n"]) if times else 2 if TWICE.search(flat) else 0.5 if HALVED.search(flat) else None
    factor = 1 / PARTS[part["part"]] if part else factor
    if factor is None or len(kept) != 1:
        return None
    return _made(kept[0].value * factor, kept)


def _counted(flat: str, kept: Sequence[Mention], found: Sequence[Mention]) -> Reckoned | None:
    """So many of a size: "two packs, 38.5 each", "three modules of 3.5"."""
    last = kept[-1]
    each = EACH.match(flat[last.end :].lstrip()) or EACH.search(flat[last.end : last.end + 16])
    each = each or re.search(r"\b(?:each|every one|all)(?: (?:with|of|at|having|is|are|has))? ?$", flat[: last.start])
    counts = [one for one in found if one.kind == NUMBER and one.value in range(2, 40) and one.end <= last.start]
    if each and counts and len(kept) == 1:
        return _made(counts[0].value * last.value, [counts[0], last])
    if len(kept) == 2 and kept[0].value in range(2, 10) and kept[0].end + 1 == last.start:  # "a pair of 8.2s"
        return _made(kept[0].value * last.value, kept)
    if len(kept) == 1 and last.kind == ENERGY and (match := BEFORE.search(flat[: last.start])):
        return Reckoned(tidy(int(match[1]) * last.value), (last.value,), match.start(), last.end)
    return None


def _less(flat: str, kept: Sequence[Mention]) -> Reckoned | None:
    if len(kept) != 2 or not MINUS.search(flat[kept[0].end : kept[1].start]) or kept[0].value <= kept[1].value:
        return None
    return _made(kept[0].value - kept[1].value, kept)


def _added(flat: str, kept: Sequence[Mention]) -> Reckoned | None:
    """Sizes that come together: "a 9.5 and a 5.2", "the wash is 45 minutes and the dry another hour"."""
    if len(kept) < 2:
        return None
    if len(kept) > 2 and kept[0].value == len(kept) - 1:  # "two, a 3.6 and a 7.2"
        kept = kept[1:]
    gaps = [flat[one.end : two.start] for one, two in pairwise(kept)]
    if not all(PLUS.search(gap) and not re.search(r"\b(?:or|but|not|no|then it)\b", gap) for gap in gaps):
        return None
    return _made(sum(each.value for each in kept), kept)


def over_time(flat: str, found: Sequence[Mention]) -> Reckoned | None:
    """A power from an energy and a duration: "it puts 21 kWh in over three hours"."""
    energies = [each for each in found if each.kind == ENERGY]
    durations = [each for each in found if each.kind == DURATION and each.value >= 15]
    if len(energies) != 1 or len(durations) != 1:
        return None
    value = round(energies[0].value * 60 / durations[0].value, 1)
    return Reckoned(tidy(value), (), *_span(energies[0], durations[0]))


def by_charge(flat: str, found: Sequence[Mention]) -> Reckoned | None:
    """An energy from volts and ampere-hours: "48 V, 200 Ah"."""
    volts = [each for each in found if each.kind == VOLTAGE]
    hours = re.search(r"(?<![\d.])(\d+(?:\.\d+)?) (?:ah|amp hours?|amphours?)\b", flat)
    if not volts or not hours:
        return None
    many = re.search(r"\b([2-9]) (?:in parallel|of (?:them|those)|batteries|packs|units|modules|strings)\b", flat)
    value = tidy(round(float(hours[1]) * volts[0].value * int(many[1] if many else 1) / 1000, 1))
    return Reckoned(value, (), min(volts[0].start, hours.start()), max(volts[0].end, hours.end()))


def of_panels(flat: str) -> Reckoned | None:
    """Panels by count and size: "ten on the front and six on the back, all 380 W", "two strings of eight, 435 W"."""
    sizes = list(re.finditer(r"(?<![\d.,:])([1-7]\d\d) (?:w|wp)\b", flat))
    if not sizes and re.search(r"\b(?:panels?|modules?|strings?|at)\b", flat):
        sizes = list(re.finditer(r"(?<![\d.,:/])([1-7]\d\d)(?= ?(?:each|apiece|a piece|,|;|\.|$|watt))", flat))
    total, at, counts = 0.0, 0, []
    for size in sizes:
        part = (
            flat[at : size.start()] if size is not sizes[-1] else flat[at : size.start()] + "\x00" + flat[size.end() :]
        )
        number = _count_of(part)
        if number is None:
            return None
        counts.append(number)
        total += number * int(size[1]) / 1000
        at = size.end()
    if not counts or (counts == [1] and len(sizes) == 1):
        return None
    more = re.search(r"\b(?:plus|and another|and an?|and then)(?: \w+)? (\d+(?:\.\d+)?) kwp?\b", flat)
    total += float(more[1]) if more else 0
    return Reckoned(tidy(round(total, 3)), (), 0, len(flat))


def _count_of(part: str) -> int | None:
    """How many panels some words tell: products of rows, sums of roofs, less what is broken."""
    terms: list[list[int]] = []
    signs: list[int] = []
    at = 0
    for match in re.finditer(
        r"(?<![\d.,:£$€])(\d{1,2})(?![\d.:]| ?(?:kw|kwp|kwh|years?|%|kva|p\b|deg|amp|a\b|hours?|sides?\b|end\b))", part
    ):
        between = part[at : match.start()]
        if terms and re.search(
            r"^ ?(?:\w+ )?(?:strings?|rows?|lots|sets?|banks?|arrays?|columns?)?(?: ?of| with| x| times| by)[ :]",
            between,
        ):
            terms[-1].append(int(match[1]))
        else:
            terms.append([int(match[1])])
            signs.append(-1 if re.search(r"\b(?:minus|less|except|lost|apart from)\b", between) else 1)
        at = match.end()
    number = sum(sign * prod(term) for sign, term in zip(signs, terms, strict=True))
    return number if terms and 1 <= number <= 200 else None


def as_share(flat: str, found: Sequence[Mention]) -> Reckoned | None:
    """A share from a part and a whole: "30 of the 60 kWh", "240 miles of its 300"; or from what stays empty."""
    match = re.search(
        r"(?<![\d.])(\d+(?:\.\d+)?)(?: (?:kwh|miles|km))? (?:out )?of (?:the |its |a |my "
        r"|our )?(?:total )?(\d+(?:\.\d+)?)\b(?! ?%)",
        flat,
    )
    if match and 0 < float(match[1]) < float(match[2]):
        return Reckoned(tidy(round(100 * float(match[1]) / float(match[2]))), (), match.start(), match.end())
    ways = sorted(each.value for each in found if each.kind == DISTANCE)
    if len(ways) == 2 and 0.3 <= ways[0] / ways[1] < 1:
        return Reckoned(tidy(round(100 * ways[0] / ways[1])), (), 0, len(flat))
    shares = [each for each in found if each.kind == SHARE]
    match = re.search(
        r"\b(?:empty|free|spare|shy of|short of|(?:of|away from|off) (?:the top|full)|below (?:full|the top)"
        r"|from the top)\b",
        flat,
    )
    if match and len(shares) == 1 and 0 < shares[0].value < 60:
        return Reckoned(tidy(100 - shares[0].value), (shares[0].value,), *_span(shares[0], match))
    match = re.search(r"\b(?:plus|on top|more on top|extra)\b", flat)
    if match and len(shares) == 2 and shares[1].value <= 30 and shares[0].value + shares[1].value <= 100:
        both = tidy(shares[0].value + shares[1].value)
        return Reckoned(both, (shares[0].value,), shares[0].start, shares[1].end)
    return None


def _span(one: "Mention | re.Match", two: "Mention | re.Match") -> tuple[int, int]:
    places = [(each.start, each.end) if isinstance(each, Mention) else each.span() for each in (one, two)]
    return min(start for start, _ in places), max(end for _, end in places)
