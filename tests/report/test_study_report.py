"""A study's report: every run counts once, the table says what the runs say, and nothing that is done is lost."""

import html
import io
import json
import shutil

import polars as pl
import pytest
from rich.console import Console

from tests.report.conftest import make_run
from wattflock.core.errors import RunError, ScenarioError
from wattflock.core.run_files import sealed
from wattflock.report.study_charts import POINTS, band
from wattflock.report.study_data import ALL, SOME, Done, Findings, figures, said_of, spreads
from wattflock.report.study_page import markdown, terminal, write_study
from wattflock.report.study_tables import COLUMNS, differences, spread, tables_of
from wattflock.study.quantities import QUANTITIES
from wattflock.verbs import experiment, judging
from wattflock.verbs.works import study

METHODS = ("idle", "rules", "through", "gradmap", "bound")
FIGURES = [QUANTITIES[name] for name in COLUMNS]
ROWS = [(name, ALL) for name in METHODS[:4]] + [(name, SOME) for name in METHODS]
STUDY = """
about = "how <cheap>?"
seeds = 2
[rows.one]
about = "the first"
judge.methods = ["idle", "rules", "gradmap"]
[rows.two]
about = "the second"
judge.methods = ["idle", "rules", "gradmap"]
homes.count = 7
[rows.far]
about = "far away"
feeder.part = "imported"
feeder.settings.file = "nowhere.feeder"
"""


@pytest.fixture
def done(tmp_path, runs) -> list[Done]:
    """Two rows of two seeds whose costs differ by 0.3."""
    found = []
    for row, seed in ((row, seed) for row in ("main", "street") for seed in (0, 1)):
        folder = shutil.copytree(runs["busy"], tmp_path / f"{row}-{seed}")
        summary = json.loads((folder / "summary.json").read_text())
        for method in (*summary["methods"].values(), *summary["on_bound_days"].values()):
            method["cost_per_home_day"] = 3.825 + 0.3 * seed
            method["co2_kg_per_home_day"] = None
            method["worst_pu"] = 0.004 + 0.003 * seed
        for method in summary["on_bound_days"].values():
            method["saving_captured"] = 0.8655
        (folder / "summary.json").write_text(json.dumps(sealed(summary)))
        found.append(Done(row, seed, folder))
    return found


def test_the_table_is_mean_and_spread_over_seeds(done):
    table = spreads(figures(done)[0])
    assert table.select("row", "method", "judged_on").rows() == [
        (r, *each) for r in ("main", "street") for each in ROWS
    ]
    (mine,) = table.filter(row="street", method="gradmap", judged_on=SOME).to_dicts()
    assert mine["seeds"] == 2
    assert mine["cost_per_home_day_mean"] == pytest.approx(3.975)
    assert mine["cost_per_home_day_sd"] == pytest.approx(0.15 * 2**0.5)
    assert (mine["worst_pu_least"], mine["worst_pu_most"]) == pytest.approx((0.004, 0.007))
    cells = dict(zip(COLUMNS, (spread(quantity, mine) for quantity in FIGURES), strict=True))
    assert (cells["cost_per_home_day"], cells["saving_captured"]) == ("3.98 ± 0.21", "86.6")
    assert (cells["worst_pu"], cells["co2_kg_per_home_day"]) == ("7.00", "–")


def test_what_runs_say_of_themselves_is_told_once_for_each_row(done):
    for each in done:
        summary = json.loads((each.folder / "summary.json").read_text()) | {"notes": ["an optimum breaks <a limit>"]}
        (each.folder / "summary.json").write_text(json.dumps(sealed(summary)))
    assert said_of(done) == [f"{row}: an optimum breaks <a limit>." for row in ("main", "street")]


def test_one_seed_has_no_spread(done):
    (only, *_) = spreads(figures(done[:1])[0]).filter(method="bound").to_dicts()
    assert spread(QUANTITIES["cost_per_home_day"], only) == "3.83"


