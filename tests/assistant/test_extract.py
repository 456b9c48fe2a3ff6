"""Set A (each part written before the rules saw it, then used to tune them), and laws of every reading."""

import json

import pytest
from typer.testing import CliRunner

from tests.assistant import judge_a
from wattflock.apps.cli import make_app
from wattflock.assistant import facts
from wattflock.assistant.extract import extract
from wattflock.assistant.grammar.text import locale_of
from wattflock.assistant.rules.filling import AMBIGUOUS, FILLED, UNKNOWN
from wattflock.assistant.slots import SLOTS, notes, problems, usual
from wattflock.verbs import GROUPS, VERBS


def read(utterance, *asked, question="", locale="en-GB"):
    return extract(utterance, asked, question, locale, judge_a.TODAY)


@pytest.mark.slow
def test_set_a_stays_read():
    found = [verdict for _, verdict in judge_a.verdicts()]
    assert sum(each.right for each in found) >= 0.97 * len(found)
    assert sum(each.later for each in found) >= 0.985 * len(found)
    assert not any(each.silent for each in found)


def test_laws_of_every_reading():
    for row, found in zip(judge_a.rows(), judge_a.readings(), strict=True):
        for slot, filling in found.items():
            assert all(SLOTS[slot].accepts(each) for each in filling.candidates)
            assert filling.evidence in row["utterance"] or " / " in filling.evidence
            assert (filling.value is None) == (filling.state != FILLED)
            assert (len(filling.candidates) > 1) or filling.state != AMBIGUOUS
            if slot not in row["asked"] and filling.state == FILLED:
                assert filling.read_back


@pytest.mark.parametrize(
    "words",
    [
        "31/12/9999, for 5 days", "5 days after 9999-12-31", "in 99999999999 weeks", "99999 months from now",
        "99999999999 weeks after Friday", "99999999999 nights from Friday",
        "² hundred", "5 ² thousand watts", "14/05/2024 and 5",
    ],
)  # fmt: skip
def test_what_cannot_be_stops_no_reading(words):
    for asked in (tuple(SLOTS), ("date_end",), ("date_start", "date_end"), ("appliance_earliest_start",)):
        for slot, filling in read(words, *asked).items():
            assert all(SLOTS[slot].accepts(each) for each in filling.candidates)


@pytest.mark.parametrize("slot", list(SLOTS))
@pytest.mark.parametrize(
    "words", ["", "I don't know", "no idea", "??", "what do you mean?", "\x00\x00 ;;;", "e" * 9000]
)
def test_what_is_not_told_stays_unknown(slot, words):
    assert {filling.state for filling in read(words, slot).values()} == {UNKNOWN}


@pytest.mark.parametrize(
    ("words", "slot", "value"),
    [
        ("At my desk for nine, 45 min commute.", "ev_departure_time", "08:15"),
        ("Does 22 but in practice 7.4.", "ev_charger_kw", 7.4),
        ("Same plug as the kettle", "ev_charger_kw", 2.3),
        ("We had two, sold one.", "ev_count", 1),
        ("7, no, 7:30", "ev_departure_time", "07:30"),
    ],
)
def test_what_is_inferred_is_read_back(words, slot, value):
    filling = read(words, slot)[slot]
    assert filling.value == value
    assert filling.read_back and str(value) in filling.read_back


@pytest.mark.parametrize(
    ("words", "slot", "value"),
    [
        ("I leave at 07:10.", "ev_departure_time", "07:10"),
        ("18:30", "ev_arrival_time", "18:30"),
        ("64 kWh", "ev_battery_kwh", 64),
        ("No.", "home_battery_kwh", 0),
        ("Two.", "ev_count", 2),
        ("Oxford", "city", "Oxford"),
    ],
)
def test_what_is_plainly_told_needs_no_read_back(words, slot, value):
    filling = read(words, slot)[slot]
    assert (filling.value, filling.read_back) == (value, None)


@pytest.mark.parametrize(("tag", "family"), [("en-IE", "en-GB"), ("en_us", "en-US"), ("de-AT", "de"), ("fr", None)])
def test_a_language_tag_is_read_as_its_nearest_family(tag, family):
    assert locale_of(tag) == family


def test_another_locale_reads_another_time():
    assert read("half five", "ev_arrival_time")["ev_arrival_time"].value == "17:30"
    assert read("half five", "ev_arrival_time", locale="de")["ev_arrival_time"].value == "16:30"


