"""What the rules work out: sums, shares, corrections, days and times told by others; all of it is read back."""

from datetime import date

import pytest

from tests.assistant import judge_a
from wattflock.assistant.extract import extract
from wattflock.assistant.grammar.holidays import easter, next_named
from wattflock.assistant.grammar.spelling import mended, slips_between
from wattflock.assistant.rules.filling import AMBIGUOUS, FILLED, UNKNOWN

WORKED_OUT = [
    ("Two packs, 38.5 each.", "ev_battery_kwh", 77),
    ("State of health is 92%, and it was a 75 kWh pack.", "ev_battery_kwh", 69),
    ("Last charge put in 30 kWh and took it from 20 to 80 percent.", "ev_battery_kwh", 50),
    ("It puts 21 kWh in over three hours.", "ev_charger_kw", 7),
    ("7 kW. Er, 3.6, I've just looked at the label.", "ev_charger_kw", 3.6),
    ("LFP, 48 V, 200 Ah.", "home_battery_kwh", 9.6),
    ("A 9.5 and a 5.2 next to it.", "home_battery_kwh", 14.7),
    ("10 panels on the front and 6 on the back, all 380 watt.", "pv_peak_kw", 6.08),
    ("Two strings of eight, 435 W a panel.", "pv_peak_kw", 6.96),
    ("240 miles of its 300 would do me.", "ev_target_soc_pct", 80),
    ("Leave me a fifth empty.", "ev_target_soc_pct", 80),
    ("On at 1 and done by 3:20.", "appliance_duration_min", 140),
    ("Two hours, well, two and a half with the drying.", "appliance_duration_min", 150),
    ("Must be finished an hour before the alarm, which goes at 6:30.", "appliance_latest_end", "05:30"),
    ("Out at 8 in the morning and gone for nine and a half hours.", "ev_arrival_time", "17:30"),
    ("19, and you can let it drop two degrees below that.", "comfort_temp_min_c", 17),
    ("Between 19 and 24, sorry, 20 and 24.", "comfort_temp_min_c", 20),
    ("A fortnight from Monday.", "date_start", "2024-05-20"),
    ("The Monday after Memorial Day.", "date_start", "2024-06-03"),
    ("Straight after the bank holiday on Monday.", "date_start", "2024-05-07"),
    ("Till the end of next week.", "date_end", "2024-05-12"),
    ("The last day of June.", "date_end", "2024-06-30"),
    ("Had three, the lease ended on one.", "ev_count", 2),
    ("Edinborough", "city", "Edinburgh"),
]


def read(words: str, slot: str):
    return extract(words, (slot,), "", "en-GB", judge_a.TODAY)[slot]


@pytest.mark.parametrize(("words", "slot", "value"), WORKED_OUT)
def test_what_is_worked_out_is_read_back(words, slot, value):
    filling = read(words, slot)
    assert filling.state == FILLED and judge_a.same(filling.value, value) and filling.read_back


@pytest.mark.parametrize(
    ("words", "slot", "values"),
    [
        ("17 or 18.", "comfort_temp_min_c", {17, 18}),
        ("An hour or two.", "appliance_duration_min", {60, 120}),
        ("The 10th or the 11th.", "date_start", {"2024-05-10", "2024-05-11"}),
        ("9 or 10 in the evening", "appliance_earliest_start", {"21:00", "22:00"}),
    ],
)
def test_one_of_two_is_a_question(words, slot, values):
    filling = read(words, slot)
    assert filling.state == AMBIGUOUS and set(filling.candidates) == values


@pytest.mark.parametrize(
    ("words", "slot"),
    [
        ("There are some on the roof, the previous owners put them in.", "pv_peak_kw"),
        ("Whatever came with the house.", "ev_charger_kw"),
        ("Enough to get to my mum's and back.", "ev_target_soc_pct"),
        ("Once the new boiler's in.", "date_start"),
    ],
)
def test_what_tells_nothing_is_not_guessed(words, slot):
    assert read(words, slot).state == UNKNOWN


def test_other_numbers_of_an_answer_are_candidates_and_not_silent():
    filling = read("The panels are 4.2 and something else is 3.", "pv_peak_kw")
    assert filling.state == AMBIGUOUS or filling.read_back


def test_slips_of_spelling_are_mended_and_right_words_are_not():
    slips = {"qaurter": "quarter", "sevn": "seven", "tommorow": "tomorrow", "hlaf": "half", "leaff": "leaf"}
    assert {word: mended(word) for word in slips} == slips
    for word in ("there", "change", "match", "night", "house", "nice", "wants", "present", "result", "fifth"):
        assert mended(word) == word
    assert [slips_between("abcd", other) for other in ("abcd", "abdc", "abc", "xbcde")] == [0, 1, 1, 2]


def test_days_with_a_name():
    assert [easter(year) for year in (2024, 2025, 2038)] == [  # Meeus, chapter 8
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2038, 4, 25),
    ]
    assert next_named("thanksgiving", date(2024, 5, 1)) == date(2024, 11, 28)
    assert next_named("bank holiday", date(2024, 5, 7)) == date(2024, 5, 27)


def test_after_two_clarifications_the_truth_is_stored():
    """A sample of set A; the resident says yes, no, or the value when asked again."""
    alone = [row for row in judge_a.rows() if len(row["expected"]) == len(row["asked"]) == 1]
    told = [row for row in alone if "value" in next(iter(row["expected"].values()))][::9]
    found = [judge_a.interviewed(row, wordy) for row in told for wordy in (False, True)]
    assert found.count(False) == 0
    assert found.count(True) >= 0.97 * len(found)