def test_a_figure_that_no_run_has_is_a_dash(done):
    for each in done:
        summary = json.loads((each.folder / "summary.json").read_text())
        summary["methods"] = {"gradmap": summary["methods"]["gradmap"] | {"saving_captured": None}}
        summary["on_bound_days"] = {}
        (each.folder / "summary.json").write_text(json.dumps(sealed(summary)))
    lines = spreads(figures(done)[0]).to_dicts()
    assert [spread(QUANTITIES["saving_captured"], each) for each in lines] == ["–", "–"]


@pytest.mark.study
def test_files_hold_every_cell(done, tmp_path):
    found = Findings("mine", "how <cheap>?", done, ["main: the first."])
    write_study(tmp_path / "out", found)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"runs.csv", "table.csv", "table.md", "study.html", "curves-main.png", "curves-street.png"}
    page, table = (tmp_path / "out" / "study.html").read_text(), spreads(figures(done)[0])
    text = markdown(tables_of(table, "USD"), found.notes)
    for row in table.to_dicts():
        for cell in (spread(quantity, row) for quantity in FIGURES):
            assert cell == "–" or (cell in text and html.escape(cell) in page)
    assert "how &lt;cheap&gt;?" in page and "main: the first." in page and "- main: the first." in text
    assert page.count("window.vegaEmbed = ") + page.count("window.vegaEmbed=") == 1 and "row_shown" in page
    assert pl.read_csv(tmp_path / "out" / "runs.csv").height == len(done) * len(ROWS)
    pictures = [(tmp_path / "out" / f"curves-{row}.png").read_bytes() for row in ("main", "street")]
    assert all(picture.startswith(b"\x89PNG") and len(picture) > 10_000 for picture in pictures)


def test_methods_are_held_against_the_learner_of_their_row_seed_by_seed(done):
    """Costs differ from gradmap's by 0.2 and 0.4 [USD/day]: 0.3 ± 12.7062 · 0.1; one seed has no interval."""
    for each in done:
        summary = json.loads((each.folder / "summary.json").read_text())
        summary["methods"]["rules"]["cost_per_home_day"] += 0.2 + 0.2 * each.seed
        (each.folder / "summary.json").write_text(json.dumps(sealed(summary)))
    (table,) = differences(figures(done)[0], "USD")
    assert [(*row.cells[:3], row.cells[4]) for row in table.rows if "(rules)" in row.cells[1]] == [
        (row, "rule-based (rules)", "gradmap", "0.30 ± 1.3") for row in ("main", "street")
    ]  # fmt: skip
    assert not [row for row in table.rows if "gradmap" in row.cells[1]] and len(table.rows) == 2 * 3
    (single,) = differences(figures(done[:1])[0], "USD")
    assert [row.cells[4] for row in single.rows if "(rules)" in row.cells[1]] == ["0.20"]


def test_no_table_of_a_study_mixes_sets_of_days(done):
    every, some = markdown(tables_of(spreads(figures(done)[0]), "USD"), []).split("| row |")[1:]
    assert "perfect foresight" not in every and "captured" not in every and "On all test days." in every
    assert some.count("| perfect foresight |") == 2 and "| captured [%] |" in some and "On days with a bound." in some
    assert every.count("| learned (gradmap) |") == some.count("| learned (gradmap) |") == 2


def test_the_terminal_never_breaks_a_number(done):
    table = spreads(figures(done)[0])
    console = Console(width=80, file=io.StringIO())
    console.print(terminal(table, "USD"))
    shown = console.file.getvalue()
    for row in table.to_dicts():
        assert spread(QUANTITIES["cost_per_home_day"], row) in shown
    assert max(map(len, shown.splitlines())) <= 80 and "…" not in shown


