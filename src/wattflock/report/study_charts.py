"""The figure of a study: time to quality, a line for each method and a band over its seeds."""

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from wattflock.report.charts import colour_of, dash_of, decades, menu, named, nothing
from wattflock.report.run_data import COLUMNS, floor_of, read_table
from wattflock.report.theme import HEIGHT, WIDTH, themed

CAPTION = (
    "Validation days. Line: the mean over seeds; band: from the lowest to the highest seed. Seconds of training, "
    "compilation included; a seed that has ended keeps its last mark."
)
QUANTITIES = {
    "saving": "saving [{currency} per home and day]",
    "violation": "violation [mpu·h per node and day]",
}
POINTS = 60  # of a band


def marks(done: list[tuple[str, Path]]) -> pl.DataFrame:
    """Validation marks of all runs (row, folder); `saving` [currency per home and day], `violation` [mpu·h].

    Raises:
        RunError: the curves of a run are missing or damaged.
    """
    violation = 1000 * pl.col("violation_pu_h")
    tables = [
        read_table(folder / "curves.parquet", COLUMNS["curves"])
        .filter(pl.col("split") == "validation")
        .select(
            pl.lit(row).alias("row"),
            pl.lit(folder.name).alias("run"),
            "method",
            "seconds",
            "saving",
            violation=violation,
        )
        for row, folder in done
    ]
    return pl.concat(tables, how="vertical_relaxed")


def rows(table: pl.DataFrame) -> list[str]:
    """The rows that trained anything."""
    return table["row"].unique(maintain_order=True).to_list()


def band(table: pl.DataFrame, quantity: str) -> pl.DataFrame:
    """`seconds`, and `mean`, `low` and `high` over the runs of one method, from where all of them have a mark."""
    runs = [run.sort("seconds") for _, run in table.drop_nulls(quantity).group_by("run", maintain_order=True)]
    if not runs:
        return pl.DataFrame(schema=dict.fromkeys(("seconds", "mean", "low", "high"), pl.Float64))
    first, last = max(run["seconds"][0] for run in runs), max(run["seconds"][-1] for run in runs)
    seconds = np.geomspace(max(first, 1e-3), max(last, 1e-3), POINTS)
    values = np.stack([np.interp(seconds, run["seconds"].to_numpy(), run[quantity].to_numpy()) for run in runs])
    return pl.DataFrame({"seconds": seconds, "mean": values.mean(0), "low": values.min(0), "high": values.max(0)})


def bands(table: pl.DataFrame, quantity: str) -> pl.DataFrame:
    """The bands of every row and method."""
    groups = table.group_by("row", "method", maintain_order=True)
    found = [
        band(one, quantity).select(pl.lit(row).alias("row"), pl.lit(method).alias("method"), "*")
        for (row, method), one in groups
    ]
    return pl.concat(found)


def time_to_quality(table: pl.DataFrame, currency: str) -> Any:
    """Saving and violation over seconds of training; a menu picks the row where there are several."""
    every = rows(table)
    if not every:
        return nothing("Nothing was trained in these runs.")
    panels = [
        _panel(table, quantity, title.format(currency=currency), len(every) > 1)
        for quantity, title in QUANTITIES.items()
    ]
    chart = alt.hconcat(*panels)
    said = f"Saving and violation over seconds of training. First: {every[0]}."
    return themed(chart.add_params(menu("row_shown", "row", every, every[0])) if len(every) > 1 else chart, said)


def _panel(table: pl.DataFrame, quantity: str, title: str, chosen: bool) -> Any:
    trained = table["method"].unique(maintain_order=True).to_list()
    found = bands(table, quantity)
    more: dict[str, Any] = {"scale": alt.Scale(zero=False)}
    if quantity == "violation":
        floor = floor_of(table["violation"])
        scale, axis = decades(floor, float(table["violation"].max() or 0))  # type: ignore[arg-type]
        found = found.with_columns(pl.col("mean", "low", "high").clip(floor))
        more = {"scale": scale, "axis": axis}
    shown = alt.Chart(named(found, trained))
    shown = shown.transform_filter("datum.row == row_shown") if chosen else shown
    x = alt.X(
        "seconds:Q",
        title="training [s]",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~g", tickCount=5),
    )
    base = shown.encode(x=x, color=colour_of(trained))
    return alt.layer(
        base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", title=title, **more), y2="high:Q"),
        base.mark_line().encode(
            y=alt.Y("mean:Q", **more),
            strokeDash=dash_of(trained),
            tooltip=["method:N", alt.Tooltip("seconds:Q", format=".1f"), alt.Tooltip("mean:Q", format=".3~g")],
        ),
    ).properties(width=WIDTH // 2 - 20, height=HEIGHT - 60)
