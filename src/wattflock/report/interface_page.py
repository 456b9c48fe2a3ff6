"""A study of interviews as tables, a chart and one page, beside the figures of the paper."""

from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from wattflock.core.files import csv_bytes, write_whole
from wattflock.report import html
from wattflock.report.html import PageSection, Row
from wattflock.report.study_page import markdown
from wattflock.report.tables import FigureTable
from wattflock.report.theme import SEQUENTIAL, WIDTH, save, themed
from wattflock.report.words import DASH
from wattflock.study.study_file import Plan

SOURCE = "Michelon, Zhou, Morstyn (e-Energy 2025): Mistral-7B-Instruct-v0.2, ReAct + example"
PAPER = {  # right of 20 interviews, easy, medium, hard [%]; read from the vector graphics of the paper's figures
    "date_start": (100, 95, 95), "date_end": (100, 100, 85), "ev_count": (100, 95, 90), "city": (100, 100, 70),
    "ev_departure_time": (95, 100, 100), "ev_arrival_time": (100, 85, 75), "comfort_temp_min_c": (95, 90, 85),
    "comfort_temp_max_c": (85, 35, 30),
}  # fmt: skip
LEVELS = ("easy", "medium", "hard")
COLUMNS = (  # figure, heading, unit, factor, digits
    ("right", "right", "%", 100, 1), ("about", "±", "points", 100, 1), ("at_once", "right at once", "%", 100, 1),
    ("asked_again", "asked again", "%", 100, 1), ("wrong", "wrong but accepted", "%", 100, 1),
    ("questions", "questions", "", 1, 2), ("seconds", "machine time", "ms", 1000, 1),
)  # fmt: skip
NOTE = (
    "Shares of slots. Right: the truth was stored, ± 1.96 standard errors over residents; at once: after one question "
    "at most. Asked again: a read-back or a clarification. What is neither right nor wrong stayed open. Questions and "
    "machine time are of one slot."
)
BESIDE = f"Paper: {SOURCE}. Its simulated residents are that model; ours are seeded sentences. [%]"
KEPT = (
    "Shares of interviews. The first rows: the values are as strict as the truth, so that any plan that keeps them "
    "keeps it. Those of the plan: its powers meet the home as it truly is."
)
PLANNED = (
    "Shares of interviews after which the plan keeps what is true: cars charged when they leave, rooms in their band."
)


def write_interface(folder: Path, plan: Plan, found: tuple[pl.DataFrame, ...], notes: list[str]) -> list[FigureTable]:
    """Write `slots.csv`, `constraints.csv`, `table.md`, `study.html` and a PNG; returns the tables.

    Args:
        folder: of the study.
        plan: its name and question.
        found: a line for each interview and slot; one for each interview and constraint.
        notes: a sentence each.
    """
    slots, kept = found
    shown = [by_setting(slots), beside_paper(slots), of_constraints(kept), of_plans(kept), by_slot(slots)]
    chart = picture(slots)
    write_whole(folder / "slots.csv", csv_bytes(slots))
    write_whole(folder / "constraints.csv", csv_bytes(kept))
    write_whole(folder / "table.md", markdown(shown, notes).encode())
    save(chart, folder / "right.png")
    sections = [
        PageSection("right", "What was understood", "", html.figure(chart), "right"),
        *(PageSection(f"t{place}", each.title, each.note, each.page(), each.title) for place, each in enumerate(shown)),
        PageSection("rows", "Who is asked", "", html.bullets(notes), "rows"),
    ]
    page = html.page(plan.about, sections, kicker=f"wattflock · study {plan.name}")
    write_whole(folder / "study.html", page.encode())
    return shown


def by_setting(slots: pl.DataFrame) -> FigureTable:
    """A row for each persona and setting."""
    return _table(slots, ("persona", "method"), "Settings", NOTE)


def by_slot(slots: pl.DataFrame) -> FigureTable:
    """A row for each persona and slot, of the whole assistant."""
    whole = _whole(slots)
    return _table(slots.filter(pl.col("method") == whole), ("persona", "slot"), f"Slots, with {whole}", "")


def beside_paper(slots: pl.DataFrame) -> FigureTable:
    """Right of the whole assistant and of the paper, for each slot and difficulty."""
    ours = slots.filter(pl.col("method") == _whole(slots)).group_by("slot", "persona").agg(pl.col("right").mean())
    share = {(slot, persona): 100 * right for slot, persona, right in ours.rows()}
    rows = [Row([slot, *_pairs(share, slot, published)]) for slot, published in PAPER.items()]
    ours_all = [_mean([share.get((slot, level)) for slot in PAPER]) for level in LEVELS]
    both = [text for own, level in zip(ours_all, LEVELS, strict=True) for text in (own, f"{_published(level):.1f}")]
    heads = [head for level in LEVELS for head in ((level, ""), (f"{level}, paper", ""))]
    return FigureTable([("slot", ""), *heads], [*rows, Row(["mean", *both])], BESIDE, title="Beside the paper")


