"""Simulated residents tell the truth; an interview with them is counted; a study of interviews goes on where it was."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.assistant.dialogue import begun, turn
from wattflock.assistant.extract import extract
from wattflock.assistant.interface_study import OF_RULES, Case, solved
from wattflock.assistant.interview import Setting, interview, keeps
from wattflock.assistant.kept import CHARGED, WARM, plan_keeps
from wattflock.assistant.models.scripted import Scripted
from wattflock.assistant.residents.resident import PAPER, PERSONAS, Resident, drawn, eve, sayings
from wattflock.assistant.residents.spoken import entails, facts, ordinal_word, ways, word
from wattflock.assistant.rules.filling import NOTHING
from wattflock.assistant.slots import SLOTS, problems
from wattflock.report.interface_page import by_setting
from wattflock.report.words import DASH
from wattflock.verbs import GROUPS, VERBS

TRUTH = {
    "date_start": "2020-02-12",
    "date_end": "2020-02-15",
    "ev_count": 2,
    "city": "Oxford",
    "ev_departure_time": "07:30",
    "ev_arrival_time": "18:45",
    "comfort_temp_min_c": 17,
    "comfort_temp_max_c": 24,
}

WRONG = {
    "nothing": {},
    "later out": {"ev_departure_time": "18:00", "ev_arrival_time": "07:00"},
    "earlier back": {"ev_arrival_time": "08:00", "ev_departure_time": "18:00"},
    "one car": {"ev_count": 1},
    "colder": {"comfort_temp_min_c": 15},
    "other days": {"date_start": "2020-02-11"},
    "no band": {"comfort_temp_min_c": 24},
}


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_sentence_entails_the_truth_and_there_are_twelve_for_each_slot(persona):
    more = {"car": "Kia Niro", "kids": "two"}
    for seed in range(5):
        truth = drawn(seed)
        assert not problems(truth) and tuple(truth) == PAPER
        for slot in PAPER:
            told = sayings()["say"][persona][slot]
            again = sayings()["again"][persona][SLOTS[slot].kind]
            said = [text.format_map(facts(truth, slot) | more) for text in (*told, *again)]
            assert len(set(told)) >= 12 and [text for text in said if not entails(text, slot, truth[slot])] == []


def test_ways_to_say_known_values():
    assert ways("ev_arrival_time", "18:45") == {
        "hhmm": "18:45", "ampm": "6:45 PM", "pm": "6:45pm", "spoken": "quarter to seven in the evening",
        "half": "quarter to seven in the evening", "figures": "six forty-five in the evening",
    }  # fmt: skip
    assert ways("ev_departure_time", "07:30")["half"] == "half seven in the morning"
    assert ways("date_end", "2020-02-22")["ordinal"] == "the 22nd of February 2020"
    assert (word(35), ordinal_word(12), ordinal_word(31), ordinal_word(20)) == (
        "thirty-five", "twelfth", "thirty-first", "twentieth",
    )  # fmt: skip
    assert entails("It is 17, dear.", "comfort_temp_min_c", 17) and not entails("At 17:30.", "comfort_temp_min_c", 17)


def test_read_backs_are_answered_truthfully():
    state, said = turn(begun(LEAVE := ("ev_departure_time",), today=eve(TRUTH)), None)
    state, said = turn(state, "half seven")
    assert state.asked == LEAVE and "07:30" in said
    assert turn(state, Resident("medium", TRUTH).answer(state, said))[0].values == {"ev_departure_time": "07:30"}
    refused = Resident("medium", TRUTH | {"ev_departure_time": "07:45"}).answer(state, said)
    assert turn(state, refused)[0].values in ({}, {"ev_departure_time": "07:45"}) and "07:45" in refused


def test_a_hard_resident_is_vague_or_strays_in_one_first_answer_of_three():
    state, said = turn(begun(("city",)), None)
    answers = [Resident("hard", TRUTH, seed).answer(state, said) for seed in range(300)]
    assert 70 < sum("Oxford" not in each for each in answers) < 140
    assert all("Oxford" in Resident("easy", TRUTH, seed).answer(state, said) for seed in range(20))


def test_a_model_speaks_for_a_resident_only_where_it_tells_the_truth():
    state, said = turn(begun(("city",)), None)
    for reply, kept in (("Well, Oxford I suppose!", True), ("London", False), ("Oxford " * 100, False)):
        words = Resident("easy", TRUTH, model=Scripted([reply])).answer(state, said)
        assert (words == reply) == kept and "Oxford" in words
    assert "Oxford" in Resident("easy", TRUTH, model=Scripted([])).answer(state, said)


def test_an_interview_of_a_resident_who_says_facts():
    asked, talk = interview(Resident("easy", TRUTH), OF_RULES["rules"])
    assert {each.slot: each.value for each in asked} == TRUTH
    assert sum(each.questions for each in asked) == len(talk) >= len(PAPER)


def test_settings_leave_out_what_their_names_say():
    def talks(name):
        return [interview(Resident("hard", drawn(seed), seed), OF_RULES[name]) for seed in range(4)]

    def read_backs(name):
        return sum(said.endswith("right?") for _, talk in talks(name) for said, _ in talk)

    assert 2 * read_backs("no-read-back") < read_backs("rules")  # what nobody asked for is still read back
    for name in ("no-clarification", "neither"):
        questions = {slot.question for slot in SLOTS.values()}
        asked = [Counter(said for said, _ in talk if said in questions) for _, talk in talks(name)]
        assert all(max(each.values()) == 1 for each in asked)
    assert max(each.questions for asked, _ in talks("rules") for each in asked) > 1
    assert any(each.value is None for asked, _ in talks("neither") for each in asked)


def test_a_form_is_told_everything_and_usual_values_hardly_anything(tmp_path):
    for seed in range(5):
        lines = {name: solved(Case("hard", seed, name), tmp_path)["slots"] for name in ("form", "usual")}
        assert all(line["right"] and line["questions"] == 1 for line in lines["form"])
        values, day = {line["slot"]: line["value"] for line in lines["usual"]}, eve(drawn(seed))
        assert (values["ev_count"], values["city"], values["comfort_temp_min_c"]) == (1, "Oxford", 18)
        assert values["date_start"] == (day + timedelta(1)).isoformat() and all(
            line["value"] for line in lines["usual"]
        )


def test_the_share_of_right_slots_says_how_far_other_residents_move_it():
    slots = pl.DataFrame({"persona": "hard", "method": "rules", "seed": [0, 0, 1, 1], "right": [1, 1, 1, 0]})
    slots = slots.with_columns(
        pl.lit(1.0).alias(name) for name in ("at_once", "asked_again", "wrong", "questions", "seconds")
    )
    assert by_setting(slots).rows[0].cells[2:4] == ["75.0", "49.0"]  # 1.96 × 0.3536 / √2
    assert by_setting(slots.head(2)).rows[0].cells[2:4] == ["100.0", DASH]


def test_a_slot_that_is_never_understood_does_not_hold_up_the_others():
    def deaf(utterance, asked, question, locale, today):
        found = extract(utterance, asked, question, locale, today)
        return {slot: NOTHING if slot == "date_start" else each for slot, each in found.items()}

    asked, _ = interview(Resident("easy", TRUTH), Setting(deaf))
    assert {each.slot: each.value for each in asked} == TRUTH | {"date_start": None}


def test_constraints_are_kept_by_values_that_are_as_strict_as_the_truth():
    assert all(keeps(TRUTH, TRUTH).values())
    strict = {"ev_departure_time": "07:00", "ev_arrival_time": "19:00", "comfort_temp_min_c": 18, "city": "London"}
    lost = [name for name, kept in keeps(TRUTH | strict, TRUTH).items() if not kept]
    assert lost == ["weather of its city"]
    loose = {"ev_departure_time": "07:45", "ev_arrival_time": "18:30", "comfort_temp_max_c": 25, "ev_count": 1}
    assert Counter(keeps(TRUTH | loose, TRUTH).values()) == {False: 4, True: 3}
    assert not any(keeps({}, TRUTH).values())


def test_a_plan_keeps_what_is_true_where_it_was_understood():
    kept = {name: plan_keeps(TRUTH | change, TRUTH) for name, change in WRONG.items()}
    assert {name: (each[CHARGED], each[WARM]) for name, each in kept.items()} == {
        "nothing": (True, True),
        "later out": (False, True),
        "earlier back": (False, True),
        "one car": (False, True),
        "colder": (True, False),
        "other days": (False, False),
        "no band": (False, False),
    }
    assert not any(plan_keeps({}, TRUTH).values())


def test_a_finished_interview_is_not_held_again(tmp_path):
    case = Case("hard", 3, "rules")
    assert (first := solved(case, tmp_path)) == solved(case, tmp_path)
    assert {line["slot"] for line in first["slots"]} == set(PAPER) and first["talk"]
    model = Case("hard", 3, "act", Scripted([]))
    assert model.file(tmp_path) != Case("hard", 3, "act").file(tmp_path)


def test_the_command_writes_tables_and_a_page(tmp_path):
    app = make_app(VERBS, GROUPS)
    done = CliRunner().invoke(app, ["study", "hems-interface", "--small", "--runs", str(tmp_path)])
    assert done.exit_code == 0, done.output
    folder = tmp_path / "study-hems-interface-small"
    slots = pl.read_csv(folder / "slots.csv")
    assert (
        slots.height == 2 * 2 * len(OF_RULES) * len(PAPER) and "Beside the paper" in (folder / "table.md").read_text()
    )
    assert (folder / "right.png").stat().st_size > 1000 and "<html" in (folder / "study.html").read_text()


def test_wrong_rows_and_settings_are_told_at_once(tmp_path):
    file = Path(tmp_path / "mine.toml")
    file.write_text('kind = "interview"\nabout = "x"\nseeds = 1\nmethods = ["ruels"]\n[rows.eesy]\nabout = "y"\n')
    done = CliRunner().invoke(make_app(VERBS, GROUPS), ["study", str(file), "--runs", str(tmp_path)])
    assert done.exit_code == 2 and "eesy" in done.output and "ruels" in done.output
    file.write_text('kind = "interview"\nabout = "x"\nseeds = 1\nmethods = ["act"]\n[rows.easy]\nabout = "y"\n')
    done = CliRunner().invoke(make_app(VERBS, GROUPS), ["study", str(file), "--runs", str(tmp_path)])
    assert done.exit_code == 2 and "with the rules some of rules, no-read-back" in " ".join(done.output.split())
    done = CliRunner().invoke(make_app(VERBS, GROUPS), ["study", "coalition", "--backend", "openai"])
    assert done.exit_code == 2 and "nobody is interviewed" in done.output


@pytest.mark.parametrize("persona, least", [("easy", 0.97), ("medium", 0.93), ("hard", 0.90)])
def test_the_rules_understand_enough_of_the_papers_eight(persona, least):
    asked = [
        each for seed in range(6) for each in interview(Resident(persona, drawn(seed), seed), OF_RULES["rules"])[0]
    ]
    assert sum(each.right for each in asked) / len(asked) >= least
