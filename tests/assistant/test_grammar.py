"""Every minute of the day in every way to say it; quantities and dates against values worked out by hand."""

from datetime import date

import pytest

from tests.assistant.phrasings import phrasings
from wattflock.assistant.grammar.clock import shown
from wattflock.assistant.grammar.mention import CLOCK
from wattflock.assistant.grammar.read import amounts_in, answer_of, days_in, times_in
from wattflock.assistant.grammar.text import text_of

TODAY = date(2024, 5, 1)  # a Wednesday


def answer(words: str, locale: str = "en-GB"):
    return answer_of(words, "", (), locale, TODAY)


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
