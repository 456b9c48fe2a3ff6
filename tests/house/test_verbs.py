"""The real commands, as a person types them; one tiny study is run and looked at from all sides."""

import contextlib
import json
import math
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from tests.report.test_day import balance, carried
from wattflock.apps.cli import make_app
from wattflock.core.run_files import read_summary
from wattflock.edge.card import read as read_box
from wattflock.verbs import GROUPS
from wattflock.verbs import VERBS as EVERY_VERB

APP = make_app(EVERY_VERB, GROUPS)
VERBS = ("demo", "train", "tune", "evaluate", "compare", "parts", "explain", "runs", "study")
TINY = (
    "homes.count=20", "homes.homes_per_agent=30", "learn.rounds=10", "judge.test_days=4", "judge.bound_days=1",
    "learn.settings={days=2, epochs=1, hidden=[8]}", "judge.methods=['rules', 'gradmap']",
)  # fmt: skip
FIGURES = {
    "cost_per_home_day", "saving_captured", "violation_pu_h", "violated_share", "worst_pu",
    "comfort_violation_c_h", "co2_kg_per_home_day", "peak_kw", "train_seconds",
}  # fmt: skip
TABLES = ("steps", "homes", "nodes", "days", "examples", "curves", "worst_day")


def wattflock(*words: object, folder: Path = Path()):
    """Runs a command in a folder, 200 columns wide, in this process: what it compiles is compiled once for all."""
    with contextlib.chdir(folder):
        return CliRunner(env={"COLUMNS": "200"}).invoke(APP, list(map(str, words)))


def sets(*more: str) -> list[str]:
    return [word for each in (*TINY, *more) for word in ("--set", each)]


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> tuple[Path, Path]:
    """A finished comparison: the folder of runs, and the run."""
    folder = tmp_path_factory.mktemp("verbs")
    result = wattflock("compare", *sets(), folder=folder)
    assert result.exit_code == 0, result.stderr
    (run,) = (folder / "runs").iterdir()
    return folder, run


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_shows_its_example(verb):
    result = wattflock(verb, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.stdout
    assert f"wattflock {verb}" in result.stdout.partition("Example:")[2]


def test_parts_lists_every_room():
    result = wattflock("parts")
    assert result.exit_code == 0
    for words in ("california", "heat_pump", "ieee123", "tariff", "gradmap", "through"):
        assert words in result.stdout
    assert "gradmap" not in wattflock("parts", "--room", "homes").stdout
    wrong = wattflock("parts", "--room", "home")
    assert (wrong.exit_code, "did you mean 'homes'" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("minutes", ["-3", "nan"])
def test_minutes_are_not_negative(minutes, tmp_path):
    result = wattflock("train", "--minutes", minutes, folder=tmp_path)
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert result.stderr == f"wattflock: --minutes = {float(minutes)}; allowed: 0 or more [min]\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gradmap", "learn.settings.trust ="),
        ("battery", "size_kwh"),
        ("tariff", "export_share"),
        ("ieee123", "(feeder)"),
        ("california", "colder_c"),
        ("learn.rounds", "whole number"),
        ("judge.bound_days", "perfect-foresight"),
        ("saving_captured", "achievable saving"),
        ("captured", "saving_captured: "),
        ("violation", "violation_pu_h: "),
        ("feeder", "feeder.unbalance = 0.03\n"),
        ("export_share", "market.settings.export_share = 1.0: a number"),
        ("market.settings.export_share", "(mid_market)"),
        ("observation", "  outdoor temperature [°C]: offset 10, scale 10\n"),
        ("observation", "battery:\n  energy stored [share of size_kwh]: offset 0.5, scale 0.5\n"),
        *((figure, "") for figure in sorted(FIGURES)),
    ],
)
def test_explain_says_what_a_name_means(name, words):
    from wattflock.verbs.explain import explanation

    assert words in explanation(name)
    assert len(explanation(name)) > 20


def test_explain_shows_every_default_as_a_person_would_write_it():
    from wattflock.core.registry import ROOMS, interface, parts
    from wattflock.core.scenario import load
    from wattflock.verbs.explain import explanation

    said = {name: explanation(name) for room in ROOMS for name in parts(room, interface(room))}
    assert [name for name, text in said.items() if "Pydantic" in text] == []
    assert "data.settings.columns = {}" in said["table"]
    kinds = explanation("homes.kinds").splitlines()[0].replace(" = [", "=[", 1)  # as `--set` takes it
    assert load(None, [kinds]) == load()


