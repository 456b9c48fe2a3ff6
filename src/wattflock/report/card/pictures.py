"""A figure of the card as a PNG for papers."""

from typing import TYPE_CHECKING, Any

import numpy as np

from wattflock.report.canvas import blank, ink, png, scale_of
from wattflock.report.card.drawing import Axis, Drawing, Heat, Mark, Panel
from wattflock.report.card.look import LOOKS, SHARES, WIDTHS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LETTERS = 60  # of a legend's line above each column
PANEL_INCH = {1: (6.4, 3.4), 2: (4.3, 3.1), 3: (3.4, 3.0)}


def picture(drawing: Drawing) -> bytes:
    """A PNG of 200 dpi: all panels, one legend above them.

    Raises:
        RunError: if matplotlib is not installed.
    """
    return png(lambda: _figure(drawing))


def _figure(drawing: Drawing) -> "Figure":
    rows = -(-len(drawing.panels) // drawing.columns)
    columns = min(drawing.columns, len(drawing.panels))
    wide, high = PANEL_INCH[columns]
    figure, axes = blank(rows, columns, (wide * columns, high * rows + 0.3), share="none")
    for place, panel in zip(axes.flat, drawing.panels, strict=False):
        _panel(place, panel)
    for place in axes.flat[len(drawing.panels) :]:
        place.set_axis_off()
    legend = drawing.legend()
    handles = [_handle(side, label, drawing) for side, label in legend.items()]
    if handles:
        wide = sum(map(len, legend.values())) > LETTERS * columns
        figure.legend(handles=handles, loc="outside upper left", ncols=2 if wide else len(handles))
    return figure


def _handle(side: str, label: str, drawing: Drawing) -> Any:
    from matplotlib.lines import Line2D

    look = LOOKS[side]
    line: Any = "none" if side in drawing.points() else look.dash
    return Line2D([], [], color=ink(look.colour), linestyle=line, marker=look.marker, markersize=5, label=label)


def _panel(axes: "Axes", panel: Panel) -> None:
    for mark in panel.marks:
        _mark(axes, mark)
    if panel.heat:
        _heat(axes, panel.heat)
    for value, text in panel.limits:
        axes.axhline(value, color="#111827", linestyle="--", linewidth=1)
        axes.annotate(text, (1, value), (0, 2), xycoords=("axes fraction", "data"), textcoords="offset points",
                      ha="right", fontsize=7)  # fmt: skip
    axes.set_title(panel.title)
    _axis(axes.xaxis, axes.set_xlim, panel.x)
    _axis(axes.yaxis, axes.set_ylim, panel.y)


def _mark(axes: "Axes", mark: Mark) -> None:
    look = LOOKS[mark.side]
    style: dict[str, Any] = {"color": ink(look.colour), "linestyle": look.dash, "linewidth": WIDTHS.get(mark.side, 1.6)}
    if mark.kind == "band":
        axes.fill_between(mark.x, mark.low or [], mark.y, color=ink(look.colour), alpha=0.22, linewidth=0)
    elif mark.kind == "points":
        size = 16 if mark.side == "bar" else 6.5
        edge = 2.2 if mark.side == "bar" else 0.5
        axes.plot(mark.x, mark.y, look.marker, color=ink(look.colour), markersize=size, markeredgewidth=edge)
    elif mark.kind == "steps":
        axes.step(mark.x, [*mark.y, mark.y[-1]], where="post", **style)
    elif mark.kind == "line":
        few = {"marker": look.marker, "markersize": 3.5} if len(mark.x) < 24 else {}
        axes.plot(mark.x, mark.y, **style, **few)
    else:
        thin = {"linewidth": 0.9, "linestyle": ":" if mark.kind == "dotted" else look.dash}
        axes.plot(mark.x, mark.y, **(style | thin))


def _heat(axes: "Axes", heat: Heat) -> None:
    z = np.array(heat.z, float)
    shown = axes.pcolormesh(heat.x, heat.y, np.where(z > 0, z, np.nan), vmin=0, vmax=heat.top, cmap=scale_of(SHARES))
    bar = axes.figure.colorbar(shown, ax=axes, shrink=0.9, pad=0.02, aspect=28)
    bar.set_label(heat.title)
    axes.grid(visible=False)
    for row, words in enumerate(heat.text or []):
        for column, word in enumerate(words):
            colour = "white" if z[row, column] > 0.5 * heat.top else "#111827"
            axes.text(heat.x[column], heat.y[row], word, ha="center", va="center", color=colour, fontsize=8)


def _axis(axis: Any, set_span: Any, wanted: Axis) -> None:
    axis.set_label_text(wanted.title)
    if wanted.kind == "log":
        axis._set_axes_scale("log")
    if wanted.ticks:
        places, texts = zip(*wanted.ticks, strict=True)
        axis.set_ticks(places, texts)
        axis.set_ticks([], minor=True)
    if wanted.span:
        set_span(*wanted.span)
