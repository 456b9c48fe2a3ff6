"""The page's figures of places, as plain plotly dictionaries: the feeder's map and homes through a day."""

from typing import Any

import polars as pl

from wattflock.report import findings
from wattflock.report.folder import Run
from wattflock.report.palette import INK, VIOLATION_SCALE, VOLTAGE_SCALE, series_colour
from wattflock.report.plots import HOURS, Figure, safe
from wattflock.report.words import number

QUANTITIES = {
    "violation": f"violation [{findings.PER_DAY}]",
    "lowest": "lowest voltage [pu]",
    "highest": "highest voltage [pu]",
}


def feeder(run: Run) -> Figure:
    """The feeder as a map; the menus pick the method and what colours the buses."""
    hidden = {"visible": False, "fixedrange": False}
    layout = {
        "xaxis": hidden,
        "yaxis": hidden | {"scaleanchor": "x"},
        "showlegend": False,
        "hovermode": "closest",
    }
    methods = findings.methods_in(run, run.nodes)
    tables = {method: findings.buses(run, method) for method in methods}
    scales = {quantity: _scale(tables, quantity) for quantity in QUANTITIES}
    choices = {
        f"{method}|{quantity}": {"data": _ground(run, _buses(table, quantity, scales[quantity]))}
        for method, table in tables.items()
        for quantity in QUANTITIES
    }
    return {"layout": layout, "choices": choices}


def homes(run: Run) -> Figure:
    """One home through a day: power of each device, states below, the import price as background."""
    layout = {
        "barmode": "relative", "bargap": 0.06, "hovermode": "x unified", "xaxis": HOURS | {"anchor": "y2"},
        "yaxis": {"title": {"text": "power drawn [kW]"}, "domain": [0.42, 1], "zeroline": True,
                  "zerolinecolor": INK},
    }  # fmt: skip
    choices = {
        f"{place}|{method}": _day(run, day, method)
        for place, day in enumerate(findings.home_days(run))
        for method in day["method"]
    }
    return {"layout": layout, "choices": choices}


def home_name(day: dict[str, Any]) -> str:
    """How a home's day is called in the menu."""
    return f"home {day['home']} · {str(day['kind']).replace('_', ' ')} · {day['date']}"