def test_explain_suggests_the_nearest_name():
    assert "size_kwh" in wattflock("explain", "battery").stdout
    result = wattflock("explain", "gradmop")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean 'gradmap'" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bad_scenario_is_told_before_anything_is_written(tmp_path):
    result = wattflock("compare", "--set", "homes.count=0", "--set", "learn.part=gradmop", folder=tmp_path)
    assert result.exit_code == 2
    assert "--set homes.count=0: " in result.stderr
    assert "did you mean 'gradmap'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_runs_yet(tmp_path):
    result = wattflock("runs", folder=tmp_path)
    assert result.exit_code == 0
    assert "No runs yet" in result.stdout


def test_a_run_that_is_not_there_is_told(tmp_path):
    result = wattflock("evaluate", "nothing", folder=tmp_path)
    assert result.exit_code == 2
    assert "0 runs begin so" in result.stderr


@pytest.mark.slow
def test_a_study_writes_all_that_the_report_needs(study):
    _, run = study
    names = {file.relative_to(run).as_posix() for file in run.rglob("*") if file.is_file()}
    expected = {"scenario.toml", "summary.json", "chart.json", "report.html", "checkpoints/gradmap.safetensors"}
    assert expected <= names
    assert {f"{table}.parquet" for table in TABLES} <= names
    assert len([name for name in names if name.endswith(".png")]) >= 4
    assert not [name for name in names if Path(name).name.startswith(".")]


@pytest.mark.study
def test_the_summary_says_what_it_must(study):
    summary = read_summary(study[1])
    assert summary["homes"] == 20
    assert summary["homes_on_feeder"] == 600
    assert summary["test_days"] == 4
    assert summary["scenario"]["learn"]["rounds"] == 10
    assert set(summary["methods"]) == {"idle", "rules", "gradmap", "bound"}
    for name, method in summary["methods"].items():
        assert set(method) >= FIGURES, name
        values = {figure: method[figure] for figure in FIGURES - {"train_seconds", "saving_captured"}}
        assert all(math.isfinite(value) for value in values.values()), name
        assert method["saving_captured"] is None or name == "bound", "not all of its days have a bound"
    planned = summary["on_bound_days"]
    assert planned["idle"]["saving_captured"] == pytest.approx(0, abs=1e-9)
    assert planned["bound"]["saving_captured"] == pytest.approx(1, abs=0.02)
    assert planned["gradmap"]["days"] == 1 and math.isfinite(planned["gradmap"]["saving_captured"])
    assert summary["methods"]["gradmap"]["rounds"] == 10


@pytest.mark.study
def test_its_tables_have_a_row_for_each_thing(study):
    tables = {name: pl.read_parquet(study[1] / f"{name}.parquet") for name in TABLES}
    rows = {name: table.group_by("method").len().rows_by_key("method") for name, table in tables.items()}
    for method, days in (("idle", 4), ("rules", 4), ("gradmap", 4), ("bound", 1)):
        assert rows["steps"][method] == [(24 * days,)]
        assert rows["homes"][method] == [(20 * days,)]
        assert rows["days"][method] == [(days,)]
    assert tables["steps"]["converged"].all()


@pytest.mark.study
def test_the_figures_are_those_of_the_tables(study):
    summary = read_summary(study[1])["methods"]
    homes, steps = (pl.read_parquet(study[1] / f"{name}.parquet") for name in ("homes", "steps"))
    for method in ("idle", "rules", "gradmap"):
        own_homes, own_steps = (table.filter(pl.col("method") == method) for table in (homes, steps))
        assert summary[method]["cost_per_home_day"] == pytest.approx(own_homes["cost"].mean())
        assert summary[method]["violation_pu_h"] == pytest.approx(own_steps["violation_pu_h"].sum() / 4)
        assert summary[method]["peak_kw"] == pytest.approx(own_steps["net_kw"].max())


