"""The figures of a study of a shared limit: what each method reaches in each row, and levels of four homes."""

from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from wattflock.report.charts import HOUR_AXIS, HOURS, colour_of, named, shape_of
from wattflock.report.run_data import RunData, read_table
from wattflock.report.study_data import ALL
from wattflock.report.theme import HEIGHT, INK, OKABE_ITO, WIDTH, held, methods, themed
from wattflock.study.quantities import QUANTITIES

SHOWN = ("reward_per_episode", "capacity_used_share", "fairness", "low_h_per_home_day")
HOMES, METHODS = 4, 4  # of the figure of levels
CAPTION = (
    "Mean over seeds and test episodes; lines: from the lowest to the highest seed. Then states of charge of four "
    "homes through the first days of a test episode, first seed; dashed: the lowest level that is no violation."
)


def reached(found: pl.DataFrame) -> Any:
    """Four figures of every method and row, of lines of `study_data.spreads` on all test days."""
    found = found.filter((pl.col("judged_on") == ALL) & pl.col("reward_per_episode_mean").is_not_null())
    rows = found["row"].unique(maintain_order=True).to_list()
    order = found.group_by("method").agg(pl.col("reward_per_episode_mean").mean()).sort("reward_per_episode_mean")
    names = order["method"].to_list()[::-1]
    labels = [look.label for look in methods(names).values()]
    colours = [OKABE_ITO[k % len(OKABE_ITO)] for k in range(len(rows))]
    panels = []
    for k, name in enumerate(SHOWN):
        quantity = QUANTITIES[name]
        table = named(found, names).select(
            "row",
            "method",
            *((quantity.scale * pl.col(f"{name}_{end}")).alias(end) for end in ("mean", "least", "most")),
        )
        across = alt.Scale(zero=False)
        y = alt.Y("method:N", sort=labels, title=None, axis=alt.Axis(labels=k % 2 == 0, ticks=False, labelLimit=220))
        base = alt.Chart(table).encode(
            y=y,
            yOffset=alt.YOffset("row:N", sort=rows),
            color=alt.Color("row:N", scale=alt.Scale(domain=rows, range=colours), title=None),
        )
        title = f"{quantity.label} [{quantity.unit}]"
        dots = base.mark_point(size=28).encode(
            x=alt.X("mean:Q", title=title, scale=across),
            tooltip=["row:N", "method:N", alt.Tooltip("mean:Q", format=".4~g")],
        )
        lines = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("least:Q", title=title, scale=across), x2="most:Q")
        height = alt.Step(max(18, 7 * len(rows)), **{"for": "position"})  # of a method with all its rows
        panels.append(alt.layer(lines, dots).properties(width=WIDTH // 2 - 40, height=height))
    chart = alt.concat(*panels, columns=2)
    return themed(chart, "Reward, limit used, fairness and hours below the lowest level, of every method in every row.")


def granted(run: RunData) -> Any:
    """The limit and what chargers drew of it through the worst day, and what each home was granted, by method."""
    day = run.worst_day.filter(pl.col("of").is_in(["limit", "granted"]))
    steps = len(day["values"].item(0))
    long = named(day.explode("values"), run.methods).rename({"values": "kW"})
    long = long.with_columns(start=24 * pl.int_range(pl.len()).over("method", "of", "name") / steps)
    sums = long.filter(of="granted").group_by("method", "start", maintain_order=True).agg(pl.col("kW").sum())
    ends = held(sums.with_columns(end=pl.col("start") + 24 / steps), "start", "end", ("method",))
    limit = long.filter(of="limit").unique("start", maintain_order=True).with_columns(end=pl.col("start") + 24 / steps)
    x = alt.X("start:Q", scale=HOURS, axis=HOUR_AXIS)
    line = alt.Chart(ends).mark_line(interpolate="step-after", strokeWidth=2)
    line = line.encode(x=x, y=alt.Y("kW:Q", title="granted together [kW]"), color=colour_of(run.methods))
    rule = alt.Chart(limit).mark_rule(color=INK, strokeDash=[4, 3]).encode(x=x, x2="end:Q", y="kW:Q")
    energy = (
        long.filter(of="granted")
        .group_by("method", "name", maintain_order=True)
        .agg(kwh=24 / steps * pl.col("kW").sum())
    )
    dots = alt.Chart(energy).mark_point(size=45, opacity=0.85).encode(
        x=alt.X("name:N", title="home", sort=energy["name"].unique(maintain_order=True).to_list(),
                axis=alt.Axis(labelOverlap=True, labelAngle=0)),
        y=alt.Y("kwh:Q", title="granted on the day [kWh]"), color=colour_of(run.methods), shape=shape_of(run.methods),
        tooltip=["name:N", "method:N", alt.Tooltip("kwh:Q", format=".2f")],
    )  # fmt: skip
    parts = [alt.layer(rule, line).properties(width=WIDTH, height=200), dots.properties(width=WIDTH, height=180)]
    least = (
        named(energy, run.methods)
        .group_by("method", maintain_order=True)
        .agg(low=pl.col("kwh").min(), high=pl.col("kwh").max())
    )
    said = " ".join(f"{name}: {low:.1f} to {high:.1f} kWh a home." for name, low, high in least.iter_rows())
    return themed(alt.vconcat(*parts), f"The shared limit and what homes were granted of it. {said}")


def levels(folder: Path, names: list[str], low: float) -> Any:
    """States of charge of four homes through the first days, a panel for each of some methods of a run.

    Args:
        folder: of the run.
        names: methods, at most four are shown.
        low: the lowest level that is no violation [share].

    Raises:
        RunError: the run's example homes are missing or damaged.
    """
    table = read_table(folder / "examples.parquet", "method home day step series value")
    table = table.filter(pl.col("series").str.ends_with("state of charge") & pl.col("method").is_in(names[:METHODS]))
    steps = pl.col("step").max().over("day") + 1
    table = table.with_columns(hour=24 * (pl.col("day") - pl.col("day").min()) + 24 * (pl.col("step") + 1) / steps)
    days = sorted(set(table["day"].to_list()))
    days = [day for k, day in enumerate(days) if day == days[0] + k]  # those that follow one another
    kept = sorted(set(table["home"].to_list()))[:HOMES]
    table = table.filter(pl.col("day").is_in(days) & pl.col("home").is_in(kept))
    table = named(table.with_columns(home=pl.format("home {}", "home")), names)
    labels = [look.label for look in methods(names[:METHODS]).values()]
    base = (
        alt.Chart(table)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("hour:Q", title="hour", axis=alt.Axis(values=list(range(0, 24 * len(days) + 1, 12)))),
            y=alt.Y("value:Q", title="state of charge [%]", scale=alt.Scale(domain=[0, 100])),
            color=alt.Color("home:N", title=None),
            strokeDash=alt.StrokeDash("home:N", title=None),
        )
    )
    rule = alt.Chart(table).mark_rule(strokeDash=[4, 3]).encode(y=alt.datum(100 * low))
    panel = alt.layer(base, rule).properties(width=WIDTH // 2 - 20, height=HEIGHT // 2)
    chart = panel.facet(alt.Facet("method:N", sort=labels, title=None), columns=2)
    return themed(chart, f"States of charge of {len(kept)} homes through {len(days)} days, by method.")
