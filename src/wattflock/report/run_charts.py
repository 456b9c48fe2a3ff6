"""The figures of a run: each is one function from `RunData` to a chart, the same for papers, pages and notebooks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from wattflock.report import run_data
from wattflock.report.charts import (
    CALM,
    HOUR_AXIS,
    HOURS,
    LINES,
    PER_DAY,
    UNRATED,
    colour_of,
    dash_of,
    decades,
    menu,
    named,
    nothing,
    shape_of,
)
from wattflock.report.home_charts import homes
from wattflock.report.map_charts import feeder, feeder_loading, feeder_voltage
from wattflock.report.run_data import RunData, before, best
from wattflock.report.theme import BLUE, HEIGHT, INK, PAPER, RED, WIDTH, held, methods, save, themed

FEW_MARKS = 30  # of a curve: with so few, each is a point too


def draw_all(run: RunData, folder: Path) -> list[Path]:
    """Every figure as a PNG in a folder, each file whole or not at all.

    Raises:
        RunError: a figure cannot be written.
    """
    return [save(draw(run), folder / f"{name}.png") for name, draw in CHARTS.items()]


def tradeoff(run: RunData) -> Any:
    """Cost against violation, on all days and on those with an optimum: cheaper to the left, safer below."""
    table = run_data.tradeoff(run)
    if table.is_empty():
        return nothing("Neither costs nor violations are known.")
    days = table["days"].unique(maintain_order=True).to_list()
    layers = _places(run, table).properties(width=WIDTH // len(days) - 20, height=HEIGHT)
    said = "Cost against voltage violation: " + "; ".join(
        f"{name} {cost:.2f} {run.currency} and {violation:.3g} {PER_DAY} ({when})"
        for name, when, cost, violation in named(table, run.methods)
        .select("method", "days", "cost", "violation")
        .rows()
    )
    panels = layers.facet(facet=alt.Facet("days:N", title=None, sort=days), columns=len(days))
    return themed(panels.resolve_scale(x="independent"), said)


def _places(run: RunData, table: pl.DataFrame) -> Any:
    """A mark for each method, with its intervals."""
    floor, amount = run_data.floor_of(table["violation"]), pl.col("violation")
    shown = table.with_columns(
        at=amount.clip(floor),
        low=pl.col("violation_low").fill_null(amount).clip(floor),
        high=pl.col("violation_high").fill_null(amount).clip(floor),
    )
    scale, axis = decades(floor, float(shown["high"].max() or 0))  # type: ignore[arg-type]
    across, up = f"cost [{run.currency} per home and day]", f"violation [{PER_DAY}]"
    x = alt.X("cost:Q", title=across, scale=alt.Scale(zero=False, padding=16))
    y = alt.Y("at:Q", title=up, scale=scale, axis=axis)
    tips = ["method:N", alt.Tooltip("cost:Q", format=".3f"), alt.Tooltip("violation:Q", format=".3~g"), "days:N"]
    base = alt.Chart(named(shown, run.methods)).encode(x=x, y=y, color=colour_of(run.methods), tooltip=tips)
    rule, point = base.mark_rule(strokeWidth=1.5), base.mark_point(size=110, opacity=1, stroke=PAPER, strokeWidth=0.6)
    return alt.layer(
        rule.encode(x=alt.X("cost_low:Q", title=across), x2="cost_high:Q"),
        rule.encode(y=alt.Y("low:Q", title=up), y2="high:Q"),
        point.encode(shape=shape_of(run.methods)),
    )


def voltage(run: RunData) -> Any:
    """Voltages of all nodes over the day, uncontrolled and under a method that a menu picks."""
    present = run_data.methods_in(run, run.steps.drop_nulls("voltage_median_pu"))
    if not present:
        return nothing("No voltages in this run.")
    table, looks = named(run_data.envelope(run), run.methods), methods(run.methods)
    low, high = run_data.limits_pu(run.summary)
    span = [min(low, float(table["lowest"].min())) - 0.004, max(high, float(table["highest"].max())) + 0.004]  # type: ignore[arg-type]
    scale = alt.Scale(domain=span, nice=False, zero=False)
    idle, mine = looks[before(run.summary)].label, looks[best(run.summary)].label
    pick = menu("method_shown", "compare with", [looks[name].label for name in present], mine)
    colour, limits = colour_of(run.methods, legend=None), alt.Chart(pl.DataFrame({"limit": [low, high]}))
    chart = alt.hconcat(
        *(
            _envelope(alt.Chart(table).transform_filter(chosen).encode(color=colour), limits, scale).properties(
                title=title
            )
            for chosen, title in (
                (alt.datum.method == idle, idle),
                ("datum.method == method_shown", alt.TitleParams(alt.ExprRef("method_shown"))),
            )
        )
    ).add_params(pick)
    return themed(
        chart, f"Voltages over the day. {_voltages(run, before(run.summary))} {_voltages(run, best(run.summary))}"
    )


def _envelope(one: alt.Chart, limits: alt.Chart, scale: alt.Scale) -> Any:
    """Pale: from the lowest to the highest. Darker: 5 to 95 % of the nodes. Line: the median. Dashed: the limits."""
    tips = [alt.Tooltip(f"{name}:Q", format=".4f") for name in ("lowest", "low", "middle", "high", "highest")]
    base = one.encode(x=alt.X("hour:Q", scale=HOURS, axis=HOUR_AXIS), x2="end:Q", tooltip=["hour:Q", *tips])
    y = {name: alt.Y(f"{name}:Q", title="voltage [pu]", scale=scale) for name in ("lowest", "low", "middle", "limit")}
    return alt.layer(
        base.mark_rect(opacity=0.25).encode(y=y["lowest"], y2="highest:Q"),
        base.mark_rect(opacity=0.5).encode(y=y["low"], y2="high:Q"),
        base.mark_rule(strokeWidth=2).encode(y=y["middle"], color=alt.value(INK)),
        limits.mark_rule(strokeDash=[5, 4], color=INK).encode(y=y["limit"]),
    ).properties(width=WIDTH // 2 - 20, height=HEIGHT - 40)


def _voltages(run: RunData, method: str) -> str:
    mine = run.steps.filter(pl.col("method") == method)
    if mine.is_empty():
        return ""
    low, high = mine["voltage_min_pu"].min(), mine["voltage_max_pu"].max()
    return f"{methods(run.methods)[method].label}: {low:.3f} to {high:.3f} per unit."


def loading(run: RunData) -> Any:
    """The most loaded branch at every hour, of all days: a line for each method."""
    table = run_data.loadings(run)
    if table.is_empty():
        return nothing(UNRATED)
    limit = run_data.loading_limit(run.summary)
    drawn = held(table.with_columns(end=pl.lit(24.0)), "hour", "end", ("method",))
    lines = (
        alt.Chart(named(drawn, run.methods))
        .mark_line(interpolate="step-after", strokeWidth=1.8)
        .encode(
            x=alt.X("hour:Q", scale=HOURS, axis=HOUR_AXIS),
            y=alt.Y("loading:Q", title="loading of the worst branch [% of its rating]"),
            color=colour_of(run.methods, legend=LINES),
            strokeDash=dash_of(run.methods),
            tooltip=["method:N", "hour:Q", alt.Tooltip("loading:Q", format=".1f")],
        )
    )
    rule = alt.Chart(pl.DataFrame({"limit": [limit]})).mark_rule(strokeDash=[5, 4], color=INK).encode(y="limit:Q")
    said = "Loading of the worst branch over the day, in per cent of its rating. " + " ".join(
        f"{methods(run.methods)[method].label}: at most {most:.0f} %."
        for method, most in table.group_by("method", maintain_order=True).agg(pl.col("loading").max()).iter_rows()
    )
    return themed(alt.layer(lines, rule).properties(width=WIDTH, height=HEIGHT - 100), said)


def curves(run: RunData) -> Any:
    """Learning: what improves over seconds of training, a line for each seed; validation strong, training faint."""
    quantities = {
        "saving": f"saving [{run.currency} per home and day]",
        "cost": f"cost [{run.currency} per home and day]",
        "violation": f"violation [{PER_DAY}]",
    }
    table = run.curves.with_columns(
        violation=pl.col("violation_pu_h") * 1000, line=pl.format("{} {} {}", "method", "seed", "split")
    )
    found = {name: title for name, title in quantities.items() if table[name].drop_nulls().len()}
    if not found:
        return nothing("Nothing was trained in this run.")
    panels = [_curve(named(table, run.methods), name, title, run) for name, title in found.items()]
    return themed(alt.hconcat(*panels), "Learning curves: " + ", ".join(found) + " over seconds of training.")


def _curve(table: pl.DataFrame, column: str, title: str, run: RunData) -> Any:
    table = table.select("method", "seed", "split", "line", "seconds", column).drop_nulls(column)
    more: dict[str, Any] = {"scale": alt.Scale(zero=False)}
    if column == "violation":
        floor = run_data.floor_of(table[column])
        table = table.with_columns(pl.col(column).clip(floor))
        scale, axis = decades(floor, float(table[column].max() or 0))  # type: ignore[arg-type]
        more = {"scale": scale, "axis": axis}
    trained = run_data.methods_in(run, run.curves)
    few = table.height <= FEW_MARKS * table["line"].n_unique()
    strong = alt.condition(alt.datum.split == "validation", alt.value(1.0), alt.value(0.3))
    return (
        alt.Chart(table)
        .mark_line(strokeWidth=1.8, point=few and {"size": 40})
        .encode(
            x=alt.X("seconds:Q", title="training [s]", scale=alt.Scale(zero=True)),
            y=alt.Y(f"{column}:Q", title=title, **more),
            color=colour_of(trained, legend=LINES),
            strokeDash=dash_of(trained),
            detail="line:N",
            opacity=strong,
            tooltip=[
                "method:N",
                "split:N",
                "seed:N",
                alt.Tooltip("seconds:Q", format=".1f"),
                alt.Tooltip(f"{column}:Q", format=".4~g"),
            ],
        )
        .properties(width=WIDTH // 3, height=HEIGHT - 100)
    )


def days(run: RunData) -> Any:
    """Violation of each test day, a row for each method and a bar for each day; days between are left out."""
    table, labels = run_data.calendar(run)
    if not (table["violation"] > 0).any():
        return nothing(CALM if table.height else "No days in this run.")
    floor = run_data.floor_of(table["violation"])
    shown = named(table, run.methods).with_columns(
        bottom=pl.lit(floor / 1.3),
        top=pl.col("violation").clip(floor),
        left=pl.col("place") - 0.43,
        right=pl.col("place") + 0.43,
    )
    bars = _bars(run, shown, labels, floor).properties(width=WIDTH, height=64)
    order = [look.label for look in methods(run.methods).values()]
    said = "Violation of each test day. " + " ".join(
        f"{name}: {hot} of {count} days with a violation."
        for name, hot, count in shown.group_by("method", maintain_order=True)
        .agg((pl.col("violation") > 0).sum(), pl.len())
        .iter_rows()
    )
    return themed(bars.facet(row=alt.Row("method:N", title=None, sort=order)), said)


def _bars(run: RunData, shown: pl.DataFrame, labels: dict[float, str], floor: float) -> alt.Chart:
    scale, axis = decades(floor, float(shown["top"].max() or 0))  # type: ignore[arg-type]
    span = alt.Scale(domain=[0.5, float(shown["place"].max() or 1) + 1.5], nice=False)  # type: ignore[operator]
    text = alt.Axis(
        values=list(labels),
        labelExpr=f"{ {f'{place:g}': name for place, name in labels.items()} }[datum.value]",
        title="test day; days between are not shown",
    )
    return (
        alt.Chart(shown)
        .mark_rect()
        .encode(
            x=alt.X("left:Q", scale=span, axis=text),
            x2="right:Q",
            y=alt.Y("bottom:Q", scale=scale, axis=axis, title=None),
            y2="top:Q",
            color=colour_of(run.methods, legend=None),
            tooltip=["method:N", "date:N", alt.Tooltip("violation:Q", format=".3~g", title="mpu·h per node")],
        )
    )


def gains(run: RunData) -> Any:
    """How many homes save how much in a year; to the left of zero they pay more."""
    table = run_data.savings(run, best(run.summary)).drop_nulls("saving")
    if table.is_empty():
        return nothing("No figures of single homes in this run.")
    worst = table["saving"].min()
    sign = alt.condition("datum.middle < 0", alt.value(RED), alt.value(BLUE))
    bars = (
        alt.Chart(_bins(table["saving"]))
        .mark_rect(stroke=PAPER)
        .encode(
            x=alt.X("low:Q", title=f"saving of a home [{run.currency} per year]"),
            x2="high:Q",
            y=alt.Y("homes:Q", title="homes", axis=alt.Axis(tickMinStep=1, format="d")),
            y2=alt.datum(0),
            color=sign,
            tooltip=[
                "homes:Q",
                alt.Tooltip("low:Q", format=",.0f", title="from"),
                alt.Tooltip("high:Q", format=",.0f", title="to"),
            ],
        )
    )
    zero = alt.Chart(pl.DataFrame({"at": [0.0]})).mark_rule(color=INK).encode(x="at:Q")
    said = f"What homes save in a year, from {worst:,.0f} to {table['saving'].max():,.0f} {run.currency}."
    return themed(alt.layer(bars, zero).properties(width=WIDTH, height=HEIGHT - 100), said)


def _bins(saving: pl.Series) -> pl.DataFrame:
    """Homes by their saving, in bins that end at zero."""
    span = float(saving.max() - saving.min())  # type: ignore[operator]
    step = span / 30 or float(saving.abs().max() or 0) / 10 or 1.0  # type: ignore[arg-type]
    table = (
        saving.to_frame("saving").group_by((pl.col("saving") / step).floor().alias("bin")).agg(pl.len().alias("homes"))
    )
    return table.sort("bin").with_columns(
        low=pl.col("bin") * step, high=(pl.col("bin") + 1) * step, middle=(pl.col("bin") + 0.5) * step
    )


CHARTS: dict[str, Callable[[RunData], Any]] = {
    "tradeoff": tradeoff,
    "voltage": voltage,
    "feeder": feeder,
    "feeder_voltage": feeder_voltage,
    "curves": curves,
    "homes": homes,
    "gains": gains,
    "days": days,
    "loading": loading,
    "feeder_loading": feeder_loading,
}
