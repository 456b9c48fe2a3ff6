"""A study's report: every run counts once, the table says what the runs say, and nothing that is done is lost."""

import html
import json
import re

import numpy as np
import polars as pl
import pytest

from tests.report.conftest import make_run
from wattflock.core.errors import RunError
from wattflock.report.study import Done, Findings, columns, figures, markdown, spreads, write_study
from wattflock.report.study_curves import POINTS, QUANTITIES, band
from wattflock.study import experiment
from wattflock.verbs.works import study

METHODS = ("idle", "rules", "through", "gradmap", "bound")
STUDY = """
about = "how <cheap>?"
seeds = 2
[rows.one]
about = "the first"
[rows.two]
about = "the second"
homes.count = 7
[rows.far]
about = "far away"
feeder.part = "imported"
feeder.settings.file = "nowhere.feeder"
"""


@pytest.fixture
def done(tmp_path) -> list[Done]:
    """Two rows of two seeds whose costs differ by 0.3."""
    found = []
    for row, seed in ((row, seed) for row in ("main", "street") for seed in (0, 1)):
        folder = make_run(tmp_path / f"{row}-{seed}", seed)
        summary = json.loads((folder / "summary.json").read_text())
        for method in summary["methods"].values():
            method["cost_per_home_day"] += 0.3 * seed
            method["worst_pu"] = 0.004 + 0.003 * seed
        (folder / "summary.json").write_text(json.dumps(summary))
        found.append(Done(row, seed, folder))
    return found


def test_the_table_is_mean_and_spread_over_seeds(done):
    table = spreads(figures(done)[0])
    assert table.select("row", "method").rows() == [(row, m) for row in ("main", "street") for m in METHODS]
    (mine,) = table.filter(row="street", method="gradmap").to_dicts()
    assert mine["seeds"] == 2
    assert mine["cost_per_home_day_mean"] == pytest.approx(3.975)
    assert mine["cost_per_home_day_sd"] == pytest.approx(0.15 * 2**0.5)
    assert (mine["worst_pu_least"], mine["worst_pu_most"]) == pytest.approx((0.004, 0.007))
    cells = [column.cell(mine) for column in columns("USD")]
    assert [cells[0], cells[1], cells[4]] == ["3.98 (± 0.21)", "86.6", "7.00"]


def test_one_seed_has_no_spread_and_no_bound_no_share(done):
    (only, *_) = spreads(figures(done[:1])[0]).filter(method="bound").to_dicts()
    assert [column.cell(only) for column in columns("USD")][:3] == ["3.38", "100", "–"]


def test_a_figure_that_no_run_has_is_a_dash(done):
    for each in done:
        summary = json.loads((each.folder / "summary.json").read_text())
        summary["methods"] = {"gradmap": summary["methods"]["gradmap"] | {"saving_captured": None}}
        (each.folder / "summary.json").write_text(json.dumps(summary))
    lines = spreads(figures(done)[0]).to_dicts()
    assert [[column.cell(each) for column in columns("USD")][1] for each in lines] == ["–", "–"]


def test_files_hold_every_cell(done, tmp_path):
    found = Findings("mine", "how <cheap>?", done, ["main: the first."])
    write_study(tmp_path / "out", found)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"runs.csv", "table.csv", "table.md", "study.html", "curves-main.png", "curves-street.png"}
    page, table = (tmp_path / "out" / "study.html").read_text(), spreads(figures(done)[0])
    text = markdown(table, "USD", found.notes)
    for row in table.to_dicts():
        for cell in (column.cell(row) for column in columns("USD")):
            assert cell.replace(" (", " ").rstrip(")") in text
            assert all(html.escape(part) in page for part in cell.split(" ("))
    assert "how &lt;cheap&gt;?" in page and "main: the first." in page and "- main: the first." in text
    assert pl.read_csv(tmp_path / "out" / "runs.csv").height == len(done) * len(METHODS)
    pictures = [(tmp_path / "out" / f"curves-{row}.png").read_bytes() for row in ("main", "street")]
    assert all(picture.startswith(b"\x89PNG") and len(picture) > 10_000 for picture in pictures)


def test_figures_of_the_page_are_what_plotly_knows(done, tmp_path):
    graph_objects = pytest.importorskip("plotly.graph_objects")
    write_study(tmp_path / "out", Findings("mine", "how?", done, []))
    page = (tmp_path / "out" / "study.html").read_text()
    shown = json.loads(re.search(r'id="figures">(.*?)</script>', page, flags=re.S)[1])
    assert set(shown) == set(QUANTITIES)
    for figure in shown.values():
        assert list(figure["choices"]) == ["main", "street"]
        for choice in figure["choices"].values():
            graph_objects.Figure(data=choice["data"], layout=figure["layout"] | choice["layout"])


def test_a_band_holds_the_mean_and_every_seed_from_where_all_have_begun():
    long = pl.DataFrame({"run": ["a"] * 3, "seconds": [1.0, 5.0, 9.0], "saving": [1.0, 2.0, 3.0]})
    late = pl.DataFrame({"run": ["b"] * 2, "seconds": [4.0, 6.0], "saving": [4.0, 0.0]})
    found = band(pl.concat([late, long]), "saving")
    assert (found["seconds"][0], found["seconds"][-1], len(found["seconds"])) == (
        pytest.approx(4),
        pytest.approx(9),
        POINTS,
    )
    assert (found["low"][0], found["high"][0], found["mean"][0]) == pytest.approx((1.75, 4.0, 2.875))
    assert (found["low"][-1], found["high"][-1]) == pytest.approx((0.0, 3.0))
    assert np.all((found["low"] <= found["mean"]) & (found["mean"] <= found["high"]))


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

    monkeypatch.setattr(experiment, "compared", compared)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(STUDY)
    return names, stops


def test_no_run_is_made_twice_and_a_row_without_its_file_is_left_out(made, capsys):
    study("mine.toml")
    assert made[0] == ["mine-one-0", "mine-one-1", "mine-two-0", "mine-two-1"]
    assert "far: left out, there is no file nowhere.feeder" in capsys.readouterr().err
    study("mine.toml", rows=["two"], seeds=3)
    assert made[0][4:] == ["mine-two-2"]
    study("mine.toml", rows=["one"], fresh=True)
    assert made[0][5:] == ["mine-one-0", "mine-one-1"]


def test_a_run_that_fails_is_told_and_the_others_go_on(made, tmp_path):
    made[1]["mine-one-1"] = MemoryError("too large")
    with pytest.raises(RunError, match=r"one, seed 1: failed \(MemoryError: too large\)"):
        study("mine.toml", rows=["one", "two"])
    assert made[0][-1] == "mine-two-1"
    text = (tmp_path / "runs" / "study-mine" / "table.md").read_text()
    assert "one, seed 1: failed" in text and "| two | idle | 2 |" in text and "| one | idle | 1 |" in text


def test_stopping_keeps_what_is_done(made, tmp_path):
    made[1]["mine-two-0"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        study("mine.toml")
    assert "| one | idle | 2 |" in (tmp_path / "runs" / "study-mine" / "table.md").read_text()
    made[1].clear()
    study("mine.toml")
    assert made[0][3:] == ["mine-two-0", "mine-two-1"]
