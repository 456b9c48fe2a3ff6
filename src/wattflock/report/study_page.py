"""A study's runs → one table over seeds: CSV, Markdown, the terminal, and a page with time-to-quality curves."""

import dataclasses
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Group

from wattflock.core.files import read_json, write_whole
from wattflock.report import html, study_charts
from wattflock.report.html import PageSection, Row
from wattflock.report.tables import FigureTable
from wattflock.report.theme import methods, save
from wattflock.report.words import DASH, number
from wattflock.report.words import shown as cell
from wattflock.study.quantities import QUANTITIES, SHORT, Quantity
from wattflock.study.summary import over_seeds

ALL, SOME = "all test days", "days with a bound"
KEYS = ("row", "method", "judged_on")
CAPTION = "Mean over seeds, ± their standard deviation where it is not 0; the worst excess is that of any seed."
WORST = ("worst_pu",)  # the greatest of all seeds instead of their mean
COLUMNS = (*SHORT, "train_seconds")
AGAINST = (
    "cost_per_home_day", "violation_pu_h", "violated_share", "days_with_violation_share", "comfort_violation_c_h",
    "co2_kg_per_home_day",
)  # fmt: skip
FEW = ("cost_per_home_day", "saving_captured", "violation_pu_h")  # 80 characters wide


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
    """A line for each run and method on all test days, and on those with a bound; and the currency."""
    lines, currency = [], ""
    for each in done:
        summary = read_json(each.folder / "summary.json")
        currency, some = summary["currency"], summary.get("on_bound_days") or {}
        place = {"row": each.row, "seed": each.seed, "run": each.folder.name}
        place["learner"] = summary["scenario"]["learn"]["part"]
        most = max(found.get("days") or 0 for found in summary["methods"].values())
        for days, methods_on in ((ALL, summary["methods"]), (SOME, some)):
            lines += [
                place | {"method": name, "judged_on": days} | found
                for name, found in methods_on.items()
                if days == SOME or (found.get("days") or 0) == most
            ]
    table = pl.DataFrame(lines, infer_schema_length=None)
    names = ("row", "seed", "run", "learner", "method", "judged_on")
    return table.with_columns(pl.exclude(*names).cast(pl.Float64)), currency


def spreads(runs: pl.DataFrame) -> pl.DataFrame:
    """A line for each row, method and set of days: seeds, and `_mean`, `_sd`, `_least`, `_most` of every figure."""
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
    text = cell(quantity, middle)
    return text if more == "0" else f"{text} ± {more}"


def tables_of(found: pl.DataFrame, currency: str, names: tuple[str, ...] = COLUMNS) -> list[FigureTable]:
    """The tables of a study, one for each set of days: a row for each of its rows and methods, all on the same days."""
    return [_table_of(some, currency, names) for some in found.partition_by("judged_on", maintain_order=True)]


def _table_of(found: pl.DataFrame, currency: str, names: tuple[str, ...]) -> FigureTable:
    looks = methods(found["method"].unique(maintain_order=True))
    known = [name for name in names if found[f"{name}_mean"].null_count() < found.height]
    chosen = [QUANTITIES[name] for name in known]
    rows = [
        Row(
            [
                each["row"],
                looks[each["method"]].label,
                str(each["seeds"]),
                *(spread(quantity, each) for quantity in chosen),
            ],
            colour=looks[each["method"]].colour,
        )
        for each in found.iter_rows(named=True)
    ]
    heads = [("row", ""), ("method", ""), ("seeds", ""), *((each.label, each.unit_in(currency)) for each in chosen)]
    return FigureTable(heads, rows, f"On {found['judged_on'][0]}. {CAPTION}", left=2)


def differences(runs: pl.DataFrame, currency: str) -> list[FigureTable]:
    """What each method has more than the row's learner on the same seeds: a table, or none without seeds of both.

    The intervals are 95 %, Student's t of the paired differences over seeds (`over_seeds`).
    """
    chosen = [QUANTITIES[name] for name in AGAINST]
    looks = methods(runs["method"].unique(maintain_order=True))
    runs, rows = runs.filter(pl.col("judged_on") == ALL), []
    for (row, method, learner), some in runs.group_by("row", "method", "learner", maintain_order=True):
        theirs = runs.filter(row=row, method=learner)
        if method != learner and theirs.height:
            cells = [_difference(quantity, some, theirs) for quantity in chosen]
            rows.append(Row([str(row), looks[str(method)].label, *cells], colour=looks[str(method)].colour))
    heads = [("row", ""), ("method", ""), *((each.label, each.unit_in(currency)) for each in chosen)]
    note = f"Method less the row's learner, on {ALL}: mean of the paired differences over seeds ± half of its interval."
    return [FigureTable(heads, rows, note, left=2)] if rows else []


def _difference(quantity: Quantity, mine: pl.DataFrame, theirs: pl.DataFrame) -> str:
    of_seed = ({seed: quantity.scale * value for seed, value in each.select("seed", quantity.name).drop_nulls().rows()}
               for each in (mine, theirs))  # fmt: skip
    mean, half = over_seeds(*of_seed)
    return number(mean) if half is None else f"{number(mean)} ± {number(half, 2)}"


def write_study(folder: Path, study: Findings) -> Group:
    """Write `runs.csv`, `table.csv`, `table.md`, `curves-<row>.png` and `study.html`; returns the terminal's table.

    Raises:
        RunError: a file of a run is missing or damaged, or the disk is full.
    """
    runs, currency = figures(study.done)
    found = spreads(runs)
    marks = study_charts.marks([(each.row, each.folder) for each in study.done])
    write_whole(folder / "runs.csv", runs.write_csv().encode())
    write_whole(folder / "table.csv", found.write_csv().encode())
    tables = [*tables_of(found, currency), *differences(runs, currency)]
    write_whole(folder / "table.md", markdown(tables, study.notes).encode())
    for row in study_charts.rows(marks):
        save(study_charts.time_to_quality(marks.filter(pl.col("row") == row), currency), folder / f"curves-{row}.png")
    write_whole(folder / "study.html", page(study, tables, marks, currency).encode())
    return terminal(found, currency)


def markdown(tables: list[FigureTable], notes: list[str]) -> str:
    """The tables for a page of docs, with their notes."""
    return "\n".join(table.markdown() for table in tables) + "".join(f"- {note}\n" for note in notes)


def terminal(found: pl.DataFrame, currency: str, wide: bool = False) -> Group:
    """The tables for the terminal; 80 characters wide unless `wide`."""
    return Group(*(table.terminal() for table in tables_of(found, currency, COLUMNS if wide else FEW)))


def page(study: Findings, tables: list[FigureTable], marks: pl.DataFrame, currency: str) -> str:
    """One HTML page that opens offline."""
    learned = html.figure(study_charts.time_to_quality(marks, currency))
    runs = [f"{each.row}, seed {each.seed}: {each.folder.name}" for each in study.done]
    shown = "".join(html.paragraph(table.note, "soft") + table.page() for table in tables)
    sections = [
        PageSection("table", "All rows", "", shown, "table"),
        PageSection("learning", "Time to quality", study_charts.CAPTION, learned, "time to quality"),
        PageSection("rows", "What the rows are", "", html.bullets(study.notes), "rows"),
        PageSection(
            "runs", "Runs", "Each is a folder of its own; its scenario.toml repeats it.", html.bullets(runs), "runs"
        ),
    ]
    return html.page(study.about or f"{study.name} {DASH} study", sections, kicker=f"wattflock · study {study.name}")