def of_constraints(kept: pl.DataFrame) -> FigureTable:
    """Which true constraints are kept, for each constraint and persona, of the whole assistant."""
    some = kept.filter(pl.col("method") == _whole(kept))
    personas = some["persona"].unique(maintain_order=True).to_list()
    shares = some.group_by("constraint", "persona").agg(pl.col("kept").mean())
    means = {(name, persona): 100 * share for name, persona, share in shares.rows()}
    names = some["constraint"].unique(maintain_order=True).to_list()
    rows = [Row([name, *(f"{means[name, persona]:.1f}" for persona in personas)]) for name in names]
    return FigureTable([("constraint", ""), *((each, "%") for each in personas)], rows, KEPT, title="Constraints kept")


def of_plans(kept: pl.DataFrame) -> FigureTable:
    """Which plans keep all that is true, for each setting and persona."""
    plans = kept.filter(pl.col("constraint").str.starts_with("plan"))
    whole = plans.group_by("method", "persona", "seed", maintain_order=True).agg(pl.col("kept").all())
    share = {
        (method, persona): f"{100 * kept:.1f}"
        for method, persona, kept in whole.group_by("method", "persona").agg(pl.col("kept").mean()).rows()
    }
    methods, personas = (whole[name].unique(maintain_order=True).to_list() for name in ("method", "persona"))
    rows = [Row([method, *(share[method, persona] for persona in personas)]) for method in methods]
    heads = [("setting", ""), *((each, "%") for each in personas)]
    return FigureTable(heads, rows, PLANNED, title="Plans that keep what is true")


def picture(slots: pl.DataFrame) -> Any:
    """Right of each setting and persona, and of the paper, as a table in colours."""
    ours = slots.group_by("method", "persona", maintain_order=True).agg(percent=100 * pl.col("right").mean())
    rows, columns = (ours[name].unique(maintain_order=True).to_list() for name in ("method", "persona"))
    paper = [
        {"method": "paper", "persona": level, "percent": _published(level)} for level in LEVELS if level in columns
    ]
    base = alt.Chart(pl.concat([ours, pl.DataFrame(paper, schema=ours.schema)])).encode(
        x=alt.X("persona:N", title=None, sort=columns, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("method:N", title=None, sort=[*rows, "paper"]),
    )
    scale = alt.Scale(range=list(SEQUENTIAL[:3])[::-1], domain=[50, 90, 100], clamp=True)
    cells = base.mark_rect().encode(color=alt.Color("percent:Q", scale=scale, title="right [%]"))
    texts = base.mark_text(color="black").encode(text=alt.Text("percent:Q", format=".1f"))
    return themed(
        (cells + texts).properties(width=WIDTH, height=30 * (len(rows) + 1)),
        "The share of slots of which the truth is stored, for each setting and persona, beside the paper's best model.",
    )


def _table(slots: pl.DataFrame, keys: tuple[str, str], title: str, note: str) -> FigureTable:
    names = [pl.col(name).cast(pl.Float64).mean() for name, *_ in COLUMNS if name != "about"]
    residents = slots.group_by(*keys, "seed", maintain_order=True).agg(names)
    about = (1.96 * pl.col("right").std() / pl.len().sqrt()).alias("about")
    means = residents.group_by(keys, maintain_order=True).agg(pl.exclude("seed").mean(), about)
    rows = [
        Row([line[keys[0]], line[keys[1]], *(_shown(line[name], *how) for name, _, _, *how in COLUMNS)])
        for line in means.iter_rows(named=True)
    ]
    heads = [
        (keys[0], ""),
        (keys[1].replace("method", "setting"), ""),
        *((head, unit) for _, head, unit, _, _ in COLUMNS),
    ]
    return FigureTable(heads, rows, note, left=2, whole=2, title=title)


def _shown(value: float | None, factor: float, digits: int) -> str:
    return DASH if value is None else f"{factor * value:.{digits}f}"


def _whole(table: pl.DataFrame) -> str:
    """The setting that is the whole assistant: the rules, or the richest style of a model that is there."""
    there = table["method"].unique(maintain_order=True).to_list()
    return "rules" if "rules" in there else there[-1]


def _published(level: str) -> float:
    """The mean over slots of the paper's figures [%]."""
    return sum(each[LEVELS.index(level)] for each in PAPER.values()) / len(PAPER)


def _pairs(share: dict, slot: str, published: tuple[int, ...]) -> list[str]:
    pairs = zip(LEVELS, published, strict=True)
    return [text for level, theirs in pairs for text in (_mean([share.get((slot, level))]), str(theirs))]


def _mean(shares: list[float | None]) -> str:
    there = [each for each in shares if each is not None]
    return f"{sum(there) / len(there):.1f}" if there else DASH
