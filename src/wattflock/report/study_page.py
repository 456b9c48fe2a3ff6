"""A study's runs → one table over seeds: CSV, Markdown, the terminal, and a page with time-to-quality curves."""

import dataclasses
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table as Terminal

from wattflock.core.files import read_json, write_whole
from wattflock.report import html, study_charts
from wattflock.report.html import PageSection, Row
from wattflock.report.tables import FigureTable
from wattflock.report.theme import Look, methods, save
from wattflock.report.words import DASH, counted, number, shown
from wattflock.study.quantities import QUANTITIES, Quantity

KEYS = ("row", "method")
CAPTION = "Mean over seeds, ± their standard deviation where it is not 0; the worst excess is that of any seed."
WORST = ("worst_pu",)  # the greatest of all seeds instead of their mean
COLUMNS = (
    "cost_per_home_day",
    "saving_captured",
    "violation_of_idle",
    "violated_share",
    "worst_pu",
    "co2_kg_per_home_day",
    "train_seconds",
)


@dataclasses.dataclass(frozen=True)
class Done:
    """A finished run of a study."""

    row: str
    seed: int
    folder: Path


@dataclasses.dataclass(frozen=True)
class Findings:
    """A study, told: its finished runs, and what a reader must know beside them, a sentence each."""

    name: str
    about: str
    done: list[Done]
    notes: list[str]


def figures(done: list[Done]) -> tuple[pl.DataFrame, str]:
    """A line for each run and method with all figures of `summary.json`, and the currency."""
    lines, currency = [], ""
    for each in done:
        summary = read_json(each.folder / "summary.json")
        currency = summary["currency"]
        place = {"row": each.row, "seed": each.seed, "run": each.folder.name}
        lines += [place | {"method": name} | found for name, found in summary["methods"].items()]
    table = pl.DataFrame(lines, infer_schema_length=None)
    return table.with_columns(pl.exclude("row", "seed", "run", "method").cast(pl.Float64)), currency


def spreads(runs: pl.DataFrame) -> pl.DataFrame:
    """A line for each row and method: how many seeds, and `_mean`, `_sd`, `_least` and `_most` of every figure."""
    found = pl.selectors.numeric() - pl.selectors.by_name("seed")
    return runs.group_by(KEYS, maintain_order=True).agg(
        pl.len().alias("seeds"),
        found.mean().name.suffix("_mean"),
        found.std().name.suffix("_sd"),
        found.min().name.suffix("_least"),
        found.max().name.suffix("_most"),
    )


def spread(quantity: Quantity, row: dict[str, Any]) -> str:
    """`87.1 ± 0.4`, from a line of `spreads`."""
    worst = quantity.name in WORST
    middle, beside = (row.get(f"{quantity.name}_{kind}") for kind in ("most" if worst else "mean", "sd"))
    more = "0" if worst or beside is None else number(quantity.scale * beside, 2)
    text = shown(quantity, middle)
    return text if more == "0" else f"{text} ± {more}"


def table_of(found: pl.DataFrame, currency: str, names: tuple[str, ...] = COLUMNS) -> FigureTable:
    """The table of a study: a row for each of its rows and methods."""
    looks = methods(found["method"].unique(maintain_order=True))
    found = found.with_columns(most=pl.col("days_mean").max().over("row"))
    chosen = [QUANTITIES[name] for name in names]
    rows = [
        Row(
            [
                each["row"],
                _label(looks, each),
                str(each["seeds"]),
                *(spread(quantity, each) for quantity in chosen),
            ],
            colour=looks[each["method"]].colour,
        )
        for each in found.iter_rows(named=True)
    ]
    heads = [("row", ""), ("method", ""), ("seeds", ""), *((each.label, each.unit_in(currency)) for each in chosen)]
    return FigureTable(heads, rows, CAPTION, left=2)


def _label(looks: dict[str, Look], row: dict[str, Any]) -> str:
    """The method, and on how many days it was judged where that is not all."""
    days = row["days_mean"]
    return looks[row["method"]].label + (
        f", {counted(round(days), 'day')}" if days is not None and days < row["most"] else ""
    )


def write_study(folder: Path, study: Findings) -> Terminal:
    """Write `runs.csv`, `table.csv`, `table.md`, `curves-<row>.png` and `study.html`; returns the terminal's table.

    Raises:
        RunError: a file of a run is missing or damaged, or the disk is full.
    """
    runs, currency = figures(study.done)
    found = spreads(runs)
    marks = study_charts.marks([(each.row, each.folder) for each in study.done])
    write_whole(folder / "runs.csv", runs.write_csv().encode())
    write_whole(folder / "table.csv", found.write_csv().encode())
    write_whole(folder / "table.md", markdown(found, currency, study.notes).encode())
    for row in study_charts.rows(marks):
        save(study_charts.time_to_quality(marks.filter(pl.col("row") == row), currency), folder / f"curves-{row}.png")
    write_whole(folder / "study.html", page(study, found, marks, currency).encode())
    return terminal(found, currency)


def markdown(found: pl.DataFrame, currency: str, notes: list[str]) -> str:
    """The table for a page of docs, with its notes."""
    return table_of(found, currency).markdown() + "".join(f"- {note}\n" for note in notes)


def terminal(found: pl.DataFrame, currency: str, wide: bool = False) -> Terminal:
    """The table for the terminal; 80 characters wide unless `wide`."""
    names = COLUMNS if wide else ("cost_per_home_day", "saving_captured", "violation_of_idle")
    return table_of(found, currency, names).terminal()


def page(study: Findings, found: pl.DataFrame, marks: pl.DataFrame, currency: str) -> str:
    """One HTML page that opens offline."""
    learned = html.figure(study_charts.time_to_quality(marks, currency))
    runs = [f"{each.row}, seed {each.seed}: {each.folder.name}" for each in study.done]
    sections = [
        PageSection("table", "All rows", CAPTION, table_of(found, currency).page(), "table"),
        PageSection("learning", "Time to quality", study_charts.CAPTION, learned, "time to quality"),
        PageSection("rows", "What the rows are", "", html.bullets(study.notes), "rows"),
        PageSection(
            "runs", "Runs", "Each is a folder of its own; its scenario.toml repeats it.", html.bullets(runs), "runs"
        ),
    ]
    return html.page(study.about or f"{study.name} {DASH} study", sections, kicker=f"wattflock · study {study.name}")
