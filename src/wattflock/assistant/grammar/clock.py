"""Times of the day in words: 24 hours, am and pm, halves and quarters, by locale; "half five" keeps two candidates."""

import re
from collections.abc import Iterator

from wattflock.assistant.grammar.mention import CLOCK, Mention, blanked

DAY = 1440  # minutes
HALF = 720
NOT_A_TIME = (
    r"(?! ?(?:%|kwh?\b|kwp\b|w\b|wh\b|amp|a\b|volt|v\b|deg|c\b|f\b|hours? |hours?$|minutes|miles|km|panels|x\b"
    r"|days?\b|p\b|pence|quid|pounds?|bucks|grand|dollars|euros?|metres?|meters?|foot|feet|little|small|boys"
    r"|girls|children|dogs|cats"
    r"|phase|evs?\b|cars?\b|°|/|pin\b|x \d|rooms?\b|kids\b|people|years?\b|weeks?\b|months?\b|strings|degc|degf"
    r"|th\b|st\b|nd\b|rd\b))"
)
ISH = r"(?P<ish> ?-? ?ish\b)?"
PART = (
    r"(?: ?(?:,|sharp|on the dot|o'clock|or so|ish))*?"
    r" (?:in the|at|of an|of a|this|on a|every|each|tomorrow|during the|in an)? ?"
    r"(?P<part>early hours|small hours|morning|mornings|afternoon|afternoons|evening|evenings|night|nights"
    r"|tonight|am|pm|a m|p m)\b"
)
HOUR = r"(?P<hour>2[0-4]|1\d|0?\d)"
MINUTES_TO = r"(?P<minutes>quarter|\d{1,2})(?P<said> minutes)?"
BEFORE = r"(?:to|of|before|till)"
IN_SPAN = r"(?<!from )(?<!between )(?<!work )(?<!works )(?<!working )(?<!away )(?<!\bout )(?<!shift is )"  # 10 to 4
AFTER = r"(?:past|after|gone)"

# (name, pattern); the first that fits a place is taken.
PATTERNS = [
    ("half_to", rf"\b(?P<minutes>\d{{1,2}})(?: minutes)? (?P<side>{BEFORE}|{AFTER}) half {HOUR}\b"),
    ("threequarter", rf"\bthreequarter {HOUR}\b"),
    ("half_past", rf"\bhalf(?: an? hour)? (?P<side>past|after|gone) (?:(?P<word>noon|midnight)|{HOUR})\b(?![:.]\d)"),
    ("half", rf"\bhalf {HOUR}\b{NOT_A_TIME}(?![:.]\d)"),
    ("quarter_bare", rf"\b(?P<minutes>quarter) {HOUR}\b"),
    (
        "sided",
        rf"(?:{IN_SPAN}|(?=(?:a )?quarter\b)|(?=\d+ (?:minutes )?(?:{AFTER})\b))\b(?:a )?{MINUTES_TO}"
        rf" (?P<side>{BEFORE}|{AFTER}) (?P<word>noon|midnight"
        rf"|{HOUR})\b(?![:.]\d){NOT_A_TIME}",
    ),
    ("colon", rf"\b{HOUR}:(?P<minutes>[0-5]\d)(?::\d\d)?\b"),
    ("letter_h", rf"\b{HOUR} h (?P<minutes>[0-5]\d)\b"),
    ("dot", rf"\b{HOUR}\.(?P<minutes>[0-5]\d)\b{NOT_A_TIME}"),
    ("military", r"\b(?P<hour>[01]\d|2[0-4])(?P<minutes>[0-5]\d)(?= hours\b| h\b)(?: hours| h)"),
    ("zeroed", r"\b(?P<hour>0\d)(?P<minutes>[0-5]\d)\b(?![:.]\d)"),
    ("packed", r"\b(?P<hour>1[0-2]|\d)(?P<minutes>[0-5]\d)(?= (?:am|pm)\b)"),
    ("uhr", rf"\b{HOUR} o'clock (?P<minutes>[0-5]?\d)\b(?![:./]\d){NOT_A_TIME}"),
    ("spaced", rf"\b{HOUR} (?P<minutes>[0-5]\d)\b(?![:./]\d)(?! ?[/-] ?\d){NOT_A_TIME}"),
    ("noon", r"\b(?P<word>noon|midnight|lunchtime|lunch time)\b"),
    ("hour", rf"\b{HOUR}(?= (?:o'clock|am|pm)\b)"),
    ("letter", rf"\b{HOUR} h\b"),
]
COMPILED = [(name, re.compile(pattern)) for name, pattern in PATTERNS]
BARE = re.compile(
    rf"(?<![\d.,:/£$€])(?<!\+ )(?<!number )(?<!\bno )(?<!aged )(?<!platform )(?<!route )(?<!interstate )(?<!\bm"
    rf" ){HOUR}\b(?![.:,/]\d){NOT_A_TIME}"
)
BARE_PACKED = re.compile(r"(?<![\d.,:/£$€])(?P<hour>1\d|2[0-4]|\d)(?P<minutes>[0-5]\d)\b(?![.:,/]\d)" + NOT_A_TIME)
TAIL = re.compile(ISH + rf"(?: o'clock)?(?P<ish2> ?-? ?ish\b)?(?:{PART})?")
ABOUT = re.compile(
    r"(?:around|about|roughly|approximately|approx|say|just after|shortly after|just before|shortly before|just gone"
    r"|usually|near|nearer|towards|coming up to|probably|maybe|i think|or so|-ish) (?:at |about )?$"
)