@pytest.mark.study
def test_the_worst_day_is_kept_step_by_step_and_its_flows_balance(study):
    """Load and what devices draw, less what they give, is what meters and feeder draw; in the run and in its page."""
    tables = {name: pl.read_parquet(study[1] / f"{name}.parquet") for name in ("days", "steps", "worst_day")}
    idle = tables["days"].filter(method="idle").sort("violation_pu_h", pl.max_horizontal("peak_kw", "reverse_peak_kw"))
    worst = tables["worst_day"]
    assert worst["day"].unique().to_list() == [idle["day"].item(-1)] and worst["date"].item(0) == idle["date"].item(-1)
    judged = tables["days"].filter(day=worst["day"].item(0))["method"]
    assert worst["method"].unique(maintain_order=True).to_list() == judged.to_list()
    for method in judged:
        mine = worst.filter(method=method)
        steps = tables["steps"].filter(method=method, day=worst["day"].item(0)).sort("step")
        flows = {of: mine.filter(of=of, unit="kW") for of in ("home", "all")}
        assert flows["home"]["name"].n_unique() == 20
        for of, table in flows.items():
            sums = table.with_columns(sign=pl.when(series="net").then(-1).otherwise(1)).explode("values")
            place = pl.int_range(pl.len()).over("name", "series")
            left = (
                sums.with_columns(place=place).group_by("name", "place").agg((pl.col("sign") * pl.col("values")).sum())
            )
            assert left["sign"].abs().max() < 0.01, of
        np.testing.assert_allclose(
            flows["all"].filter(series="net")["values"].item(), steps["net_kw"], rtol=1e-6, atol=1e-3
        )
        volts = np.array(mine.filter(of="node")["values"].to_list())
        np.testing.assert_allclose(volts.min(0), steps["voltage_min_pu"], atol=1e-5)
    head, packs = carried((study[1] / "report.html").read_text())
    assert head["date"] == worst["date"].item(0)
    assert max(each.max() for each in balance(head, packs)) <= 1


@pytest.mark.study
def test_a_finished_study_is_shown_again_at_once(study):
    folder, run = study
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*.parquet")}
    began = time.monotonic()
    again = wattflock("compare", *sets(), folder=folder)
    assert time.monotonic() - began < 15
    assert again.exit_code == 0
    assert "gradmap" in again.stdout
    assert "--fresh repeats it" in again.stderr
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*.parquet")} == before


@pytest.mark.study
def test_the_report_and_figures_are_where_it_says(study):
    said = wattflock("compare", *sets(), folder=study[0]).stderr.split()
    for word in ("report", "figures"):
        assert list(study[0].glob(said[said.index(word) + 1])), word


@pytest.mark.slow
def test_a_trained_policy_is_judged_again(study):
    folder, run = study
    result = wattflock("evaluate", run.name[:-2], "--method", "gradmap", "--days", 4, folder=folder)
    assert result.exit_code == 0, result.stderr
    assert "gradmap" in result.stdout
    assert "idle" in result.stdout
    untrained = wattflock("evaluate", run.name, "--method", "through", folder=folder)
    assert untrained.exit_code == 2
    assert "train through first" in untrained.stderr


@pytest.mark.study
def test_training_alone_says_where_its_checkpoint_is(study):
    folder, _ = study
    result = wattflock("train", *sets("seed=1"), folder=folder)
    assert result.exit_code == 0, result.stderr
    assert "gradmap: 10 rounds in " in result.stdout
    assert (folder / result.stdout.split("checkpoint ")[1].strip()).exists()


@pytest.mark.study
def test_what_is_refused_leaves_no_folder_and_says_what_is_allowed(study, tmp_path):
    result = wattflock("compare", *sets("judge.test_days=200"), folder=tmp_path)
    assert result.exit_code == 2
    assert "judge.test_days = 200; allowed: 1 to 70" in result.stderr
    assert list(tmp_path.iterdir()) == []
    folder, run = study
    result = wattflock("evaluate", run.name, "--days", 200, folder=folder)
    assert (result.exit_code, "--days = 200; allowed: 1 to 70" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "--minutes", -3), "--minutes = -3.0; allowed: 0 or more"),
        (("train", "--devices", -1), "--devices = -1; allowed: 0 or more"),
        (("evaluate", "latest", "--days", -1), "--days = -1; allowed: 1 or more"),
    ],
)
def test_a_count_below_nothing_is_refused(words, said, tmp_path):
    result = wattflock(*words, folder=tmp_path)
    assert (result.exit_code, said in result.stderr, list(tmp_path.iterdir())) == (2, True, [])


