"""How many electric cars, and in which city; other vehicles and other places are left out."""

import re

from wattflock.assistant import facts
from wattflock.assistant.grammar.mention import NUMBER, Mention
from wattflock.assistant.grammar.read import Answer, amounts_in
from wattflock.assistant.rules.context import said, standing, unsure
from wattflock.assistant.rules.filling import Filling, ambiguous, distinct, filled

COUNT, CITY = "ev_count", "city"
SLOTS = (COUNT, CITY)
ELECTRIC = (
    r"(?:(?:fully |pure |all |full |battery )*electrics?(?: (?:cars?|vehicles?|ones?))?|evs?|e ?cars?"
    r"|teslas?|leafs?|leaves|zoes?|bevs?|elektroautos?|e autos?)"
)
COUNTED = re.compile(
    rf"\b(?P<n>\d|one)(?: of (?:them|which|those|our cars))?(?: is| are|'s)?(?: an?)?(?: \w+){{0,1}}? {ELECTRIC}\b"
)
SOLE = re.compile(
    r"\b(?:just|only) (?:the )?(?:one|1)\b|\b(?:the one|a single|an) (?:ev|electric)\b|\bone\b(?! (?:day|of these))"
)
LISTED = re.compile(
    r"\b(?:one|1)(?:'s| is| for)? (?:in the|on the|out|mine|hers|his|ours|me|the (?:wife|husband|kids?)\b|my \w+"
    r"|(?:the )?(?:wife|husband)'s)"
)
FUEL = re.compile(r"\b(?:diesel|petrol|hybrid|gas|combustion|motorbike)\b")
JUST = re.compile(r"\b(?:electric|evs?|plug ?in|those)\b.{0,20}?\b(?:just|only) (?:the )?(?P<n>one|1|2|3)\b")
BOTH = re.compile(r"\bboth\b")
NO_CARS = re.compile(
    r"^ ?(?:still |currently |right now )?(?:none|zero|0|no|not (?:any|yet|an? (?:1|one|single)|1|one)"
    r"|nope)\b(?! (?:idea|clue))(?! ?,? \d)|\b(?:no"
    r"|don't (?:have|own)(?: any| an)?"
    r"|haven't(?: got)?(?: any| an)?|without an?) " + ELECTRIC + r"\b"
)
OTHER = re.compile(
    r"^ ?(?:\w+ )?(?:diesels?|petrols?|hybrids?|motorbikes?|motorcycles?|vans?|trucks?|bikes?|scooters?|kids?"
    r"|years?|drivers?|gas|people|adults|of us|bedrooms?"
    r"|tractors?|mopeds?|combustion|%|kwh|kw|ice|wheels?|chargers?)\b"
)
CLOCKLIKE = re.compile(r"\b(?:at|by|around|till|before|after|past|to|from|for|half|id|model) $")
AWAY = re.compile(
    r"\b(?:from|work in|works? at|commute to|born in|grew up in|used to live in|left|moved (?:away )?from"
    r"|office in|registered in|put|wrote|said|not|isn't|family in|parents in|opposite|than) (?:the |our |my )?$"
)
SURELY_HERE = re.compile(
    r"\b(?:we're|i'm|we are|i am|we live|i live|living|based|now in|moved to|home is|house is)(?: (?:really"
    r"|actually|now|in|based"
    r"|all|both|down|up|over|here)){0,3} $"
)
HERE = re.compile(r"\b(?:live|living|home|house|based|now in|moved to|to|in|near|here)\b[\w ,']{0,15}$")
NEAR = re.compile(
    r"\b(?:near|outside|close to|north of|south of|east of|west of|suburb of|between|miles from|km from"
    r"|minutes from|just off|around|not far from|area)\b"
)
PLACE = re.compile(
    r"\b(?:in|near|at|outside|to|called|is|from|of) ((?:[A-ZÄÖÜ][\w'’-]+)(?: (?:[A-ZÄÖÜ][\w'’-]+|on|upon|under|am))*)"
)


def read_household(answer: Answer) -> dict[str, Filling]:
    """Count of electric cars and city that an answer tells."""
    told = {COUNT: _count(answer), CITY: _city(answer) if CITY in answer.asked else None}
    return {slot: filling for slot, filling in told.items() if filling}


