"""A scenario says everything at once: what is wrong, where, and what would be right."""

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattflock.core import toml
from wattflock.core.errors import ScenarioError
from wattflock.core.registry import interface, part
from wattflock.core.scenario import Scenario, bundled, differences, dump, fields, fingerprint, load, run_id
from wattflock.core.sections import Kind
from wattflock.core.settings import allowed, make, settings_model

CAR = 'homes.kinds=[{name="car", share=0.3, devices={ev={width_kw=[4, 6]}}}]'

pytestmark = pytest.mark.usefixtures("rooms")


@pytest.fixture
def write(tmp_path):
    def write(text: str):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


def problems(path, sets=()) -> dict[str, str]:
    """Field -> the line that a person reads."""
    with pytest.raises(ScenarioError) as caught:
        load(path, sets)
    return {problem.field: str(problem) for problem in caught.value.problems}


def test_the_demo_is_the_default():
    assert load() == load(bundled()["gradmap"])
    assert load().homes.count == 1000


def test_an_empty_file_is_the_default_study(write):
    scenario = load(write(""))
    assert scenario.name == "mine"
    assert scenario.homes == Scenario(name="mine").homes
    assert scenario.learn.settings == {"width_kw": 2.0, "hidden": [32, 32], "colour": "red"}


def test_flags_go_on_top(write):
    path = write("[learn]\nrounds = 3\n[learn.settings]\nwidth_kw = 4\n")
    sets = ["learn.rounds=200", "learn.settings.hidden=[16]", "name=other", CAR]
    scenario = load(path, sets)
    assert scenario.learn.rounds == 200
    assert scenario.learn.settings == {"width_kw": 4.0, "hidden": [16], "colour": "red"}
    assert scenario.name == "other"
    assert scenario.homes.kinds == (Kind(name="car", share=0.3, devices={"ev": {"width_kw": (4, 6)}}),)


def test_every_problem_is_told_at_once(write):
    path = write(
        'sed = 1\n[homes]\ncount = 0\nkinds = [{ name = "one", share = 0.4, devices = { batery = {}, '
        "panel = { wide = 3 }, ev = { width_kw = [5, 2] } } }]\n"
        '[learn]\npart = "gradmop"\nrouns = 3\n'
        '[market.settings]\nwidht_kw = 2\n[judge]\nmethods = ["idle", "ruls", "ddgp"]\n'
        '[learn.others.ddpg]\npart = "timer"\n'
    )
    found = problems(path, ["feeder.low_pu=abc", "judge.bound_days=2.5", "nonsense"])
    assert "did you mean 'seed'" in found["sed"]
    assert "at least 1" in found["homes.count"]
    assert "did you mean 'battery'" in found["homes.kinds.0.devices.batery"]
    assert "a field of panel, " in found["homes.kinds.0.devices.panel.wide"]
    assert "the least first" in found["homes.kinds.0.devices.ev.width_kw"]
    assert "did you mean 'gradmap'" in found["learn.part"]
    assert "did you mean 'rounds'" in found["learn.rouns"]
    assert "did you mean 'width_kw'" in found["market.settings.widht_kw"]
    assert "did you mean 'rules'" in found["judge.methods.1"]
    assert "did you mean 'ddpg'" in found["judge.methods.2"]
    assert found["feeder.low_pu"].startswith("--set feeder.low_pu=abc: ")
    assert "a whole number" in found["judge.bound_days"]
    assert "section.field=value" in found["--set"]
    assert len(found) == 13
    assert found["homes.count"].startswith(f"{path}: homes.count = 0; allowed: ")


def test_a_section_that_is_not_there_is_blamed_on_the_flag_that_made_it():
    (line,) = problems(None, ["homes.settings.battery=5"]).values()
    assert line.startswith("--set homes.settings.battery=5: homes.settings")


