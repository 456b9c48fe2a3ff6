"""Dates and spans of days in words, by locale and from a reference day: 03/05/2024 is March in en-US, May elsewhere."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from wattflock.assistant.grammar.mention import DATE, Mention, blanked, masked
from wattflock.assistant.grammar.relative import COUNTED, MOST_DAYS, relative_days
from wattflock.assistant.grammar.text import text_of
from wattflock.assistant.grammar.words import MONTHS, WEEKDAYS, YEARS

SPAN = "days"
SHORT = {month[:3]: number for number, month in enumerate(MONTHS, start=1)} | {
    "sept": 9,
    "mär": 3,
    "okt": 10,
    "dez": 12,
}
NAMES = {**{month: number for number, month in enumerate(MONTHS, start=1)}, **SHORT}
MONTH = rf"(?P<month>{'|'.join(sorted(NAMES, key=len, reverse=True))})\b\.?"
GERMAN_DAYS = ["montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"]
DAYS = {
    name: number
    for names in (WEEKDAYS, GERMAN_DAYS, [day[:3] for day in WEEKDAYS])
    for number, name in enumerate(names)
}
DAYS |= {"tues": 1, "thurs": 3, "thur": 3, "weds": 2, "sonnabend": 5}
WEEKDAY = rf"(?P<weekday>{'|'.join(sorted(DAYS, key=len, reverse=True))})\b"
ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]
ORDINAL = {word: number for number, word in enumerate(ORDINALS, start=1)} | {"thirtieth": 30}
DAY_WORDS = "|".join([*(rf"20 {word}" for word in ORDINALS[:9]), "30 first", *sorted(ORDINAL, key=len, reverse=True)])
DAY = rf"(?P<day>(?:{DAY_WORDS})|3[01]|[12]\d|0?[1-9])(?: ?(?:st|nd|rd|th)\b)?(?: ?\.)?"
DAY2 = DAY.replace("<day>", "<day2>")
YEAR = r"(?: ?,? ?(?:of |in )?(?P<year>(?:19|20)\d\d|'?\d\d(?= ?(?:$|[,.;])))\b)?"
TO = (
    r" ?(?:-|to|till|through|thru|up to|and|/)(?: and including)?(?: the| zum)? ?"
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)\w* (?:the )?)?"
)
LEAD = rf"(?:\b(?:{'|'.join(sorted(DAYS, key=len, reverse=True))})\b,? ?)?(?:the )?"
PATTERNS = [
    ("iso", r"\b(?P<year>\d{4}) ?[-/.] ?(?P<month>\d{1,2}) ?[-/.] ?(?P<day>\d{1,2})\b"),
    ("isodot", r"\b(?P<year>\d{4})\.(?P<month>\d{1,2})\.(?P<day>\d{1,2})\b"),
    ("slashed", r"\b(?P<one>\d{1,2}) ?[-/.] ?(?P<two>\d{1,2}) ?[-/.] ?(?P<year>\d{4}|\d\d)\b"),
    ("dayspan", rf"{LEAD}\b{DAY}{TO}{DAY2}(?: of)? {MONTH}{YEAR}"),
    ("monthspan", rf"{MONTH} (?:the )?{DAY}{TO}{DAY2}(?! ?(?:{'|'.join(MONTHS)})){YEAR}"),
    ("named", rf"{LEAD}\b{DAY}(?: of)? {MONTH}{YEAR}"),
    ("american", rf"{LEAD}{MONTH} (?:the )?{DAY}(?!\d| ?:){YEAR}"),
    ("short", r"(?<![\d.,:/])\b(?P<one>\d{1,2}) ?/ ?(?P<two>\d{1,2})\b(?! ?[/.:]\d)"),
    ("germanshort", r"(?<![\d.,:/])\b(?P<one>\d{1,2})\.(?P<two>\d{1,2}) ?\.(?!\d)"),
    (
        "relative",
        r"\b(?P<word>day after tomorrow|tomorrow|today|tonight|now(?= till| to| through)|immediately|straight away"
        r"|heute|morgen|übermorgen)\b",
    ),
    ("weekend", r"\b(?P<which>next|this|coming|the)? ?weekend\b"),
    ("week", r"\b(?P<which>next|this|the coming) week\b(?! ?(?:on|'s))"),
    ("weekday", rf"\b(?:(?P<which>next|this|coming|on|this coming) )?{WEEKDAY}(?P<after> week)?"),
    (
        "ordinal",
        r"\bthe (?P<day>3[01]|[12]\d|[1-9]) ?(?:st|nd|rd|th)\b|\b(?P<day2>3[01]|[12]\d|[1-9]) (?:st|nd|rd|th)\b"
        rf"|\bthe (?P<day3>{DAY_WORDS})\b(?! (?:day|week|time|of|one|1|thing|half|mon|tues|wednes|thurs|fri|satur"
        rf"|sun))",
    ),
]
OF_MONTH = re.compile(rf"\b(?:the )?{DAY} (?:of|in) (?P<which>next|this|the following|the coming) month\b")
COMPILED = [(name, re.compile(pattern)) for name, pattern in PATTERNS]
YEAR_IN_FULL = re.compile(r"\b(20\d\d)\b")
WITH_YEAR = re.compile(r"\d{4}")
TODAY_IS = re.compile(r"\b(?:today|heute)[^.\d]{0,30}$")
ONWARDS = re.compile(r"\b(?:till|to|through|thru|and|end\w*|finish\w*|stop\w*|back|last)\b|-")
SPANS = [
    (
        re.compile(
            r"\b(?:a|1|the whole|one) (?:full |whole )?week\b|\bthe week\b|\bweek (?:of|commencing|beginning"
            r"|starting|from)\b"
        ),
        7,
    ),
    (re.compile(r"\b(?:a )?fortnight\b"), 14),
    (re.compile(r"\b(?P<n>\d+) weeks?\b"), 7),
    (re.compile(r"\b(?P<n>\d+) (?:full |whole )?(?:days?|tage)\b"), 1),
    (re.compile(r"\b(?P<n>\d+) nights?\b"), 1),
    (re.compile(r"\ba (?:single )?day\b|\bjust that day\b|\bthat day only\b"), 1),
]


def dates(flat: str, locale: str, today: date) -> list[Mention]:
    """Dates (ISO, candidates first to last) and spans of days of a normalised text.

    Args:
        flat: `Text.flat`.
        locale: order of day and month in figures.
        today: what "next Friday" counts from; a date without a year is the next one that is not before it.
    """
    monthly = list(_of_next_month(flat, today))
    named = [*monthly, *relative_days(masked(flat, monthly), today)]
    told = [*named, *_found(masked(flat, named), locale, today)]
    return _one_month(flat, sorted(told, key=lambda mention: mention.start))


def _of_next_month(flat: str, today: date) -> Iterator[Mention]:
    """ "The 21st of next month", "the twenty-first of this month"."""
    for match in OF_MONTH.finditer(flat):
        ahead = today.month - 1 + (match["which"] != "this")
        try:
            day = date(today.year + ahead // 12, ahead % 12 + 1, _day(match["day"]))
        except ValueError:
            continue
        yield Mention(DATE, (day.isoformat(),), match.start(), match.end(), False, "day")


def spans(flat: str) -> list[Mention]:
    """How many days a stay or a study lasts: "for a week" is 7."""
    found, taken = [], flat
    for pattern, days in SPANS:
        for match in pattern.finditer(taken):
            taken = blanked(taken, *match.span())
            count = int(match.groupdict().get("n") or 1)
            found.append(Mention(SPAN, (min(count * days, MOST_DAYS),), match.start(), match.end()))
    return found


def _found(flat: str, locale: str, today: date) -> Iterator[Mention]:
    taken = flat
    for name, pattern in COMPILED:
        for match in pattern.finditer(taken):
            if name == "germanshort" and locale != "de":
                continue
            read = list(_read(name, match, locale, today))
            if read:
                taken = blanked(taken, *match.span())
                yield from read


def _read(name: str, match: re.Match, locale: str, today: date) -> Iterator[Mention]:
    said = match.groupdict()
    if name in ("dayspan", "monthspan"):
        month = NAMES[said["month"] or ""]
        middle = match.start("day2")
        for day, start, end in ((said["day"], match.start(), middle), (said["day2"], middle, match.end())):
            yield from _mention([_made(said["year"], month, _day(day), today)], start, end, bool(said["year"]))
    elif name in ("relative", "weekend", "week", "weekday"):
        found = _relative(name, said, today)
        if name in ("weekend", "week"):
            yield from _mention(found[:1], match.start(), match.end() - 1, False)
            yield from _mention(found[1:], match.end() - 1, match.end(), False)
        else:
            values = tuple(day.isoformat() for day in found)
            yield Mention(DATE, values, match.start(), match.end(), False, COUNTED)
    elif name == "ordinal":
        day = _day(said["day"] or said["day2"] or said["day3"])
        for read in _mention([_later(today, day)], match.start(), match.end(), False):
            yield replace(read, why="day")
    else:
        yield from _mention(_in_figures(name, said, locale, today), match.start(), match.end(), bool(said.get("year")))


def _in_figures(name: str, said: dict, locale: str, today: date) -> list[date | None]:
    if name in ("named", "american"):
        return [_made(said["year"], NAMES[said["month"]], _day(said["day"]), today)]
    if name in ("iso", "isodot"):
        return [_made(said["year"], int(said["month"]), int(said["day"]), today)]
    one, two = int(said["one"]), int(said["two"])
    orders = [(one, two), (two, one)] if locale == "en-US" else [(two, one), (one, two)]
    return [_made(said.get("year"), month, day, today) for month, day in orders][: 1 if locale == "de" else 2]


def _mention(found: "Sequence[date | None]", start: int, end: int, exact: bool) -> Iterator[Mention]:
    values = tuple(dict.fromkeys(day.isoformat() for day in found if day))
    if values:
        yield Mention(DATE, values, start, end, exact and len(values) == 1, "" if exact else "year")


def _made(year: str | None, month: int, day: int, today: date) -> date | None:
    try:
        if year:
            full = int(year.strip("' "))
            full += 2000 * (full < 100)
            return date(full, month, day) if full in YEARS else None
        found = date(today.year, month, day)
        return found if found >= today else date(today.year + 1, month, day)
    except ValueError:
        return None


def _later(today: date, day: int) -> date | None:
    for ahead in range(62):
        if (found := today + timedelta(ahead)).day == day:
            return found
    return None


def _day(said: str | None) -> int:
    text = said or ""
    if text.isdigit():
        return int(text)
    tens, _, rest = text.rpartition(" ")
    return int(tens or 0) + ORDINAL[rest]


def _relative(name: str, said: dict, today: date) -> list[date]:
    if name == "relative":
        ahead = {"day after tomorrow": 2, "übermorgen": 2, "tomorrow": 1, "morgen": 1}.get(said["word"], 0)
        return [today + timedelta(ahead)]
    if name == "weekend":
        saturday = today + timedelta((5 - today.weekday()) % 7 + (7 if said["which"] == "next" else 0))
        return [saturday, saturday + timedelta(1)]
    if name == "week":
        monday = today - timedelta(today.weekday()) + timedelta(0 if said["which"] == "this" else 7)
        return [monday, monday + timedelta(6)]
    nearest = today + timedelta((DAYS[said["weekday"]] - today.weekday() - 1) % 7 + 1)
    if said["after"]:
        return [nearest + timedelta(7)]
    if said["which"] == "next" and (nearest - today).days < 6 - today.weekday() + 1:
        return [nearest + timedelta(7), nearest]
    return [nearest]


def _one_month(flat: str, found: list[Mention]) -> list[Mention]:
    """A bare "the 6th" after a full date is of its month, or of the next; a date without a year takes the other's."""
    full = [mention for mention in found if mention.exact and mention.kind == DATE]
    if not full:
        return _in_order(flat, found)
    made: list[Mention] = []
    for mention in found:
        read = mention if mention.exact else _like(mention, full)
        if made and not mention.exact and read.why == "year" and read.value < made[-1].value:  # over New Year's Eve
            day = date.fromisoformat(read.value)
            read = replace(read, values=(_of_year(day, day.year + 1).isoformat(),))
        made.append(read)
    return made


