"""How a method and a series look everywhere: one colour, one marker, one dash, one label.

Colours are those of Okabe and Ito (2008), told apart by the colour-blind; markers and dashes tell methods
apart in print.
"""

from dataclasses import dataclass

INK = "@ink"  # the page's text colour, dark on light or light on dark; pictures print it black


@dataclass(frozen=True)
class Look:
    """One method: `marker` and `dash` as matplotlib names them; `symbol` and `stroke` as plotly does."""

    label: str
    colour: str
    marker: str
    symbol: str
    dash: str
    stroke: str


KNOWN = {
    "idle": Look("idle (uncontrolled)", "#6b7280", "o", "circle", "-", "solid"),
    "rules": Look("rules (installer)", "#e69f00", "s", "square", "-.", "dashdot"),
    "through": Look("through (backpropagation)", "#009e73", "^", "triangle-up", "--", "dash"),
    "gradmap": Look("gradmap", "#0072b2", "D", "diamond", "-", "solid"),
    "bound": Look("bound (perfect foresight)", INK, "*", "star", ":", "dot"),
}
SPARE = (
    ("#d55e00", "v", "triangle-down", "--", "dash"),
    ("#cc79a7", "P", "cross", "-.", "dashdot"),
    ("#56b4e9", "X", "x", ":", "dot"),
    ("#8c6d1f", "p", "pentagon", "--", "dash"),
)
SERIES = {  # of a home's day; light and dark alternate so that a stack reads in grey too
    "load": "#9aa3af",
    "panel": "#f0c419",
    "battery": "#0072b2",
    "heat_pump": "#d55e00",
    "generator": "#5d4037",
    "ev": "#009e73",
    "appliance": "#cc79a7",
    "net": INK,
}
VIOLATION_SCALE = ("#fee8a8", "#fdae4b", "#e8601c", "#a50f15", "#4a0010")  # light to dark, also in grey
VOLTAGE_SCALE = ("#7f3b08", "#e08214", "#c9cdd3", "#8073ac", "#2d004b")  # low to high; grey is nominal


def looks(methods: list[str]) -> dict[str, Look]:
    """A look for every method; those without their own take the spare ones in turn."""
    others = [method for method in methods if method not in KNOWN]
    spare = {name: Look(name, *SPARE[i % len(SPARE)]) for i, name in enumerate(others)}
    return {method: KNOWN.get(method) or spare[method] for method in methods}


def series_colour(series: str, place: int) -> str:
    """The colour of a series; unknown ones take the spare colours in turn."""
    return SERIES.get(series, SPARE[place % len(SPARE)][0])
