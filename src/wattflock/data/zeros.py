"""Steps that an owner leaves out because nothing was drawn: set to 0, with a word."""

import polars as pl

from wattflock.data.finding import Finding, finding
from wattflock.data.layout import Layout
from wattflock.data.time_grid import ordered, steps_of, with_steps

LONGEST_H = 12  # of a stretch of zeros; a longer one is a gap
METERED = ("load_kw", "pv_kw")


def zeros_back(homes: pl.DataFrame, layout: Layout, name: str) -> tuple[pl.DataFrame, list[Finding]]:
    """With rows of 0 for steps that are left out, where the layout does so and no reading is 0 by itself."""
    columns = [column for column in METERED if column in homes.columns]
    if layout.zeros != "zero" or homes.is_empty() or not columns or (homes[columns[0]] == 0).any():
        return homes, []
    table = with_steps(ordered(homes), steps_of(ordered(homes)))
    after = table.select("file", "row", "home", "zoned", "step", "time", next=pl.col("time").shift(-1).over("home"))
    gaps = after.filter((pl.col("next") - pl.col("time")).is_between(2 * pl.col("step"), pl.duration(hours=LONGEST_H)))
    if gaps.is_empty():
        return homes, []
    every = pl.datetime_ranges(pl.col("time") + pl.col("step"), pl.col("next"), "1m", closed="left")
    minutes = round(gaps["step"][0].total_seconds() / 60)
    rows = gaps.with_columns(time=every.list.gather_every(minutes)).explode("time").drop("next", "step")
    rows = rows.with_columns(**{column: pl.lit(0.0) for column in columns})
    words = f"{rows.height:,} steps in {gaps.height:,} stretches of at most {LONGEST_H} h"
    return pl.concat([homes, rows], how="diagonal"), [finding("zeros-left-out", (name, columns[0]), words, rows.height)]
