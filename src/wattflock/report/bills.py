"""Bills under one market or several: totals for the terminal, and a picture of all homes before and after."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from wattflock.report.html import Row
from wattflock.report.tables import FigureTable
from wattflock.report.theme import BLUE, GREY, HEIGHT, WIDTH, themed
from wattflock.report.words import counted
from wattflock.study.settlement import Settled

OWN, SHARED = "own tariff", "in the market"


def totals(every: Sequence[Settled], currency: str, days: float) -> FigureTable:
    """A row for each market: what homes pay together, who keeps the difference, and how many pay less."""
    heads = [
        ("market", ""), ("own tariffs", currency), ("bills", currency), ("difference", currency),
        ("margin", currency), ("grid's bill", currency), ("traded", "kWh"), ("pay less", "homes"),
        ("pay more", "homes"),
    ]  # fmt: skip
    money = ("own_tariff", "total", "difference", "margin", "grid_bill", "bought_kwh")
    rows = []
    for each in every:
        sums = each.totals
        numbers = [f"{round(sums[name], 2) + 0.0:,.2f}" for name in money]  # no -0.00
        rows.append(Row([each.market, *numbers, f"{sums['pay_less']:,}", f"{sums['pay_more']:,}"]))
    span = f"{counted(every[0].homes.height, 'home')}, {days:,.4g} day{'s' * (days != 1)}"
    return FigureTable(heads, rows, f"{span}; bills + margin = the grid's bill", whole=1)


def picture(every: Sequence[Settled], currency: str) -> Any:
    """Each home's bill on its own tariff and in each market, homes in the order of the first."""
    table = pl.concat([each.homes for each in every])
    ranked = table.with_columns(rank=pl.col("own_tariff").rank("ordinal").over("market"))
    long = pl.concat(
        [
            ranked.select("market", "home", "rank", bill=pl.col(column), which=pl.lit(label))
            for column, label in (("own_tariff", OWN), ("total", SHARED))
        ]
    )
    colour = alt.Color("which:N", title=None, scale=alt.Scale(domain=[OWN, SHARED], range=[GREY, BLUE]))
    shape = alt.Shape("which:N", title=None, scale=alt.Scale(domain=[OWN, SHARED], range=["circle", "diamond"]))
    tips = ["market:N", "home:N", "which:N", alt.Tooltip("bill:Q", format=".2f", title=f"bill [{currency}]")]
    axis = alt.Axis(tickMinStep=1, format="d", title="homes by what they pay on their own tariff")
    points = alt.Chart(long).mark_point(filled=True, size=26, opacity=0.8).encode(
        x=alt.X("rank:Q", axis=axis, scale=alt.Scale(domain=[0.5, every[0].homes.height + 0.5], nice=False)),
        y=alt.Y("bill:Q", title=f"bill [{currency}]"),
        color=colour, shape=shape, tooltip=tips,
    )  # fmt: skip
    chart = points.properties(width=WIDTH, height=HEIGHT - 80).facet(row=alt.Row("market:N", title=None))
    return themed(chart, "Bills of all homes before and after, per market; homes sorted by their own tariff's bill.")
