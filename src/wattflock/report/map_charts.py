"""The feeder as a map: where voltages are violated, how far they are from nominal, and what branches carry."""

from collections.abc import Callable
from typing import Any

import altair as alt
import polars as pl

from wattflock.report import run_data
from wattflock.report.charts import CALM, PER_DAY, UNRATED, menu, named, nothing
from wattflock.report.run_data import RunData, before, best
from wattflock.report.theme import DIVERGING, GREY, INK, PAPER, SEQUENTIAL, STAR, ZOOM, methods, themed

WIRE = "#9aa3af"
MAP_WIDTH = 400  # of one of two maps [px]
LOADED = (0.0, 0.5, 1.0, 1.5, 2.0)  # loading over its limit at each colour: the limit has the middle one
Layers = Callable[[Any, alt.X, alt.Y], list[Any]]  # of a map, from the condition that picks a method and two axes


def feeder(run: RunData) -> Any:
    """Where on the feeder voltages are violated, uncontrolled and under a method that a menu picks."""
    if run.nodes.is_empty():
        return nothing("No wires in this run: bills alone are judged.")
    if not (run.nodes["violation_pu_h"] > 0).any():
        return nothing(CALM)
    table = run_data.buses(run)
    floor = run_data.floor_of(table["violation"].filter(table["violation"] > 0))
    top = max(float(table["violation"].max() or 0), floor * 10)  # type: ignore[arg-type]
    scale = alt.Scale(type="log", domain=[floor, top], range=list(SEQUENTIAL), clamp=True, nice=False)
    legend = alt.Legend(title=f"violation, worst phase [{PER_DAY}]", gradientLength=260, format="~g", tickCount=4)
    colour = alt.Color("violation:Q", scale=scale, legend=legend)
    said = "Map of the feeder. " + " ".join(
        f"{methods(run.methods)[method].label}: {hot} of {count} buses beyond a limit."
        for method, hot, count in table.group_by("method", maintain_order=True)
        .agg((pl.col("violation") > 0).sum(), pl.len())
        .iter_rows()
    )
    return _maps(run, table, colour, ("map_shown", pl.col("violation") > 0), said)


def feeder_voltage(run: RunData) -> Any:
    """The voltage of every bus that is farthest from nominal, uncontrolled and under a method that a menu picks."""
    table = run_data.buses(run)
    if table.is_empty():
        return nothing("No voltages of single buses in this run.")
    far = (pl.col("highest") - 1).abs() > (pl.col("lowest") - 1).abs()
    table = table.with_columns(farthest=pl.when(far).then("highest").otherwise("lowest"))
    reach = max(0.06, float((table["farthest"] - 1).abs().max() or 0))  # type: ignore[arg-type]
    steps = [1 + reach * (place / 2 - 1) for place in range(len(DIVERGING))]
    scale = alt.Scale(domain=steps, range=list(DIVERGING), nice=False)
    legend = alt.Legend(title="voltage farthest from nominal [pu]", gradientLength=260, format=".2f", tickCount=5)
    colour = alt.Color("farthest:Q", scale=scale, legend=legend)
    return _maps(
        run, table, colour, ("map_voltage", pl.lit(True)), "Map of the feeder by the voltage farthest from nominal."
    )


def feeder_loading(run: RunData) -> Any:
    """The worst loading of every branch with a rating, uncontrolled and under a method that a menu picks."""
    table = run_data.loaded(run)
    if table.is_empty():
        return nothing(UNRATED if run.branches.is_empty() else "The places of branches are not known in this run.")
    limit = run_data.loading_limit(run.summary)
    scale = alt.Scale(domain=[limit * part for part in LOADED], range=list(SEQUENTIAL), clamp=True, nice=False)
    legend = alt.Legend(title="most current [% of the rating]", columns=5, values=scale["domain"], format=".0f")
    colour = alt.Color("loading:Q", scale=scale, legend=legend)
    above = pl.col("loading") > limit
    said = "Map of the feeder by loading. " + " ".join(
        f"{methods(run.methods)[method].label}: {many} of {count} branches above {limit:g} % of their rating."
        for method, many, count in table.group_by("method", maintain_order=True).agg(above.sum(), pl.len()).iter_rows()
    )
    shown = named(table.with_columns(above=above), run.methods)

    def drawn(condition: Any, x: alt.X, y: alt.Y) -> list[Any]:
        return [_wires(run, x, y), _source(run, x, y), *_branches(shown, condition, x, y, colour)]

    return _side_by_side(run, table, "map_loading", drawn, said)


