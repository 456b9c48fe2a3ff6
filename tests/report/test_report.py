"""Report: whatever a run folder says is shown in full, escaped and offline; what it lacks is said by name."""

import html
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from wattflock.core.errors import RunError
from wattflock.core.files import write_whole
from wattflock.report import comparison, draw_all, markdown, write_report
from wattflock.report.folder import COLUMNS, read
from wattflock.report.table import rows
from wattflock.report.words import headline, number, percent

PICTURES = ("tradeoff", "voltage", "feeder", "curves", "homes", "days")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


def change_summary(folder: Path, change) -> dict:
    summary = summary_of(folder)
    change(summary)
    (folder / "summary.json").write_text(json.dumps(summary))
    return summary


def own_part(page: str) -> str:
    """The page without plotly's own code."""
    scripts = sorted(re.findall(r"<script>.*?</script>", page, flags=re.S), key=len)
    return page.replace(scripts[-1], "")


def terminal(summary: dict) -> str:
    console = Console(width=140, file=io.StringIO())
    console.print(comparison(summary))
    return console.file.getvalue()


def test_every_picture_is_drawn(run_folder):
    drawn = draw_all(run_folder)
    assert [path.name for path in drawn] == [f"{name}.png" for name in PICTURES]
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 10_000 for path in drawn)


def test_page_holds_every_method_and_number(run_folder):
    page = write_report(run_folder).read_text()
    for name, cells in rows(summary_of(run_folder)).items():
        assert name in page
        for part in (part for cell in cells for part in html.escape(cell).split(" (")):
            assert part in page
    assert "23.7&nbsp;% of the cost" in page and "0.17&nbsp;% of the voltage violations" in page


def test_page_says_whose_readings_they_are_and_what_was_mended(run_folder):
    page = write_report(run_folder).read_text()
    for words in ("some homes", "Owner: somebody", "sun from california", "gap filled 1,234"):
        assert words in page


def test_page_loads_nothing_from_elsewhere(run_folder):
    page = write_report(run_folder).read_text()
    assert not re.search(r"(src|href)\s*=\s*[\"']?\s*(https?:)?//|url\(|@import|<link|<iframe", own_part(page))
    assert not re.search(r"https?://", own_part(page))
    assert "default-src 'none'" in page


def test_figures_of_the_page_are_what_plotly_knows(run_folder):
    graph_objects = pytest.importorskip("plotly.graph_objects")
    page = write_report(run_folder).read_text()
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', page, flags=re.S)[1])
    painted = json.loads(re.sub(r"@(ink|paper)", "#101010", json.dumps(figures)))
    for figure in painted.values():
        assert figure["choices"]
        for choice in figure["choices"].values():
            graph_objects.Figure(choice["data"], figure["layout"]).update_layout(choice.get("layout", {}))


def test_table_says_what_the_summary_says(run_folder):
    summary = summary_of(run_folder)
    gradmap = summary["methods"]["gradmap"]
    for text in (terminal(summary), markdown(summary)):
        for name in summary["methods"]:
            assert name in text
        for value in (
            percent(gradmap["saving_captured"]),
            percent(gradmap["violation_of_idle"]),
            "3.67–3.98",
        ):
            assert value in text
    assert headline(summary) == "gradmap saves 23.7 % of the cost and leaves 0.17 % of the voltage violations"
    lines = [line for line in markdown(summary).splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1 and len(lines) == 2 + len(summary["methods"])


def test_table_fits_a_terminal_of_80_characters(run_folder):
    console = Console(width=80, file=io.StringIO())
    console.print(comparison(summary_of(run_folder)))
    assert "4.81–5.21" in console.file.getvalue() and "gradmap" in console.file.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.0017, "0.0017"),
        (0.996, "1.00"),
        (86.55, "86.5"),
        (5312.0, "5,312"),
        (-2.5, "-2.50"),
    ],
)
def test_numbers_have_no_exponent(value, text):
    assert number(value) == text


def test_nothing_known_is_shown_as_a_dash(run_folder):
    def forget(summary):
        summary["methods"] = {name: dict.fromkeys(row) for name, row in summary["methods"].items()}

    summary = change_summary(run_folder, forget)
    assert set(rows(summary)["gradmap"]) == {"–"}
    assert "None" not in terminal(summary) + markdown(summary)
    draw_all(run_folder)
    page = own_part(write_report(run_folder).read_text())
    assert "None" not in page and "NaN" not in page


def test_empty_tables_leave_room_for_a_word(run_folder):
    for name in ("curves", "examples", "homes", "nodes", "days", "steps"):
        pl.read_parquet(run_folder / f"{name}.parquet").clear().write_parquet(run_folder / f"{name}.parquet")
    draw_all(run_folder)
    page = write_report(run_folder).read_text()
    assert "Nothing was trained in this run" in page and "No example homes in this run" in page


def test_strange_names_are_escaped_everywhere(run_folder):
    name = "<b>$a|[red]&\"'_x</b></script>"
    for table in COLUMNS:
        path = run_folder / f"{table}.parquet"
        frame = pl.read_parquet(path)
        names = [column for column in ("method", "kind", "series") if column in frame.columns]
        swap = [pl.col(column).replace(["gradmap", "battery+panel", "load"], [name] * 3) for column in names]
        frame.with_columns(swap).write_parquet(path)
    summary = change_summary(run_folder, lambda s: s["methods"].update({name: s["methods"].pop("gradmap")}))
    page = own_part(write_report(run_folder).read_text())
    draw_all(run_folder)
    assert "<b>$a" not in page and html.escape(name) in page
    assert name in terminal(summary)
    assert "\\|[red]" in markdown(summary)


@pytest.mark.parametrize("name", ["summary.json", "chart.json", *(f"{table}.parquet" for table in COLUMNS)])
def test_missing_or_damaged_file_is_named(run_folder, name):
    (run_folder / name).write_text("{")
    with pytest.raises(RunError, match=re.escape(name)):
        write_report(run_folder)
    (run_folder / name).unlink()
    with pytest.raises(RunError, match=f"{re.escape(name)}: is missing"):
        draw_all(run_folder)
    assert not (run_folder / "report.html").exists()


def test_missing_column_is_named(run_folder):
    path = run_folder / "steps.parquet"
    pl.read_parquet(path).drop("voltage_p05_pu").write_parquet(path)
    with pytest.raises(RunError, match=r"steps\.parquet: lacks the columns voltage_p05_pu"):
        read(run_folder)


def test_failed_write_leaves_the_old_file(run_folder, monkeypatch):
    path = run_folder / "report.html"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    before = sorted(run_folder.iterdir())
    with pytest.raises(RunError, match=r"report\.html: cannot be written .No space left"):
        write_whole(path, b"new")
    assert path.read_text() == "old" and sorted(run_folder.iterdir()) == before


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: the page is not opened in a browser")
def test_browser_draws_every_plot(run_folder, tmp_path):
    page = write_report(run_folder)
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]
    flags += ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]
    flags += ["--virtual-time-budget=10000", "--dump-dom", page.as_uri()]
    found = subprocess.run([str(CHROMIUM), *flags], capture_output=True, text=True, timeout=120, check=True).stdout
    places = len(re.findall(r'class="plot[^"]*" id="', page.read_text()))
    drawn = re.search(r'data-drawn="(\d+)"', found)
    assert drawn and int(drawn[1]) >= places == 10
