"""The page's figures of a whole run, as plain plotly dictionaries: trade-off, voltage, curves, days.

A figure is `{"layout": …, "choices": {key: {"data": […], "layout": {…}}}}`; menus pick the key. Colours that
begin with @ are the page's own and follow light and dark.
"""

import html
import math
from typing import Any

import polars as pl

from wattflock.report import findings
from wattflock.report.folder import Run
from wattflock.report.palette import INK, looks
from wattflock.report.words import before, number

Figure = dict[str, Any]
SIDES = ("bottom right", "top right")  # in turn, so that neighbours do not cover each other
HOURS = {"title": {"text": "hour of the day [h]"}, "range": [0, 24], "tickvals": list(range(0, 25, 3))}


def safe(text: object) -> str:
    """Text that plotly shows as it is; it would read tags and entities."""
    return html.escape(str(text))


def tradeoff(run: Run) -> Figure:
    """Cost against violation with 95 % intervals, the bound as a vertical line."""
    points, look = findings.points(run), looks(list(run.summary["methods"]))
    floor = findings.floor_of([point["violation"] for point in points])
    data = [_point(run, point, floor, SIDES[place % 2]) for place, point in enumerate(points)]
    if data and len(data) > 1:
        data[-1]["textposition"] = "top left"  # the dearest stands at the right edge
    top = 3 * max([floor, *(point["violation"] for point in points)])
    axis = log_axis(f"violation [{findings.PER_DAY}]", floor, top)
    costs = [point["cost"] for point in points]
    layout: dict[str, Any] = {"yaxis": axis, "showlegend": False, "hovermode": "closest"}
    bound = findings.bound_cost(run)
    if bound is not None:
        costs.append(bound)
        line = {"color": INK, "dash": "dot", "width": 1.5}
        layout["shapes"] = [{"type": "line", "x0": bound, "x1": bound, "y0": 0, "y1": 1, "yref": "paper", "line": line}]
        text = f"{safe(look['bound'].label) if 'bound' in look else 'perfect foresight'}: {bound:.2f}"
        layout["annotations"] = [{"x": bound, "y": 1, "yref": "paper", "text": text, "textangle": -90,
                                  "showarrow": False, "xanchor": "left", "yanchor": "top"}]  # fmt: skip
    low, high = min(costs, default=0), max(costs, default=1)
    room = 0.2 * (high - low) or 1
    title = {"text": safe(f"cost [{run.summary.get('currency', '')} per home and day]")}
    layout["xaxis"] = {"title": title, "range": [low - room, high + 1.5 * room]}
    return {"layout": layout, "choices": {"": {"data": data}}}


def voltage(run: Run) -> Figure:
    """The envelope of all voltages over the day: the uncontrolled one, and over it what the menu picks."""
    low, high = findings.limits_pu(run.summary)
    line = {"color": INK, "dash": "dash", "width": 1.2}
    shapes = [{"type": "line", "x0": 0, "x1": 24, "y0": limit, "y1": limit, "line": line} for limit in (low, high)]
    axis = {"title": {"text": "voltage [pu]"}, "tickformat": ".2f"}
    layout = {"xaxis": HOURS, "yaxis": axis, "shapes": shapes, "hovermode": "x unified"}
    idle, present = before(run.summary), findings.methods_in(run, run.steps)
    under = _envelope(run, idle) if idle in present else []
    choices = {method: {"data": under if method == idle else under + _envelope(run, method)} for method in present}
    return {"layout": layout, "choices": choices}


def curves(run: Run, column: str) -> Figure:
    """One quantity against seconds of training: validation days solid, training days faint."""
    table = run.curves.with_columns(pl.col("violation_pu_h") * 1000)
    values = table[column].drop_nulls().to_list()
    if not values:
        return {"layout": {}, "choices": {}}
    floor = findings.floor_of(values)
    data = [
        _curve(method, one, (column, str(split), first), floor)
        for method in findings.methods_in(run, table)
        for first, ((split, _), one) in _runs(table.filter(pl.col("method") == method).drop_nulls(column))
    ]
    log = column == "violation_pu_h"
    unit = findings.PER_DAY if log else f"{run.summary.get('currency', '')} per home and day"
    name = safe(f"{column.removesuffix('_pu_h')} [{unit}]")
    axis = log_axis(name, floor, max(values) * 1.5) if log else {"title": {"text": name}}
    layout = {"xaxis": {"title": {"text": "training [s]"}, "rangemode": "tozero"}, "yaxis": axis}
    return {"layout": layout, "choices": {column: {"data": data}}}


