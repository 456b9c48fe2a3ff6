"""The ways in which people say a time, a day, a number; the names stand in braces in `sayings.toml`."""

from collections.abc import Mapping
from datetime import date

from wattflock.assistant.grammar.words import ONES, TENS
from wattflock.assistant.rules.filling import Value
from wattflock.assistant.slots import SLOTS

ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
ORDINALS |= {"twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth"}
QUARTERS = {0: "{}", 15: "quarter past {}", 30: "half past {}", 45: "quarter to {}"}
CARS = ("a Renault Zoe", "a Nissan Leaf", "a Tesla Model 3", "a Kia Niro")


def word(number: int) -> str:
    """A number from 0 to 59 in words."""
    if number < 20:
        return ONES[number]
    tens, ones = TENS[number // 10 - 2], number % 10
    return f"{tens}-{ONES[ones]}" if ones else tens


def ordinal_word(number: int) -> str:
    """The first to the thirty-first."""
    before, dash, last = word(number).rpartition("-")
    return before + dash + ORDINALS.get(last, f"{last}th")


def ways(slot: str, value: Value) -> dict[str, str]:
    """Every way to say a value of a slot, by name; each of them entails it."""
    kind = SLOTS[slot].kind
    if kind == "time":
        return _of_time(str(value))
    if kind == "date":
        return _of_date(date.fromisoformat(str(value)))
    if kind == "text":
        return {"name": str(value)}
    number = int(value)
    said = {"v": str(number), "word": word(number)}
    if kind == "count":
        return said | {"n": said["v"], "names": _listed(CARS[:number])}
    return said | {"compact": f"{number}C"}


def entails(text: str, slot: str, value: Value) -> bool:
    """Whether one of the ways stands in a text, as words of their own."""
    said = _words(text)
    return any(_words(way) in said for way in ways(slot, value).values())


def facts(truth: Mapping[str, Value], slot: str) -> dict[str, str]:
    """The ways for a slot by their names, and those of the other slots with the slot before the name."""
    every = {f"{name}_{way}": said for name, value in truth.items() for way, said in ways(name, value).items()}
    if slot == "ev_count":
        every |= {"cars": "car", "are": "is"} if truth[slot] == 1 else {"cars": "cars", "are": "are"}
    if SLOTS[slot].kind == "date":
        every["weekday"] = date.fromisoformat(str(truth[slot])).strftime("%A")
    return every | ways(slot, truth[slot])


def _words(text: str) -> str:
    """Lower case, single spaces, no punctuation but what is inside of times and days; a space at both ends."""
    kept = "".join(each if each.isalnum() or each in ":/-" else " " for each in text.lower().replace("°c", " c"))
    return f" {' '.join(word.strip(':/-') for word in kept.split())} "


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _of_time(value: str) -> dict[str, str]:
    hour, minute = map(int, value.split(":"))
    dial, part = (hour - 1) % 12 + 1, "in the morning" if hour < 12 else "in the evening"
    figure, side = (f"{dial}:{minute:02d}" if minute else str(dial)), "AM" if hour < 12 else "PM"
    spoken = QUARTERS[minute].format(word(dial % 12 + 1 if minute == 45 else dial))
    return {
        "hhmm": value,
        "ampm": f"{figure} {side}",
        "pm": f"{figure}{side.lower()}",
        "spoken": f"{spoken} {part}",
        "half": f"{spoken.replace('half past', 'half')} {part}",
        "figures": f"{word(dial)}{' ' + word(minute) if minute else ''} {part}",
    }


def _of_date(day: date) -> dict[str, str]:
    month, number = day.strftime("%B"), day.day
    ending = "th" if 11 <= number <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return {
        "ymd": day.strftime("%Y/%m/%d"),
        "iso": day.isoformat(),
        "dmy": day.strftime("%d-%m-%Y"),
        "slash": day.strftime("%d/%m/%Y"),
        "long": f"{number} {month} {day.year}",
        "us": f"{month} {number}, {day.year}",
        "ordinal": f"the {number}{ending} of {month} {day.year}",
        "words": f"the {ordinal_word(number)} of {month} {day.year}",
        "bare": f"{number} {month}",
    }
