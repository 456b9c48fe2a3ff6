"""Paper for the pictures: matplotlib is imported here alone, when something is drawn."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from wattflock.core.errors import RunError
from wattflock.report.palette import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Share = Literal["row", "none"]
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4b5563",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "text.parse_math": False,
    "savefig.dpi": 200,
}


def blank(rows: int, columns: int, size_inch: tuple[float, float], share: Share = "row") -> "tuple[Figure, Any]":
    """A figure and its axes `[rows, columns]`; `share` says along what the y axis is shared."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_inch, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharey=share)


def png(draw: Callable[[], "Figure"]) -> bytes:
    """What `draw` makes, as a PNG of 200 dpi in the style of all our pictures.

    Raises:
        RunError: if matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise RunError("pictures need matplotlib: pip install 'wattflock[plot]'") from error
    page = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        draw().savefig(page, format="png", bbox_inches="tight")
    return page.getvalue()


def ink(colour: str) -> str:
    """The colour on paper, where ink is black."""
    return "#111827" if colour == INK else colour


def note(axes: "Axes", text: str) -> None:
    """Say in an empty picture why it is empty."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color="#4b5563")
    axes.set(xticks=[], yticks=[])


def decades(axes: "Axes", floor: float) -> None:
    """A logarithmic y axis that ends at `floor`, where all that is smaller is drawn."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    def say(value: float, _: int) -> str:
        return ("≤ " if value <= floor * 1.001 else "") + np.format_float_positional(float(f"{value:.3g}"), trim="-")

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(10, numticks=7))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(say))
    axes.set_ylim(bottom=floor / 1.3)


def hours(axes: "Axes") -> None:
    """A day on the x axis."""
    axes.set(xlim=(0, 24), xticks=range(0, 25, 6), xlabel="hour of the day [h]")


def scale_of(colours: tuple[str, ...]) -> Any:
    """A continuous colour scale through these colours."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("wattflock", colours)
