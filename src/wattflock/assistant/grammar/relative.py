"""Days told by their distance: "the end of next week", "a fortnight from Monday", "the day before that", holidays."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from wattflock.assistant.grammar.holidays import NAMED, month_end, next_named, weekday_of_month
from wattflock.assistant.grammar.mention import DATE, Mention, blanked
from wattflock.assistant.grammar.words import MONTHS, WEEKDAYS

COUNTED = "counted from today"
MOST_DAYS = 9999  # of a stretch; what is longer counts as so many
UNITS = {"day": 1, "night": 1, "week": 7, "fortnight": 14, "month": 30}
WHICH = {"1": 1, "2": 2, "3": 3, "4": 4, "first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
ORDINAL = r"(?:fir|seco|thir|four|fif|six|seven|eigh|nin|ten|eleven|twelf|\w+teen|twentie|thirtie)(?:st|nd|d|th)\b"
MONTH = rf"(?P<month>(?:next|this|the|the following) month|{'|'.join(MONTHS)})\b(?! (?:the )?(?:\d|{ORDINAL}))"
WEEKDAY = rf"(?P<weekday>{'|'.join(WEEKDAYS)})\b"
THAT_WEEK = rf"\b(?:the |on )?{WEEKDAY.replace('weekday', 'that')} (?:of|in) (?:that|the same) week\b"
EDGE = r"(?P<edge>beginning|start|middle|end|last day|last|first day|first|1(?: st)?)"
COUNT = r"(?P<count>\d+|an?|the)? ?(?P<unit>day|night|week|fortnight|month)s?(?: '|'s)?"
PATTERNS = [
    (
        "span in week",
        rf"\b{WEEKDAY} ?(?:to|till|-|through|thru) ?{WEEKDAY.replace('weekday', 'other')} (?:of )?(?P<week>next"
        rf"|this) week\b",
    ),
    (
        "in week",
        rf"\b(?:next|this) week,? (?:on )?{WEEKDAY}|\b{WEEKDAY.replace('weekday', 'other')} (?:of )?next week\b"
        rf"|{THAT_WEEK}",
    ),
    (
        "iso week",
        r"\b(?:(?P<year>20\d\d) ?-? ?w|kw|(?:calendar )?week|cw) ?(?P<number>[1-5]?\d)\b(?: ?,? day (?P<day>[1-7]))?",
    ),
    ("after weekend", r"\bafter (?:the|this) (?:coming )?weekend\b"),
    ("weeks of month", rf"\b(?P<edge>first|last) (?P<unit>week|fortnight) (?:of|in) {MONTH}"),
    ("edge of month", rf"(?<!\d )\b(?:the )?(?:very )?{EDGE} (?:of |in )?{MONTH}"),
    (
        "edge of week",
        rf"\b(?:the )?(?:very )?{EDGE} (?:of |in )?"
        r"(?P<week>next|this|the|the following|the coming) week(?P<later> after next)?\b",
    ),
    ("of month", rf"\b(?P<which>first|second|third|fourth|last|[1-4](?: st| nd| rd| th)?) {WEEKDAY} (?:in|of) {MONTH}"),
    ("month", rf"\b(?:(?:all|whole|rest|entirety) (?:of )?|for )?(?:the )?(?:month of )?{MONTH}"),
    (
        "after next",
        rf"\bübernächste\w* {WEEKDAY.replace('weekday', 'german')}|\b(?:the )?{WEEKDAY} after (?:next|(?:this"
        rf"|the) (?:coming|next) (?:one|\w+day)|this one)\b",
    ),
    ("weekdays", rf"\b(?P<count>\d) {WEEKDAY[:-2]}s from (?:now|today)\b"),
    ("from now", rf"\b{COUNT} (?:from (?:now|today)|today|hence|time|(?P<more>from tomorrow|tomorrow))\b"),
    ("time", r"(?<!day )\bin (?P<count>\d+|an?|the)? ?(?P<unit>day|week|fortnight|month)s?(?: '|'s)?(?: time)?\b"),
]
COMPILED = [(name, re.compile(pattern)) for name, pattern in PATTERNS]
FOLLOWING = re.compile(
    rf"\b(?:(?:the )?following {WEEKDAY}|(?:the )?{WEEKDAY.replace('weekday', 'other')} after(?: that)?)"
    rf"|{THAT_WEEK}"
)
ONE_AFTER = re.compile(r"\bthe (?:one|1|week) after(?: that| next)?\b")
BESIDE = re.compile(
    r"\bday (?:right |just |straight )?(?P<side>before|after)\b(?! tomorrow)(?: that)?(?! the| \d| we| i )"
)
SIDE = re.compile(r"\b(?:the )?(?:(?P<day>day|night|evening) )(?P<side>before|after) (?:the |my |our )?$")
STRAIGHT = re.compile(r"\b(?:straight|right|just|immediately|directly) (?P<side>after|before) (?:the |my |our )?$")
FROM = re.compile(rf"\b{COUNT} (?P<word>from|after|on|before) (?:the |next )?$")
IN_WEEKS = re.compile(r" (?:in|and) (?P<count>\d+|a) (?P<unit>week|day|fortnight)s?\b")
LATER = re.compile(r" (?P<unit>fortnight|week)\b")
NORMAL = re.compile(r"\b(?:back|return|home|normal|again|over)(?: to normal| home)?(?: by| on)? ?$")


def relative_days(flat: str, today: date) -> Iterator[Mention]:
    """Dates that a normalised text tells by a name or by their distance from today; a stretch gives its two ends."""
    for match in NAMED.finditer(flat):
        day = next_named(match["name"], today)
        if match.group().endswith("weekend") and day.weekday() == 0:
            yield _mention((day - timedelta(2),), match, -1)
            yield Mention(DATE, (day.isoformat(),), match.end() - 1, match.end(), False, "stretch")
        else:
            yield _mention((day,), match)
    taken = NAMED.sub(lambda match: "\x00" * len(match.group()), flat)
    for name, pattern in COMPILED:
        for match in pattern.finditer(taken):
            days = READERS[name](match, today)
            if days is None:
                continue
            taken = blanked(taken, *match.span())
            yield _mention(days[:1], match, -(len(days) > 1))
            if len(days) > 1:
                yield Mention(DATE, (days[1].isoformat(),), match.end() - 1, match.end(), False, "stretch")


def _mention(days: tuple[date, ...], match: re.Match, cut: int = 0) -> Mention:
    texts = tuple(day.isoformat() for day in days)
    return Mention(DATE, texts, match.start(), match.end() + cut, False, "stretch" if cut else COUNTED)


def _month(said: str, today: date) -> tuple[int, int]:
    if said.endswith("month"):
        ahead = today.month - 1 + (said not in ("this month", "the month"))
        return today.year + ahead // 12, ahead % 12 + 1
    number = MONTHS.index(said) + 1
    return today.year + (number < today.month), number


def _edge_of_month(match: re.Match, today: date) -> tuple[date, ...]:
    year, month = _month(match["month"], today)
    if match["edge"] in ("end", "last day", "last"):
        return (month_end(year, month),)
    found = date(year, month, 15 if match["edge"] == "middle" else 1)
    if found < today and match["month"] == "the month":
        found = month_end(year, month) + timedelta(found.day)
    return (found,)


def _weeks_of_month(match: re.Match, today: date) -> tuple[date, ...]:
    (year, month), days = _month(match["month"], today), UNITS[match["unit"]] - 1
    first, last = date(year, month, 1), month_end(year, month)
    return (first, first + timedelta(days)) if match["edge"] == "first" else (last - timedelta(days), last)


def _whole_month(match: re.Match, today: date) -> tuple[date, ...] | None:
    whole = re.match(r"(?:all|whole|rest|entirety|for|next|this)\b", match.group())
    if not whole or match["month"] == "the month":
        return None
    year, month = _month(match["month"], today)
    return max(date(year, month, 1), min(today, month_end(year, month))), month_end(year, month)


def _weeks_on(match: re.Match) -> int:
    return 14 if match["later"] else 0 if match["week"] in ("this", "the") else 7


def _edge_of_week(match: re.Match, today: date) -> tuple[date, ...]:
    monday = today - timedelta(today.weekday()) + timedelta(_weeks_on(match))
    return (monday + timedelta({"end": 6, "last day": 6, "last": 6, "middle": 2}.get(match["edge"], 0)),)


def _span_in_week(match: re.Match, today: date) -> tuple[date, ...]:
    monday = today - timedelta(today.weekday()) + timedelta(7 * (match["week"] == "next"))
    return tuple(monday + timedelta(WEEKDAYS.index(match[name])) for name in ("weekday", "other"))


def _in_week(match: re.Match, today: date) -> tuple[date, ...]:
    if match["that"]:
        return (nearest_weekday(match["that"], today - timedelta(1)),)
    monday = today - timedelta(today.weekday()) + timedelta(7 * ("next" in match.group()))
    return (monday + timedelta(WEEKDAYS.index(match["weekday"] or match["other"])),)


def _of_month(match: re.Match, today: date) -> tuple[date, ...]:
    weekday, which = WEEKDAYS.index(match["weekday"]), WHICH[match["which"].split(" ")[0]]
    year, month = _month(match["month"], today)
    found = weekday_of_month(year, month, weekday, which)
    return (found if found >= today else weekday_of_month(year + 1, month, weekday, which),)


def _iso_week(match: re.Match, today: date) -> tuple[date, ...] | None:
    number = int(match["number"])
    if not 1 <= number <= 52:
        return None
    monday = date.fromisocalendar(int(match["year"] or today.year), number, 1)
    return (monday + timedelta(int(match["day"]) - 1),) if match["day"] else (monday, monday + timedelta(6))


def _counted(match: re.Match, today: date) -> tuple[date, ...]:
    more = match.groupdict().get("more")
    return (today + timedelta(length_of(match) + bool(more)),)


def length_of(match: re.Match) -> int:
    """Days of "a fortnight" or "3 weeks", at most `MOST_DAYS`."""
    count = match.groupdict().get("count") or "1"
    return min(UNITS[match["unit"]] * (int(count) if count.isdigit() else 1), MOST_DAYS)


READERS = {
    "iso week": _iso_week,
    "span in week": _span_in_week,
    "in week": _in_week,
    "after weekend": lambda match, today: (nearest_weekday("monday", today),),
    "weeks of month": _weeks_of_month,
    "edge of month": _edge_of_month,
    "edge of week": _edge_of_week,
    "of month": _of_month,
    "month": _whole_month,
    "after next": lambda match, today: (nearest_weekday(match["weekday"] or match["german"], today) + timedelta(7),),
    "weekdays": lambda match, today: (
        nearest_weekday(match["weekday"], today) + timedelta(7 * int(match["count"]) - 7),
    ),
    "from now": _counted,
    "time": _counted,
}


def nearest_weekday(name: str, day: date) -> date:
    """The first such weekday after a day."""
    return day + timedelta((WEEKDAYS.index(name) - day.weekday() - 1) % 7 + 1)


def moved_days(flat: str, found: list[Mention], only_start: bool) -> list[Mention]:
    """Dates with what stands around them: "the day before …", "a week from …", "… and the Sunday after".

    Args:
        flat: `Text.flat`.
        found: dates in order of place.
        only_start: whether nothing but the first day was asked for; else "two weeks from the 6th" is a stretch.
    """
    made = [_moved(flat, each, only_start) for each in _same_month(flat, _beside(flat, found))]
    for match in ONE_AFTER.finditer(flat):
        before = [each for each in made if each.kind == DATE and each.end <= match.start()]
        if before:
            made[made.index(before[-1])] = _plus(before[-1], 7, match.start(), match.end())
    for match in FOLLOWING.finditer(flat):
        before = [each for each in made if each.kind == DATE and each.end <= match.start()]
        if before:
            name, day = match["weekday"] or match["other"] or match["that"], date.fromisoformat(before[-1].value)
            day = nearest_weekday(name, day - timedelta(bool(match["that"])))
            made = [each for each in made if not (each.start < match.end() and each.end > match.start())]
            made.append(_mention((day,), match))
    for match in BESIDE.finditer(flat):
        before = [each for each in made if each.kind == DATE and each.end <= match.start()]
        if before and not any(each.start < match.end() and each.end > match.start() for each in made):
            made.remove(before[-1])
            made.append(_plus(before[-1], 1 if match["side"] == "after" else -1, before[-1].start, match.end()))
    return sorted(made, key=lambda each: each.start)


def _same_month(flat: str, found: list[Mention]) -> list[Mention]:
    """ "June 1st to the end of the month": of the month that was named before."""
    made: list[Mention] = []
    for each in found:
        if made and re.search(r"\b(?:end|last(?: day)?) of the month$", flat[each.start : each.end]):
            before = date.fromisoformat(made[-1].value)
            each = replace(each, values=(month_end(before.year, before.month).isoformat(),))
        if (
            len(made) > 1 and each.why == "day" and made[-1].why == made[-2].why == "stretch"
        ):  # "next month, on the 3rd"
            first, day = date.fromisoformat(made[-2].value), date.fromisoformat(each.value).day
            if "month" in flat[made[-2].start : made[-1].end] and day <= month_end(first.year, first.month).day:
                each = replace(each, values=(first.replace(day=day).isoformat(),), why="moved")
                made = made[:-2]
        made.append(each)
    return made


def _beside(flat: str, found: list[Mention]) -> list[Mention]:
    """ "The Monday after Memorial Day": a weekday told from the day that follows it."""
    made = list(found)
    for one, two in pairwise(found):
        between = re.fullmatch(r" (?P<side>after|following|before) (?:the |our |my )?", flat[one.end : two.start])
        named = re.search(WEEKDAY, flat[one.start : one.end])
        if between and named and one in made and two in made:
            day, back = date.fromisoformat(two.value), between["side"] == "before"
            found_day = nearest_weekday(named["weekday"], day - timedelta(8 if back else 0))
            made[made.index(two)] = replace(
                two, values=(found_day.isoformat(),), start=one.start, exact=False, why="moved"
            )
            made.remove(one)
    return made


def _moved(flat: str, each: Mention, only_start: bool) -> Mention:
    own = flat[each.start : each.end]
    lead = re.match(r" ?(?:on )?", own)  # a weekday is read with its "on"
    before, after = flat[: each.start + (lead.end() if lead else 0)], flat[each.end :]
    if match := SIDE.search(before) or STRAIGHT.search(before):
        return _plus(each, 1 if match["side"] == "after" else -1, match.start(), each.end)
    if NORMAL.search(before) and re.search(r"\bnormal\b", before):
        return _plus(each, -1, each.start, each.end)
    if match := FROM.search(before):
        stretch = match["word"] == "from" and not only_start and each.why != COUNTED and match["unit"] != "month"
        if not stretch and not (match["word"] == "on" and match["count"] is None and match.start() > 0):
            sign = -1 if match["word"] == "before" else 1
            return _plus(each, sign * length_of(match), match.start(), each.end)
    if (match := IN_WEEKS.match(after) or LATER.match(after)) and each.why == COUNTED:
        return _plus(each, length_of(match), each.start, each.end + match.end())
    return each


def _plus(each: Mention, days: int, start: int, end: int) -> Mention:
    values = tuple((date.fromisoformat(value) + timedelta(days)).isoformat() for value in each.values)
    return replace(
        each, values=(*values[:1], *each.values[:1], *values[1:]), start=start, end=end, exact=False, why="moved"
    )
