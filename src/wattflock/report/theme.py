"""How every figure looks: colours, marks and fonts, and the one way to write a chart to a file.

Colours are those of Okabe and Ito (2008), which colour-blind readers tell apart; shapes and dashes tell methods apart
in print. A chart is drawn for light paper; on a dark page the colours of `NIGHT` are replaced by its style sheet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from wattflock.core.errors import RunError
from wattflock.core.files import write_whole
from wattflock.core.machine import PICTURES_GB, small_space

INK, SOFT, LINE, PAPER = "#16202e", "#5b6673", "#dde2e8", "#ffffff"
VALIDATE = False  # charts against the schema of Vega-Lite: tests do, it takes a second of a run's page
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
PINK, SKY, GREY, BROWN = "#cc79a7", "#56b4e9", "#6b7280", "#8c6d1f"
OKABE_ITO = (BLUE, RED, GREEN, ORANGE, PINK, SKY, BROWN, GREY)
NIGHT = {  # light → dark, wherever the colour stands in a figure
    INK: "#e8ecf1", SOFT: "#a2adba", LINE: "#2c3744", PAPER: "#18202b",
    BLUE: "#4aa8e0", GREEN: "#1fbf92", GREY: "#98a2b3", BROWN: "#c39b3c", "#5d4037": "#a1887f",
}  # fmt: skip
SEQUENTIAL = ("#fee8a8", "#fdae4b", "#e8601c", "#a50f15", "#4a0010")  # light to dark, also in grey
DIVERGING = ("#7f3b08", "#e08214", "#c9cdd3", "#8073ac", "#2d004b")  # low to high; grey is the middle
FONT = "Helvetica Neue, Arial, Liberation Sans, DejaVu Sans, sans-serif"
WIDTH, HEIGHT = 640, 340  # of a chart [px]; a page gives it the width there is
ZOOM = "wheel![event.ctrlKey || event.metaKey]"  # of a chart; a wheel alone scrolls the page
STAR = "M0,-1L.235,-.324L.951,-.309L.38,.124L.588,.809L0,.4L-.588,.809L-.38,.124L-.951,-.309L-.235,-.324Z"  # a shape
PPI = 200  # of a PNG: 72 px of a chart are an inch

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": SOFT, "titleColor": INK, "domainColor": SOFT, "tickColor": SOFT, "gridColor": LINE,
        "labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal", "gridWidth": 0.7,
    },
    "axisX": {"grid": False, "labelOverlap": "greedy", "labelSeparation": 8},
    "legend": {
        "orient": "top", "direction": "horizontal", "columns": 4, "labelColor": INK, "titleColor": INK,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 260, "titleLimit": 400,
        "symbolStrokeWidth": 2, "symbolOpacity": 1, "offset": 8,
    },
    "title": {"color": INK, "subtitleColor": SOFT, "fontSize": 13, "anchor": "start", "fontWeight": "bold"},
    "header": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "labelFontWeight": "bold",
               "labelAnchor": "start", "labelOrient": "top", "title": None},
    "text": {"color": INK, "fontSize": 11},
    "rule": {"color": INK},
    "line": {"color": BLUE, "strokeWidth": 2},
    "bar": {"color": BLUE},
    "point": {"color": BLUE, "filled": True, "size": 60},
    "range": {"category": list(OKABE_ITO)},
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How one method, side or series is drawn everywhere: `shape` and `dash` as Vega names them."""

    label: str
    colour: str
    shape: str = "circle"
    dash: tuple[int, ...] = ()


