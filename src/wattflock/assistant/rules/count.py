"""How many electric cars there are: by number, by name, one by one, or worked out; other vehicles are left out."""

import re
from collections.abc import Callable

from wattflock.assistant import facts
from wattflock.assistant.grammar.mention import NUMBER, Mention
from wattflock.assistant.grammar.read import Answer, amounts_in
from wattflock.assistant.rules.context import holds, said, unsure
from wattflock.assistant.rules.filling import Filling, ambiguous, distinct, filled

COUNT = "ev_count"
ELECTRIC = (
    r"(?:(?:fully |pure |all |full |battery )*electrics?(?: (?:cars?|vehicles?|ones?))?|evs?|e ?cars?"
    r"|teslas?|leafs?|leaves|zoes?|bevs?|elektroautos?|e autos?)"
)
COUNTED = re.compile(
    rf"\b(?P<n>\d|one)(?: cars?(?= (?:is|are) )| of (?:them|which|those|our cars))?"
    rf"(?: is| are|'s)?(?: an?)?(?: \w+){{0,1}}? {ELECTRIC}\b"
)
OWNED = re.compile(
    r"\b(?:mine|hers|his|ours|(?:my|our|the|his|her) (?:own|wife's|husband's|\w+'s|car|\w+ one))(?:'s| is) (?:now )?"
    r"(?:fully |all |pure |an? )?(?:electric|ev)\b"
)
PART = re.compile(r"^\w+ of (?:them|which|those|our cars)\b")
SOLE = re.compile(
    r"\b(?:just|only) (?:the )?(?:one|1)\b|\b(?:the one|a single|an) (?:ev|electric)\b|\bone\b(?! (?:day|of these))"
)
LISTED = re.compile(
    r"\b(?:got|has|have|drives?) (?:one|1)\b|\b(?:one|1)(?:'s| is| for)? (?:in the|on the|out|mine|hers|his"
    r"|ours|me|the (?:wife|husband|kids?)\b|my \w+"
    r"|(?:the )?(?:wife|husband)'s)"
)
FUEL = re.compile(r"\b(?:diesel|petrol|hybrid|gas|combustion|motorbike)\b")
BOTH = re.compile(r"\bboth\b")
NO_CARS = re.compile(
    r"^ ?(?:still |currently |right now )?(?:none|zero|0|no|not (?:any|yet|an? (?:1|one|single)|1|one)"
    r"|nope)\b(?! (?:idea|clue))(?! ?[,.]? \d)|\b(?:no"
    r"|don't (?:have|own)(?: any| an)?"
    r"|haven't(?: got)?(?: any| an)?|without an?) " + ELECTRIC + r"\b"
)
OTHER = re.compile(
    r"^ ?(?:\w+ )?(?:diesels?|petrols?|hybrids?|motorbikes?|motorcycles?|vans?|trucks?|bikes?|scooters?|kids?"
    r"|years?|drivers?|gas|people|adults|of us|bedrooms?"
    r"|tractors?|mopeds?|combustion|%|kwh|kw|ice|wheels?|chargers?)\b"
)
CLOCKLIKE = re.compile(r"\b(?:at|by|around|till|before|after|past|to|from|for|half|id|model) $")
TOLD: list[tuple[re.Pattern, Callable[[re.Match], tuple[int, ...]]]] = [
    (
        re.compile(r"\b(?P<n>\d) cars?\b.{0,15}\bhalf (?:of (?:them|those) )?(?:are )?(?:electric|evs?)"),
        lambda match: (int(match["n"]) // 2, int(match["n"])),
    ),
    (
        re.compile(r"\b(?:don't|do not|can't|never|doesn't) drive\b|\b(?:no|without a) cars?\b|\bcar ?free\b"),
        lambda match: (0,),
    ),
    (
        re.compile(
            r"\b(?:used to be|had|have|were) (?P<n>\d)\b.{0,40}\b(?:sold|lost|scrapped|got rid of|gave|gave back"
            r"|ended on|handed back|traded) (?:one|1|the|my)\b"
        ),
        lambda match: (int(match["n"]) - 1, int(match["n"])),
    ),
    (
        re.compile(r"\b(?:just|only)\b[\w' ]{0,25}(?:\bis|'s) (?:fully |an? )?(?:electric|ev)\b"),
        lambda match: (1,),
    ),
    (
        re.compile(r"\b(?:electric|evs?|plug ?in|those)\b.{0,20}?\b(?:just|only) (?:the )?(?P<n>one|1|2|3)\b"),
        lambda match: (1 if match["n"] == "one" else int(match["n"]),),
    ),
    (
        re.compile(r"\b(?:one|1) each\b|\b(?:both|each|we all) (?:have|got|drive|own) (?:one|1)\b"),
        lambda match: (2, 1),
    ),
]  # what is worked out from the words: the number, and others that it could be


def count_of(answer: Answer) -> Filling | None:
    """How many electric cars an answer tells."""
    flat = answer.flat
    numbers = [match for match in COUNTED.finditer(flat) if holds(flat, *match.span())]
    if numbers:
        if not PART.search(numbers[0].group()):  # "three electric cars, one of them is a Zoe" are three
            numbers = [each for each in numbers if not PART.search(each.group())]
        match = numbers[0]
        total = sum(1 if each["n"] == "one" else int(each["n"]) for each in numbers)
        return filled(
            COUNT,
            total,
            answer.text.quote(match.start(), match.end()),
            (),
            len(numbers) > 1 or len(flat) > 40 or unsure(flat),
        )
    if COUNT not in answer.asked:
        return None
    for pattern, values in TOLD:
        if match := pattern.search(flat):
            value, *others = values(match)
            return filled(COUNT, value, answer.text.quote(*match.span()), tuple(others))
    if listed := _listed(answer):
        return listed
    if match := NO_CARS.search(flat):
        rest = re.search(r"\b(?:but|except|apart|only)\b", flat)
        return filled(COUNT, 0, answer.text.quote(match.start(), match.end()), (), bool(rest) or len(flat) > 30)
    return _by_number(answer) or _by_names(answer) or _owned(answer) or _only_fuel(answer)


def _listed(answer: Answer) -> Filling | None:
    """ "One mine, one the wife's, and our daughter's Zoe": so many of them are told one by one."""
    flat = answer.flat
    ones = [match for match in LISTED.finditer(flat) if not FUEL.search(flat[match.start() : match.end() + 30])]
    if len(ones) < 2:
        return None
    more = [fact for fact in facts.cars(flat) if fact.start > ones[-1].end() + 10]
    return filled(COUNT, len(ones) + len(more), answer.text.quote(ones[0].start(), ones[-1].end()), (len(ones),))


def _owned(answer: Answer) -> Filling | None:
    """ "Mine's electric, my husband's is a diesel": as many as are said to be electric."""
    ones = list(OWNED.finditer(answer.flat))
    return filled(COUNT, len(ones), answer.text.quote(ones[0].start(), ones[-1].end())) if ones else None


def _only_fuel(answer: Answer) -> Filling | None:
    """0 where only a car that burns something is told of."""
    if re.search(r"\b(?:electric|evs?)\b", answer.flat):
        return None
    match = re.search(
        r"\b(?:drive|have|got|run|own|just|only|still|burn\w*|stick\w*)\b[\w ]{0,20}\b(?:diesel|petrol|gas)\b",
        answer.flat,
    )
    return filled(COUNT, 0, answer.text.quote(match.start(), match.end())) if match else None


def _by_number(answer: Answer) -> Filling | None:
    flat = answer.flat
    cars = facts.cars(flat)
    places = [
        each for each in said(flat, _lone(answer)) if not any(f.start <= each.mention.start < f.end for f in cars)
    ]
    kept = [each for each in places if each.holds]
    if len(kept) >= 1:
        top = max(each.standing for each in kept)
        values = distinct(each.mention.value for each in kept if each.standing == top)
        evidence = answer.text.quote(kept[0].mention.start, kept[-1].mention.end)
        if len(values) > 1 and not BOTH.search(flat):
            first = values[0]
            parts = sum(values[1:]) == first  # "three cars, one petrol and two electric" told all of them
            return ambiguous(COUNT, values[1:] + values[:1] if parts else values, evidence)
        plain = len(kept) == 1 and len(flat) < 30 and kept[0].mention.exact and not kept[0].corrected
        return filled(COUNT, kept[-1].mention.value, evidence, (), not plain or unsure(flat))
    if match := BOTH.search(flat):
        return filled(COUNT, 2, answer.text.quote(match.start(), match.end()))
    if (match := SOLE.search(flat)) and not re.match(r" ?(?:is|was)? ?(?:diesel|petrol)", flat[match.end() :]):
        return filled(COUNT, 1, answer.text.quote(match.start(), match.end()), (), len(flat) > 25)
    return None


def _lone(answer: Answer) -> list[Mention]:
    """Small whole numbers that are no times and not of other vehicles."""
    flat = answer.flat
    numbers = [each for each in amounts_in(answer) if each.kind == NUMBER and each.value in range(10)]
    return [each for each in numbers if not OTHER.match(flat[each.end :]) and not CLOCKLIKE.search(flat[: each.start])]


def _by_names(answer: Answer) -> Filling | None:
    """As many as there are names of electric cars that are still there."""
    flat = answer.flat
    cars = [fact for fact in facts.cars(flat) if holds(flat, fact.start, fact.end)]
    if cars:
        return filled(COUNT, len(cars), answer.text.quote(cars[0].start, cars[-1].end))
    match = re.search(rf"\b(?:an?|my|our|the) (?:\w+ )?{ELECTRIC}\b", flat)
    return filled(COUNT, 1, answer.text.quote(match.start(), match.end())) if match else None
