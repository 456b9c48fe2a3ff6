"""A home through a day: what each device draws or gives, what is in store, and what energy costs."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from wattflock.report import run_data
from wattflock.report.charts import HOUR_AXIS, HOURS, nothing, numbered
from wattflock.report.run_data import RunData, best
from wattflock.report.theme import BLUE, HEIGHT, INK, PAPER, SERIES, SOFT, WIDTH, held, methods, series_colours, themed


def homes(run: RunData) -> Any:
    """A home through a day: power of each device above, states below, the price as background; menus pick which."""
    table = run_data.home_days(run)
    if table.is_empty():
        return nothing("No example homes in this run.")
    choices, looks = table["choice"].unique(maintain_order=True).to_list(), methods(run.methods)
    present, mine = run_data.methods_in(run, run.examples), best(run.summary)
    labels = [looks[name].label for name in present]
    picks = [
        numbered("home_shown", "", choices, choices[0]),
        numbered("steered_by", "method", labels, looks[mine].label if mine in present else labels[0]),
    ]
    table = _coded(table, choices, present)
    here = "datum.choice == home_shown && datum.method == steered_by"
    powers = alt.layer(_prices(run, choices), *_powers(table, here)).properties(width=WIDTH, height=HEIGHT - 60)
    chart = alt.vconcat(powers, _states(table, here)).resolve_scale(color="independent").add_params(*picks)
    return themed(
        chart, f"A home through a day: what each device draws (above zero) or gives (below). First: {choices[0]}."
    )


def _coded(table: pl.DataFrame, choices: list[str], names: Sequence[str] = ()) -> pl.DataFrame:
    """Homes with their days, and methods, by their places in the menus."""
    columns = {"choice": choices, "method": names} if names else {"choice": choices}
    coded = [
        pl.col(name).replace_strict(dict(zip(each, range(len(each)), strict=True)), return_dtype=pl.Int32)
        for name, each in columns.items()
    ]
    return table.with_columns(coded)


def _powers(table: pl.DataFrame, here: str) -> list[Any]:
    keys = ("choice", "method", "series", "start", "end")
    power = table.filter(pl.col("unit") == "kW").with_columns(pl.col("value", "low", "high").round(3))
    parts = power.filter((pl.col("series") != "net") & (pl.col("value") != 0)).select(*keys, "value", "low", "high")
    net = power.filter(pl.col("series") == "net").select(*keys, "value")
    ends = held(net, "start", "end", ("choice", "method"))
    x, y = alt.X("start:Q", scale=HOURS, axis=HOUR_AXIS), alt.Y("low:Q", title="power drawn [kW]")
    colour = _series_colours(power["series"])
    tips = ["series:N", alt.Tooltip("start:Q", title="from [h]"), alt.Tooltip("value:Q", format=".2f", title="kW")]
    bars = alt.Chart(parts).transform_filter(here).mark_rect(stroke=PAPER, strokeWidth=0.4)
    line = alt.Chart(ends).transform_filter(here).mark_line(interpolate="step-after", strokeWidth=2)
    zero = alt.Chart(pl.DataFrame({"at": [0.0]})).mark_rule(color=SOFT)
    return [
        zero.encode(y="at:Q"),
        bars.encode(x=x, x2="end:Q", y=y, y2="high:Q", color=colour, tooltip=tips),
        line.encode(x=x, y=alt.Y("value:Q"), color=colour),
    ]


def _series_colours(series: pl.Series) -> alt.Color:
    there = set(series) - {"net"}
    names = [name for name in SERIES if name in there] + sorted(there - SERIES.keys())
    colours = series_colours([*names, "net"])
    return alt.Color("series:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), title=None)


def _prices(run: RunData, choices: list[str]) -> Any:
    """The dearer the energy, the darker the ground."""
    table = _coded(run_data.prices(run), choices)
    least, most = (float(value or 0) for value in (table["price"].min(), table["price"].max()))  # type: ignore[arg-type]
    depth = alt.Opacity(
        "price:Q", scale=alt.Scale(domain=[least, max(most, least + 1e-9)], range=[0.03, 0.18]), legend=None
    )
    tip = alt.Tooltip("price:Q", format=".3f", title=f"price [{run.currency}/kWh]")
    return (
        alt.Chart(table)
        .transform_filter("datum.choice == home_shown")
        .mark_rect(color=INK)
        .encode(x=alt.X("start:Q", scale=HOURS, axis=HOUR_AXIS), x2="end:Q", opacity=depth, tooltip=[tip])
    )


def _states(table: pl.DataFrame, here: str) -> Any:
    states = table.filter(pl.col("unit") != "kW").select(
        "choice",
        "method",
        pl.col("end").alias("hour"),
        pl.col("value").round(2),
        pl.format("{} [{}], after each step", "series", "unit").alias("name"),
    )
    return (
        alt.Chart(states)
        .transform_filter(here)
        .mark_line(color=BLUE)
        .encode(
            x=alt.X("hour:Q", scale=HOURS, axis=HOUR_AXIS),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            row=alt.Row("name:N", title=None),
            tooltip=["hour:Q", "value:Q"],
        )
        .properties(width=WIDTH, height=90)
        .resolve_scale(y="independent")
    )
