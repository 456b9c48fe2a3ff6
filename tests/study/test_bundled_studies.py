"""The small version of every study of learners that comes with the package, as a person starts it."""

import numpy as np
import polars as pl
import pytest

from wattflock.report.study_tables import PARTS
from wattflock.study.study_file import read
from wattflock.verbs.results import Study
from wattflock.verbs.works import study


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", ["factored-critic", "p2p-clusters"])
def test_its_small_version_has_all_tables_and_pictures(name, tmp_path):
    found = study(name, small=True, runs=tmp_path)
    assert isinstance(found, Study)
    plan, folder = read(name).smaller(), tmp_path / f"study-{name}-small"
    assert set(found.runs["row"]) == {row.name for row in plan.expand()}
    swept = {row.sweep for row in plan.expand() if row.sweep}
    pictures = {
        *(f"curves-{row}.png" for row in plan.rows if row not in swept),
        *(f"scaling-{row}.png" for row in swept),
    }
    assert {path.name for path in folder.glob("*.png")} == pictures
    best = found.runs.filter(pl.col("method") == "bound")
    np.testing.assert_allclose(best["saving_captured"], 1)
    parts = found.runs.select(f"saving_{part}_per_home_month" for part in PARTS).sum_horizontal()
    np.testing.assert_allclose(parts, found.runs["saving_per_home_month"], atol=1e-6)
    text = (folder / "table.md").read_text()
    assert (
        "| reference | the reference is |" in text
        and "exponent of training" in text
        and "Share of the perfect-foresight" in text
    )
    assert ("| paper |" in text) == bool(plan.published)


@pytest.mark.slow
def test_the_small_study_of_a_shared_limit_has_its_claims_and_planners(tmp_path):
    found = study("fair-charging", small=True, runs=tmp_path)
    assert isinstance(found, Study)
    assert {"talmud", "ppo-set", "ppo-paper", "one_step"} <= set(found.runs["method"])
    assert found.runs["reward_per_episode"].is_not_null().all()
    text = (tmp_path / "study-fair-charging-small" / "table.md").read_text()
    assert "## Claims" in text
    assert "reward, over scenario-1" in text
