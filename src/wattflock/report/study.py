"""A study's runs → one table over seeds: CSV, Markdown, the terminal, and a page with time-to-quality curves."""

import dataclasses
from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from wattflock.core.files import read_json, write_whole
from wattflock.report import study_curves
from wattflock.report.canvas import png
from wattflock.report.markup import bullets, grid, line, pair, plot, section
from wattflock.report.offline import document
from wattflock.report.palette import INK, looks
from wattflock.report.table import BREAKS
from wattflock.report.words import DASH, money, number

KEYS = ("row", "method")
CAPTION = "Mean over seeds, ± their standard deviation where it is not 0; the worst excess is that of any seed."


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


@dataclasses.dataclass(frozen=True)
class Column:
    """A heading, its unit, and the figure of `summary.json` times `scale` that stands under it."""

    title: str
    unit: str
    figure: str
    scale: float = 1.0
    worst: bool = False  # the greatest of all seeds instead of their mean
    write: Callable[[float | None], str] = number

    def cell(self, spread: dict) -> str:
        """`87.1 (± 0.4)`, from a line of `spreads`."""
        middle, beside = (spread[f"{self.figure}_{kind}"] for kind in ("most" if self.worst else "mean", "sd"))
        text = self.write(None if middle is None else self.scale * middle)
        more = "0" if self.worst or beside is None else number(self.scale * beside, 2)
        return text if more == "0" else f"{text} (± {more})"


def columns(currency: str) -> list[Column]:
    """The columns of a study's table."""
    return [
        Column("cost", f"{currency}/home/day", "cost_per_home_day", write=money),
        Column("saving captured", "%", "saving_captured", 100),
        Column("violation", "% of idle", "violation_of_idle", 100),
        Column("node-steps violated", "%", "violated_share", 100),
        Column("worst excess", "mpu", "worst_pu", 1000, worst=True),
        Column("training", "s", "train_seconds"),
    ]


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


def write_study(folder: Path, study: Findings) -> Table:
    """Write `runs.csv`, `table.csv`, `table.md`, `curves-<row>.png` and `study.html`; returns the terminal's table.

    Raises:
        RunError: a file of a run is missing or damaged, the disk is full, or plotly or matplotlib is not there.
    """
    runs, currency = figures(study.done)
    table = spreads(runs)
    marks = study_curves.marks([(each.row, each.folder) for each in study.done])
    write_whole(folder / "runs.csv", runs.write_csv().encode())
    write_whole(folder / "table.csv", table.write_csv().encode())
    write_whole(folder / "table.md", markdown(table, currency, study.notes).encode())
    for row in study_curves.rows(marks):
        write_whole(folder / f"curves-{row}.png", png(partial(study_curves.picture, marks, row, currency)))
    write_whole(folder / "study.html", page(study, table, marks, currency).encode())
    return terminal(table, currency)


def markdown(table: pl.DataFrame, currency: str, notes: list[str]) -> str:
    """The table for a page of docs, with its notes."""
    heads = ["row", "method", "seeds", *(f"{column.title} [{column.unit}]" for column in columns(currency))]
    lines = ["| " + " | ".join(heads) + " |", "|---|---|" + "---:|" * (len(heads) - 2)]
    for row in table.iter_rows(named=True):
        cells = [column.cell(row).replace(" (", " ").rstrip(")") for column in columns(currency)]
        lines.append("| " + " | ".join([row["row"], row["method"], str(row["seeds"]), *cells]) + " |")
    return "\n".join([*lines, "", CAPTION, *(f"- {note}" for note in notes), ""])


def terminal(table: pl.DataFrame, currency: str) -> Table:
    """The table for the terminal."""
    shown = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, caption=Text(CAPTION))
    for head in ("row", "method"):
        shown.add_column(head, overflow="fold")
    for column in columns(currency):
        head = f"{column.title} [{column.unit}]".translate(BREAKS)
        shown.add_column(Text(head), justify="right", overflow="fold")
    before = None
    for row in table.iter_rows(named=True):
        cells = [column.cell(row).replace(" (", "\n").rstrip(")") for column in columns(currency)]
        shown.add_row(Text("" if row["row"] == before else row["row"]), Text(row["method"]), *map(Text, cells))
        before = row["row"]
    return shown


def page(study: Findings, table: pl.DataFrame, marks: pl.DataFrame, currency: str) -> str:
    """One HTML page that opens offline."""
    heads = [("row and method", ""), ("seeds", ""), *((column.title, column.unit) for column in columns(currency))]
    look = looks(table["method"].unique(maintain_order=True).to_list())
    lines = [
        line(
            [f"{row['row']} · {row['method']}", str(row["seeds"]), *(each.cell(row) for each in columns(currency))],
            colour="var(--ink)" if look[row["method"]].colour == INK else look[row["method"]].colour,
        )
        for row in table.iter_rows(named=True)
    ]
    names = {row: row for row in study_curves.rows(marks)}
    drawn = {name: study_curves.figure(marks, name, currency) for name in study_curves.QUANTITIES}
    places = [plot(name, name, [("row", names, next(iter(names), ""))]) for name in drawn]
    learned = pair(places) if names else "<p>Nothing was trained in these runs.</p>"
    runs = [f"{each.row}, seed {each.seed}: {each.folder.name}" for each in study.done]
    body = "".join([
        f'<header class="top"><p class="run">wattflock · study {escape(study.name)}</p>',
        f"<h1>{escape(study.about)}</h1></header><main>",
        section("table", "All rows", CAPTION, grid(heads, lines)),
        section("learning", "Time to quality", study_curves.CAPTION, learned),
        section("rows", "What the rows are", "", bullets(study.notes)),
        section("runs", "Runs", "Each is a folder of its own; its scenario.toml repeats it.", bullets(runs)),
        "</main>",
    ])  # fmt: skip
    return document(escape(f"{study.name} {DASH} study"), body, drawn)