def _count(answer: Answer) -> Filling | None:
    flat = answer.flat
    numbers = [match for match in COUNTED.finditer(flat) if standing(flat, _place(match)) > -3]
    if numbers:
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
    if match := re.search(r"\b(\d) cars?\b.{0,15}\bhalf (?:of (?:them|those) )?(?:are )?(?:electric|evs?)", flat):
        return filled(COUNT, int(match[1]) // 2, answer.text.quote(*match.span()), (int(match[1]),))
    if match := re.search(
        r"\b(?:don't|do not|can't|never|doesn't) drive\b|\b(?:no|without a) cars?\b|\bcar ?free\b", flat
    ):
        return filled(COUNT, 0, answer.text.quote(*match.span()))
    if match := re.search(
        r"\b(?:used to be|had|were) (\d)\b.{0,40}\b(?:sold|got rid of|lost|scrapped|gave) (?:the|1|one|my)\b", flat
    ):
        return filled(COUNT, int(match[1]) - 1, answer.text.quote(*match.span()), (int(match[1]),))
    if match := re.search(r"\b(?:just|only)\b[\w' ]{0,25}(?:\bis|'s) (?:fully |an? )?(?:electric|ev)\b", flat):
        return filled(COUNT, 1, answer.text.quote(*match.span()))
    if match := JUST.search(flat):
        return filled(COUNT, 1 if match["n"] == "one" else int(match["n"]), answer.text.quote(*match.span()))
    if match := re.search(
        r"\b(?:had|have) (\d)\b.{0,40}\b(?:sold|lost|scrapped|got rid of|gave|ended on|gave back|handed back"
        r"|traded) (?:one|1)\b",
        flat,
    ):
        return filled(COUNT, int(match[1]) - 1, answer.text.quote(match.start(), match.end()), (int(match[1]),))
    if match := re.search(
        r"\b(?:we|us|me and|and i|husband|wife|partner|both)\b.{0,40}\b(?:one|1) each\b|\b(?:both|each"
        r"|we all) (?:have|got|drive|own) (?:one|1)\b|\b(?:one|1) each\b",
        flat,
    ):
        return filled(COUNT, 2, answer.text.quote(*match.span()), (1,))
    if listed := _listed(answer):
        return listed
    if match := NO_CARS.search(flat):
        rest = re.search(r"\b(?:but|except|apart|only)\b", flat)
        return filled(COUNT, 0, answer.text.quote(match.start(), match.end()), (), bool(rest) or len(flat) > 30)
    return _by_number(answer) or _by_names(answer) or _only_fuel(answer)


def _listed(answer: Answer) -> Filling | None:
    """ "One mine, one the wife's, and our daughter's Zoe": so many of them are told one by one."""
    flat = answer.flat
    ones = [match for match in LISTED.finditer(flat) if not FUEL.search(flat[match.start() : match.end() + 30])]
    if len(ones) < 2:
        return None
    more = [fact for fact in facts.cars(flat) if fact.start > ones[-1].end() + 10]
    return filled(COUNT, len(ones) + len(more), answer.text.quote(ones[0].start(), ones[-1].end()), (len(ones),))


def _only_fuel(answer: Answer) -> Filling | None:
    """0 where only a car that burns something is told of."""
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
    kept = [each for each in places if each.standing > -3]
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
    cars = [fact for fact in facts.cars(flat) if standing(flat, Mention("name", (0,), fact.start, fact.end)) > -3]
    if cars:
        return filled(COUNT, len(cars), answer.text.quote(cars[0].start, cars[-1].end))
    match = re.search(rf"\b(?:an?|my|our|the) (?:\w+ )?{ELECTRIC}\b", flat)
    return filled(COUNT, 1, answer.text.quote(match.start(), match.end())) if match else None


def _city(answer: Answer) -> Filling | None:
    flat = answer.flat
    found = facts.cities(flat)
    near = [] if found else _misspelt(answer)
    found = found or near
    here = [city for city in found if _lives(flat, city)]
    surely = [city for city in here if SURELY_HERE.search(flat[: city.start])]
    if len(here) > 1 and len(surely) == 1:
        names = distinct(city.name for city in (*surely, *here))
        return filled(CITY, names[0], answer.text.quote(surely[0].start, surely[0].end), names[1:])
    if here and len(here) > 1:
        places = said(flat, [Mention("city", (city,), city.start, city.end) for city in here])
        here = [each.mention.value for each in places] or here
    if here:
        first = (
            here[-1]
            if len(here) > 1 and HERE.search(flat[: here[-1].start]) and not HERE.search(flat[: here[0].start])
            else here[0]
        )
        names = distinct(city.name for city in here)
        evidence = answer.text.quote(first.start, first.end)
        if len(names) > 1 and not re.search(r"\b(?:near|closest|nearest|outside|between)\b", flat):
            return ambiguous(CITY, (first.name, *names), evidence)
        other = _village(answer, {each.lower() for each in evidence.split()})
        plain = len(found) == 1 and not NEAR.search(flat) and not other and not unsure(flat) and not near
        return filled(CITY, first.name, evidence, (*names, *([other] if other else [])), not plain)
    name = _village(answer, {each.name.lower() for each in found})
    return filled(CITY, name, name) if name else None


def _misspelt(answer: Answer) -> list[facts.City]:
    """Cities that a word is a slip of: of a short answer, a word with a capital, or one after "in" or "near"."""
    flat = answer.flat
    return [
        city
        for city in facts.near_cities(flat, answer.locale)
        if len(flat.split()) <= 3
        or answer.text.quote(city.start, city.end)[:1].isupper()
        or re.search(r"\b(?:in|near|from|to|called|outside|around) $", flat[: city.start])
    ]


def _lives(flat: str, city: facts.City) -> bool:
    before = flat[: city.start]
    moved = re.match(r" to \w", flat[city.end :]) and re.search(r"moved from $|from $", before)
    return (
        not (
            AWAY.search(before)
            and not re.search(r"(?:miles|km|minutes|far|hour|mins) (?:\w+ )?from (?:the |our |my )?$", before)
        )
        and not moved
        and standing(flat, Mention("name", (0,), city.start, city.end)) > -3
    )


def _village(answer: Answer, known: set[str]) -> str | None:
    """A name with a capital after "in", or the whole of a very short answer."""
    raw = answer.text.raw.strip(" .!,")
    if match := PLACE.search(raw):
        name = match[1]
        return None if {each.lower() for each in name.split()} & known else name
    short = re.fullmatch(r"[A-ZÄÖÜ][\w'’-]+(?:[ -][\w'’-]+){0,2}", raw)
    if short and not known and not unsure(answer.flat) and not REPLIES.search(raw):
        return raw
    return None


REPLIES = re.compile(
    r"^(?:no|yes|none|why|what|not|sorry|don't|dunno|somewhere|never|i|we|a|the|it|pass|skip)\b", re.IGNORECASE
)


def _place(match: re.Match) -> Mention:
    return Mention("number", (0,), match.start(), match.end())