def test_a_band_holds_the_mean_and_every_seed_from_where_all_have_begun():
    long = pl.DataFrame({"run": ["a"] * 3, "seconds": [1.0, 5.0, 9.0], "saving": [1.0, 2.0, 3.0]})
    late = pl.DataFrame({"run": ["b"] * 2, "seconds": [4.0, 6.0], "saving": [4.0, 0.0]})
    found = band(pl.concat([late, long]), "saving")
    first, last = found.row(0, named=True), found.row(-1, named=True)
    assert (first["seconds"], last["seconds"], found.height) == (pytest.approx(4), pytest.approx(9), POINTS)
    assert (first["low"], first["high"], first["mean"]) == pytest.approx((1.75, 4.0, 2.875))
    assert (last["low"], last["high"]) == pytest.approx((0.0, 3.0))
    assert found.select(((pl.col("low") <= pl.col("mean")) & (pl.col("mean") <= pl.col("high"))).all()).item()


def test_a_study_that_trained_nothing_has_a_page(done, tmp_path):
    for each in done:
        pl.read_parquet(each.folder / "curves.parquet").clear().write_parquet(each.folder / "curves.parquet")
    write_study(tmp_path / "out", Findings("mine", "how?", done, []))
    assert "Nothing was trained" in (tmp_path / "out" / "study.html").read_text()


@pytest.fixture
def made(tmp_path, monkeypatch) -> tuple[list[str], dict[str, BaseException]]:
    """Which runs were made, and what stops a run, by its name; nothing is computed. `mine.toml` is the study."""
    names: list[str] = []
    stops: dict[str, BaseException] = {}

    def compared(one: experiment.Experiment, _: bool) -> None:
        names.append(f"{one.scenario.name}-{one.scenario.seed}")
        if names[-1] in stops:
            raise stops[names[-1]]
        make_run(one.run.folder, one.scenario.seed)

    monkeypatch.setattr(judging, "compared", compared)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(STUDY)
    return names, stops


@pytest.mark.slow
def test_no_run_is_made_twice_and_a_row_without_its_file_is_left_out(made, capsys):
    study("mine.toml")
    assert made[0] == ["mine-one-0", "mine-one-1", "mine-two-0", "mine-two-1"]
    assert "far: left out, there is no file nowhere.feeder" in capsys.readouterr().err
    study("mine.toml", rows=["two"], seeds=3)
    assert made[0][4:] == ["mine-two-2"]
    study("mine.toml", rows=["one"], fresh=True)
    assert made[0][5:] == ["mine-one-0", "mine-one-1"]


@pytest.mark.slow
def test_a_run_that_fails_is_told_and_the_others_go_on(made, tmp_path):
    made[1]["mine-one-1"] = MemoryError("too large")
    with pytest.raises(RunError, match=r"one, seed 1: failed \(MemoryError: too large\)"):
        study("mine.toml", rows=["one", "two"])
    assert made[0][-1] == "mine-two-1"
    text = (tmp_path / "runs" / "study-mine" / "table.md").read_text()
    assert "one, seed 1: failed" in text
    assert "| two | uncontrolled (idle) | 2 |" in text and "| one | uncontrolled (idle) | 1 |" in text


@pytest.mark.slow
def test_stopping_keeps_what_is_done(made, tmp_path):
    made[1]["mine-two-0"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        study("mine.toml")
    assert "| one | uncontrolled (idle) | 2 |" in (tmp_path / "runs" / "study-mine" / "table.md").read_text()
    made[1].clear()
    study("mine.toml")
    assert made[0][3:] == ["mine-two-0", "mine-two-1"]


@pytest.mark.slow
def test_the_runs_that_are_done_make_a_page_and_none_is_begun(made, tmp_path):
    study("mine.toml", rows=["one"], seeds=1)
    study("mine.toml", done_only=True)
    assert made[0] == ["mine-one-0"]
    text = (tmp_path / "runs" / "study-mine" / "table.md").read_text()
    assert "| one | uncontrolled (idle) | 1 |" in text and "| two |" not in text
    with pytest.raises(ScenarioError, match="without --fresh"):
        study("mine.toml", done_only=True, fresh=True)