def clocks(flat: str, locale: str, bare: bool = False) -> list[Mention]:
    """All times of the day in a normalised text.

    Args:
        flat: `Text.flat`, with other readings masked.
        locale: "half five" is 5:30 in en-GB and en-US, 4:30 in de.
        bare: also read lone hours, such as the 7 of "I leave at 7".

    Returns:
        Mentions whose values are minutes since midnight: one where the time is told, two where morning or evening
        is not, which then is for the slot to rank and for the resident to confirm.
    """
    return list(_found(flat, locale, bare))


def _found(flat: str, locale: str, bare: bool) -> Iterator[Mention]:
    taken = flat
    patterns = [*COMPILED, ("bare", BARE), ("bare_packed", BARE_PACKED)] if bare else COMPILED
    for name, pattern in patterns:
        for match in pattern.finditer(taken):
            minutes = _minutes(name, match.groupdict(), locale)
            if minutes is None:
                continue
            read = _with_part(name, match, minutes, flat)
            taken = blanked(taken, read.start, read.end)
            yield read


def _minutes(name: str, said: dict[str, str | None], locale: str) -> int | None:
    """Minutes on a dial of 12 or 24 hours; None where the words are no time."""
    word = said.get("word") or ""
    hour = 12 if word in ("noon", "lunchtime", "lunch time") else 24 if word == "midnight" else int(said["hour"] or 0)
    told = said.get("minutes") or "0"
    minutes = 15 if told == "quarter" else int(told)
    if hour > 24 or minutes > 59 or (name == "uhr" and locale != "de"):
        return None
    if name in ("half", "half_to", "threequarter", "quarter_bare"):
        return _dial(name, hour, minutes, said.get("side"), locale)
    if name == "half_past":
        return hour * 60 + 30
    if name == "sided":
        before = re.fullmatch(BEFORE, said["side"] or "")
        if before and not said["said"] and told not in ("quarter", "5", "10", "20", "25"):
            return None  # "9 to 5" is a span
        return hour * 60 + (-minutes if before else minutes)
    return hour * 60 + minutes


def _dial(name: str, hour: int, minutes: int, side: str | None, locale: str) -> int | None:
    german = locale == "de"
    half = hour * 60 + (-30 if german else 30)
    if name == "half":
        return half if hour <= 12 or german else None
    if name == "half_to":
        if not german:
            return None
        return half + (-minutes if re.fullmatch(BEFORE, side or "") else minutes)
    if name == "threequarter":
        return hour * 60 - 15
    return (hour - 1) * 60 + 15 if german else hour * 60 + 15  # quarter seven


def _with_part(name: str, match: re.Match, minutes: int, flat: str) -> Mention:
    tail = TAIL.match(flat, match.end())
    end = tail.end() if tail else match.end()
    part = tail.group("part") if tail else None
    about = bool(ABOUT.search(flat[: match.start()])) or bool(tail and (tail.group("ish") or tail.group("ish2")))
    hour = match.groupdict().get("hour") or ""
    whole = name in ("noon", "letter_h", "military", "zeroed", "letter") or hour.startswith("0") or minutes > 779
    if match.groupdict().get("word") in ("noon", "midnight", "lunchtime", "lunch time"):
        return Mention(CLOCK, (minutes % DAY,), match.start(), end, not about and "lunch" not in match["word"])
    if part and not (whole and minutes >= HALF + 60):
        return Mention(CLOCK, in_part(minutes, part), match.start(), end, not about)
    if whole:
        return Mention(CLOCK, (minutes % DAY,), match.start(), end, not about)
    first = minutes % HALF
    return Mention(CLOCK, (first, first + HALF), match.start(), end, not about)


def in_part(minutes: int, part: str) -> tuple[int, ...]:
    """The time of a 12-hour dial in a part of the day: 11:30 "at night" is 23:30, 2:00 "at night" is 02:00."""
    dial = minutes % HALF
    part = part.rstrip("s")
    if part in ("am", "a m", "morning", "early hour", "small hour"):
        return (dial,)
    if part in ("night", "tonight"):
        return (dial + HALF,) if dial >= 300 else (dial,)
    return (dial + HALF,)


def shown(minutes: int) -> str:
    """HH:MM on the clock of 24 hours."""
    return f"{minutes % DAY // 60:02d}:{minutes % 60:02d}"
