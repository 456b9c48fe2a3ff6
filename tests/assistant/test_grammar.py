"""Every minute of the day in every way to say it; quantities and dates against values worked out by hand."""

from datetime import date

import pytest

from tests.assistant.phrasings import phrasings
from wattflock.assistant.extract import extract
from wattflock.assistant.grammar.clock import shown
from wattflock.assistant.grammar.dates import reference
from wattflock.assistant.grammar.mention import CLOCK, ENERGY, POWER
from wattflock.assistant.grammar.read import amounts_in, answer_of, days_in, times_in
from wattflock.assistant.grammar.text import text_of
from wattflock.assistant.grammar.words import GERMAN_NUMBERS
from wattflock.assistant.residents.spoken import word

TODAY = date(2024, 5, 1)  # a Wednesday


def answer(words: str, locale: str = "en-GB"):
    return answer_of(words, "", (), locale, TODAY)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en-GB", "en-US", "de"])
def test_every_minute_in_every_way_to_say_it(locale):
    wrong = []
    for minute in range(1440):
        for words, meant in phrasings(minute, locale):
            found = [each for each in times_in(answer(f"it is {words}.", locale), bare=True) if each.kind == CLOCK]
            if [set(each.values) for each in found] != [meant]:
                wrong.append((words, [each.values for each in found], meant))
    assert not wrong


@pytest.mark.parametrize(
    ("words", "locale", "times"),
    [
        ("half five", "en-GB", ["05:30", "17:30"]),
        ("half five", "de", ["04:30", "16:30"]),
        ("twenty to six", "en-GB", ["05:40", "17:40"]),
        ("half eleven at night", "en-GB", ["23:30"]),
        ("quarter of eight", "en-US", ["07:45", "19:45"]),
        ("two at night", "en-GB", ["02:00"]),
        ("twelve at night", "en-GB", ["00:00"]),
        ("just after 8", "en-GB", ["08:00", "20:00"]),
        ("0730", "en-GB", ["07:30"]),
        ("7.30", "en-GB", ["07:30", "19:30"]),
        ("um halb acht abends", "de", ["19:30"]),
        ("dreiviertel acht", "de", ["07:45", "19:45"]),
    ],
)
def test_clock_phrases(words, locale, times):
    (found,) = times_in(answer(words, locale), bare=True)
    assert [shown(value) for value in found.values] == times


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("two strings of ten 400 W panels", [8]),
        ("twelve panels at 350 watts each", [4.2]),
        ("3,600 watts", [3.6]),
        ("62,5 kWh", [62.5]),
        ("thirteen and a half kilowatt hours", [13.5]),
        ("seven point four kW", [7.4]),
        ("an hour and a half", [90]),
        ("two and a half hours", [150]),
        ("2h15", [135]),
        ("1 hr 45 mins", [105]),
        ("half an hour", [30]),
        ("three quarters of an hour", [45]),
        ("68 °F", [20]),
        ("21 degrees C", [21]),
        ("three quarters full", [75]),
        ("eighty-five per cent", [85]),
        ("two hundred and forty miles at 4 miles per kWh", [240, 4]),
        ("15 kWh/100 km", [4.1425]),
    ],
)
def test_quantities(words, values):
    assert [each.value for each in amounts_in(answer(words))] == pytest.approx(values, rel=1e-4)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("five thousand one hundred twenty", 5.12),
        ("five thousand one hundred and twenty", 5.12),
        ("a thousand and five", 1.005),
        ("a thousand two hundred", 1.2),
        ("five thousand, one hundred and twenty", 5.12),
        ("twelve hundred and fifty", 1.25),
        ("twenty-one thousand and ninety-nine", 21.099),
        ("one hundred five thousand", 105),
        ("a hundred and five thousand two hundred", 105.2),
        ("5 thousand", 5),
        ("5 thousand 120", 5.12),
        ("5.12 thousand", 5.12),
        ("five point one two thousand", 5.12),
        ("five and a half thousand", 5.5),
        ("5,120", 5.12),
    ],
)
def test_thousands_in_words_before_and_after_the_unit(number, value):
    for words in (f"{number} watt hours", f"Watt-hours: {number}", f"It's {number} watthours, I think."):
        (found,) = amounts_in(answer(words))
        assert found.kind == ENERGY and found.value == pytest.approx(value, abs=1e-9), words
    for words in (f"{number} watts", f"in watts {number}"):
        (found,) = amounts_in(answer(words))
        assert found.kind == POWER and found.value == pytest.approx(value, abs=1e-9), words


