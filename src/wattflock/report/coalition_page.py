"""A study of sharing as tables, charts and one page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from wattflock.core.files import csv_bytes, write_whole
from wattflock.game.coalition_study import differences, spreads
from wattflock.report import html
from wattflock.report.html import PageSection, Row
from wattflock.report.share_report import spoken
from wattflock.report.study_page import markdown
from wattflock.report.tables import FigureTable
from wattflock.report.theme import HEIGHT, INK, OKABE_ITO, SEQUENTIAL, WIDTH, save, themed
from wattflock.report.words import DASH, number
from wattflock.study.study_file import Plan

REFERENCE = "nucleolus_clusters"
METHOD = pl.col("method").str.replace_all("_", " ", literal=True)
COLUMNS = (  # figure, heading, unit, factor
    ("saving_kept", "saving kept", "%", 100), ("better_off", "better off", "% of homes", 100),
    ("worse_off", "worse off", "% of homes", 100), ("above_feed_in", "above feed-in", "% of homes", 100),
    ("excess", "largest excess", "% of saving", 100), ("excess_upper", "excess at most", "% of saving", 100),
    ("from_nucleolus", "from nucleolus", "% of saving", 100), ("from_shapley", "from Shapley", "% of saving", 100),
    ("jain", "Jain", "", 1), ("seconds", "time", "s", 1), ("programs", "programs", "", 1),
)  # fmt: skip
NOTE = (
    "Mean over seeds (homes, loads and day), ± half of the 95 % interval by Student's t. Better and worse off: than "
    "alone. From nucleolus, from Shapley: share of the saving that other homes get than by the exact concept, up to 16 "
    "homes."
)
APART = "Each method less the nucleolus of clusters, same seeds; ± half of the 95 % interval by Student's t."
GROWS = "Seconds and linear programs of each method by itself, beside the optimum of all homes and their costs alone."


def write_coalition(folder: Path, plan: Plan, lines: pl.DataFrame, notes: list[str]) -> list[FigureTable]:
    """Write `lines.csv`, `table.csv`, `table.md`, `study.html` and PNGs; returns the tables.

    Args:
        folder: of the study.
        plan: its name and question.
        lines: figures of each row, seed and method.
        notes: a sentence each.
    """
    found = spreads(lines)
    tables = [*of_rows(found), gaps(lines)]
    charts = {"time": growth(found), "excess": by_method(found)}
    write_whole(folder / "lines.csv", csv_bytes(lines))
    write_whole(folder / "table.csv", csv_bytes(found))
    write_whole(folder / "table.md", markdown(tables, notes).encode())
    for name, chart in charts.items():
        save(chart, folder / f"{name}.png")
    shown = "".join(html.paragraph(table.title) + table.page() for table in tables)
    sections = [
        PageSection("table", "All rows", NOTE, shown, "table"),
        PageSection("time", "Against the number of homes", GROWS, html.figure(charts["time"]), "time"),
        PageSection("excess", "Who would rather leave", "", html.figure(charts["excess"]), "excess"),
        PageSection("rows", "What the rows are", "", html.bullets(notes), "rows"),
    ]
    page = html.page(plan.about, sections, kicker=f"wattflock · study {plan.name}")
    write_whole(folder / "study.html", page.encode())
    return tables


def of_rows(found: pl.DataFrame, wide: bool = True) -> list[FigureTable]:
    """A table for each row of the study, with the figures it has."""
    made = []
    for (row, homes), part in found.group_by(("row", "homes"), maintain_order=True):
        there = [each for each in COLUMNS if each[0] in part.columns and part[each[0]].count()]
        if not wide:
            there = [each for each in there if each[0] in ("better_off", "excess", "from_nucleolus", "seconds")]
        rows = [
            Row([spoken(line["method"]), *(_mean(line, name, factor) for name, _, _, factor in there)])
            for line in part.iter_rows(named=True)
        ]
        heads = [("method", ""), *((head, unit) for _, head, unit, _ in there)]
        title = f"{row}: {homes:,} homes, {part['seeds'].max()} seeds; they save {_saving(part)} % of what they pay"
        made.append(FigureTable(heads, rows, NOTE if not made else "", whole=1, title=title))
    return made


def gaps(lines: pl.DataFrame) -> FigureTable:
    """Paired differences of the largest excess from that of the nucleolus of clusters."""
    found = differences(lines, "excess", REFERENCE)
    rows = [
        Row([line["row"], spoken(line["method"]), _pm(line["mean"], line["half"], 100)])
        for line in found.iter_rows(named=True)
    ]
    return FigureTable(
        [("row", ""), ("method", ""), ("largest excess", "% of saving")],
        rows,
        APART,
        left=2,
        title="Paired differences",
    )


def growth(found: pl.DataFrame) -> Any:
    """Seconds and programs against the number of homes, of rows that are there for several numbers."""
    some = found.filter(pl.col("sweep") != "").with_columns(METHOD)
    panels = [
        _lines(some.filter(pl.col(name) > least), name, title)
        for name, title, least in (("seconds", "time [s]", 1e-3), ("programs", "linear programs", 0.5))
    ]
    return themed(alt.hconcat(*panels), "Seconds and linear programs of each method against the number of homes.")


def by_method(found: pl.DataFrame) -> Any:
    """The largest excess of each method in each row of the study, as a table in colours."""
    shown = found.with_columns(METHOD, percent=100 * pl.col("excess"))
    rows, columns = (shown[name].unique(maintain_order=True).to_list() for name in ("row", "method"))
    base = alt.Chart(shown).encode(
        x=alt.X("method:N", title=None, sort=columns, axis=alt.Axis(orient="top", labelAngle=-30, labelOverlap=False)),
        y=alt.Y("row:N", title=None, sort=rows),
    )
    scale = alt.Scale(range=list(SEQUENTIAL[:3]), domain=[0, 10, 50], clamp=True)
    cells = base.mark_rect().encode(color=alt.Color("percent:Q", scale=scale, title="largest excess [% of the saving]"))
    texts = base.mark_text(color="black").encode(text=alt.Text("percent:Q", format=".1f"))
    said = "The largest excess of each way to share, a line a row of the study; above 0 a coalition would leave."
    return themed((cells + texts).properties(width=WIDTH, height=30 * len(rows)), said)


def _lines(table: pl.DataFrame, name: str, title: str) -> Any:
    scale: Callable[[], alt.Scale] = lambda: alt.Scale(type="log", nice=False)  # noqa: E731
    colours = alt.Scale(range=[*OKABE_ITO, INK, "#aa4499"])
    return alt.Chart(table).mark_line(point=True).encode(
        x=alt.X("homes:Q", title="homes", scale=scale(), axis=alt.Axis(format="~g", tickCount=5)),
        y=alt.Y(f"{name}:Q", title=title, scale=scale(), axis=alt.Axis(format="~g", tickCount=5)),
        color=alt.Color("method:N", title=None, scale=colours),
        tooltip=["method:N", "homes:Q", alt.Tooltip(f"{name}:Q", format=",.3g")],
    ).properties(width=WIDTH // 2 - 20, height=HEIGHT - 60)  # fmt: skip


def _saving(part: pl.DataFrame) -> str:
    return number(100 * part["saving_share"][0])


def _mean(line: dict[str, Any], name: str, factor: float) -> str:
    return _pm(line[name], line[f"{name}_half"], factor)


def _pm(mean: float | None, half: float | None, factor: float) -> str:
    """A mean with its half width, where there is one that shows."""
    if mean is None:
        return DASH
    text = _plain(mean * factor)
    return text if half is None or abs(half * factor) < 0.005 else f"{text} (± {_plain(half * factor)})"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{round(value, 2) + 0.0:,.2f}"
