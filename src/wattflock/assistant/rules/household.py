"""How many electric cars, and in which city; other vehicles and other places are left out."""

import re

from wattflock.assistant import facts
from wattflock.assistant.grammar.mention import Mention
from wattflock.assistant.grammar.read import Answer
from wattflock.assistant.rules.context import CORRECTS, holds, said, unsure
from wattflock.assistant.rules.count import count_of
from wattflock.assistant.rules.filling import Filling, ambiguous, distinct, filled

COUNT, CITY = "ev_count", "city"
SLOTS = (COUNT, CITY)
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
    told = {COUNT: count_of(answer), CITY: _city(answer) if CITY in answer.asked else None}
    return {slot: filling for slot, filling in told.items() if filling}


def _city(answer: Answer) -> Filling | None:
    flat, named = answer.flat, facts.cities(answer.flat)
    found = named or _misspelt(answer)
    here = [city for city in found if _lives(flat, city)]
    if name := _unlisted(answer, here):
        return filled(CITY, name, name, distinct(city.name for city in here))
    if not here:
        name = _village(answer, {each.name.lower() for each in found})
        return filled(CITY, name, name) if name else None
    surely = [city for city in here if SURELY_HERE.search(flat[: city.start])]
    if len(here) > 1 and len(surely) == 1:
        names = distinct(city.name for city in (*surely, *here))
        return filled(CITY, names[0], answer.text.quote(surely[0].start, surely[0].end), names[1:])
    if len(here) > 1:
        places = said(flat, [Mention("city", (city,), city.start, city.end) for city in here])
        here = [each.mention.value for each in places] or here
    return _of_cities(answer, here, len(named) == 1)


def _unlisted(answer: Answer, here: list[facts.City]) -> str | None:
    """A place that no table has: one that is "called" so, or the last word of a correction."""
    raw = answer.text.raw
    called = re.search(r"\b(?:called|named) ([A-ZÄÖÜ][\w'’-]+)", raw)
    if called and not facts.cities(called[1].lower()):
        return called[1]
    if not here:
        return None
    rest = raw[raw.lower().find(here[-1].name.lower()) + len(here[-1].name) :]
    last = re.search(r"\b([A-ZÄÖÜ][\w'’-]{2,})\W*$", rest)
    return last[1] if last and CORRECTS.search(rest.lower()) and not facts.cities(last[1].lower()) else None


def _of_cities(answer: Answer, here: list[facts.City], sure: bool) -> Filling:
    """The city of one or several that the resident lives in; the last where only its words tell of a home."""
    flat, first = answer.flat, here[0]
    if HERE.search(flat[: here[-1].start]) and not HERE.search(flat[: first.start]):
        first = here[-1]
    names = distinct(city.name for city in here)
    evidence = answer.text.quote(first.start, first.end)
    if len(names) > 1 and not re.search(r"\b(?:near|closest|nearest|outside|between)\b", flat):
        return ambiguous(CITY, (first.name, *names), evidence)
    other = _village(answer, {each.lower() for each in evidence.split()})
    plain = sure and not NEAR.search(flat) and not other and not unsure(flat)
    return filled(CITY, first.name, evidence, (*names, *([other] if other else [])), not plain)


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
        and holds(flat, city.start, city.end)
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
