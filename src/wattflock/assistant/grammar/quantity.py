"""Quantities with units: energy, power, current, shares, temperatures, durations; each in one unit, with its words."""

import re
from collections.abc import Callable, Iterator

from wattflock.assistant.grammar.mention import (
    CURRENT,
    DISTANCE,
    DURATION,
    ECONOMY,
    ENERGY,
    NUMBER,
    POWER,
    SHARE,
    TEMPERATURE,
    VOLTAGE,
    Mention,
    blanked,
)
from wattflock.assistant.grammar.words import MONTHS

N = r"(?<![\d.,:/])(?P<n>\d+(?:\.\d+)?)"
NO_CLOCK = (
    r"(?! (?:to|of|before|till|past|after|gone) (?:\d|noon|midnight|half (?!past)))"  # "20 minutes to 6" is a time
)
KM_PER_MILE = 1.609344


def celsius(fahrenheit: float) -> float:
    """°F to °C, to a tenth."""
    return round((fahrenheit - 32) / 1.8, 1)


def tidy(value: float) -> float | int:
    """At most four digits after the point, and whole numbers as such."""
    value = round(float(value), 4)
    return int(value) if value == int(value) else value


def _scaled(factor: float) -> Callable[[re.Match], float]:
    return lambda match: float(match["n"]) * factor


def _spoken_minutes(match: re.Match) -> float:
    said = match.groupdict()
    hours = float(said.get("h") or 0)
    return hours * 60 + float(said.get("m") or 0)


def _fixed(value: float) -> Callable[[re.Match], float]:
    return lambda _: value


def _panels(match: re.Match) -> float:
    strings = float(match.groupdict().get("strings") or 1)
    size = float(match["size"])
    return strings * float(match["count"]) * (size if match["unit"] == "kw" else size / 1000)