@pytest.mark.study
@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("data.dt_h=30", "30 looks like minutes: write 0.5"),
        ("data.dt_h=0.7", "whole steps"),
        ("data.noise_share=8", "8 looks like per cent: write 0.08"),
        ("data.load_high=0.5", "at least data.load_low, which is 0.8"),
        ("learn.settings.width_kw=5000", "5000 looks like watts: write 5"),
        ("learn.settings.width_kw=-1", "more than 0 and at most 10: how wide [kW]"),
        ("learn.settings.colour=green", "one of red, blue"),
        ("learn.settings.hidden=[1.5]", "a list, each a whole number"),
        ("learn.settings.table=1", "did you mean 'width_kw'|one of colour, hidden, width_kw"),
        ("homes.kinds=[{name='a', share=0.7}, {name='b', share=0.5}]", "these make 1.2"),
        ("homes.kinds=[{name='a', share=0.2}, {name='a', share=0.5}]", "a stands twice"),
        (
            "homes.kinds=[{name='a', share=0.7}, {name='a', share=0.5}]",
            "a stands twice; and shares that",
        ),
        ("homes.kinds=[{name='load only', share=0.5, devices={panel={}}}]", "names other than 'load only'"),
        ("homes.kinds=[]", "at least one has a device"),
        ("homes.kinds=[{name='a', share=1}]", "at least one has a device"),
        ("homes.kinds=[{name='a', share=40}]", "40 looks like per cent: write 0.4"),
        ("homes.kinds=[{name='a', share=1, devices={battery={width_kw=95}}}]", "more than 0 and at most 10"),
        ("homes.kinds=[{name='a', share=1, devices={battery={width_kw='big'}}}]", "a number more than 0"),
        ("homes.kinds=[{name='a', share=1, devices={battery={width_kw=[1, 2, 3]}}}]", "a list of two"),
        ("learn.rounds=true", "a whole number"),
        ("learn.rounds=inf", "a whole number"),
        ("feeder.high_pu=nan", "a number"),
        ("seed=-1", "at least 0"),
        ("name=My Study", "a-z, 0-9"),
        ("learn=3", "a section"),
        ("learn.part=3", "a text"),
        ("learn.settings=3", "a table"),
        ("judge.methods=[]", "a list, each a text"),
    ],
)
def test_a_bad_value_is_answered_with_what_is_allowed(flag, words):
    (line,) = problems(None, [flag]).values()
    assert any(word in line for word in words.split("|"))
    assert line.startswith(f"--set {flag}: ")


def test_a_missing_file_suggests_a_bundled_scenario(tmp_path):
    assert load(Path("gradmap")) == load()
    assert "did you mean 'gradmap'" in problems(Path("gradmop"))["file"]
    found = problems(tmp_path / "none.toml", ["learn.rounds=-1"])
    assert set(found) == {"file", "learn.rounds"}


def test_a_file_that_is_no_toml_is_told_by_line(write, tmp_path):
    found = problems(write("seed = 1\n[learn\nrounds = 3\n"), ["learn.rounds=-1"])
    assert "mine.toml:2: TOML = '[learn'" in found["TOML"]
    assert set(found) == {"TOML", "learn.rounds"}
    (tmp_path / "bytes.toml").write_bytes(b"name = '\xff'")
    assert "not UTF-8" in problems(tmp_path / "bytes.toml")["file"]
    assert "can be read" in problems(tmp_path)["file"]


def test_dump_loads_back_to_the_same(write):
    scenario = load(None, ["data.dt_h=0.0833", "data.homes_held_out=['a \"b\"', 'c']", "learn.settings.hidden=[]"])
    again = load(write(dump(scenario)))
    assert again == scenario
    assert run_id(again) == run_id(scenario)
    assert scenario.data.dt_h == 24 / 288


def test_the_run_is_named_by_all_that_decides_it(write):
    name = run_id(load())
    assert name == run_id(load()) == run_id(load(None, ["learn.settings.width_kw=2.0"]))
    assert name.startswith("gradmap-")
    assert name != run_id(load(None, ["learn.settings.width_kw=3"]))
    assert name != run_id(load(None, ["seed=1"]))
    assert run_id(load(write("[homes]\ncount = 5\n[learn]\nrounds = 2\n"))) == run_id(
        load(write("[learn]\nrounds = 2\n[homes]\ncount = 5\n"))
    )


