"""Every way to say a minute of the day, by locale, with the minutes that it may mean."""

from collections.abc import Iterator

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
]
ONES += ["seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty"]
DIALS = {"en-GB": ("past", "to"), "en-US": ("after", "of"), "de": ("past", "to")}


def word(number: int) -> str:
    """A number below 60 in words."""
    return (
        ONES[number] if number < 20 else f"{TENS[number // 10 - 2]} {ONES[number % 10] if number % 10 else ''}".strip()
    )


def both(minutes: int) -> set[int]:
    """A time of the dial of 12 hours, before and after noon."""
    return {minutes % 720, minutes % 720 + 720}


def phrasings(minute: int, locale: str) -> Iterator[tuple[str, set[int]]]:
    """(words, minutes since midnight that they may mean) for a minute of the day."""
    hour, past = divmod(minute, 60)
    dial = hour % 12 or 12
    half = "am" if hour < 12 else "pm"
    yield f"{hour:02d}:{past:02d}", {minute} if hour == 0 or hour > 12 or hour < 10 else both(minute)
    yield f"{hour}h{past:02d}" if hour > 4 else f"{hour:02d}:{past:02d}:00", {minute}
    yield f"{hour:02d}{past:02d} hours", {minute}
    for text in (
        f"{dial}:{past:02d} {half}",
        f"{dial}.{past:02d}{half}",
        f"{dial}:{past:02d}{half[0]}.m.",
        f"{dial}{past:02d}{half}",
    ):
        yield text, {minute}
    if past > 9:
        yield f"{word(dial)} {word(past).replace(' ', '-')}", both(minute)
        yield f"{word(dial)} {word(past)} {part(minute)}", {minute}
    yield from _dial(minute, locale)


def part(minute: int) -> str:
    """The part of the day that people say with a time."""
    if minute < 720:
        return "in the morning"
    return "in the afternoon" if minute < 1020 else "in the evening" if minute < 1260 else "at night"


def _dial(minute: int, locale: str) -> Iterator[tuple[str, set[int]]]:
    hour, past = divmod(minute, 60)
    dial, following = word(hour % 12 or 12), word((hour + 1) % 12 or 12)
    after, before = DIALS[locale]
    if past == 0:
        yield f"{dial} o'clock", both(minute)
        yield f"{dial} o'clock {part(minute)}", {minute}
        yield f"{hour % 12 or 12}{'am' if hour < 12 else 'pm'}", {minute}
        yield {0: "midnight", 12: "noon"}.get(hour, f"{dial}-ish"), {minute} if dial == "twelve" else both(minute)
    elif past == 30:
        yield f"half past {dial}", both(minute)
        yield f"half past {dial} {part(minute)}", {minute}
        yield f"half {following if locale == 'de' else dial}", both(minute)
    elif past in (15, 45):
        yield f"quarter {after if past == 15 else before} {dial if past == 15 else following}", both(minute)
        yield f"a quarter {after if past == 15 else before} {dial if past == 15 else following}", both(minute)
    elif past < 30:
        yield f"{word(past)} minutes {after} {dial}", both(minute)
        yield f"{past} {after} {dial}", both(minute)
    else:
        yield f"{word(60 - past)} minutes {before} {following}", both(minute)
        if past % 5 == 0:
            yield f"{word(60 - past)} {before} {following}", both(minute)
    if locale == "de" and past in (25, 35):
        yield f"{'fünf vor' if past == 25 else 'fünf nach'} halb {following}", both(minute)