PARTS = {"third": 3, "quarter": 4, "fifth": 5, "eighth": 8, "tenth": 10}
# (kind, pattern, value, exact, why); earlier ones are taken first where two overlap.
TIMES = r"(?:x|times|\*|of|at|lots of|panels of|panels at|modules of|modules at|rated at|each)"
PANELS = r"(?:pv |solar |roof )?(?:panels|modules|pv panels|ones)"
SIZE = r"(?P<size>\d+(?:\.\d+)?) (?P<unit>w|kw|wp|kwp)\b"
READERS: list[tuple[str, str, Callable[[re.Match], float], bool, str]] = [
    (
        POWER,
        rf"(?P<strings>\d+) (?:strings?|rows?|arrays?|lots?|sets?|banks?) (?:of|with|x) (?P<count>\d+) ?(?:x )?"
        rf"(?:{PANELS} )?(?:of |at |each |with )?{SIZE}(?: {PANELS})?",
        _panels,
        False,
        "panels",
    ),
    (
        POWER,
        rf"(?P<count>\d+) (?:{TIMES} )?(?:{PANELS} )?(?:,|and|they're|they are|each|which are|rated|of|at|x"
        rf"|with|a|in total|on the roof| )*"
        rf"{SIZE}",
        _panels,
        False,
        "panels",
    ),
    (
        ENERGY,
        rf"{N} kwh\b(?! ?/)(?! per| a (?:day|year|week|month)| annually| (?:last|this) year)",
        _scaled(1),
        True,
        "",
    ),
    (ENERGY, rf"{N} wh\b(?! ?/)(?! per)", _scaled(0.001), True, ""),
    (ECONOMY, rf"{N} (?:miles|mi) (?:per|/|to the|a|out of a|from a|for each) ?(?:kwh|unit)\b", _scaled(1), True, ""),
    (ECONOMY, rf"{N} (?:to|per) (?:the|a|1) (?:unit|kwh)\b", _scaled(1), True, ""),
    (ECONOMY, rf"{N} (?:km) (?:per|/|pro|a) ?kwh\b", _scaled(1 / KM_PER_MILE), True, ""),
    (
        ECONOMY,
        rf"{N} kwh (?:per|/|auf|pro|for) ?100 ?km",
        lambda match: 100 / KM_PER_MILE / float(match["n"]),
        True,
        "",
    ),
    (
        ECONOMY,
        rf"{N} kwh (?:per|/|for) ?100 ?(?:miles|mi)\b",
        lambda match: 100 / float(match["n"]),
        True,
        "",
    ),
    (ECONOMY, rf"{N} wh (?:per|/|a) ?(?:miles?|mi)\b", lambda match: 1000 / float(match["n"]), True, ""),
    (DISTANCE, rf"{N} (?:miles?|mi)\b", _scaled(1), True, ""),
    (DISTANCE, rf"{N} (?:km|kilometres?|kilometers?|kms)\b", _scaled(1 / KM_PER_MILE), True, ""),
    (POWER, rf"{N} (?:kwp|kw|kva)\b(?! ?/)", _scaled(1), True, ""),
    (POWER, rf"{N} (?:wp|w)\b(?! ?/)", _scaled(0.001), True, ""),
    (ENERGY, rf"\bwh(?: [:=])? {N}(?! ?[a-z%])", _scaled(0.001), True, ""),
    (POWER, rf"\b(?:wp|w)(?: [:=])? {N}(?! ?[a-z%])", _scaled(0.001), True, ""),
    (CURRENT, rf"{N} (?:amp|a)\b(?! (?:day|week|bit|piece|time|pop|night|quarter|month|year))", _scaled(1), True, ""),
    (VOLTAGE, rf"{N} (?:volt|v)\b", _scaled(1), True, ""),
    (SHARE, rf"{N} ?(?:%|pc\b)", _scaled(1), True, ""),
    (DURATION, r"\b(?:3|three) quarters of an hour\b", _fixed(45), True, ""),
    (
        SHARE,
        r"(?<!hour and )(?<!hours and )\b(?:3|three) quarters?\b(?: (?:full|charged|charge|of the battery"
        r"|of a battery"
        r"|of a charge))?(?! of an hour)",
        _fixed(75),
        False,
        "words",
    ),
    (SHARE, r"(?:2|two) thirds(?: (?:full|charged))?", _fixed(67), False, "words"),
    (SHARE, r"\b3 ?/ ?4\b", _fixed(75), False, "words"),
    (SHARE, r"\b1 ?/ ?2\b", _fixed(50), False, "words"),
    (
        SHARE,
        r"(?<!hour and )(?<!hours and )\b(?P<n>\d|an?) (?P<part>thirds?|fifths?|tenths?|quarters?"
        r"|eighths?)\b(?! (?:of an hour|past|to|of may))"
        rf"(?! (?:{'|'.join(MONTHS)}))"
        r"(?= (?:full|empty|below|shy|short|off|of (?:the|a|its|my|it)|charged|left|free|spare)| ?$| ?[.,;])",
        lambda match: 100 * (float(match["n"]) if match["n"].isdigit() else 1) / PARTS[match["part"].rstrip("s")],
        False,
        "words",
    ),
    (TEMPERATURE, rf"{N} (?:deg )?(?:degc|c)\b", _scaled(1), True, ""),
    (TEMPERATURE, rf"{N} (?:deg )?(?:degf|f)\b", lambda match: celsius(float(match["n"])), False, "°F"),
    (DURATION, r"(?P<h>\d+) (?:hours?|h) (?:and )?(?:a )?half\b", lambda match: float(match["h"]) * 60 + 30, True, ""),
    (DURATION, r"\b(?:an?|1) (?:hours?|h) (?:and )?(?:a )?half\b", _fixed(90), True, ""),
    (DURATION, r"\b(?:an?|1) (?:hours?|h) (?:and )?(?:a )?quarter\b", _fixed(75), True, ""),
    (DURATION, r"\b(?:an?|1) (?:hours?|h) (?:and )?(?:3|three) quarters\b", _fixed(105), True, ""),
    (
        DURATION,
        r"(?P<h>\d+) (?:hours?|h) (?:and )?(?:a )?quarter\b",
        lambda match: float(match["h"]) * 60 + 15,
        True,
        "",
    ),
    (
        DURATION,
        r"(?:\b(?:1|an?) |(?<!\d )\b)hour (?:and )?(?P<m>\d{1,2})(?: (?:minutes|m))?\b(?![:.]\d)",
        lambda m: 60 + float(m["m"]),
        True,
        "",
    ),
    (
        DURATION,
        r"(?<![\d.,:])(?P<h>\d{1,2}(?= hour)|[1-4]) (?:hours?|h) (?:and )?(?P<m>\d{1,2})(?: (?:minutes"
        r"|m))?\b(?! ?(?:am|pm)|[:.]\d)",
        _spoken_minutes,
        True,
        "",
    ),
    (DURATION, r"(?P<h>\d+):(?P<m>[0-5]\d) (?:hours?|h)\b(?! (?:i|we))", _spoken_minutes, True, ""),
    (DURATION, r"\b(?:a )?quarter(?: of an)? hour\b", _fixed(15), True, ""),
    (DURATION, r"\b(?:half an hour|half (?:a )?hour|1 half hour)\b", _fixed(30), True, ""),
    (DURATION, r"(?<![\d.,:/])(?P<n>\d{1,2}(?:\.\d+)?) (?:hours?)\b(?! (?:and )?\d)", _scaled(60), True, ""),
    (DURATION, r"(?<![\d.,:/])(?P<n>[1-4](?:\.\d+)?) h\b(?! (?:and )?\d)", _scaled(60), True, ""),
    (DURATION, rf"{N} (?:minutes|m)\b{NO_CLOCK}", _scaled(1), True, ""),
    (DURATION, r"\b(?:an|1) (?:hour)\b", _fixed(60), True, ""),
]
COMPILED = [(kind, re.compile(pattern), value, exact, why) for kind, pattern, value, exact, why in READERS]
LONE = re.compile(r"(?<![\d.,:/£$€#])(?P<n>\d+(?:\.\d+)?)(?![.:/]\d|\d)")
VAGUE = re.compile(r"(?:around|about|roughly|approximately|approx|nearly|almost|maybe|perhaps|probably|say|or so) $")
UNSURE = re.compile(rf"{VAGUE.pattern}|\d(?: ,)? $")  # two numbers in a row may be one that was not understood


def quantities(flat: str) -> list[Mention]:
    """All quantities with a unit in a normalised text, in its order."""
    return sorted(_found(flat), key=lambda mention: mention.start)


def _found(flat: str) -> Iterator[Mention]:
    taken = flat
    for kind, pattern, value, exact, why in COMPILED:
        for match in pattern.finditer(taken):
            if why == "panels" and match["unit"] in ("kw", "kwp") and float(match["size"]) > 1:
                continue  # "between 4 and 5 kW" is no row of panels
            taken = blanked(taken, *match.span())
            sure = exact and not UNSURE.search(flat[: match.start()])
            yield Mention(kind, (tidy(value(match)),), match.start(), match.end(), sure, why)


def lone_numbers(flat: str) -> list[Mention]:
    """Numbers without a unit, of a text whose other readings are masked."""
    return [
        Mention(NUMBER, (tidy(float(match["n"])),), match.start(), match.end(), not VAGUE.search(flat[: match.start()]))
        for match in LONE.finditer(flat)
    ]
