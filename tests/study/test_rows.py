"""Rows of a study: what stands in the file is what `--set` would put, and every problem is told at once."""

from pathlib import Path

import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import fields, load, run_id
from wattflock.study.study_file import Plan, bundled, read

FILE = """
about = "how cheap?"
seeds = 3
{head}
[small]
rows = ["plain"]
seeds = 2
homes.count = 30
learn.settings.days = 2
[rows.plain]
about = "as it is"
seeds = 4
[rows.street]
about = "one street"
feeder.part = "european_lv"
homes.kinds = [{{ name = "car", share = 0.1, devices = ["ev"] }}]
learn.settings.hidden = [8, 8]
{more}
"""


def plan_of(folder: Path, head: str = "", more: str = "") -> Plan:
    path = folder / "mine.toml"
    path.write_text(FILE.format(head=head, more=more))
    return read(str(path))


def problems(work) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        work()
    return str(caught.value).splitlines()


def test_a_row_is_the_base_with_its_sets(tmp_path):
    (row,) = plan_of(tmp_path).expand(["street"])
    sets = ["name=mine-street", "feeder.part=european_lv", "homes.kinds=[{name='car', share=0.1, devices=['ev']}]"]
    assert row.scenarios[0] == load(None, [*sets, "learn.settings.hidden=[8, 8]"])
    assert (row.name, row.about, len(row.scenarios)) == ("street", "one street", 3)


def test_seeds_change_the_seed_and_nothing_else(tmp_path):
    for row in plan_of(tmp_path).expand():
        assert [each.seed for each in row.scenarios] == list(range(len(row.scenarios)))
        assert len({each.model_copy(update={"seed": 0}).model_dump_json() for each in row.scenarios}) == 1


def test_no_two_runs_of_a_study_share_a_folder():
    plan = read("gradmap")
    rows = [*plan.expand([name for name in plan.rows if known(plan, name)]), *plan.smaller().expand()]
    ids = [run_id(scenario) for row in rows for scenario in row.scenarios]
    assert len(ids) == len(set(ids))


def test_seeds_come_from_the_command_the_row_or_the_file(tmp_path):
    plan = plan_of(tmp_path)
    assert [len(row.scenarios) for row in plan.expand()] == [4, 3]
    assert [len(row.scenarios) for row in plan.expand(seeds=2)] == [2, 2]
    assert [len(row.scenarios) for row in plan.smaller().expand()] == [2]


def test_the_small_version_sets_on_top_of_the_rows(tmp_path):
    (row,) = plan_of(tmp_path, more="homes.count = 70").smaller().expand()
    assert (row.name, row.scenarios[0].name, row.scenarios[0].homes.count) == ("plain", "mine-small-plain", 30)
    assert row.scenarios[0].learn.settings["days"] == 2


def test_flags_come_on_top_of_everything(tmp_path):
    (row,) = plan_of(tmp_path).smaller().expand(sets=["homes.count=31"])
    assert row.scenarios[0].homes.count == 31


def test_every_problem_is_told_at_once(tmp_path):
    plan = plan_of(tmp_path, more="seeds = 0\nhomes.cout = 5\n[rows.third]\nlearn.part = 'gradmop'\nlern.rounds = 3")
    said = problems(lambda: plan.expand(sets=["judge.test_days=-1"]))
    for start, words in (
        ("study mine: rows.street: seeds = 0", "at least 1"),
        ("study mine: rows.street: homes.cout = 5", "did you mean 'count'"),
        ("study mine: rows.third: learn.part = 'gradmop'", "did you mean 'gradmap'"),
        ("study mine: rows.third: lern", "did you mean 'learn'"),
        ("--set judge.test_days=-1: ", "at least 0"),
    ):
        assert [line for line in said if line.startswith(start) and words in line], (start, said)
    assert len(said) == len(set(said)) == 5
    assert len(problems(lambda: plan.expand(["plane", "strete"], seeds=-1))) == 3


def test_a_file_that_is_no_study_is_told(tmp_path):
    assert "did you mean 'gradmap'" in problems(lambda: read("gradmop"))[0]
    said = problems(lambda: plan_of(tmp_path, head="seads = 4\nscenario = 3"))
    assert ["seads" in said[1], "scenario" in said[0], len(said)] == [True, True, 2]
    (tmp_path / "mine.toml").write_text("rows = [")
    assert "mine.toml:1" in problems(lambda: read(str(tmp_path / "mine.toml")))[0]


def test_a_small_version_that_is_not_there_is_told(tmp_path):
    plan = plan_of(tmp_path)
    assert (
        "did you mean 'plain'" in problems(plan.model_copy(update={"small": {"rows": ["plan"], "seeds": 1}}).smaller)[0]
    )
    assert len(problems(plan.model_copy(update={"small": {}}).smaller)) == 2


def test_a_feeder_file_that_is_not_there_is_named(tmp_path):
    there = tmp_path / "own.feeder"
    plan = plan_of(tmp_path, more=f'[rows.own]\nfeeder.part = "imported"\nfeeder.settings.file = "{there}"')
    assert [row.absent() for row in plan.expand()] == ["", "", str(there)]
    there.write_bytes(b"")
    assert [row.absent() for row in plan.expand()] == ["", "", ""]


@pytest.mark.parametrize("study", sorted(bundled()))
def test_what_comes_with_the_package_can_be_run(study):
    plan = read(study)
    rows = [row for name in plan.rows if known(plan, name) for row in plan.expand([name])]
    assert all(row.about and row.scenarios for row in rows)
    assert plan.smaller().expand()


def known(plan: Plan, name: str) -> bool:
    """Whether every field that a row sets is there."""
    sections = {key: value for key, value in plan.rows[name].items() if isinstance(value, dict)}
    return all(f"{section}.{field}" in fields() for section, table in sections.items() for field in table)
