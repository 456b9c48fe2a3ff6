"""A line of the card's table: a figure reached, what stands beside it, and whether its bar is held."""

from typing import Any, NamedTuple

import numpy as np

FLOOR = "training against held-out homes"  # what chance and few homes alone make
Row = dict[str, Any]
Section = tuple[dict[str, Any], list[Row]]  # what a figure shows, and its lines of the table


class Bar(NamedTuple):
    """What a figure must reach."""

    sense: str  # "at most" or "at least"
    limit: float


class Beside(NamedTuple):
    """The same figure elsewhere, to see how much of it is chance."""

    value: float
    words: str


def row(name: tuple[str, str], value: float, unit: str, beside: Beside | None = None, bar: Bar | None = None) -> Row:
    """One line, ready for JSON; `name` is the figure it belongs to and what it is called."""
    topic, words = name
    held = bar and (value <= bar.limit if bar.sense == "at most" else value >= bar.limit)
    return {
        "topic": topic,
        "figure": words,
        "value": number(value),
        "unit": unit,
        "beside": number(beside.value) if beside else None,
        "beside_is": beside.words if beside else "",
        "sense": bar.sense if bar else "",
        "bar": number(bar.limit) if bar else None,
        "verdict": "" if bar is None else "held" if held else "short",
    }


def number(value: float) -> float | None:
    """Six significant digits; None for what is no number."""
    return float(f"{value:.6g}") if np.isfinite(value) else None


def numbers(values: np.ndarray) -> list:
    """An array of any shape as lists of numbers."""
    return number(float(values)) if np.ndim(values) == 0 else [numbers(each) for each in values]  # pyright: ignore


def density(values: np.ndarray, edges: np.ndarray) -> list:
    """Per cent of the values per unit of x in each bin; of all values, also of those beyond the last bin."""
    return numbers(100 * np.histogram(values, edges)[0] / max(len(values), 1) / np.diff(edges))


def quantiles(values: np.ndarray) -> dict[str, list]:
    """A cumulative curve: values in order and the per cent at or below each."""
    percent = np.linspace(0, 100, 101)
    return {"value": numbers(np.percentile(values, percent)), "percent": numbers(percent)}