def _ground(run: Run, buses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    x, y = findings.wires(run)
    wires = {"type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip",
             "line": {"color": "#9aa3af", "width": 1.4}}  # fmt: skip
    places = zip(run.chart["bus"], run.chart["x"], run.chart["y"], strict=True)
    found = [place for place in places if str(place[0]) == str(run.chart.get("source"))]
    star = {
        "type": "scatter", "mode": "markers+text", "hoverinfo": "skip", "textposition": "top center",
        "x": [place[1] for place in found], "y": [place[2] for place in found],
        "text": ["source"] * len(found),
        "marker": {"symbol": "star", "size": 16, "color": INK},
    }  # fmt: skip
    return [wires, *buses, star]


def _scale(tables: dict[str, pl.DataFrame], quantity: str) -> dict[str, Any]:
    values = [value for table in tables.values() for value in table[quantity].drop_nulls()]
    if quantity == "violation":
        colours, span = VIOLATION_SCALE, (0.0, max([1e-9, *values]))
    else:
        reach = max([0.06, *(abs(value - 1) for value in values)])
        colours, span = VOLTAGE_SCALE, (1 - reach, 1 + reach)
    steps = [[place / (len(colours) - 1), colour] for place, colour in enumerate(colours)]
    bar = {"title": {"text": QUANTITIES[quantity], "side": "top"}, "orientation": "h", "thickness": 10,
           "len": 0.8, "y": -0.02, "yanchor": "top"}  # fmt: skip
    return {"colorscale": steps, "cmin": span[0], "cmax": span[1], "colorbar": bar}


def _buses(table: pl.DataFrame, quantity: str, scale: dict[str, Any]) -> list[dict[str, Any]]:
    table = table.drop_nulls(quantity).sort(quantity)
    calm = table.filter(pl.col("violation") <= 0) if quantity == "violation" else table.clear()
    hot = table.join(calm, on="bus", how="anti", maintain_order="left")
    values = hot[quantity].to_list()
    sizes = [7 + 10 * value / scale["cmax"] if quantity == "violation" else 10 for value in values]
    edge = {"line": {"color": "#6b7280", "width": 1}}
    full = scale | edge | {"color": values, "size": sizes, "showscale": True, "opacity": 1}
    return [_dots(calm, edge | {"color": "@paper", "size": 6}), _dots(hot, full)]


def _dots(table: pl.DataFrame, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "markers", "x": table["x"].to_list(), "y": table["y"].to_list(),
        "text": [_bus_text(bus) for bus in table.iter_rows(named=True)], "marker": marker,
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _bus_text(bus: dict[str, Any]) -> str:
    return (
        f"<b>bus {safe(bus['bus'])}</b>, phases {safe(bus['phases'])}<br>"
        f"voltage {bus['lowest']:.4f} to {bus['highest']:.4f} pu<br>"
        f"violation {number(bus['violation'])} mpu·h a day"
    )


def _day(run: Run, day: dict[str, Any], method: str) -> dict[str, Any]:
    table = findings.home_day(run, day, method)
    power, states = table.filter(pl.col("unit") == "kW"), table.filter(pl.col("unit") != "kW")
    groups = enumerate(power.group_by("series", maintain_order=True))
    data = [_power(str(key[0]), one, place) for place, (key, one) in groups]
    units = states["unit"].unique(maintain_order=True).to_list()
    for key, one in states.group_by("series", maintain_order=True):
        data.append(_state(str(key[0]), one, units.index(one["unit"][0])))
    layout: dict[str, Any] = {"shapes": _prices(findings.prices(run, day["day"]))}
    for place, unit in enumerate(units[:2]):
        names = ", ".join(states.filter(pl.col("unit") == unit)["series"].unique(maintain_order=True))
        axis = {"title": {"text": safe(f"{names} [{unit}]")}, "domain": [0, 0.34]}
        axis |= {"range": [0, 100]} if unit == "%" else {}
        layout[f"yaxis{place + 2}"] = axis | ({"overlaying": "y2", "side": "right"} if place else {})
    if not units:
        layout |= {"yaxis": {"domain": [0, 1]}, "xaxis": {"anchor": "y"}}
    return {"data": data, "layout": layout}


def _power(name: str, one: pl.DataFrame, place: int) -> dict[str, Any]:
    colour, label = series_colour(name, place), safe(name.replace("_", " "))
    middle = [hour + 12 / one.height for hour in one["hour"]]
    values = one["value"].round(4).to_list()
    over = {"name": label, "hovertemplate": f"%{{y:.2f}} kW<extra>{label}</extra>"}
    if name != "net":
        return over | {"type": "bar", "x": middle, "y": values, "marker": {"color": colour}}
    line = {"color": colour, "width": 2.2, "shape": "hvh"}
    x, y = [0, *middle, 24], [values[0], *values, values[-1]]
    return over | {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line}


def _state(name: str, one: pl.DataFrame, place: int) -> dict[str, Any]:
    unit, label = safe(one["unit"][0]), safe(name.replace("_", " "))
    line = {"color": "#0072b2" if one["unit"][0] == "%" else "#d55e00", "width": 2.2}
    return {
        "type": "scatter", "mode": "lines", "x": one["hour"].to_list(), "y": one["value"].round(3).to_list(),
        "name": label, "line": line, "yaxis": f"y{min(place, 1) + 2}",
        "hovertemplate": f"%{{y:.1f}} {unit}<extra>{label}</extra>",
    }  # fmt: skip


def _prices(blocks: list[tuple[float, float, float]]) -> list[dict[str, Any]]:
    low, top = min((block[2] for block in blocks), default=0), max((block[2] for block in blocks), default=0)
    return [
        {"type": "rect", "x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
         "line": {"width": 0}, "fillcolor": INK,
         "opacity": round(0.03 + (0.13 * (price - low) / (top - low) if top > low else 0), 3)}
        for start, end, price in blocks
    ]  # fmt: skip