@pytest.mark.study
def test_latest_is_the_newest_run_and_json_has_its_figures(study):
    folder, run = study
    (run / "scenario.toml").touch()  # as one that is begun or gone on with
    result = wattflock("evaluate", "latest", "--method", "rules", "--days", 4, "--json", folder=folder)
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    summary = read_summary(run)
    figure = "cost_per_home_day"
    assert told["methods"]["rules"][figure] == pytest.approx(summary["methods"]["rules"][figure])
    again = wattflock("compare", *sets(), "--json", folder=folder)
    assert json.loads(again.stdout) == summary | {"folder": f"runs/{run.name}"}
    runs = json.loads(wattflock("runs", "--json", folder=folder).stdout)
    assert {row["method"] for row in runs if row["run"] == run.name} == {"idle", "rules", "gradmap", "bound"}


@pytest.mark.study
def test_runs_says_in_which_fields_two_scenarios_differ(study, tmp_path):
    _, run = study
    for name, seed in (("one", 0), ("two", 1)):
        text = (run / "scenario.toml").read_text().replace("seed = 0", f"seed = {seed}", 1)
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "scenario.toml").write_text(text)
    result = wattflock("runs", "--diff", "one", "two", "--json", folder=tmp_path)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == [{"field": "seed", "one": "0", "two": "1"}]
    assert "seed" in wattflock("runs", "--diff", "one", "two", folder=tmp_path).stdout


@pytest.mark.study
def test_runs_lists_it(study):
    folder, run = study
    result = wattflock("runs", "--csv", "runs.csv", folder=folder)
    assert result.exit_code == 0, result.stderr
    assert run.name in result.stdout
    table = pl.read_csv(folder / "runs.csv").filter(pl.col("run") == run.name)
    assert set(table["method"]) == {"idle", "rules", "gradmap", "bound"}
    one = wattflock("runs", "--id", run.name, folder=folder)
    assert one.exit_code == 0
    assert run.name in one.stdout


@pytest.mark.slow
def test_some_homes_are_fitted_anew_and_judged(study):
    folder, run = study
    kept = (run / "checkpoints" / "gradmap.safetensors").read_bytes()
    words = ("tune", run.name, "--home", 3, "--home", 11, "--rounds", 10, "--days", 4, "--csv", "homes.csv")
    result = wattflock(*words, folder=folder)
    assert result.exit_code == 0, result.stderr
    table = pl.read_csv(folder / "homes.csv")
    assert table["home"].to_list() == [3, 11]
    assert (table["gradmap"] != table["gradmap+tuned"]).all()
    assert (run / "checkpoints" / "gradmap.safetensors").read_bytes() == kept
    assert wattflock("evaluate", run.name, "--method", "gradmap+tuned", "--days", 4, folder=folder).exit_code == 0


@pytest.mark.study
def test_homes_that_are_not_there_are_told_all_at_once(study):
    folder, run = study
    result = wattflock("tune", run.name, "--home", 20, "--home", -1, "--method", "rules", folder=folder)
    assert result.exit_code == 2
    for words in ("--home = 20; allowed: 0 to 19", "--home = -1", "--method = 'rules'"):
        assert words in result.stderr
    assert "one number or more" in wattflock("tune", run.name, folder=folder).stderr


@pytest.mark.slow
def test_homes_of_a_run_become_folders_for_boxes(study):
    folder, run = study
    result = wattflock("export", run.name, "--all", "--out", "boxes", folder=folder)
    made = [Path(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, len(made)) == (0, 20)
    card, _ = read_box(folder / made[0])
    assert (card.about["run"], card.about["method"], card.about["scenario"]) == (run.name, "gradmap", run.name[-10:])
    assert [wattflock("export", run.name, *words, folder=folder).exit_code for words in ((), ("--home", 99))] == [2, 2]
    refused = wattflock("export", run.name, "--home", 0, "--method", "rules", folder=folder)
    assert "rules (" in refused.stderr
