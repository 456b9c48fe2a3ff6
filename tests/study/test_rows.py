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


def test_a_seed_that_a_study_would_not_use_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match=r"seed=5.*--seeds N"):
        plan_of(tmp_path).expand(sets=["seed=5"])
    with pytest.raises(ScenarioError, match=r"seed = 5"):
        plan_of(tmp_path, more="seed = 5").expand()


def test_seeds_that_a_study_of_sharing_draws_are_refused():
    with pytest.raises(ScenarioError, match=r"homes\.seed = 5") as told:
        read("coalition").expand(["one-producer"], sets=["homes.seed=5", "judge.seed=1"])
    assert len(told.value.problems) == 2


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


def test_what_is_common_to_all_rows_stands_below_their_own(tmp_path):
    common = "[common]\nlearn.rounds = 30\nlearn.others.wide = { part = 'gradmap', settings = { hidden = [8] } }\n"
    rows = "[rows.more]\nlearn.rounds = 60\nlearn.others.wide.settings.days = 2"
    plan = plan_of(tmp_path, more=common + rows)
    (plain,), (more,) = (plan.expand([name]) for name in ("plain", "more"))
    plain, more = (row.scenarios[0].learn for row in (plain, more))
    assert (plain.rounds, more.rounds) == (30, 60)
    assert more.others["wide"].settings == plain.others["wide"].settings | {"days": 2}
    assert plan.model_copy(update={"rows": {"plain": {}}}).smaller().expand()[0].scenarios[0].learn.rounds == 30


def test_a_row_with_another_part_has_its_settings_alone(tmp_path):
    base = tmp_path / "base.toml"
    base.write_text('[market]\npart = "mid_market"\nsettings = { peak_per_kwh = 0.1, export_share = 0.3 }')
    rows = "[rows.alone]\nmarket.part = 'tariff'\nmarket.settings = { export_share = 0.5 }\n"
    rows += "[rows.same]\nmarket.settings = { export_share = 0.5 }"
    plan = plan_of(tmp_path, head=f'scenario = "{base}"', more=rows)
    (alone,), (same,) = (plan.expand([name]) for name in ("alone", "same"))
    assert alone.scenarios[0].market.settings["export_share"] == 0.5
    assert [same.scenarios[0].market.settings[name] for name in ("peak_per_kwh", "export_share")] == [0.1, 0.5]


def test_a_row_of_several_numbers_of_homes_is_one_row_for_each(tmp_path):
    plan = plan_of(tmp_path, more="[rows.size]\nabout = 'how long?'\ncounts = [2, 5]\nseeds = 1")
    found = plan.expand(["size"])
    assert [(row.name, row.sweep, row.names) for row in found] == [
        ("size-2", "size", ("size-2", "size")), ("size-5", "size", ("size-5", "size")),
    ]  # fmt: skip
    assert [row.scenarios[0].homes.count for row in found] == [2, 5]
    assert [row.scenarios[0].name for row in found] == ["mine-size-2", "mine-size-5"]
    small = plan.model_copy(update={"small": {"rows": ["size"], "seeds": 1, "counts": [3]}})
    assert [row.name for row in small.smaller().expand()] == ["size-3"]
    assert "at least 1" in problems(plan_of(tmp_path, more="[rows.size]\ncounts = [0]").expand)[0]


PAPER = """
[[published]]
paper = "38.9"
source = "somebody"
quantity = "{quantity}"
row = "{row}"
method = "{method}"
over = "{over}"
"""


def test_a_published_figure_names_what_there_is(tmp_path):
    good = {"quantity": "train_seconds", "row": "plain", "method": "gradmap", "over": "idle"}
    plan = plan_of(tmp_path, more=PAPER.format(**good))
    assert plan.expand() and len(plan.smaller().published) == 1
    bad = {"quantity": "train_second", "row": "plain", "method": "gradmop", "over": "idel"}
    said = problems(plan_of(tmp_path, more=PAPER.format(**bad) + PAPER.format(**good | {"row": "plane"})).expand)
    hints = ["train_seconds", "gradmap", "idle", "plain"]
    assert sorted(hint for hint in hints for line in said if f"did you mean {hint!r}" in line) == sorted(hints)
    elsewhere = plan_of(tmp_path, more=PAPER.format(**good | {"row": "street"})).smaller()
    assert elsewhere.published == ()


@pytest.mark.slow
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
