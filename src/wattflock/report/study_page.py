"""A study's runs → one table over seeds: CSV, Markdown, the terminal, and a page with its curves."""

from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Group

from wattflock.core.files import csv_bytes, write_whole
from wattflock.core.run_files import read_summary
from wattflock.report import charging_charts, html, study_charts
from wattflock.report.html import PageSection
from wattflock.report.study_data import Findings, figures, known, laws, spreads
from wattflock.report.study_tables import COLUMNS, GROWING, tables, tables_of
from wattflock.report.tables import FigureTable
from wattflock.report.theme import save
from wattflock.report.words import DASH

FEW = ("cost_per_home_day", "saving_captured", "violation_pu_h")  # 80 characters wide
FEW_SHARED = ("reward_per_episode", "capacity_used_share", "fairness")  # where a limit on charging is shared


def write_study(folder: Path, study: Findings) -> Group:
    """Write `runs.csv`, `table.csv`, `table.md`, `study.html` and PNGs; returns the terminal's table.

    `curves-<row>.png` is a row's training, `scaling-<row>.png` a row of several numbers of homes.

    Raises:
        RunError: a file of a run is missing or damaged, or the disk is full.
    """
    runs, currency = figures(study.done)
    found = spreads(runs)
    marks = study_charts.marks([(each.row, each.folder) for each in study.done])
    learned = marks.filter(pl.col("row").is_in([each.row for each in study.done if not each.sweep]))
    write_whole(folder / "runs.csv", csv_bytes(runs))
    write_whole(folder / "table.csv", csv_bytes(found))
    fitted = laws(runs, GROWING)
    every = tables(study, runs, learned, fitted, currency)
    write_whole(folder / "table.md", markdown(every, study.notes).encode())
    for row in study_charts.rows(learned):
        chart = study_charts.time_to_quality(learned.filter(pl.col("row") == row), currency)
        save(chart, folder / f"curves-{row}.png")
    grown = {
        sweep: study_charts.growth(found.filter(pl.col("sweep") == sweep), fitted, currency)
        for sweep in dict.fromkeys(each.sweep for each in study.done if each.sweep)
    }
    for sweep, chart in grown.items():
        save(chart, folder / f"scaling-{sweep}.png")
    charts = {"time to quality": study_charts.time_to_quality(learned, currency), **grown}
    shared = sharing(study, found)
    for name, chart in shared.items():
        save(chart, folder / f"{name}.png")
    write_whole(folder / "study.html", page(study, every, charts, shared).encode())
    return terminal(found, currency)


def markdown(tables: list[FigureTable], notes: list[str]) -> str:
    """The tables for a page of docs, with their notes."""
    shown = [f"## {table.title}\n\n{table.markdown()}" if table.title else table.markdown() for table in tables]
    return "\n".join(shown) + "".join(f"- {note}\n" for note in notes)


def terminal(found: pl.DataFrame, currency: str, wide: bool = False) -> Group:
    """The tables for the terminal; 80 characters wide unless `wide`."""
    few = FEW_SHARED if known(found, "reward_per_episode") else FEW
    return Group(*(table.terminal() for table in tables_of(found, currency, COLUMNS if wide else few)))


def sharing(study: Findings, found: pl.DataFrame) -> dict[str, Any]:
    """The figures of a shared limit by the names of their files: `charging`, `levels-<row>`; none where none is."""
    if not known(found, "reward_per_episode"):
        return {}
    figures, first = {"charging": charging_charts.reached(found)}, study.references[0] if study.references else ""
    for each in {each.row: each for each in reversed(study.done)}.values():
        summary = read_summary(each.folder)
        if summary["scenario"]["coordinator"]["part"] == "unlimited":
            continue
        worth = {name: one["reward_per_episode"] or 0.0 for name, one in summary["methods"].items()}
        best = sorted((name for name in worth if name != first), key=lambda name: -worth[name])
        told = [first, *(claim.method for claim in study.claims), "foresight"]  # the last: what is possible
        names = list(dict.fromkeys([*(name for name in told if name in worth), *best]))
        low = summary["scenario"]["coordinator"]["reward"]["low"]
        figures[f"levels-{each.row}"] = charging_charts.levels(each.folder, names, low)
    return figures


def page(study: Findings, every: list[FigureTable], charts: dict[str, Any], shared: dict[str, Any]) -> str:
    """One HTML page that opens offline.

    Args:
        study: what is told.
        every: tables.
        charts: of learning, then those of rows of several numbers of homes.
        shared: of a shared limit, by the names of their files; may be empty.
    """
    figures = "".join(html.paragraph(name) + html.figure(chart) for name, chart in shared.items())
    limit = [PageSection("limit", "A shared limit", charging_charts.CAPTION, figures, "limit")]
    learned, *grown = map(html.figure, charts.values())
    runs = [f"{each.row}, seed {each.seed}: {each.folder.name}" for each in study.done]
    shown = "".join(html.paragraph(table.title) + html.paragraph(table.note, "soft") + table.page() for table in every)
    grows = [PageSection("homes", "Against the number of homes", study_charts.GROWS, "".join(grown), "homes")]
    sections = [
        PageSection("table", "All rows", "", shown, "table"),
        PageSection("learning", "Time to quality", study_charts.CAPTION, learned, "time to quality"),
        *(limit if shared else []),
        *(grows if grown else []),
        PageSection("rows", "What the rows are", "", html.bullets(study.notes), "rows"),
        PageSection(
            "runs", "Runs", "Each is a folder of its own; its scenario.toml repeats it.", html.bullets(runs), "runs"
        ),
    ]
    return html.page(study.about or f"{study.name} {DASH} study", sections, kicker=f"wattflock · study {study.name}")