@pytest.mark.parametrize(
    ("sets", "name"),
    [
        ([], "gradmap-"),
        (["learn.part=rules", "homes.count=300"], "rules-300homes-"),
        (["learn.part=rules", "learn.settings.width_kw=3"], "rules-"),
        (["learn.rounds=40"], "gradmap-40rounds-"),
        (["seed=3"], "gradmap-seed3-"),
        ([CAR], "gradmap-kinds-"),
        (["learn.settings.hidden=[8]", "data.dt_h=0.5"], "gradmap-dt_h0.5-hidden-"),
        (["homes.count=9", "seed=1", "feeder.low_pu=0.9", "data.fold=1"], "gradmap-9homes-seed1-more-"),
        (["name=mine", "homes.count=300"], "mine-"),
    ],
)
def test_the_name_of_a_run_says_what_was_changed(sets, name):
    scenario = load(None, sets)
    assert run_id(scenario) == name + fingerprint(scenario)


def test_a_fingerprint_is_what_it_always_was():
    canonical = json.dumps(json.loads(load().model_dump_json()), sort_keys=True, separators=(",", ":"))
    assert fingerprint(load()) == hashlib.sha256(canonical.encode()).hexdigest()[:10]
    assert fingerprint(load(), "market=Flat()") != fingerprint(load())


def test_differences_are_told_field_by_field():
    one, other = load(), load(None, ["seed=1", "learn.settings.width_kw=3"])
    assert differences(one, other) == {
        "seed": (0, 1),
        "learn.settings.width_kw": (2.0, 3.0),
    }  # fmt: skip
    assert differences(one, load()) == {}


def test_the_name_of_a_run_is_the_same_in_another_process():
    code = "from wattflock.core.scenario import Scenario, run_id; from wattflock.core.sections import Kind; "
    code += "print(run_id(Scenario(name='same')))"
    names = {
        subprocess.check_output([sys.executable, "-c", code], text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    }
    assert names == {run_id(Scenario(name="same")) + "\n"}


def test_a_part_is_made_from_its_settings():
    kind = part("learn", interface("learn"), "gradmap")
    made = make(kind, load(None, ["learn.settings.width_kw=4"]).learn.settings)
    assert (made.width_kw, made.hidden, made.table) == (4.0, (32, 32), None)
    assert set(settings_model(kind).model_fields) == {"width_kw", "hidden", "colour"}


def test_a_scenario_is_frozen():
    with pytest.raises(pydantic.ValidationError):
        load().homes.count = 3


def test_every_field_says_what_it_is():
    for name, field in fields().items():
        assert field.description, name
        assert allowed(field), name
    assert allowed(fields()["data.dt_h"]).startswith("a number at least 0.083 and at most 1: ")


scalars = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))
trees = st.dictionaries(
    st.text(st.characters(codec="utf-8")),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab. é"), inner, max_size=3),
    ),
    max_size=4,
)


@pytest.mark.study
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(trees)
def test_what_is_written_reads_back(tree):
    assert tomllib.loads(toml.write(tree)) == tree


OTHERS = """
[judge]
methods = ["idle", "gradmap", "wide", "timer"]
[learn.others.wide]
part = "gradmap"
settings = { width_kw = 4 }
"""


def test_one_learner_stands_in_a_table_under_several_settings(write):
    scenario = load(write(OTHERS), ["learn.settings.width_kw=3"])
    assert scenario.learn.named["gradmap"].settings["width_kw"] == 3
    assert scenario.learn.named["wide"].settings == {"width_kw": 4.0, "hidden": [32, 32], "colour": "red"}
    assert load(write(dump(scenario))) == scenario
    names = {fingerprint(scenario), fingerprint(load(write(OTHERS), ["learn.others.wide.settings.width_kw=5"]))}
    assert len(names) == 2


def test_problems_of_other_learners_are_told_with_their_place(write):
    worse = '[learn.others.worse]\npart = "gradmop"\n[learn.others.none]\nrounds = -1\n'
    found = problems(write(f'{OTHERS}{worse}[learn.others.odd]\npart = "gradmap"\nsettings = {{ widht_kw = 2 }}'))
    assert "did you mean 'gradmap'" in found["learn.others.worse.part"]
    assert "did you mean 'width_kw'" in found["learn.others.odd.settings.widht_kw"]
    assert {"learn.others.none.part", "learn.others.none.rounds"} <= found.keys()
    found = problems(write(f'{OTHERS}[learn.others."a b"]\npart = "rules"'), ["learn.others.gradmap.part=rules"])
    assert "other than learn.part (gradmap); not a b, gradmap" in found["learn.others"]
