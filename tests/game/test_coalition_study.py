"""A study of ways to share: every row and seed once, kept, in tables and a page."""

import polars as pl
import pytest

from wattflock.apps.render import shown
from wattflock.core.errors import ScenarioError
from wattflock.game import coalition_study
from wattflock.game.coalition_study import cases
from wattflock.game.sharing import METHODS
from wattflock.study.study_file import read
from wattflock.verbs.works import study

ROWS = """
kind = "coalition"
about = "Who gets what?"
scenario = "mixed"
seeds = 2
clusters = 2
methods = ["nucleolus", "nucleolus_clusters", "owen", "even"]

[common]
judge.test_days = 1

[rows.homes]
about = "homes of eight kinds"
counts = [3]
"""


def test_what_comes_with_the_package():
    plan = read("coalition")
    every = cases(plan, plan.expand())
    assert {case.scenario.homes.count for case in every} >= {5, 10, 14, 30, 100, 300, 1000}
    assert all(set(case.methods) <= set(METHODS) for case in every)
    for case in every:
        assert case.scenario.homes.seed == case.scenario.judge.seed == case.scenario.seed == case.settings.seed
        assert ("shapley" in case.methods) == (case.scenario.homes.count <= 16)
    assert len({case.file(coalition_study.Path()) for case in every}) == len(every)


def test_ways_to_share_that_are_none_are_refused(tmp_path):
    (tmp_path / "mine.toml").write_text(ROWS.replace('"owen"', '"owens"'))
    plan = read(str(tmp_path / "mine.toml"))
    with pytest.raises(ScenarioError, match="did you mean 'owen'"):
        cases(plan, plan.expand())


@pytest.mark.slow
def test_a_study_is_written_and_goes_on(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text(ROWS)
    found = study(str(tmp_path / "mine.toml"), runs=tmp_path)
    assert found.runs.height == 2 * 4 and found.table.height == 4
    owen = found.table.filter(pl.col("method") == "owen")
    assert owen["saving_kept"].to_list() == pytest.approx([1]) and (owen["excess"] <= 1e-6).all()
    folder = tmp_path / "study-mine"
    names = {path.name for path in folder.iterdir()}
    assert names >= {"lines.csv", "table.csv", "table.md", "study.html", "time.png", "excess.png", "cases"}
    assert "Paired differences" in (folder / "table.md").read_text()
    assert shown(found)

    monkeypatch.setattr(coalition_study, "outcome", None)  # nothing is shared again
    again = study(str(tmp_path / "mine.toml"), runs=tmp_path)
    assert again.runs.equals(found.runs)
