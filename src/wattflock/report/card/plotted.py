"""A panel of the card as a plain plotly dictionary."""

import math
from typing import Any

from wattflock.report.card.drawing import Axis, Heat, Mark, Numbers, Panel
from wattflock.report.card.look import LOOKS, SHARES, WIDTHS
from wattflock.report.palette import INK
from wattflock.report.plots import Figure, faded, safe

SMALLEST = 1e-9


def plotted(panel: Panel) -> Figure:
    """The figure that the page's script draws; there is one choice."""
    data = [trace for mark in panel.marks for trace in _traces(mark)]
    if panel.heat:
        data.append(_heat(panel.heat))
    line = {"color": INK, "dash": "dash", "width": 1.2}
    layout: dict[str, Any] = {"xaxis": _axis(panel.x), "yaxis": _axis(panel.y), "showlegend": False,
                              "hovermode": "closest" if panel.heat or _dots(panel) else "x unified"}  # fmt: skip
    layout["shapes"] = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": line}
        for value, _ in panel.limits
    ]
    layout["annotations"] = [
        {"xref": "paper", "x": 1, "y": value, "xanchor": "right", "yanchor": "bottom", "text": safe(text),
         "showarrow": False, "font": {"size": 11}}
        for value, text in panel.limits
    ]  # fmt: skip
    return {"layout": layout, "choices": {"": {"data": data}}}


def plain(values: Numbers) -> list[float | None]:
    """Digits enough for a drawing; None where it is nan."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values]


def _dots(panel: Panel) -> bool:
    return all(mark.kind == "points" for mark in panel.marks)


def _axis(axis: Axis) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": safe(axis.title)}}
    if axis.kind == "log":
        made["type"] = "log"
    if axis.span:
        made["range"] = [math.log10(edge) for edge in axis.span] if axis.kind == "log" else list(axis.span)
    if axis.ticks:
        places, texts = zip(*axis.ticks, strict=True)
        made |= {"tickvals": list(places), "ticktext": [safe(text) for text in texts]}
    return made


def _traces(mark: Mark) -> list[dict[str, Any]]:
    look = LOOKS[mark.side]
    name = safe(look.label)
    line: dict[str, Any] = {"color": look.colour, "width": WIDTHS.get(mark.side, 1.6), "dash": look.stroke}
    trace: dict[str, Any] = {"type": "scatter", "mode": "lines", "x": plain(mark.x), "y": plain(mark.y), "line": line,
                             "name": name, "hovertemplate": f"%{{y:.3g}}<extra>{name}</extra>"}  # fmt: skip
    if mark.kind == "points":
        thick = {"line": {"width": 3, "color": look.colour}} if mark.side == "bar" else {}
        size = 26 if mark.side == "bar" else 11
        return [
            trace | {"mode": "markers", "marker": {"color": look.colour, "symbol": look.symbol, "size": size} | thick}
        ]
    if mark.kind == "band":
        silent = {"line": line | {"width": 0}, "hoverinfo": "skip", "hovertemplate": None}
        return [trace | silent | {"y": plain(mark.low or [])},
                trace | silent | {"fill": "tonexty", "fillcolor": faded(look.colour, 0.25)}]  # fmt: skip
    if mark.kind == "steps":
        line["shape"] = "hv"
        trace["y"] = [*plain(mark.y), *plain(mark.y[-1:])]
    if mark.kind in ("faint", "dotted"):
        line |= {"width": 1.1, "dash": "dot" if mark.kind == "dotted" else look.stroke}
    return [trace]


def _heat(heat: Heat) -> dict[str, Any]:
    """Empty cells stay the paper's own colour."""
    steps = [[place / (len(SHARES) - 1), colour] for place, colour in enumerate(SHARES)]
    z = [[value if value and value > SMALLEST else None for value in plain(row)] for row in heat.z]
    bar = {"title": {"text": safe(heat.title), "side": "right"}, "thickness": 8, "len": 0.95, "outlinewidth": 0}
    trace = {"type": "heatmap", "x": heat.x, "y": heat.y, "z": z, "zmin": 0, "zmax": heat.top, "colorscale": steps,
             "colorbar": bar, "hovertemplate": "%{x:.3g}, %{y:.3g}: %{z:.3g}<extra></extra>"}  # fmt: skip
    return trace | ({"text": heat.text, "texttemplate": "%{text}"} if heat.text else {})
