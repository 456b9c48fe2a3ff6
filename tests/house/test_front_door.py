"""`import wattflock as wf`: what it shows is there, costs nothing until it is used, and returns data."""

import ast
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import polars as pl
import pytest

import wattflock as wf

TINY = {"homes.count": 6, "homes.homes_per_agent": 300, "feeder.part": "ieee13", "judge.test_days": 2,
        "judge.bound_days": 1, "learn.rounds": 2}  # fmt: skip


class Full(wf.Policy):
    """Everything at full power."""

    def __call__(self, memory, seen, key):
        return memory, jnp.ones((seen.features.shape[0], seen.fleet.controls), seen.features.dtype)


class Mine(wf.Learner):
    """A learner that has no file."""

    def policy(self, state):
        return Full()


def test_the_window_shows_what_there_is():
    assert sorted(wf.__all__) == list(wf.__all__) == dir(wf)
    assert set(wf._MODULES) == set(wf.__all__)
    for name in wf.__all__:
        assert (getattr(wf, name).__doc__ or "").strip(), name


def test_checkers_of_types_see_the_same_places():
    tree = ast.parse(Path(wf.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == wf._MODULES


def test_importing_it_imports_no_numerics():
    heavy = "import sys, wattflock; print([m for m in ('jax', 'polars', 'numpy', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True).stdout == "[]\n"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = wf.lode


def test_changes_are_checked_like_flags():
    with pytest.raises(wf.WattflockError, match=r"homes\.cout = 3.*did you mean 'count'"):
        wf.load(changes={"homes.cout": 3})
    assert wf.load(changes={"judge.methods": ["idle"], "name": "a-b"}).judge.methods == ("idle",)


@pytest.mark.study
def test_a_policy_of_ones_own_is_judged_beside_the_uncontrolled_flock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = wf.evaluate(wf.load(changes=TINY), {"full": Full()})
    assert found.methods["method"].to_list() == ["idle", "full"]
    assert found.methods.filter(pl.col("method") == "full")["cost_per_home_day"].is_finite().all()
    assert not list(tmp_path.iterdir())  # nothing is written unless a folder is named


@pytest.mark.study
def test_a_learner_of_ones_own_needs_no_file_and_is_compared(tmp_path):
    scenario = wf.load(changes=TINY)
    found = wf.compare(scenario, {"mine": Mine(), "full": Full()}, runs=tmp_path)
    pays = dict(found.methods.select("method", "cost_per_home_day").iter_rows())
    assert set(pays) == {"idle", "mine", "full", "bound"} and pays["mine"] == pays["full"]
    assert wf.read_run(runs=tmp_path).methods.equals(found.methods)
    assert found.figures["voltage"].to_dict() == wf.read_run(runs=tmp_path).figures["voltage"].to_dict()
    assert "mine" in found._repr_html_()
    with pytest.raises(KeyError, match="the figures are tradeoff, voltage"):
        _ = found.figures["wages"]


@pytest.mark.study
def test_training_returns_a_policy_that_can_be_judged():
    scenario = wf.load(changes=TINY)
    trained = wf.train(scenario)
    assert (trained.method, trained.rounds, trained.checkpoint) == ("gradmap", 2, None)
    assert "gradmap" in wf.evaluate(scenario, {"gradmap": trained}).methods["method"].to_list()


def test_made_homes_are_a_table():
    table = wf.generate(homes=2, days=7).table()
    assert table.height == 2 * 7 * 24 and {"home", "time", "load_kw", "pv_kw"} <= set(table.columns)
    with pytest.raises(wf.WattflockError, match="5, 15, 30 or 60"):
        wf.generate(resolution=7)


def test_feeders_are_read_by_name_and_refused_by_name(tmp_path):
    shot = wf.snapshot("ieee13", taps="settle")
    assert bool(shot.snapshot.flow.converged) and shot.snapshot.settled
    assert shot.nodes.height == len(shot.snapshot.circuit.nodes) and list(shot.figures) == [
        "map",
        "profile",
        "snapshot",
    ]
    assert "kW" in shot._repr_html_()
    with pytest.raises(wf.WattflockError, match=r"no such file.*did you mean 'ieee123'"):
        wf.read_feeder("ieee124")
