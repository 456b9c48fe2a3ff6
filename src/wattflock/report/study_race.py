"""The race of a study: seconds of training until a method saves enough, and spares the wires."""

import numpy as np
import polars as pl

from wattflock.report.html import Row
from wattflock.report.tables import FigureTable
from wattflock.report.theme import methods
from wattflock.report.words import DASH, number

BARS = (0.8, 0.9, 0.95)  # of what the reference saves at the end [share]
SPARED = 0.2  # most violation and overload beside the uncontrolled homes' [share]
NOTE = (
    "Seconds of training, compiled, until a method saves so much of what {reference} saves at its end, on the "
    f"validation days, with at most {SPARED:.0%} of the violation and overload of uncontrolled homes (test days); in "
    "brackets until that holds for good. Mean over the seeds that reach it, and how many do where it is not all."
)


def race(marks: pl.DataFrame, reference: str) -> list[FigureTable]:
    """Seconds to each bar, first and for good; a line for each row and method, nothing where wires are not judged.

    Args:
        marks: of learning, with `saving`, `excess` and `warm` seconds (`study_charts.marks`).
        reference: the method whose last saving is the measure.
    """
    marks = marks.drop_nulls(("saving", "excess"))
    looks, rows = methods(marks["method"].unique(maintain_order=True)), []
    for (row,), some in marks.group_by("row", maintain_order=True):
        own = [run.sort("warm")["saving"][-1] for _, run in some.filter(method=reference).group_by("run")]
        if not own:
            continue
        measure = float(np.mean(own))
        for (method,), each in some.group_by("method", maintain_order=True):
            runs = [run.sort("warm") for _, run in each.group_by("run", maintain_order=True)]
            cells = [_told([reached(run, share * measure) for run in runs]) for share in BARS]
            rows.append(
                Row([str(row), looks[str(method)].label, str(len(runs)), *cells], colour=looks[str(method)].colour)
            )
    heads = [("row", ""), ("method", ""), ("seeds", ""), *((f"{share:.0%} of the saving", "s") for share in BARS)]
    note = NOTE.format(reference=reference)
    return [FigureTable(heads, rows, note, left=2)] if rows else []


def reached(run: pl.DataFrame, saving: float) -> tuple[float, float]:
    """Seconds until a run saves so much and spares the wires: first, and for good; nan where it does not.

    Args:
        run: marks in the order of time, `warm`, `saving` and `excess`.
        saving: the bar [currency per home and day].
    """
    good = ((run["saving"] >= saving) & (run["excess"] <= SPARED)).to_numpy()
    times, bad = run["warm"].to_numpy(), np.flatnonzero(~good)
    lasts = int(bad[-1]) + 1 if bad.size else 0
    first = float(times[good.argmax()]) if good.any() else np.nan
    return first, float(times[lasts]) if lasts < len(good) else np.nan


def _told(found: list[tuple[float, float]]) -> str:
    first, lasting = np.array(found).T
    return f"{_mean(first)} ({_mean(lasting)})"


def _mean(seconds: np.ndarray) -> str:
    there = seconds[np.isfinite(seconds)]
    few = f", {len(there)} of {len(seconds)}" if 0 < len(there) < len(seconds) else ""
    return f"{number(float(there.mean()), 2)}{few}" if len(there) else DASH
