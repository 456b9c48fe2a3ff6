"""Time to quality: validation marks against seconds of training, a line for each method and a band over its seeds."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from wattflock.core.errors import RunError
from wattflock.core.files import reason
from wattflock.report.canvas import blank, decades, ink
from wattflock.report.findings import PER_DAY, floor_of
from wattflock.report.palette import Look, looks
from wattflock.report.plots import faded, log_axis, safe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAPTION = (
    "Validation days. Line: the mean over seeds; band: from the lowest to the highest seed. Seconds of training, "
    "compilation included; a seed that has ended keeps its last mark."
)
QUANTITIES = {"saving": "saving against idle", "violation": "violation"}
POINTS = 60  # of a band


def marks(done: list[tuple[str, Path]]) -> pl.DataFrame:
    """Validation marks of all runs (row, folder); `saving` [currency per home and day], `violation` [mpu·h].

    Raises:
        RunError: the curves of a run are missing or damaged.
    """
    tables = [
        _read(folder / "curves.parquet").with_columns(row=pl.lit(row), run=pl.lit(folder.name)) for row, folder in done
    ]
    table = pl.concat(tables).filter(pl.col("split") == "validation")
    return table.select("row", "run", "method", "seconds", "saving", violation=1000 * pl.col("violation_pu_h"))


def rows(table: pl.DataFrame) -> list[str]:
    """The rows that trained anything."""
    return table["row"].unique(maintain_order=True).to_list()


def band(table: pl.DataFrame, quantity: str) -> dict[str, np.ndarray]:
    """Seconds, and mean, lowest and highest over the runs of one method, from where all of them have a mark."""
    runs = [run.sort("seconds") for _, run in table.drop_nulls(quantity).group_by("run", maintain_order=True)]
    first, last = max(run["seconds"][0] for run in runs), max(run["seconds"][-1] for run in runs)
    seconds = np.geomspace(first, last, POINTS)
    values = np.stack([np.interp(seconds, run["seconds"].to_numpy(), run[quantity].to_numpy()) for run in runs])
    return {"seconds": seconds, "mean": values.mean(0), "low": values.min(0), "high": values.max(0)}


def picture(table: pl.DataFrame, row: str, currency: str) -> "Figure":
    """Saving and violation of one row, side by side."""
    sheet, axes = blank(1, 2, (7.4, 3.2), share="none")
    bands = {quantity: _bands(table, row, quantity) for quantity in QUANTITIES}
    floor = _floor(table, row)
    for place, (quantity, found) in zip(axes[0], bands.items(), strict=True):
        for method, each in found.items():
            _paint(place, each, looks(list(found))[method], floor if quantity == "violation" else -np.inf)
        place.set(
            xscale="log",
            xlabel="training [s]",
            ylabel=_unit(quantity, currency),
            title=QUANTITIES[quantity].capitalize(),
        )
        _seconds(place)
    decades(axes[0][1], floor)
    sheet.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return sheet


def figure(table: pl.DataFrame, quantity: str, currency: str) -> dict[str, Any]:
    """One quantity for the page; its menu picks the row."""
    choices = {}
    for row in rows(table):
        found, floor = _bands(table, row, quantity), _floor(table, row)
        log = quantity == "violation"
        data = [trace for method in found for trace in _traces(found, method, floor if log else -np.inf)]
        top = max([floor * 10, *(each["high"].max() for each in found.values())]) * 1.5
        title = _unit(quantity, currency)
        choices[row] = {
            "data": data,
            "layout": {"yaxis": log_axis(title, floor, top) if log else {"title": {"text": title}}},
        }
    return {
        "layout": {"xaxis": {"title": {"text": "training [s]"}, "type": "log"}, "hovermode": "closest"},
        "choices": choices,
    }


def _bands(table: pl.DataFrame, row: str, quantity: str) -> dict[str, dict[str, np.ndarray]]:
    mine = table.filter(pl.col("row") == row)
    methods = mine["method"].unique(maintain_order=True)
    return {method: band(mine.filter(pl.col("method") == method), quantity) for method in methods}


def _floor(table: pl.DataFrame, row: str) -> float:
    return floor_of(table.filter(pl.col("row") == row)["violation"].to_list())


def _unit(quantity: str, currency: str) -> str:
    return f"{quantity} [{PER_DAY if quantity == 'violation' else f'{currency} per home and day'}]"


def _paint(axes: "Axes", each: dict[str, np.ndarray], look: Look, floor: float) -> None:
    low, high, mean = (np.maximum(each[name], floor) for name in ("low", "high", "mean"))
    axes.fill_between(each["seconds"], low, high, color=ink(look.colour), alpha=0.2, linewidth=0)
    axes.plot(each["seconds"], mean, linestyle=look.dash, color=ink(look.colour), linewidth=1.4, label=look.label)


def _seconds(axes: "Axes") -> None:
    """Plain numbers on a logarithmic axis, however short it is."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(10, (1, 2, 5)) if high > 5 * low else MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _traces(found: dict[str, dict[str, np.ndarray]], method: str, floor: float) -> list[dict[str, Any]]:
    look, each = looks(list(found))[method], found[method]
    seconds, label = each["seconds"].round(3).tolist(), safe(look.label)

    def edge(name: str, more: dict[str, Any]) -> dict[str, Any]:
        shape = {"type": "scatter", "mode": "lines", "x": seconds, "y": np.maximum(each[name], floor).tolist()}
        return shape | {"legendgroup": method, "name": label} | more

    none = {"line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    return [
        edge("low", none),
        edge("high", none | {"fill": "tonexty", "fillcolor": faded(look.colour, 0.2)}),
        edge("mean", {"line": {"color": look.colour, "dash": look.stroke, "width": 2},
                      "hovertemplate": f"%{{x:.1f}} s: %{{y:.3g}}<extra>{label}</extra>"}),
    ]  # fmt: skip


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{path}: {reason(error)}") from error