def _like(mention: Mention, full: list[Mention]) -> Mention:
    known = date.fromisoformat(full[0].value)
    given = [date.fromisoformat(value) for value in mention.values]
    moved = [_of_year(day, known.year) for day in given] if mention.why == "year" else given
    return replace(mention, values=tuple(dict.fromkeys(day.isoformat() for day in moved)))


def _of_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _in_order(flat: str, found: list[Mention]) -> list[Mention]:
    """A bare day of the month that stands after a named date is the first such day that is not before it."""
    kept: list[Mention] = []
    for mention in found:
        joined = bool(kept) and ONWARDS.search(flat[kept[-1].end : mention.start])
        joined = joined and not re.search(r"[,.;] (?!and )|\bbut\b", flat[kept[-1].end : mention.start])
        if kept and joined and mention.why == "day" and mention.value < kept[-1].value:
            earlier = date.fromisoformat(kept[-1].value)
            later = _later(earlier, date.fromisoformat(mention.value).day)
            mention = replace(mention, values=((later or earlier).isoformat(),))
        kept.append(mention)
    return kept


def reference(text: str, today: date, locale: str = "en-GB") -> date:
    """The day that a question counts from: "today is …", else the earliest full date, else 1 January of its year.

    Args:
        text: the question.
        today: where it names none.
        locale: order of day and month in figures.
    """
    if not YEAR_IN_FULL.search(text):
        return today
    flat = text_of(text, locale).flat
    full = [each for each in dates(flat, locale, today) if WITH_YEAR.search(flat[each.start : each.end])]
    told = [each.value for each in full if TODAY_IS.search(flat[: each.start])] or [each.value for each in full]
    if told:
        return date.fromisoformat(min(told))
    years = set(YEAR_IN_FULL.findall(text))
    return date(int(years.pop()), 1, 1) if len(years) == 1 else today
