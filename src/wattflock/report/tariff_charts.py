"""Pictures of a network tariff."""

from typing import Any

import altair as alt
import polars as pl

from wattflock.core.types import DAY_KINDS
from wattflock.report.charts import HOUR_AXIS, HOURS
from wattflock.report.theme import themed

BETWEEN = tuple(DAY_KINDS.values())[1:]
WORDS = {
    "cold": f"cold days (below {BETWEEN[0]:g} °C)",
    "mild": f"mild days ({BETWEEN[0]:g} to {BETWEEN[1]:g} °C)",
    "warm": f"warm days (above {BETWEEN[1]:g} °C)",
}


def prices(table: pl.DataFrame, currency: str) -> Any:
    """The price of each zone over the day, a panel for each kind of day; `table` as `wattflock tariff` writes it."""
    zones = table.group_by("zone", "day", "hour").agg(pl.col("network_per_kwh").mean()).sort("zone", "hour")
    count = table.group_by("zone").agg(pl.col("terminal").n_unique().alias("terminals"))
    shown = zones.join(count, on="zone").with_columns(
        pl.col("day").replace(WORDS),
        pl.format("zone {} ({} terminals)", "zone", "terminals").alias("where"),
    )
    chart = (
        alt.Chart(shown)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("hour:Q", scale=HOURS, axis=HOUR_AXIS),
            y=alt.Y("network_per_kwh:Q", title=f"network price [{currency}/kWh]"),
            color=alt.Color("where:N", title=None, scale=alt.Scale(scheme="viridis")),
        )
        .properties(width=230, height=200)
        .facet(column=alt.Column("day:N", title=None, sort=list(WORDS.values())))
    )
    said = f"Network price of {len(count)} zones over the day on cold, mild and warm days, in {currency} per kWh."
    return themed(chart, said)