def test_one_answer_fills_slots_that_nobody_asked_for_and_reads_them_back():
    found = read("At 7:30 am, and I'm back at 6 pm. We have 4 kWp of solar.", "ev_departure_time")
    assert (found["ev_departure_time"].value, found["ev_arrival_time"].value) == ("07:30", "18:00")
    assert found["pv_peak_kw"].value == 4 and found["pv_peak_kw"].read_back


def test_cross_checks():
    assert problems({"comfort_temp_min_c": 21, "comfort_temp_max_c": 18}) == [
        "the coldest temperature (21 °C) must be below the warmest (18 °C)"
    ]
    window = {"appliance_earliest_start": "23:00", "appliance_latest_end": "01:00", "appliance_duration_min": 150}
    assert problems(window) == ["the appliance runs 150 minutes, and there are only 120 from 23:00 to 01:00"]
    assert problems({"date_start": "2024-05-05", "date_end": "2024-05-03"})
    car = {"ev_battery_kwh": 60, "ev_charger_kw": 2.3, "ev_arrival_time": "20:00", "ev_departure_time": "06:00"}
    assert not problems(car | {"ev_target_soc_pct": 80})  # the plan has an offer for it
    (found,) = notes(car | {"ev_target_soc_pct": 80})
    assert "at most 38 % of 60 kWh" in found  # 10 h of 2.3 kW
    assert not problems({name: usual(name, {}, judge_a.TODAY) for name in SLOTS})
    assert problems({"ev_count": 1.5, "ev_arrival_time": "24:00"}) == [
        "ev_count is 1.5; allowed: 0 to 20",
        "ev_arrival_time is '24:00'; allowed: HH:MM, 00:00 to 23:59",
    ]


def test_tables_of_facts_are_in_range():
    for text in ("nissan leaf", "chevy bolt", "kia niro"):
        (car,) = facts.cars(text)
        assert all(SLOTS["ev_battery_kwh"].accepts(value) for value in car.values) and car.ac_kw > 3
    assert [city.name for city in facts.cities("from salt lake city to münchen")] == ["Salt Lake City", "Munich"]


def call(*words):
    return CliRunner().invoke(
        make_app(VERBS, GROUPS), ["assistant", "extract", *map(str, words)], prog_name="wattflock"
    )


def test_the_command_writes_every_slot_of_every_line(tmp_path):
    file, out = tmp_path / "some.jsonl", tmp_path / "read.json"
    some = judge_a.rows()[:40]
    file.write_text("\n".join(map(json.dumps, some)), encoding="utf-8")
    assert call(file, "--out", out, "--today", "2024-05-01").exit_code == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    assert list(written) == [row["id"] for row in some]
    assert set(written["a001"]) == set(SLOTS)
    assert written["a001"]["ev_departure_time"] == {
        "value": "07:30",
        "state": "filled",
        "candidates": ["07:30", "19:30"],
        "evidence": "Half seven",
        "read_back": "the car leaves at 07:30, right?",
    }


def test_the_command_refuses_a_day_that_nothing_can_be_counted_from(tmp_path):
    file = tmp_path / "in.jsonl"
    line = {"id": "a", "question": "", "asked": ["date_start"], "utterance": "tomorrow"}
    file.write_text(json.dumps(line), encoding="utf-8")
    result = call(file, "--today", "9999-12-31", "--out", tmp_path / "out.json")
    assert result.exit_code == 2 and "1900 to 2099" in " ".join(result.output.split())


def test_the_command_lists_every_faulty_line_and_writes_nothing(tmp_path):
    file, out = tmp_path / "in.jsonl", tmp_path / "out.json"
    good = {"id": "a", "question": "", "asked": ["city"], "utterance": "Oxford"}
    bad = [good | {"asked": ["citty"]}, good | {"locale": "fr"}, good | {"id": 3}, good, good]
    file.write_text("\n".join([*map(json.dumps, bad), "{"]), encoding="utf-8")
    result = call(file, "--backend", "rule", "--today", "May", "--out", out)
    assert result.exit_code == 2 and not out.exists()
    said = result.output
    for part in ("--backend", "--today", ":1: asked", "'city'", ":2: locale", ":3: id", ":5: id = 'a'", ":6: line"):
        assert part in said
