"""A feeder drawn in one snapshot: its map and the profile of its voltages, as a picture (`page.py`: a page)."""

from typing import TYPE_CHECKING, Any

import numpy as np

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.limits import Limits
from wattflock.feeder.solve import Feeder, Flow
from wattflock.report.canvas import blank, note, png, scale_of
from wattflock.report.palette import VOLTAGE_SCALE
from wattflock.report.wires.look import OTHER, OVER, PAPER, PHASES, SIGNS, WIRE, phase_name, phase_order, voltage_reach
from wattflock.report.wires.view import View, see

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 60  # buses up to which their names stand in the map


def picture(circuit: Circuit, feeder: Feeder, flow: Flow, limits: Limits) -> bytes:
    """A PNG of one snapshot: buses by their voltage furthest from nominal, and all voltages along the wires.

    Raises:
        RunError: if matplotlib is not installed.
    """
    return png(lambda: _figure(circuit, see(circuit, feeder, flow), limits))


def _figure(circuit: Circuit, view: View, limits: Limits) -> "Figure":
    figure, axes = blank(1, 2, (13.0, 5.6), share="none")
    dots = _map(axes[0, 0], view, limits)
    bar = figure.colorbar(dots, ax=axes[0, 0], shrink=0.85, pad=0.01, aspect=34)
    bar.set_label("voltage furthest from nominal [pu]; dashes: limits")
    for limit in (limits.low_pu, limits.high_pu):
        bar.ax.axhline(limit, color="#111827", linestyle=(0, (2, 1)), linewidth=1.4)
    _profile(axes[0, 1], view, limits)
    nodes = f"{len(circuit.buses):,} buses, {len(circuit.nodes):,} nodes"
    axes[0, 0].set_title(f"{circuit.name}: {nodes}")
    axes[0, 1].set_title("voltage along the wires")
    return figure


def _map(axes: "Axes", view: View, limits: Limits) -> Any:
    _wires(axes, view, limits)
    x, y = view.places.x, view.places.y
    bare = np.isnan(view.worst_pu)
    size = float(np.clip(6000 / len(x), 4, 44))
    axes.scatter(x[bare], y[bare], size, facecolor="white", edgecolor="#6b7280", linewidth=0.6, zorder=4)
    order = np.argsort(np.abs(view.worst_pu - 1), kind="stable")[: int((~bare).sum())]
    reach = voltage_reach(view, limits)
    edge = {"edgecolor": "#374151", "linewidth": 0.4 if size > 10 else 0.1}
    dots = axes.scatter(x[order], y[order], size, view.worst_pu[order], vmin=1 - reach, vmax=1 + reach,
                        cmap=scale_of(VOLTAGE_SCALE), zorder=5, **edge)  # fmt: skip
    head = list(view.sources[:1])
    axes.plot(x[head], y[head], "*", color="#111827", markersize=13, zorder=7, label="source")
    for bus in _apart(x, y) if len(x) <= NAMED else ():
        at = (x[bus], y[bus])
        axes.annotate(view.buses[bus], at, (3, 3), textcoords="offset points", fontsize=6, color="#374151", zorder=8)
    axes.set_aspect("equal", adjustable="datalim")
    axes.axis("off")
    _legend(axes)
    return dots


def _apart(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Buses whose names do not cover each other."""
    room = max(np.ptp(x), np.ptp(y))
    found: list[int] = []
    for bus in range(len(x)):
        if all(abs(x[bus] - x[n]) > 0.055 * room or abs(y[bus] - y[n]) > 0.022 * room for n in found):
            found.append(bus)
    return found


def _legend(axes: "Axes") -> None:
    """Below the map; signs have one size there, however small they are in the map."""
    from matplotlib.collections import PathCollection

    made = axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, handletextpad=0.4, columnspacing=1.0)
    for handle in made.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set(sizes=[36], linewidth=0.8)


def _wires(axes: "Axes", view: View, limits: Limits) -> None:
    from matplotlib.collections import LineCollection

    at = np.column_stack([view.places.x, view.places.y])
    pairs = np.array([wire.buses for wire in view.wires], int).reshape(-1, 2)
    loading = np.nan_to_num(view.loading, posinf=0)
    thin = 1.0 if len(pairs) < 500 else 0.5
    width = thin * (0.7 + 2.6 * np.clip(loading, 0, 1.5))
    over = loading > limits.loading
    for some, colour, height in ((~over, WIRE, 2), (over, OVER, 3)):
        axes.add_collection(LineCollection(list(at[pairs[some]]), linewidths=width[some], colors=colour, zorder=height))
    top = f", up to {100 * loading.max():.0f} %" if loading.any() else ""
    axes.plot([], [], color=WIRE, linewidth=2, label="wire" + (f", wide by loading{top}" if top else ""))
    if over.any():
        axes.plot([], [], color=OVER, linewidth=2, label=f"loading above {100 * limits.loading:.0f} %")
    kinds = np.array([wire.kind for wire in view.wires])
    for kind, (marker, _, colour) in SIGNS.items():
        middle = at[pairs[kinds == kind]].mean(1)
        if len(middle):
            size = float(np.clip(600 / len(middle), 2.5, 36))
            fill = "white" if colour == PAPER else colour
            axes.scatter(middle[:, 0], middle[:, 1], size, color=fill, marker=marker, edgecolor="#111827", label=kind,
                         linewidth=0.8 if size > 10 else 0.2, zorder=3.5 if size < 10 else 6)  # fmt: skip


def _profile(axes: "Axes", view: View, limits: Limits) -> None:
    from matplotlib.collections import LineCollection

    at = np.column_stack([view.places.distance[view.node_bus], view.voltage_pu])
    phases = np.array(view.node_phase)
    small = float(np.clip(2400 / max(len(at), 1), 1.2, 4))
    for phase in phase_order(view):
        colour, marker, _ = PHASES.get(phase, OTHER)
        mine = phases[view.joins[:, 0]] == phase
        axes.add_collection(LineCollection(list(at[view.joins[mine]]), linewidths=0.9, colors=colour, alpha=0.75))
        axes.plot(*at[phases == phase].T, marker, color=colour, markersize=small, markeredgewidth=0,
                  label=phase_name(phase))  # fmt: skip
    for limit in (limits.low_pu, limits.high_pu):
        axes.axhline(limit, color="#111827", linestyle="--", linewidth=1)
    axes.set(xlabel=view.places.distance_name, ylabel="voltage [pu]")
    if len(at):
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=6, markerscale=5 / small)
    else:
        note(axes, "no voltage is watched here")
