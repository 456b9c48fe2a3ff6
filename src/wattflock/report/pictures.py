"""PNGs for papers and the README: what a run found, one function a figure."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from wattflock.report import findings, words
from wattflock.report.canvas import blank, decades, hours, ink, note, png
from wattflock.report.folder import Run, read, write_whole
from wattflock.report.palette import looks
from wattflock.report.scenes import feeder, homes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_all(run_folder: Path) -> list[Path]:
    """Draw every figure into the run folder; 200 dpi, each file whole or not at all.

    Raises:
        RunError: if a file of the run is missing or damaged, or a figure cannot be written.
    """
    run = read(run_folder)
    return [write_whole(run_folder / f"{name}.png", png(partial(draw, run))) for name, draw in PICTURES.items()]


def tradeoff(run: Run) -> "Figure":
    """Cost against violation with 95 % intervals; the perfect-foresight bound is a vertical line."""
    figure, ((axes,),) = blank(1, 1, (5.6, 3.8))
    points, look = findings.points(run), looks(list(run.summary["methods"]))
    floor = findings.floor_of([point["violation"] for point in points])
    decades(axes, floor)
    for place, point in enumerate(points):
        kind, x, y = look[point["method"]], point["cost"], max(point["violation"], floor)
        for low, high in filter(None, [point["cost_interval"]]):
            axes.plot([low, high], [y, y], color=kind.colour, linewidth=1.2)
        for low, high in filter(None, [point["violation_interval"]]):
            axes.plot([x, x], [max(low, floor), max(high, floor)], color=kind.colour, linewidth=1.2)
        axes.plot(x, y, kind.marker, color=kind.colour, markersize=8, markeredgecolor="white", zorder=3)
        shift, at = ((7, 7), "bottom") if place % 2 else ((7, -7), "top")
        axes.annotate(kind.label, (x, y), shift, textcoords="offset points", va=at, fontsize=8)
    bound = findings.bound_cost(run)
    if bound is not None:
        axes.axvline(bound, color=ink("@ink"), linestyle=":", linewidth=1.2)
        axes.annotate("perfect foresight", (bound, 0.98), (4, 0), xycoords=("data", "axes fraction"),
                      textcoords="offset points", rotation=90, va="top", fontsize=8)  # fmt: skip
    axes.margins(x=0.22)
    axes.set_ylim(top=max([floor * 10, *(point["violation"] for point in points)]) * 4)
    axes.set(xlabel=f"cost [{run.summary.get('currency', '')} per home and day]")
    axes.set(ylabel=f"violation [{findings.PER_DAY}]", title="Cheaper to the left, safer below")
    return figure


def voltage(run: Run) -> "Figure":
    """Voltages of all nodes over the day, before and after: extremes, 5–95 % band, median, limits."""
    present = findings.methods_in(run, run.steps)
    shown = dict.fromkeys(m for m in (words.before(run.summary), words.best(run.summary)) if m in present)
    figure, axes = blank(1, max(len(shown), 1), (7.4, 3.3))
    look, (low, high) = looks(list(run.summary["methods"])), findings.limits_pu(run.summary)
    for place, method in zip(axes[0], shown, strict=False):
        band, colour = findings.envelope(run, method), ink(look[method].colour)
        style = {"step": "post", "color": colour, "linewidth": 0}
        place.fill_between(band["hour"], band["lowest"], band["highest"], alpha=0.22, label="min–max", **style)
        place.fill_between(band["hour"], band["low"], band["high"], alpha=0.5, label="5–95 % of nodes", **style)
        place.step(band["hour"], band["middle"], where="post", color="#111827", linewidth=1.1, label="median")
        for limit in (low, high):
            place.axhline(limit, color="#111827", linestyle="--", linewidth=0.9)
        place.set_title(look[method].label)
        hours(place)
    axes[0][0].set_ylabel("voltage [pu]")
    figure.legend(*axes[0][-1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def curves(run: Run) -> "Figure":
    """Learning: cost and violation on validation days against seconds of training, a line for each seed."""
    figure, axes = blank(1, 2, (7.4, 3.2), share=False)
    split = "validation" if (run.curves["split"] == "validation").any() else "train"
    table = run.curves.filter(pl.col("split") == split).with_columns(1000 * pl.col("violation_pu_h"))
    cost = "cost" if table["cost"].drop_nulls().len() else "objective"
    methods = findings.methods_in(run, table)
    if not methods:
        for place in axes[0]:
            note(place, "nothing was trained in this run")
        return figure
    floor = findings.floor_of(table["violation_pu_h"].to_list())
    decades(axes[0][1], floor)
    for method in methods:
        _learn(axes[0][0], table, method, (cost, None))
        _learn(axes[0][1], table, method, ("violation_pu_h", floor))
    unit = f"[{run.summary.get('currency', '')} per home and day]"
    axes[0][0].set(xlabel="training [s]", ylabel=f"{cost} {unit}", title=f"{cost.capitalize()}, {split} days")
    axes[0][1].set(xlabel="training [s]", ylabel=f"violation [{findings.PER_DAY}]", title="Violation")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def days(run: Run) -> "Figure":
    """Violation of each test day over the year, a marker for each method and day."""
    figure, ((axes,),) = blank(1, 1, (7.4, 3.2))
    look, table = looks(list(run.summary["methods"])), run.days.with_columns(1000 * pl.col("violation_pu_h"))
    floor = findings.floor_of(table["violation_pu_h"].to_list())
    decades(axes, floor)
    for method in findings.methods_in(run, table):
        when, values = findings.over_the_year(run, method)
        heights = [float("nan") if value is None else max(value, floor) for value in values]
        kind = look[method]
        axes.plot(when, heights, kind.marker, linestyle="-", linewidth=0.6, markersize=3.5, alpha=0.85,
                  color=ink(kind.colour), label=kind.label)  # fmt: skip
    axes.set(xlabel="test day", ylabel="violation [mpu·h per node]")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _learn(axes: "Axes", table: pl.DataFrame, method: str, drawn: tuple[str, float | None]) -> None:
    kind, (column, floor) = looks([method])[method], drawn
    mine = table.filter(pl.col("method") == method).sort("seed", "seconds").drop_nulls(column)
    for place, (_, one) in enumerate(mine.group_by("seed", maintain_order=True)):
        values = one[column] if floor is None else one[column].clip(floor)
        axes.plot(one["seconds"], values, linestyle=kind.dash, color=ink(kind.colour), linewidth=1.4,
                  marker=kind.marker, markersize=3, label=None if place else kind.label)  # fmt: skip


PICTURES = {"tradeoff": tradeoff, "voltage": voltage, "feeder": feeder, "curves": curves, "homes": homes, "days": days}