def spelt(number: int, joined: str, german: bool = False) -> str:
    """A whole number below a million in words; `joined` stands before what is below a hundred."""
    if number < 100:
        return next(name for name, value in GERMAN_NUMBERS.items() if value == number) if german else word(number)
    scale, name = (
        (1000, "tausend" if german else " thousand") if number >= 1000 else (100, "hundert" if german else " hundred")
    )
    many, rest = spelt(number // scale, joined, german), number % scale
    between = "" if german else joined if rest < 100 else " "
    return many + name + (between + spelt(rest, joined, german) if rest else "")


def test_every_whole_number_in_words_is_read():
    for number in [*range(2, 1300), *range(1300, 1_000_000, 997)]:
        for joined in (" ", " and "):
            assert text_of(f"{spelt(number, joined)} kW", "en-GB").flat == f"{number} kw"
        assert text_of(f"{spelt(number, '', True)} kW", "de").flat == f"{number} kw"


def test_german_thousands_are_one_word():
    for words, value in (("fünftausendeinhundertzwanzig", 5.12), ("tausendundfünf", 1.005), ("zweihundert", 0.2)):
        assert [each.value for each in amounts_in(answer(f"{words} Wattstunden", "de"))] == [value]


def test_a_number_after_another_is_not_taken_unread():
    for words, sure in (
        ("20 watt hours", True),
        ("5120 20 watt hours", False),
        ("a thousand, 20 watt hours", False),
        ("17 and 20 watt hours", True),
    ):
        assert [each.exact for each in amounts_in(answer(words)) if each.kind == ENERGY] == [sure]


@pytest.mark.parametrize("weekday", ["", "Tuesday ", "Tuesday, ", "Tue, "])
@pytest.mark.parametrize(
    "question", ["Today is {}.", "Today: {}. When?", "It is {} today.", "The plan starts on {}.", "It is to start {}."]
)
def test_a_question_s_full_date_is_what_days_count_from(question, weekday):
    months = ("May 14, 2024", "May 14th 2024", "May the 14th, 2024", "May fourteenth, 2024", "05/14/2024")
    for told in ("14 May 2024", "14th May, 2024", "the 14th of May 2024", "2024-05-14", "14/05/2024", *months):
        said = question.format(weekday + told)
        assert reference(said, date(2026, 11, 28)) == date(2024, 5, 14), said


def test_today_counts_and_else_the_first_date_and_else_the_year():
    def day(words, locale="en-GB"):
        return reference(words, TODAY, locale).isoformat()

    assert day("Your plan of 1 March 2023 has ended. Today is May 4, 2023. What is the first day?") == "2023-05-04"
    assert day("The plan goes from June 1, 2026 to June 7, 2026.") == "2026-06-01"
    assert (day("Today is 03/05/2024"), day("Today is 03/05/2024", "en-US")) == ("2024-05-03", "2024-03-05")
    assert day("Heute ist Dienstag, der 14. Mai 2024.", "de") == "2024-05-14"
    assert day("What is the first day in 2027?") == "2027-01-01" and day("What is the first day?") == "2024-05-01"


@pytest.mark.parametrize(
    ("question", "words", "day"),
    [
        ("The plan starts on Monday 1 June 2026. When does it end?", "the Friday of that week", "2026-06-05"),
        ("The plan starts on Friday, June 5, 2026. When does it end?", "Friday of the same week", "2026-06-05"),
        ("When?", "From Monday 1 June 2026 to the Friday of that week", "2026-06-05"),
    ],
)
def test_that_week_is_the_week_of_the_day_before_it(question, words, day):
    assert extract(words, ("date_end",), question, today=TODAY)["date_end"].value == day


@pytest.mark.parametrize(
    ("words", "locale", "days"),
    [
        ("03/05/2024", "en-GB", ["2024-05-03"]),
        ("03/05/2024", "en-US", ["2024-03-05"]),
        ("3.5.2024", "de", ["2024-05-03"]),
        ("2024-02-29", "en-GB", ["2024-02-29"]),
        ("30/02/2024", "en-GB", []),
        ("the 3rd of May", "en-GB", ["2024-05-03"]),
        ("twenty-first of March", "en-GB", ["2025-03-21"]),
        ("3-5 May 2024", "en-GB", ["2024-05-03", "2024-05-05"]),
        ("May 3 through 5, 2024", "en-US", ["2024-05-03", "2024-05-05"]),
        ("the 3rd of February to the 6th", "en-GB", ["2025-02-03", "2025-02-06"]),
        ("tomorrow", "en-GB", ["2024-05-02"]),
        ("on Saturday", "en-GB", ["2024-05-04"]),
        ("next weekend", "en-GB", ["2024-05-11", "2024-05-12"]),
    ],
)
def test_dates(words, locale, days):
    assert [each.value for each in days_in(answer(words, locale))] == days


def test_next_friday_keeps_both():
    (found,) = days_in(answer("next Friday"))
    assert found.values == ("2024-05-10", "2024-05-03")


def test_a_quote_is_the_resident_s_own_words():
    text = text_of("Well — I’d say Quarter-past SEVEN, ok?", "en-GB")
    at = text.flat.index("quarter past 7")
    assert text.quote(at, at + len("quarter past 7")) == "Quarter-past SEVEN"