METHODS = {  # human names; the name that a scenario knows stands in brackets where it has to be typed
    "idle": Look("uncontrolled (idle)", GREY),
    "rules": Look("rule-based (rules)", ORANGE, "square", (8, 3, 2, 3)),
    "timer": Look("fitted timer (timer)", BROWN, "square", (3, 3)),
    "timer_droop": Look("timer with droop (timer_droop)", SKY, "circle", (12, 3)),
    "gradmap": Look("learned (gradmap)", BLUE, "diamond"),
    "through": Look("learned (through)", GREEN, "triangle-up", (6, 3)),
    "shac": Look("learned (shac)", SKY, "triangle-up", (4, 2)),
    "tariff_design": Look("network tariff (tariff_design)", PINK, "cross", (6, 3)),
    "ppo": Look("learned (ppo)", GREEN, "square", (10, 3)),
    "maddpg": Look("learned (maddpg)", BROWN, "triangle-right", (6, 3)),
    "facmac": Look("learned (facmac)", PINK, "triangle-down"),
    "qlearning": Look("learned (qlearning)", ORANGE, "triangle-left", (2, 2)),
    "bound": Look("perfect foresight", INK, "cross", (2, 3)),
    "mpc": Look("planning homes (mpc)", PINK, "triangle-down", (8, 3, 2, 3)),
}
SERIES = {  # of a home's day; light and dark alternate so that a stack reads in grey too
    "load": "#9aa3af", "panel": "#f0c419", "battery": BLUE, "heat pump": RED, "generator": "#5d4037", "ev": GREEN,
    "appliance": PINK, "net": INK,
}  # fmt: skip
SPARE = (  # of what has no look of its own, in turn
    (RED, "triangle-down", (6, 3)),
    (PINK, "cross", (8, 3, 2, 3)),
    (SKY, "triangle-left", (2, 3)),
    (BROWN, "triangle-right", (10, 4)),
    (INK, "square", (4, 4)),
    (ORANGE, "diamond", (12, 3, 2, 3)),
)


def looks_of(names: list[str], known: dict[str, Look]) -> dict[str, Look]:
    """A look for every name; those without one of their own take the spare ones in turn."""
    others = [name for name in names if name not in known]
    spare = {name: Look(name, *SPARE[place % len(SPARE)]) for place, name in enumerate(others)}
    return {name: known.get(name) or spare[name] for name in names}


def series_colours(names: Iterable[str]) -> dict[str, str]:
    """The colour of each series of a home's day; those without one of their own take the spare ones in turn."""
    spare = cycle(colour for colour, *_ in SPARE)
    return {name: SERIES.get(name) or next(spare) for name in names}


def methods(names: Iterable[str]) -> dict[str, Look]:
    """A look for every method."""
    return looks_of(list(names), METHODS)


def held(table: pl.DataFrame, begins: str, ends: str, line: Sequence[str]) -> pl.DataFrame:
    """Steps of lines with the last one of each once more at its end, so that `step-after` draws it to there.

    Args:
        table: a row for each step.
        begins: column of where a step begins, the axis of the chart.
        ends: column of where it ends.
        line: columns that tell lines apart.
    """
    last = table.filter(pl.col(begins) == pl.col(begins).max().over(line))
    return pl.concat([table, last.with_columns(pl.col(ends).alias(begins))])


def themed(chart: Any, said: str) -> Any:
    """The chart with our look and `said` as its text alternative; the last step of every figure."""
    return chart.configure(**CONFIG).properties(description=said)


def spec(chart: Any) -> dict[str, Any]:
    """A chart as Vega-Lite reads it, with all its rows."""
    # pyrefly: ignore[bad-context-manager]: altair says that there is always an exception
    with alt.data_transformers.enable("default", max_rows=None):
        return chart.to_dict(validate=VALIDATE)


def save(chart: Any, path: Path) -> Path:
    """Write a chart as `.png`, `.svg` or `.pdf`, whole or not at all; no browser is needed.

    Raises:
        RunError: the disk is full or the folder cannot be written.
        KeyError: another ending.
    """
    return write_whole(path, FORMATS[path.suffix](spec(chart)))


def refuse_small_space() -> None:
    """Raises RunError where pictures cannot be drawn: the engine that draws them would end the process."""
    if said := small_space(PICTURES_GB, "drawing pictures"):
        raise RunError(said)


def png(found: dict[str, Any]) -> bytes:
    """A PNG on white paper."""
    refuse_small_space()
    return vl_convert.vegalite_to_png(_on_paper(found), ppi=PPI)


def svg(found: dict[str, Any]) -> bytes:
    """An SVG on white paper."""
    refuse_small_space()
    return vl_convert.vegalite_to_svg(_on_paper(found)).encode()


def pdf(found: dict[str, Any]) -> bytes:
    """A PDF of one page."""
    refuse_small_space()
    return vl_convert.vegalite_to_pdf(_on_paper(found))


def _on_paper(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"background": PAPER, "padding": 10}


FORMATS = {".png": png, ".svg": svg, ".pdf": pdf}
