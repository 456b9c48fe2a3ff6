"""The report card of made homes, for a reader: a page, a picture of each figure, the facts, lines for the terminal."""

from pathlib import Path

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wattflock.core.files import csv_bytes, write_json, write_whole
from wattflock.report import card_words as words
from wattflock.report import html
from wattflock.report.card_charts import LOOKS, CardFigure, card_figures
from wattflock.report.card_words import Facts, Row
from wattflock.report.html import PageSection
from wattflock.report.theme import save

COLUMNS = ("topic", "figure", "value", "unit", "beside", "beside_is", "sense", "bar", "verdict")
COLOURS = {"held": "green", "short": "bold red"}
HEADS = [("figure", ""), ("reached", ""), ("beside it", ""), ("bar", ""), ("verdict", "")]
STYLE = """
tbody th { white-space: normal; min-width: 13em; }
tr.short td:last-child { color: #c2410c; font-weight: 700; } tr.held td:last-child { color: #00815f; font-weight: 700; }
@media screen and (prefers-color-scheme: dark) {
  tr.short td:last-child { color: #fb923c; } tr.held td:last-child { color: #34d399; } }
"""
CAPTION = (
    "A bar is what good made homes must reach. Beside it stands the same figure elsewhere: mostly that of training "
    "homes against held-out homes, which is what chance and few homes alone make."
)
JUDGED = "Powers are judged hour by hour; a day with a gap is left out."


def write_card(folder: Path, facts: Facts) -> list[Path]:
    """Write card.html, card.json, card.csv and card-<figure>.png into the folder, each whole or not at all.

    Args:
        folder: is made where it is not there.
        facts: what `wattflock.synth.card.collect` gives.

    Raises:
        RunError: the folder cannot be written.
    """
    figures = card_figures(facts)
    written = [
        write_json(folder / "card.json", facts),
        write_whole(folder / "card.csv", csv_bytes(lines(facts))),
        write_whole(folder / "card.html", page(facts, figures).encode()),
    ]
    return written + [save(one.chart, folder / f"card-{one.name}.png") for one in figures]


def page(facts: Facts, figures: list[CardFigure]) -> str:
    """The whole page: what is held and what falls short, every figure, and what was compared."""
    sections = [_table(facts), *map(_figure, figures), _about(facts)]
    above = html.paragraph(words.story(facts), "lead")
    return html.page(f"{words.headline(facts)}.", sections, above, "wattflock · report card of made homes", STYLE)


def summary(facts: Facts) -> Group:
    """The bars for the terminal; all other figures stand in the files."""
    table = Table("figure", box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for head in ("reached", "beside it", "bar", "verdict"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in facts["rows"]:
        if row["verdict"]:
            reached = words.with_unit(row["value"], row["unit"].partition(" of ")[0])
            name, verdict = row["figure"].partition(" (")[0], Text(row["verdict"], COLOURS[row["verdict"]])
            table.add_row(Text(name), reached, words.with_unit(row["beside"], "1"), words.bar(row), verdict)
    left_out = [Text(f"{words.title_of(name)}: left out, {why}") for name, why in facts["left_out"]]
    return Group(Text(f"{words.headline(facts)}."), table, *left_out, *map(Text, facts["notes"]))


def lines(facts: Facts) -> pl.DataFrame:
    """Every line of the card, one row each; unknown numbers are null."""
    schema = {name: pl.Float64 if name in ("value", "beside", "bar") else pl.String for name in COLUMNS}
    table = pl.DataFrame([{name: row[name] for name in COLUMNS} for row in facts["rows"]], schema=schema)
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(6))


def _table(facts: Facts) -> PageSection:
    """The bars, and folded away what has none."""
    judged, others = ([row for row in facts["rows"] if bool(row["verdict"]) == wanted] for wanted in (True, False))
    bars = html.table(HEADS, [html.Row(_cells(row), row["verdict"]) for row in judged]) if judged else ""
    more = html.table(HEADS[:3], [html.Row(_cells(row)[:3]) for row in others])
    folded = html.folded(f"Figures without a bar ({len(others)})", more) if others else ""
    return PageSection("table", "Figures and bars", CAPTION, bars + folded)


def _cells(row: Row) -> list[str]:
    beside = words.DASH if row["beside"] is None else f"{words.with_unit(row['beside'], '1')} ({row['beside_is']})"
    return [row["figure"], words.value(row), beside, words.bar(row), row["verdict"] or words.DASH]


def _figure(one: CardFigure) -> PageSection:
    return PageSection(one.name, one.title, one.how, html.figure(one.chart, one.said), one.title)


def _about(facts: Facts) -> PageSection:
    sides = {LOOKS[side].label: text for side, text in words.of_sides(facts).items()}
    left_out = [f"{words.title_of(name)}: left out, {why}" for name, why in facts["left_out"]]
    said = html.definitions(sides) + html.bullets([*facts["notes"], *left_out, JUDGED])
    return PageSection("about", "What was compared", "", said)
