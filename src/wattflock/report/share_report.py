"""Shares of a saving: a table of methods for the terminal, and a picture of what every home gets."""

from typing import Any

import altair as alt
import polars as pl

from wattflock.game.outcome import ROUNDING, Outcome
from wattflock.report.html import Row
from wattflock.report.tables import FigureTable
from wattflock.report.theme import BLUE, INK, RED, WIDTH, themed
from wattflock.report.words import DASH, counted, number, percent

LINE = 26  # of a method [px]
NOTHING = (
    "Homes save nothing together: exports earn what imports cost, or all is used where it is made. Another price: "
    "--set market.settings.export_share=0.3"
)
ALONE = "A home alone has nobody to share with."
FEW = 7  # columns for 80 characters
UNSHARED = ("home", "feed_in", "alone")  # columns that are no method's


def methods_table(found: Outcome, currency: str, wide: bool = True) -> FigureTable:
    """A row for each method: what it keeps, who complains, and what it takes; fewer columns unless `wide`."""
    heads = [
        ("method", ""), ("saving kept", "%"), ("better off", "homes"), ("worse off", "homes"),
        ("largest excess", currency), ("Jain", ""), ("time", "s"), ("above feed-in", "homes"),
        ("excess at most", currency), ("Gini", ""), ("least", currency), ("programs", ""),
    ]  # fmt: skip
    shown = len(heads) if wide else FEW
    rows = [Row([spoken(row["method"]), *_cells(row)][:shown]) for row in found.methods.iter_rows(named=True)]
    share = percent(found.saving / found.cost_alone) if found.cost_alone > 0 else DASH
    note = (
        f"{counted(found.players, 'home')}, {counted(found.days, 'day')}. "
        f"Alone they pay {found.cost_alone:,.2f} {currency}; together they save {found.saving:,.2f} ({share} %). "
        f"Optimum: {found.seconds:.1f} s, {counted(found.programs, 'program')}."
    )
    return FigureTable(heads[:shown], rows, note, whole=1)


def notes(found: Outcome) -> list[str]:
    """What methods say of themselves, and who complains most."""
    said = [] if found.saving else [NOTHING if found.players > 1 else ALONE]
    for row in found.methods.iter_rows(named=True):
        who = f"most complains: {row['complaining']}" if row["largest_excess"] > 1e-6 * found.saving else ""
        if text := "; ".join(filter(None, (row["note"], who))):
            said.append(f"{spoken(row['method'])}: {text}")
    return said


def picture(found: Outcome, currency: str) -> Any:
    """What every home saves of its cost alone, a line for each method; homes that pay more than alone are red."""
    long = found.homes.unpivot(
        [name for name in found.homes.columns if name not in UNSHARED], index="home", variable_name="method"
    ).with_columns(saving=pl.col("value") / found.days, method=pl.col("method").str.replace_all("_", " "))
    order = list(map(spoken, found.methods["method"]))
    tiny = -ROUNDING * abs(found.cost_alone) / found.players
    colour = alt.condition(f"datum.value < {tiny}", alt.value(RED), alt.value(BLUE))
    ticks = alt.Chart(long).mark_tick(thickness=1.5, size=15, opacity=0.45).encode(
        x=alt.X("saving:Q", title=f"saving of a home [{currency} per day]"),
        y=alt.Y("method:N", sort=order, title=None),
        color=colour,
        tooltip=["method:N", "home:N", alt.Tooltip("saving:Q", format=".3f")],
    )  # fmt: skip
    zero = alt.Chart(pl.DataFrame({"saving": [0.0]})).mark_rule(color=INK).encode(x="saving:Q")
    chart = (zero + ticks).properties(width=WIDTH, height=LINE * len(order))
    return themed(chart, "What every home saves by each way to share, a tick a home; red pays more than alone.")


def spoken(method: str) -> str:
    """The name of a method for people."""
    return method.replace("_", " ")


def _cells(row: dict[str, Any]) -> list[str]:
    jain, gini = (DASH if row[name] is None else f"{row[name]:.3f}" for name in ("jain", "gini"))
    return [
        f"{100 * row['saving_kept']:.2f}", f"{row['better_off']:,}", f"{row['worse_off']:,}",
        number(row["largest_excess"]), jain, f"{row['seconds']:.1f}", f"{row['above_feed_in']:,}",
        number(row["largest_excess_upper"]), gini, number(row["least"]), f"{row['programs']:,}",
    ]  # fmt: skip