def days(run: Run) -> Figure:
    """Violation of every test day, a row for each method, gaps between the days left out."""
    methods, (places, ticks) = findings.methods_in(run, run.days), findings.calendar(run)
    tables = {method: findings.over_the_year(run, method).drop_nulls() for method in methods}
    values = [value for table in tables.values() for value in table["violation"]]
    floor, look = findings.floor_of(values), looks(list(run.summary["methods"]))
    layout: dict[str, Any] = {"annotations": [], "bargap": 0.12, "showlegend": False}
    layout["xaxis"] = {"title": {"text": "test day; days between are not shown"}, "tickvals": list(ticks),
                       "ticktext": [safe(tick) for tick in ticks.values()], "anchor": "free",
                       "position": 0}  # fmt: skip
    data = []
    for place, (method, table) in enumerate(tables.items()):
        height, end = 1 / len(methods), 1 - place / len(methods)
        axis = log_axis("", floor, max([floor * 10, *values]) * 1.5) | {
            "domain": [end - 0.78 * height, end - 0.1 * height]
        }
        layout[f"yaxis{place + 1 if place else ''}"] = axis
        layout["annotations"].append({"text": f"<b>{safe(look[method].label)}</b>", "x": 0, "xref": "paper",
                                      "y": end, "yref": "paper", "showarrow": False, "xanchor": "left",
                                      "yanchor": "middle"})  # fmt: skip
        data.append({
            "type": "bar", "yaxis": f"y{place + 1 if place else ''}", "textposition": "none",
            "x": [places[day] for day in table["day"]],
            "y": [max(value, floor) - floor / 1.3 for value in table["violation"]], "base": floor / 1.3,
            "marker": {"color": look[method].colour}, "name": safe(look[method].label),
            "text": [f"{safe(date)}: {number(value)}" for _, date, value in table.iter_rows()],
            "hovertemplate": "%{text} mpu·h per node<extra>%{fullData.name}</extra>",
        })  # fmt: skip
    return {"layout": layout, "choices": {"": {"data": data}}}


def faded(colour: str, opacity: float) -> str:
    """The colour with this much opacity; ink turns grey."""
    red, green, blue = (int((colour if colour != INK else "#808080")[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def log_axis(title: str, floor: float, top: float) -> dict[str, Any]:
    """A logarithmic axis whose lowest decade stands for all that is smaller."""
    first, last = round(math.log10(floor)), math.ceil(math.log10(max(top, floor * 10)))
    decades = range(first, last + 1, max(1, (last - first) // 4))
    text = [("≤ " if place == first else "") + f"{10.0**place:.10f}".rstrip("0").rstrip(".") for place in decades]
    return {"type": "log", "title": {"text": title}, "range": [math.log10(floor / 1.3), math.log10(top)],
            "tickvals": [10.0**place for place in decades], "ticktext": text}  # fmt: skip


def _point(run: Run, point: dict[str, Any], floor: float, side: str) -> dict[str, Any]:
    look = looks(list(run.summary["methods"]))[point["method"]]
    x, y = point["cost"], max(point["violation"], floor)
    across, along = point["cost_interval"] or (x, x), point["violation_interval"] or (y, y)
    thin = {"type": "data", "symmetric": False, "color": look.colour, "thickness": 1.6, "width": 0}
    return {
        "type": "scatter", "mode": "markers+text", "x": [x], "y": [y], "name": safe(look.label),
        "text": [safe(look.label)], "textposition": side,
        "marker": {"color": look.colour, "symbol": look.symbol, "size": 13},
        "error_x": thin | {"array": [across[1] - x], "arrayminus": [x - across[0]]},
        "error_y": thin | {"array": [max(along[1] - y, 0)], "arrayminus": [max(y - max(along[0], floor), 0)]},
        "hovertemplate": f"cost {x:.3f}<br>violation {number(point['violation'])}"
        f"<extra>{safe(look.label)}</extra>",
    }  # fmt: skip


def _envelope(run: Run, method: str) -> list[dict[str, Any]]:
    band, look = findings.envelope(run, method), looks(list(run.summary["methods"]))[method]
    name, hour = safe(look.label), band["hour"].to_list()

    def edge(column: str, text: str, fill: float) -> dict[str, Any]:
        line = {
            "shape": "hv",
            "width": 2 if column == "middle" else 0,
            "color": look.colour,
            "dash": look.stroke,
        }
        values = band[column].round(5).to_list()
        trace = {"type": "scatter", "mode": "lines", "x": hour, "y": values, "line": line,
                 "legendgroup": method, "showlegend": column == "middle", "name": name,
                 "hovertemplate": f"%{{y:.4f}} pu<extra>{name}: {text}</extra>"}  # fmt: skip
        return trace | ({"fill": "tonexty", "fillcolor": faded(look.colour, fill)} if fill else {"fill": "none"})

    return [
        edge("lowest", "lowest", 0),
        edge("highest", "highest", 0.16),
        edge("low", "5 % of nodes", 0),
        edge("high", "95 % of nodes", 0.38),
        edge("middle", "median", 0),
    ]


def _runs(table: pl.DataFrame) -> list[tuple[bool, Any]]:
    groups = list(table.sort("split", "seed", "seconds").group_by("split", "seed", maintain_order=True))
    return [(place == len(groups) - 1, group) for place, group in enumerate(groups)]


def _curve(method: str, one: pl.DataFrame, what: tuple[str, str, bool], floor: float) -> dict[str, Any]:
    (column, split, named), look = what, looks([method])[method]
    values = [max(value, floor) if column == "violation_pu_h" else value for value in one[column]]
    solid = split == "validation"
    return {
        "type": "scatter", "mode": "lines", "x": one["seconds"].round(2).to_list(), "y": values,
        "name": safe(look.label), "legendgroup": method, "showlegend": named, "opacity": 1 if solid else 0.35,
        "line": {"color": look.colour, "width": 2 if solid else 1, "dash": look.stroke if solid else "dot"},
        "hovertemplate": f"%{{x:.1f}} s: %{{y:.4g}}<extra>{safe(look.label)}, {safe(split)}, "
        f"seed {safe(one['seed'][0])}</extra>",
    }  # fmt: skip
