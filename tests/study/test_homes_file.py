"""`homes.file`: what a row says is built, what it does not say is drawn, and every wrong cell is told at once."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import fingerprint, load, load_to_run, run_id
from wattflock.core.types import on_device
from wattflock.learn.learners.rules import Installer
from wattflock.study.build import build
from wattflock.world.rollout import judge, rollout

KINDS = 'homes.kinds=[{name="roof", share=0.5, devices={battery={limit_kw=4}, panel={}}}, {name="car", share=0.5, \
devices={ev={size_kwh=[39, 41]}}}]'
GOOD = """home,terminal,kind,source,battery.size_kwh,panel.size_kwp,homes_per_agent
a,671.1.2,roof,B03,9.5,,4
b,,load only,,,,
c,634.1,car,,0,,

d,634.1,roof,B03,,"3,3",
"""
BAD = """home;bus;phases;kind;source;battery.size_kwh;panel.size_kwp;bat.size_kwh;battery.width_kw;colour
a;671;12;roof;B03;-9.5;;1;1;red
a;671;1;rof;B04;;x;;;
c;634;1;load only;B30;5;;;;
"""


@eqx.filter_jit
def judged(world, days):
    return judge(world, rollout(world, Installer(), days, jax.random.key(0), 2), days)


def scenario_of(tmp_path, text: str, count: int, *sets: str):
    file = tmp_path / "street.csv"
    file.write_text(text)
    return load(None, ["feeder.part=ieee13", f"homes.count={count}", f"homes.file={file}", KINDS, *sets])


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    return build(scenario_of(tmp_path_factory.mktemp("street"), GOOD, 4))


def test_homes_are_as_their_rows_say(street):
    world, devices = street.world, street.world.fleet.devices
    assert street.kinds == ("roof", "load only", "car", "roof")
    assert (street.terminals[0], *street.terminals[2:]) == ("671.1.2", "634.1", "634.1")
    np.testing.assert_array_equal(world.placement.sum(1), [4, 2, 2, 2])
    assert (devices["battery"].size_kwh[0], devices["panel"].size_kwp[3]) == (9.5, 3.3)
    assert (street.readings.homes[street.sampler.source["train"][0]], street.sampler.scale[0]) == ("B03", 1)


def test_what_rows_do_not_say_is_as_the_kind_has_it(street):
    devices = street.world.fleet.devices
    np.testing.assert_array_equal(devices["battery"].limit_kw, [4, 0, 0, 4])
    np.testing.assert_array_equal(devices["ev"].present, [0, 0, 1, 0])
    assert 39 <= devices["ev"].size_kwh[2] <= 41
    assert 4.2 <= devices["panel"].size_kwp[0] <= 9.8
    assert devices["panel"].size_kwp[1] == 0
    assert street.terminals[1] in street.world.feeder.terminals


def test_two_homes_may_be_one_that_was_measured(street):
    source = street.sampler.source
    for split in source.values():
        assert street.readings.homes[split[0]] == street.readings.homes[split[3]] == "B03"
    assert jnp.array_equal(source["train"], source["test"])


def test_every_wrong_cell_is_told_with_its_line(tmp_path):
    with pytest.raises(ScenarioError) as caught:
        build(scenario_of(tmp_path, BAD, 9, 'data.homes_held_out=["B04"]'))
    found = {(problem.where.rpartition("/")[2], problem.field): problem.allowed for problem in caught.value.problems}
    assert {key: found[key] for key in found if key[0] != "street.csv"}.keys() == {
        ("street.csv:3", "home"),
        ("street.csv:3", "kind"),
        ("street.csv:3", "source"),  # held out: nothing may learn from it
        ("street.csv:3", "bus, phases"),
        ("street.csv:2", "battery.size_kwh"),
        ("street.csv:3", "panel.size_kwp"),
        ("street.csv:4", "source"),
        ("street.csv:4", "battery.size_kwh"),
    }
    columns = [problem.value for problem in caught.value.problems if problem.field == "column"]
    assert columns == ["bat.size_kwh", "battery.width_kw", "colour"]
    assert found["street.csv", "homes.count"] == "as many as the file has rows: 3"
    assert "did you mean 'roof'" in found["street.csv:3", "kind"]
    assert found["street.csv:2", "battery.size_kwh"] == "a number at least 0: energy that it holds [kWh]"
    assert "a kind that has battery" in found["street.csv:4", "battery.size_kwh"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("terminal,bus\n671.1.2,671\n", "terminal, or bus and phases"),
        ("home\n", "as many as the file has rows: 0"),
        ("home,homes_per_agent\na,0\n", "a number more than 0"),
        ("home,bus,phases\na,99,1\n", "one of 611.3"),
    ],
)
def test_files_that_say_too_little_or_too_much(tmp_path, text, told):
    with pytest.raises(ScenarioError, match=told):
        build(scenario_of(tmp_path, text, 1))


def test_fields_of_a_row_that_do_not_belong_together_are_told(tmp_path):
    """A battery kept above 96 % and below the 95 % of its kind; the other home has none, and its cell is empty."""
    text = "home,kind,battery.low_share,battery.short_per_kwh\na,car,,\nb,roof,0.96,0.1\n"
    with pytest.raises(ScenarioError) as error:
        build(scenario_of(tmp_path, text, 2))
    found = {problem.field: str(problem) for problem in error.value.problems}
    assert "home 1: battery.low_share = 0.96" in found["battery.low_share"]
    assert "allowed: < battery.high_share, which is 0.95" in found["battery.low_share"]
    assert "<= battery.short_per_kwh" in found["battery.spare_per_kwh"]


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(ScenarioError, match=r"nowhere\.csv"):
        build(load(None, ["homes.file=nowhere.csv", "homes.count=3"]))


def test_the_content_of_the_file_is_part_of_the_name_of_a_run(tmp_path):
    scenario = scenario_of(tmp_path, GOOD, 4)
    before = fingerprint(scenario)
    (tmp_path / "street.csv").write_text(GOOD.replace("9.5", "9.6"))
    assert fingerprint(scenario) != before
    assert run_id(load(None, ["homes.file=street.csv"])).startswith("gradmap-filestreet.csv-")


@pytest.mark.slow
def test_the_order_of_rows_is_the_order_of_homes(tmp_path):
    """Rows that say all: the same homes in another order have the same days and results, in that order."""
    kinds = KINDS.replace("panel={}", "panel={size_kwp=5}").replace("limit_kw=4", "limit_kw=4, size_kwh=9")
    kinds = kinds.replace("size_kwh=[39, 41]", "size_kwh=40")
    head, *rows = """kind,terminal,source,panel.size_kwp
