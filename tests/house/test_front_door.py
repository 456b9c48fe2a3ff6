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
    table = wf.load(changes={"data.settings": {"path": Path("a.csv")}, "data.part": "table"})
    assert table.data.settings["path"] == "a.csv"


@pytest.mark.slow
def test_a_policy_of_ones_own_is_judged_beside_the_uncontrolled_flock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = wf.evaluate(wf.load(changes=TINY), {"full": Full()})
    assert found.methods["method"].to_list() == ["idle", "full"]
    assert found.methods.filter(pl.col("method") == "full")["cost_per_home_day"].is_finite().all()
    assert all(chart.to_dict() for chart in found.figures.values())
    assert not list(tmp_path.iterdir())  # nothing is written unless a folder is named


@pytest.mark.slow
def test_a_learner_of_ones_own_needs_no_file_and_is_compared(tmp_path):
    scenario = wf.load(changes=TINY)
    found = wf.compare(scenario, {"mine": Mine(), "full": Full(), "installer": "rules"}, runs=tmp_path)
    pays = dict(found.methods.select("method", "cost_per_home_day").iter_rows())
    assert set(pays) == {"idle", "mine", "full", "installer", "bound"} and pays["mine"] == pays["full"]
    assert wf.read_run(runs=tmp_path).methods.equals(found.methods)
    assert found.figures["voltage"].to_dict() == wf.read_run(runs=tmp_path).figures["voltage"].to_dict()
    assert "mine" in found._repr_html_()
    with pytest.raises(KeyError, match="the figures are tradeoff, voltage"):
        _ = found.figures["wages"]


@pytest.mark.slow
def test_training_returns_a_policy_that_can_be_judged():
    scenario = wf.load(changes=TINY)
    trained = wf.train(scenario)
    assert (trained.method, trained.rounds, trained.checkpoint) == ("gradmap", 2, None)
    assert "gradmap" in wf.evaluate(scenario, {"gradmap": trained}).methods["method"].to_list()


@pytest.mark.slow
def test_made_homes_are_a_table():
    table = wf.generate(homes=2, days=7).table()
    assert table.height == 2 * 7 * 24 and {"home", "time", "load_kw", "pv_kw"} <= set(table.columns)
    with pytest.raises(wf.WattflockError, match="5, 15, 30 or 60"):
        wf.generate(resolution=7)


def test_a_feeder_is_kept_in_a_file_that_a_scenario_can_name(tmp_path):
    path = wf.write_feeder(wf.read_feeder("ieee13"), tmp_path / "mine.feeder")
    scenario = wf.load(changes={"feeder.part": "imported", "feeder.settings.file": path, "homes.count": 4})
    assert wf.build(scenario).chart.buses == wf.build(wf.load(changes=TINY)).chart.buses


@pytest.mark.study
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


class Wide(wf.Policy):
    """One action too many."""

    def __call__(self, memory, seen, key):
        return memory, jnp.ones((seen.features.shape[0], seen.fleet.controls + 1))


class Lost(wf.Policy):
    """No number."""

    def __call__(self, memory, seen, key):
        return memory, jnp.full((seen.features.shape[0], seen.fleet.controls), jnp.nan)


@pytest.mark.study
@pytest.mark.parametrize(("policy", "said"), [(Wide(), r"wrong: .*shape \(6, "), (Lost(), "wrong: .*not finite")])
def test_actions_of_another_shape_or_without_a_number_are_refused(policy, said):
    with pytest.raises(wf.WattflockError, match=said):
        wf.evaluate(wf.load(changes=TINY), {"wrong": policy})


class Lazy(Mine):
    """Asks for rounds and does nothing in them."""

    def rounds(self):
        return 3


@pytest.mark.study
def test_a_learner_that_has_no_round_to_give_is_refused_before_the_first():
    with pytest.raises(wf.WattflockError, match="lazy: asks for 3 rounds and has no `update`"):
        wf.train(wf.load(changes=TINY), Lazy())


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        ("rules", "a list of names"),
        ([], "at least one"),
        ({"mine": Full}, "a class of your own subclasses wf.Policy"),
        (["rules", Full()], "a class of your own subclasses"),
        ({"idle": Full()}, "that of a bundled learner is taken"),
        ({"rules": Mine()}, "that of a bundled learner is taken"),
    ],
)
def test_methods_that_are_none_are_refused_before_any_work(methods, said):
    with pytest.raises(wf.WattflockError, match=said):
        wf.compare(wf.load(changes=TINY), methods)


@pytest.mark.parametrize("wrong", [{"taps": "loose"}, {"limits": "eu"}, {"scale": float("nan")}, {"scale": -1.0}])
def test_a_snapshot_refuses_what_the_command_refuses(wrong):
    with pytest.raises(wf.WattflockError, match=next(iter(wrong))):
        wf.snapshot("ieee13", **wrong)


def test_a_file_that_changed_is_another_run(tmp_path):
    from wattflock.core.scenario import fingerprint

    path = tmp_path / "meters.csv"
    path.write_text("a")
    scenario = wf.load(changes={"data.part": "table", "data.settings.path": path})
    before = fingerprint(scenario)
    path.write_text("b")
    assert fingerprint(scenario) != before