def _branches(table: pl.DataFrame, condition: Any, x: alt.X, y: alt.Y, colour: alt.Color) -> list[alt.Chart]:
    """Lines, thick where they are beyond the limit; transformers and regulators as squares in their middle."""
    line = pl.col("kind").is_in(("line", "switch"))
    middle = {axis: (pl.col(axis) + pl.col(f"{axis}2")) / 2 for axis in ("x", "y")}
    parts = table.filter(line).sort("loading"), table.filter(~line).with_columns(**middle).sort("loading")
    lines, others = (alt.Chart(part).transform_filter(condition) for part in parts)
    tips = ["branch:N", alt.Tooltip("loading:Q", format=".1f", title="most current [% of the rating]")]
    thick = alt.condition("datum.above", alt.value(5), alt.value(2.5))
    drawn = lines.mark_rule(strokeCap="round").encode(x=x, y=y, x2="x2:Q", y2="y2:Q", color=colour, strokeWidth=thick)
    square = others.mark_square(size=45, stroke=INK, strokeWidth=0.5, opacity=1)
    fill = alt.Fill("loading:Q", scale=colour["scale"], legend=None)  # one legend is enough
    return [drawn.encode(tooltip=tips), square.encode(x=x, y=y, fill=fill, tooltip=tips)]


def _maps(run: RunData, table: pl.DataFrame, colour: alt.Color, what: tuple[str, pl.Expr], said: str) -> Any:
    """Two maps with one colour scale; buses outside `what` are small and empty."""
    name, loud = what
    parts = named(table.filter(~loud), run.methods), named(table.filter(loud), run.methods)

    def drawn(condition: Any, x: alt.X, y: alt.Y) -> list[Any]:
        return [_wires(run, x, y), *_buses(parts, condition, x, y, colour), _source(run, x, y)]

    return _side_by_side(run, table, name, drawn, said)


def _side_by_side(run: RunData, table: pl.DataFrame, name: str, drawn: Layers, said: str) -> Any:
    """Two maps, uncontrolled and under a method of `table` that the menu `name` picks."""
    looks, present = methods(run.methods), run_data.methods_in(run, table)
    idle, mine = looks[before(run.summary)].label, looks[best(run.summary)].label
    ratio, x, y = _frame(run)
    shown = ((idle, alt.datum.method == idle), (alt.TitleParams(alt.ExprRef(name)), f"datum.method == {name}"))
    maps = [
        alt.layer(*drawn(condition, x, y))
        .add_params(alt.selection_interval(name=f"zoom_{place}_{name}", bind="scales", zoom=ZOOM))
        .properties(title=title, width=MAP_WIDTH, height=round(MAP_WIDTH * ratio))
        for place, (title, condition) in enumerate(shown)
    ]
    pick = menu(name, "compare with", [looks[each].label for each in present], mine)
    return themed(alt.hconcat(*maps).add_params(pick).properties(usermeta={"ratio": ratio}), said)


def _wires(run: RunData, x: alt.X, y: alt.Y) -> alt.Chart:
    lines = alt.Chart(run_data.wires(run)).mark_rule(color=WIRE, strokeWidth=1.2)
    return lines.encode(x=x, y=y, x2="x2:Q", y2="y2:Q")


def _buses(
    parts: tuple[pl.DataFrame, pl.DataFrame], condition: Any, x: alt.X, y: alt.Y, colour: alt.Color
) -> list[alt.Chart]:
    """Calm buses, and those with a colour over them; the more there are, the smaller."""
    count = max(table["bus"].n_unique() for table in parts)
    size = max(12.0, min(90.0, 14_000 / max(count, 1)))
    calm, hot = (alt.Chart(table).transform_filter(condition) for table in parts)
    tips = [
        "bus:N",
        "phases:N",
        alt.Tooltip("lowest:Q", format=".4f"),
        alt.Tooltip("highest:Q", format=".4f"),
        alt.Tooltip("violation:Q", format=".3~g", title="violation [mpu·h a day]"),
    ]
    ring = {"fill": PAPER, "stroke": GREY, "strokeWidth": 0.8, "opacity": 1}
    edge = {"stroke": INK, "strokeWidth": 0.3 if size > 30 else 0, "opacity": 1}
    return [
        calm.mark_circle(size=size / 3, **ring).encode(x=x, y=y, tooltip=tips),
        hot.mark_circle(size=size, **edge).encode(x=x, y=y, color=colour, tooltip=tips),
    ]


def _frame(run: RunData) -> tuple[float, alt.X, alt.Y]:
    """Height over width of the map, and axes on which a length is as long up as it is across."""
    places = run_data.places(run)
    spans = [(float(places[axis].min() or 0), float(places[axis].max() or 0)) for axis in ("x", "y")]  # type: ignore[arg-type]
    width, height = (max(high - low, 1e-9) for low, high in spans)
    ratio = min(max(height / width, 0.5), 1.3)
    across = max(width, height / ratio) * 1.08
    (x, y), reach = ((low + high) / 2 for low, high in spans), (across / 2, across * ratio / 2)
    scales = [alt.Scale(domain=[m - r, m + r], nice=False, zero=False) for m, r in zip((x, y), reach, strict=True)]
    return ratio, alt.X("x:Q", axis=None, scale=scales[0]), alt.Y("y:Q", axis=None, scale=scales[1])


def _source(run: RunData, x: alt.X, y: alt.Y) -> Any:
    place = run_data.places(run).filter(pl.col("bus") == str(run.chart.get("source")))
    return (
        alt.Chart(place.with_columns(tip=pl.lit("source")))
        .mark_point(shape=STAR, size=220, fill=INK, stroke=PAPER, strokeWidth=0.8, opacity=1)
        .encode(x=x, y=y, tooltip="tip:N")
    )
