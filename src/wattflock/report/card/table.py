"""The lines of a card for the terminal and as CSV."""

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wattflock.report.card import words
from wattflock.report.card.words import Facts

COLUMNS = ("topic", "figure", "value", "unit", "beside", "beside_is", "sense", "bar", "verdict")
COLOURS = {"held": "green", "short": "bold red"}


def summary(facts: Facts) -> Group:
    """The bars for the terminal; all other figures stand in the files."""
    table = Table("figure", box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for head in ("reached", "beside it", "bar", "verdict"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in facts["rows"]:
        if row["verdict"]:
            beside = words.with_unit(row["beside"], "1")
            verdict = Text(row["verdict"], COLOURS[row["verdict"]])
            table.add_row(
                Text(row["figure"].partition(" (")[0]),
                words.with_unit(row["value"], row["unit"].partition(" of ")[0]),
                beside,
                words.bar(row),
                verdict,
            )
    left_out = [Text(f"{words.title_of(name)}: left out, {why}") for name, why in facts["left_out"]]
    return Group(Text(f"{words.headline(facts)}."), table, *left_out, *map(Text, facts["notes"]))


def lines(facts: Facts) -> pl.DataFrame:
    """Every line of the card, one row each; unknown numbers are null."""
    schema = {name: pl.Float64 if name in ("value", "beside", "bar") else pl.String for name in COLUMNS}
    return pl.DataFrame([{name: row[name] for name in COLUMNS} for row in facts["rows"]], schema=schema)
