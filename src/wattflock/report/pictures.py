"""PNGs for papers and the README: what a run found, one function a figure."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from wattflock.core.files import write_whole
from wattflock.report import findings, words
from wattflock.report.canvas import blank, decades, hours, ink, note, png
from wattflock.report.folder import Run, read
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
    drawn = {name: png(partial(draw, run)) for name, draw in PICTURES.items()}
    return [write_whole(run_folder / f"{name}.png", content) for name, content in drawn.items()]


def tradeoff(run: Run) -> "Figure":
    """Cost against violation with 95 % intervals; the perfect-foresight bound is a vertical line."""
    figure, ((axes,),) = blank(1, 1, (5.6, 3.8))
    points, look = findings.points(run), looks(list(run.summary["methods"]))
    floor = findings.floor_of([point["violation"] for point in points])
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
    axes.margins(x=0.25)
    decades(axes, floor)
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
        style: dict[str, Any] = {"step": "post", "color": colour, "linewidth": 0}
        hour, black = band["hour"], "#111827"
        place.fill_between(hour, band["lowest"], band["highest"], alpha=0.22, label="min–max", **style)
        place.fill_between(hour, band["low"], band["high"], alpha=0.5, label="5–95 % of nodes", **style)
        place.step(hour, band["middle"], where="post", color=black, linewidth=1.1, label="median")
        for limit, name in ((low, "limits"), (high, None)):
            place.axhline(limit, color=black, linestyle="--", linewidth=0.9, label=name)
        place.set_title(look[method].label)
        hours(place)
    axes[0][0].set_ylabel("voltage [pu]")
    figure.legend(*axes[0][-1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def curves(run: Run) -> "Figure":
    """Learning: cost and violation on validation days against seconds of training, a line for each seed."""
    figure, axes = blank(1, 2, (7.4, 3.2), share="none")
    split = "validation" if (run.curves["split"] == "validation").any() else "train"
    table = run.curves.filter(pl.col("split") == split).with_columns(pl.col("violation_pu_h") * 1000)
    cost = "cost" if table["cost"].drop_nulls().len() else "objective"
    methods = findings.methods_in(run, table)
    if not methods:
        for place in axes[0]:
            note(place, "nothing was trained in this run")
        return figure
    floor = findings.floor_of(table["violation_pu_h"].to_list())
    for method in methods:
        _learn(axes[0][0], table, method, (cost, None))
        _learn(axes[0][1], table, method, ("violation_pu_h", floor))
    decades(axes[0][1], floor)
    unit = f"[{run.summary.get('currency', '')} per home and day]"
    axes[0][0].set(xlabel="training [s]", ylabel=f"{cost} {unit}", title=f"{cost.capitalize()}, {split} days")
    axes[0][1].set(xlabel="training [s]", ylabel=f"violation [{findings.PER_DAY}]", title="Violation")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def days(run: Run) -> "Figure":
    """Violation of each test day over the year: a row for each method, a bar for each day, gaps left out."""
    methods, (places, ticks) = findings.methods_in(run, run.days), findings.calendar(run)
    figure, axes = blank(max(len(methods), 1), 1, (7.4, 0.7 + 0.95 * max(len(methods), 1)))
    tables = {method: findings.over_the_year(run, method).drop_nulls() for method in methods}
    floor = findings.floor_of([value for table in tables.values() for value in table["violation"]])
    top = max([floor * 10, *(value for table in tables.values() for value in table["violation"])])
    for place, (method, table) in zip(axes[:, 0], tables.items(), strict=False):
        kind, where = looks(list(run.summary["methods"]))[method], [places[day] for day in table["day"]]
        heights = table["violation"].clip(floor) - floor / 1.3
        place.bar(where, heights, 0.86, bottom=floor / 1.3, color=ink(kind.colour))
        decades(place, floor)
        place.set(ylim=(floor / 1.3, top * 1.6), xlim=(1, max(places.values()) + 1), xticks=list(ticks))
        place.set_xticklabels(ticks.values() if place is axes[-1, 0] else [])
        place.set_title(kind.label, fontsize=9)
    axes[-1, 0].set_xlabel("test day; days between are not shown")
    figure.supylabel("violation [mpu·h per node]", fontsize=9)
    return figure


def _learn(axes: "Axes", table: pl.DataFrame, method: str, drawn: tuple[str, float | None]) -> None:
    kind, (column, floor) = looks([method])[method], drawn
    mine = table.filter(pl.col("method") == method).sort("seed", "seconds").drop_nulls(column)
    for place, (_, one) in enumerate(mine.group_by("seed", maintain_order=True)):
        values = one[column] if floor is None else one[column].clip(floor)
        axes.plot(one["seconds"], values, linestyle=kind.dash, color=ink(kind.colour), linewidth=1.3,
                  marker=kind.marker, markersize=3.5, markevery=max(1, len(one) // 8),
                  label=None if place else kind.label)  # fmt: skip


PICTURES = {
    "tradeoff": tradeoff,
    "voltage": voltage,
    "feeder": feeder,
    "curves": curves,
    "homes": homes,
    "days": days,
}
