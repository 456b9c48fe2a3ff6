"""The two interactive figures of a feeder, as plain plotly dictionaries: its map and the profile of its voltages."""

from typing import Any

import numpy as np

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.limits import Limits
from wattflock.feeder.solve import Feeder, Flow
from wattflock.report.palette import INK, VIOLATION_SCALE, VOLTAGE_SCALE
from wattflock.report.wires.look import OTHER, OVER, PAPER, PHASES, SIGNS, phase_name, phase_order, voltage_reach
from wattflock.report.wires.texts import bus_texts, node_texts, safe, wire_texts
from wattflock.report.wires.view import View

Figure = dict[str, Any]
HOVER = {"hovertemplate": "%{text}<extra></extra>"}
QUANTITIES = {
    "voltage": "voltage furthest from nominal [pu]",
    "loading": "loading [%]",
    "unbalance": "voltage unbalance [%]",
}
RARE = 20  # signs up to which they are drawn over the buses of a large feeder
BANDS = 6  # colours that wires are drawn in


def feeder_map(circuit: Circuit, feeder: Feeder, flow: Flow, limits: Limits, view: View) -> Figure:
    """Buses and wires; the choice says what is coloured. Choices without data are left out."""
    hidden = {"visible": False}
    layout = {
        "xaxis": hidden,
        "yaxis": hidden | {"scaleanchor": "x"},
        "hovermode": "closest",
        "dragmode": "zoom",
        "legend": {"y": 0, "yanchor": "top", "itemsizing": "constant"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    }  # fmt: skip
    hover = bus_texts(view, feeder, flow), wire_texts(circuit, view)
    under, over = _signs(view, hover[1])
    values = {"voltage": view.worst_pu, "unbalance": 100 * view.unbalance}
    scales = {"voltage": _voltages(view, limits), "unbalance": _shares(values["unbalance"], limits)}
    choices = {}
    if np.isfinite(view.loading).any():
        choices["loading"] = {"data": [*_loaded(view, limits), *under, *_dots(view, hover[0]), *over]}
    for name, each in values.items():
        if np.isfinite(each).any():
            dots = _dots(view, hover[0], each, scales[name])
            choices[name] = {"data": [*_plain_wires(view), *under, *dots, *over]}
    return {"layout": layout, "choices": choices or {"voltage": {"data": [*under, *_dots(view, hover[0]), *over]}}}


def profile(feeder: Feeder, flow: Flow, limits: Limits, view: View) -> Figure:
    """Voltages along the wires, one colour for each phase, limits dashed."""
    x = view.places.distance[view.node_bus]
    phases, texts = np.array(view.node_phase), np.array(node_texts(view, feeder, flow), object)
    size = float(np.clip(5000 / max(len(x), 1), 2.5, 7))
    data = []
    for phase in phase_order(view):
        colour, _, symbol = PHASES.get(phase, OTHER)
        at = np.flatnonzero(phases == phase)
        joins = view.joins[phases[view.joins[:, 0]] == phase]
        shared = {"type": "scatter", "legendgroup": phase, "name": safe(phase_name(phase))}
        data.append(shared | _segments(x, view.voltage_pu, joins) | {"line": {"color": colour, "width": 1.2}})
        data.append(shared | HOVER | {
            "mode": "markers", "x": plain(x[at]), "y": plain(view.voltage_pu[at]), "text": texts[at].tolist(),
            "marker": {"color": colour, "symbol": symbol, "size": size}})  # fmt: skip
    line = {"color": INK, "dash": "dash", "width": 1.2}
    shapes = [
        {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": limit, "y1": limit, "line": line}
        for limit in (limits.low_pu, limits.high_pu)
    ]
    title = {"text": view.places.distance_name}
    layout = {"xaxis": {"title": title}, "yaxis": {"title": {"text": "voltage [pu]"}}, "shapes": shapes,
              "hovermode": "closest", "dragmode": "zoom", "legend": {"itemsizing": "constant"}}  # fmt: skip
    return {"layout": layout, "choices": {"": {"data": data}}}


def plain(values: np.ndarray, digits: int = 6) -> list[float | None]:
    """Significant digits enough for a drawing; None where it is nan."""
    return [float(f"{value:.{digits + 2}g}") if np.isfinite(value) else None for value in values.tolist()]


def _segments(x: np.ndarray, y: np.ndarray, pairs: np.ndarray) -> dict[str, Any]:
    """One trace of lines, with a gap after each pair."""
    gap = np.full(len(pairs), np.nan)
    across, up = (np.column_stack([axis[pairs[:, 0]], axis[pairs[:, 1]], gap]).ravel() for axis in (x, y))
    return {"mode": "lines", "x": plain(across), "y": plain(up), "hoverinfo": "skip", "showlegend": False}


def _pairs(view: View) -> np.ndarray:
    return np.array([wire.buses for wire in view.wires], int).reshape(-1, 2)


def _plain_wires(view: View) -> list[dict[str, Any]]:
    line = {"color": "#9aa3af", "width": 1.4}
    return [{"type": "scatter", "line": line} | _segments(view.places.x, view.places.y, _pairs(view))]


def _loaded(view: View, limits: Limits) -> list[dict[str, Any]]:
    """Wires in bands of loading; what is beyond the limit is red, what has no rating is grey."""
    pairs, share = _pairs(view), 100 * view.loading
    top = 100 * limits.loading
    edges = [*np.linspace(0, top, BANDS), np.inf]
    colours = [*(_mixed(place / (BANDS - 2)) for place in range(BANDS - 1)), OVER]
    data = []
    for low, high, colour in zip(edges[:-1], edges[1:], colours, strict=True):
        some = pairs[(share >= low) & (share < high)] if high < np.inf else pairs[share >= low]
        name = f"{low:.0f} to {high:.0f} %" if high < np.inf else f"{low:.0f} % and more"
        if len(some):
            width = 1.6 + 3 * min(low / top, 1)
            data.append({"type": "scatter", "line": {"color": colour, "width": width}, "name": name}
                        | _segments(view.places.x, view.places.y, some) | {"showlegend": True})  # fmt: skip
    unknown = {"type": "scatter", "line": {"color": "#9aa3af", "width": 1}, "name": "no rating known"}
    if np.isnan(share).any():
        bare = _segments(view.places.x, view.places.y, pairs[np.isnan(share)])
        data.insert(0, unknown | bare | {"showlegend": True})
    return data


def _mixed(share: float) -> str:
    """A colour of the scale of loadings: light yellow to dark orange."""
    ends = np.array([[0xF0, 0xC4, 0x19], [0xA8, 0x4A, 0x00]])
    return "#" + "".join(f"{round(value):02x}" for value in ends[0] + share * (ends[1] - ends[0]))


def _signs(view: View, texts: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What lies under the buses and what over them: signs, and places in the middle of lines to point at."""
    pairs, kinds = _pairs(view), np.array([wire.kind for wire in view.wires])
    under, over = [], []
    for kind in ("line", *SIGNS):
        at = np.flatnonzero(kinds == kind)
        if len(at):
            middle = view.places.x[pairs[at]].mean(1), view.places.y[pairs[at]].mean(1)
            trace = HOVER | {
                "type": "scatter", "mode": "markers", "name": kind, "showlegend": kind in SIGNS,
                "x": plain(middle[0]), "y": plain(middle[1]), "text": [texts[n] for n in at],
                "marker": _sign(kind, len(at))}  # fmt: skip
            rare = kind in SIGNS and len(at) <= RARE < len(view.buses) / 10
            (over if rare else under).append(trace)
    return under, over


def _sign(kind: str, count: int) -> dict[str, Any]:
    if kind not in SIGNS:
        return {"color": "rgba(0,0,0,0)", "size": 9, "line": {"width": 0}}
    _, symbol, colour = SIGNS[kind]
    size = float(np.clip(600 / count, 3, 13))
    return {"symbol": symbol, "color": colour, "size": size, "opacity": 1, "line": {"color": INK, "width": size / 10}}


def _dots(view: View, texts: list[str], values: np.ndarray | None = None, scale: dict[str, Any] | None = None):
    """Buses in the colours of a scale, those without a value hollow; the source is a star."""
    known = np.zeros(len(view.buses), bool) if values is None else np.isfinite(values)
    size = float(np.clip(4000 / len(view.buses), 4, 9))
    edge = {"size": size, "line": {"color": "#6b7280", "width": min(1, size / 10)}, "opacity": 1}
    hollow = (0.6 if values is None else 0.8) * size  # small where wires are what is coloured
    data = [_points(view, texts, np.flatnonzero(~known), edge | {"color": PAPER, "size": hollow})]
    if values is not None and scale is not None:
        order = np.flatnonzero(known)
        order = order[np.argsort(np.abs(values[order] - scale["middle"]), kind="stable")]
        shade = {key: value for key, value in scale.items() if key != "middle"}
        data.append(_points(view, texts, order, edge | shade | {"color": plain(values[order]), "showscale": True}))
    star = {"symbol": "star", "size": 17, "color": INK, "opacity": 1}
    data.append(_points(view, texts, np.array(view.sources), star) | {"showlegend": True, "name": "source"})
    return data


def _points(view: View, texts: list[str], at: np.ndarray, marker: dict[str, Any]) -> dict[str, Any]:
    return HOVER | {
        "type": "scatter", "mode": "markers", "x": plain(view.places.x[at]), "y": plain(view.places.y[at]),
        "text": [texts[n] for n in at], "marker": marker, "showlegend": False,
    }  # fmt: skip


def _voltages(view: View, limits: Limits) -> dict[str, Any]:
    """Colours symmetric around 1; the bar says where the limits are."""
    reach = voltage_reach(view, limits)
    said = {1.0: "1"} | {limit: f"{limit:g} limit" for limit in (limits.low_pu, limits.high_pu)}
    for end in (1 - 0.95 * reach, 1 + 0.95 * reach):
        if all(abs(end - tick) > 0.1 * reach for tick in said):
            said[end] = f"{end:.3f}"
    ticks = {"tickvals": list(said), "ticktext": list(said.values())}
    return _coloured(VOLTAGE_SCALE, (1 - reach, 1 + reach), QUANTITIES["voltage"], ticks) | {"middle": 1.0}


def _shares(percent: np.ndarray, limits: Limits) -> dict[str, Any]:
    """Colours from 0 to the highest."""
    top = max([1e-6, *percent[np.isfinite(percent)].tolist()])
    title = f"{QUANTITIES['unbalance']}, limit {100 * limits.unbalance:g}"
    return _coloured(VIOLATION_SCALE, (0.0, top), title, {}) | {"middle": 0.0}


def _coloured(colours: tuple[str, ...], span: tuple[float, float], title: str, ticks: dict[str, Any]) -> dict[str, Any]:
    steps = [[place / (len(colours) - 1), colour] for place, colour in enumerate(colours)]
    bar = {"title": {"text": title, "side": "right"}, "thickness": 10, "len": 0.9, "outlinewidth": 0} | ticks
    return {"colorscale": steps, "cmin": span[0], "cmax": span[1], "colorbar": bar}