roof,671.1.2,B03,4
car,634.1,B01,
load only,675.3,B05,
roof,645.2,B02,8""".splitlines()
    order = np.array([2, 0, 3, 1])
    found = []
    for text in (rows, [rows[place] for place in order]):
        built = build(scenario_of(tmp_path, "\n".join([head, *text]), 4, kinds, "data.load_window_days=0"))
        days = eqx.filter_jit(lambda draw: draw.every(jax.random.key(0), "test", 2))(built.sampler)
        days = dataclasses.replace(days, start=0 * days.start + 0.5, ev_plugged=1 + 0 * days.ev_plugged)
        days = dataclasses.replace(days, ev_driving_kwh=0 * days.ev_driving_kwh)  # cars' trips are drawn by home
        world = on_device(built.world, "float32")
        found.append((built, judged(world, days)))
    (one, here), (other, there) = found
    assert [one.kinds[place] for place in order] == list(other.kinds)
    np.testing.assert_array_equal(one.world.kind[order], other.world.kind)
    np.testing.assert_array_equal(one.world.placement[order], other.world.placement)
    np.testing.assert_allclose(here.cost[..., order], there.cost, atol=1e-5)
    np.testing.assert_allclose(here.voltage_pu, there.voltage_pu, atol=1e-5)


def test_files_and_homes_that_are_not_there_are_told_with_all_other_problems(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('homes.file = "street.csv"\ndata.homes_held_out = ["B01", "B99"]\nlearn.rounds = -1\n')
    flags = ["feeder.part=imported", "feeder.settings.file=nowhere.feeder", "coordinator.limit.file=limits.csv"]
    with pytest.raises(ScenarioError) as error:
        load_to_run(path, flags)
    assert {(each.where, each.field) for each in error.value.problems} == {
        (str(path), "homes.file"),
        (f"--set {flags[1]}", "feeder.settings.file"),
        (f"--set {flags[2]}", "coordinator.limit.file"),
        (str(path), "learn.rounds"),
    }
    with pytest.raises(ScenarioError, match=r"data\.homes_held_out = 'B99'; allowed: one of B01, ") as error:
        load_to_run(path, ["learn.rounds=3", *flags])
    assert len(error.value.problems) == 4
    assert load_to_run(path, ["learn.rounds=3", "homes.file=", "data.homes_held_out=['B01']"]).homes.file == ""


def test_what_building_finds_is_told_at_once():
    """Readings, feeder and homes are looked at each by itself, whatever is wrong with the others."""
    wrong = ["data.part=table", "data.settings.path=a.csv", "feeder.part=imported", "feeder.settings.file=b.feeder"]
    with pytest.raises(ScenarioError) as error:
        build(load(None, wrong))
    assert [each.value for each in error.value.problems] == ["a.csv", "b.feeder"]
    with pytest.raises(ScenarioError) as error:
        build(load(None, ["homes.file=c.csv", "data.homes_held_out=['B99']"]))
    assert {each.field for each in error.value.problems} == {"file", "data.homes_held_out"}
