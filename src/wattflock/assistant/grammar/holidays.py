"""Days that have a name: fixed ones, those that hang on Easter, and weekdays of a month; by locale."""

import re
from datetime import date, timedelta

EASTER = {"good friday": -2, "karfreitag": -2, "easter sunday": 0, "easter monday": 1, "ostermontag": 1, "easter": 0}
EASTER |= {"ostern": 0, "whit monday": 50, "pfingstmontag": 50, "pfingsten": 49, "ascension day": 39, "himmelfahrt": 39}
FIXED = {
    "christmas eve": (12, 24),
    "christmas day": (12, 25),
    "christmas": (12, 25),
    "xmas": (12, 25),
    "boxing day": (12, 26),
    "new year's eve": (12, 31),
    "new year's day": (1, 1),
    "new year's": (1, 1),
    "new year": (1, 1),
    "valentine's day": (2, 14),
    "st patrick's day": (3, 17),
    "juneteenth": (6, 19),
    "independence day": (7, 4),
    "bonfire night": (11, 5),
    "halloween": (10, 31),
    "veterans day": (11, 11),
    "heiligabend": (12, 24),
    "weihnachten": (12, 25),
    "silvester": (12, 31),
    "tag der arbeit": (5, 1),
    "tag to deutschen einheit": (10, 3),
}
# (month, weekday with Monday 0, which one; −1: the last)
FLOATING = {
    "mlk day": (1, 0, 3),
    "presidents' day": (2, 0, 3),
    "presidents day": (2, 0, 3),
    "memorial day": (5, 0, -1),
    "labor day": (9, 0, 1),
    "columbus day": (10, 0, 2),
    "thanksgiving": (11, 3, 4),
    "early may bank holiday": (5, 0, 1),
    "may bank holiday": (5, 0, 1),
    "may day bank holiday": (5, 0, 1),
    "spring bank holiday": (5, 0, -1),
    "late may bank holiday": (5, 0, -1),
    "bank holiday at the end of may": (5, 0, -1),
    "bank holiday at the end of august": (8, 0, -1),
    "bank holiday in august": (8, 0, -1),
    "bank holiday at the start of may": (5, 0, 1),
    "august bank holiday": (8, 0, -1),
    "summer bank holiday": (8, 0, -1),
}
BRITISH = ("good friday", "easter monday", "early may bank holiday", "spring bank holiday", "summer bank holiday")
ANY = ("bank holiday",)
NAMES = sorted([*EASTER, *FIXED, *FLOATING, *ANY], key=len, reverse=True)
NAMED = re.compile(rf"\b(?P<name>{'|'.join(map(re.escape, NAMES))})\b(?: weekend)?(?: monday)?(?: on monday)?")


def next_named(name: str, today: date) -> date:
    """The first day of that name that is not before `today`."""
    if name in ANY:
        return min(next_named(each, today) for each in (*BRITISH, "christmas day", "boxing day", "new year's day"))
    return next(day for year in (today.year, today.year + 1) if (day := _in_year(name, year)) >= today)


def _in_year(name: str, year: int) -> date:
    if name in EASTER:
        return easter(year) + timedelta(EASTER[name])
    if name in FIXED:
        return date(year, *FIXED[name])
    return weekday_of_month(year, *FLOATING[name])


def weekday_of_month(year: int, month: int, weekday: int, which: int) -> date:
    """The `which`-th weekday of a month; −1 is the last."""
    if which < 0:
        last = month_end(year, month)
        return last - timedelta((last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta((weekday - first.weekday()) % 7 + 7 * (which - 1))


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(1)


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar. Source: Meeus, Astronomical Algorithms (1991), chapter 8."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)
