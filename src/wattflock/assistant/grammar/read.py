"""All readings of an utterance at once: dates, quantities, times and lone numbers, none read twice."""

import re
from dataclasses import dataclass
from datetime import date

from wattflock.assistant.grammar.clock import clocks
from wattflock.assistant.grammar.dates import dates, spans
from wattflock.assistant.grammar.mention import DATE, Mention, disjoint, masked
from wattflock.assistant.grammar.quantity import lone_numbers, quantities
from wattflock.assistant.grammar.relative import moved_days
from wattflock.assistant.grammar.text import Text, text_of
from wattflock.assistant.grammar.words import MONTHS

AGES = re.compile(
    r"\b(?:son|daughter|mum|mom|dad|gran|nan|boy|girl|lad|kid|he|she|i)(?:'s|'m| is) (?P<old>[1-9]\d)\b"
    r"(?! ?(?:am|pm|o'clock|till|to|past|minutes|hours|:|-))|"
    r"\b(?:kids|children|boys|girls|sons|daughters|grandkids|twins) ?,? ?(?:aged |who are )?(?P<n>\d+(?: ?(?:,"
    r"|and|, and) \d+)*)\b(?! ?(?:am|pm|:|-))"
)


FULL_DATE = re.compile(
    rf"\b\d{{1,2}}(?: ?(?:st|nd|rd|th))?(?: of)? (?:{'|'.join(MONTHS)})\b(?: ?,? ?(?:19|20)\d\d\b)?"
    rf"|\b(?:{'|'.join(MONTHS)}) (?:the )?\d{{1,2}}(?: ?(?:st|nd|rd|th))?\b(?! ?(?::|am\b|pm\b))"
    r"(?: ?,? ?(?:19|20)\d\d\b)?"
    r"|\b(?:19|20)\d\d ?[-/.] ?\d{1,2} ?[-/.] ?\d{1,2}\b|\b\d{1,2} ?[-/.] ?\d{1,2} ?[-/.] ?(?:19|20)\d\d\b"
)


@dataclass(frozen=True)
class Answer:
    """An utterance and the question it answers; `today` is what dates count from."""

    text: Text
    question: str
    asked: tuple[str, ...]
    locale: str
    today: date

    @property
    def flat(self) -> str:
        """The normalised utterance."""
        return self.text.flat


def answer_of(utterance: str, question: str, asked: tuple[str, ...], locale: str, today: date) -> Answer:
    """An utterance made ready to be read."""
    return Answer(text_of(utterance, locale), question.lower(), asked, locale, today)


def ages(flat: str) -> list[Mention]:
    """ "Two kids, 5 and 7" and "I'm 67": numbers that are no times and no sizes."""
    return [Mention("age", (0,), *match.span("n" if match["n"] else "old")) for match in AGES.finditer(flat)]


def _full_dates(flat: str) -> list[Mention]:
    """Days with their month: their numbers are no times and no sizes."""
    return [Mention(DATE, ("",), *match.span()) for match in FULL_DATE.finditer(flat)]


def times_in(answer: Answer, bare: bool) -> list[Mention]:
    """Durations and times of the day; `bare` also reads lone hours."""
    units = [*quantities(answer.flat), *ages(answer.flat), *_full_dates(answer.flat)]
    told = clocks(masked(answer.flat, units), answer.locale)
    both = disjoint([*units, *told])
    lone = clocks(masked(answer.flat, both), answer.locale, bare=True) if bare else []
    return disjoint([*both, *lone])


def amounts_in(answer: Answer) -> list[Mention]:
    """Quantities with a unit, and numbers without one; no times of the day."""
    units = [*quantities(answer.flat), *ages(answer.flat), *_full_dates(answer.flat)]
    told = [each for each in clocks(masked(answer.flat, units), answer.locale) if _surely(each, answer)]
    both = disjoint([*units, *told])
    return disjoint([*both, *lone_numbers(masked(answer.flat, both))])


def _surely(clock: Mention, answer: Answer) -> bool:
    """Whether the words of a time cannot be a decimal number, such as 7.30, or two numbers in a row."""
    words = answer.flat[clock.start : clock.end]
    return ":" in words or any(
        mark in words for mark in ("am", "pm", "o'clock", "past", "quarter", "half", "noon", "night")
    )


def days_in(answer: Answer) -> list[Mention]:
    """Dates and spans of days."""
    found = dates(answer.flat, answer.locale, answer.today)
    found = moved_days(answer.flat, found, answer.asked == ("date_start",))
    return disjoint([*found, *spans(masked(answer.flat, found))])
