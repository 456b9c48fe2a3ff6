"""The second set of utterances is well formed, and its judge counts what its docstring says."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("judge_b", HERE / "judge_b.py")
assert SPEC and SPEC.loader
judge_b = sys.modules["judge_b"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(judge_b)
Score = judge_b.Score
LINES = [json.loads(line) for line in (HERE / "set_b.jsonl").read_text(encoding="utf-8").splitlines()]

TOLD = {"id": "x", "kind": "terse", "truth": {"ev_charger_kw": 7.4}, "clarified": {}, "ambiguous": {}}
UNTOLD = {"id": "x", "kind": "none", "truth": {}, "clarified": {}, "ambiguous": {}}
LATER = {"id": "x", "kind": "offtopic", "truth": {}, "clarified": {"ev_charger_kw": 7.4}, "ambiguous": {}}
EITHER = {"id": "x", "kind": "ambiguous", "truth": {}, "clarified": {"ev_charger_kw": 11}}
EITHER["ambiguous"] = {"ev_charger_kw": [7, 11]}


def reply(state, value=None, candidates=(), read_back=None):
    return {"value": value, "state": state, "candidates": list(candidates), "read_back": read_back}


def test_every_line_is_well_formed():
    assert len(LINES) == len({line["id"] for line in LINES}) == 160
    for line in LINES:
        final = {**line["clarified"], **line["truth"]}
        told = {*line["asked"], *line["truth"], *line["ambiguous"]}
        assert told == set(line["plain"]) <= set(judge_b.ASK_AGAIN), line["id"]
        assert not line["clarified"].keys() & line["truth"].keys(), line["id"]
        assert line["clarified"].keys() <= told, line["id"]
        for slot, candidates in line["ambiguous"].items():
            assert final[slot] in candidates and len(candidates) > 1, line["id"]


def test_every_slot_is_asked_about_as_often():
    counts = [sum(slot in line["plain"] for line in LINES) for slot in judge_b.ASK_AGAIN]
    assert min(counts) >= 9 and max(counts) <= 12


@pytest.mark.parametrize(
    ("line", "first", "again", "score"),
    [
        (TOLD, reply("filled", 7.36), None, (1, 1, 1, 0, 1)),
        (TOLD, reply("filled", 7.4, [7.4], "7.4 kW?"), None, (1, 1, 1, 0, 0)),
        (TOLD, reply("filled", 22), None, (1, 0, 0, 1, 0)),
        (TOLD, reply("filled", 22, [22, 7.4], "22 kW?"), None, (1, 0, 1, 0, 0)),
        (TOLD, reply("filled", 22, [22], "22 kW?"), None, (1, 0, 0, 0, 0)),
        (TOLD, reply("ambiguous", None, [{"value": 22}, {"value": 7.4}]), None, (1, 0, 1, 0, 0)),
        (TOLD, reply("ambiguous", None, [22, 11]), None, (1, 0, 0, 0, 0)),
        (TOLD, reply("unknown"), reply("filled", 7.4), (1, 0, 1, 0, 0)),
        (TOLD, reply("unknown"), reply("filled", 74), (1, 0, 0, 1, 0)),
        (TOLD, reply("unknown"), reply("unknown"), (1, 0, 0, 0, 0)),
        (UNTOLD, reply("unknown"), None, (1, 1, 1, 0, 1)),
        (UNTOLD, reply("filled", 7.4), None, (1, 0, 0, 1, 0)),
        (LATER, reply("unknown"), reply("filled", 7.4), (1, 1, 1, 0, 1)),
        (LATER, reply("unknown"), reply("unknown"), (1, 1, 0, 0, 1)),
        (EITHER, reply("ambiguous", None, [7, 11]), None, (1, 1, 1, 0, 1)),
        (EITHER, reply("filled", 7), None, (1, 0, 0, 1, 0)),
        (EITHER, reply("filled", 11), None, (1, 0, 1, 0, 0)),
    ],
)
def test_a_case_is_scored(line, first, again, score):
    assert judge_b.judge_slot(line, "ev_charger_kw", first, again or reply("unknown")) == Score(*score)


def test_what_is_stored_unread_in_a_slot_that_was_not_told_is_wrong():
    line = {**TOLD, "plain": {"ev_charger_kw": "7.4 kW"}, "also": {"ev_count": 1}}
    for value, wrong in ((1, 0), (50, 1)):
        scores = judge_b.judge_line(line, {"ev_count": reply("filled", value)}, {})
        assert scores["ev_count"] == Score(0, 0, 0, wrong)


def test_the_truth_told_back_scores_full_marks(tmp_path):
    finals = {f"{i['id']}:{slot}": value for i in LINES for slot, value in {**i["clarified"], **i["truth"]}.items()}
    answers = {
        line["id"]: {
            **{slot: reply("filled", value) for slot, value in line["truth"].items()},
            **{slot: reply("ambiguous", None, values) for slot, values in line["ambiguous"].items()},
        }
        for line in LINES
    } | {key: {key.split(":")[1]: reply("filled", value)} for key, value in finals.items()}
    (tmp_path / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    (tmp_path / "oracle.py").write_text(
        "import sys, pathlib\nassert sys.argv[4:] == ['--today', '2024-05-01']\npathlib.Path(sys.argv[3]).write_text("
        "(pathlib.Path(__file__).parent / 'answers.json').read_text())\n",
        encoding="utf-8",
    )
    by_slot, by_kind = judge_b.judge(LINES, [sys.executable, str(tmp_path / "oracle.py")])
    cases = sum(len(line["plain"]) for line in LINES)
    for scores in (by_slot, by_kind):
        total = Score()
        for score in scores.values():
            total.add(score)
        assert total == Score(cases, cases, cases, 0, cases)
    assert f"| **total** | {cases} | {cases} (100.0 %)" in judge_b.table(by_slot, "slot")
