"""Pictures of places: the feeder as a map, and a few homes through a day."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from wattflock.report import findings, words
from wattflock.report.canvas import blank, hours, ink, note, scale_of
from wattflock.report.folder import Run
from wattflock.report.palette import VIOLATION_SCALE, looks, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def feeder(run: Run) -> "Figure":
    """The feeder before and after: each bus by the violation of its worst phase; the source is marked."""
    present = findings.methods_in(run, run.nodes)
    shown = dict.fromkeys(m for m in (words.before(run.summary), words.best(run.summary)) if m in present)
    figure, axes = blank(1, max(len(shown), 1), (7.6, 3.0))
    tables = {method: findings.buses(run, method) for method in shown}
    top = max([1e-9, *(value for table in tables.values() for value in table["violation"].drop_nulls())])
    dots = None
    for place, (method, table) in zip(axes[0], tables.items(), strict=False):
        dots = _map(place, run, table, top)
        place.set_title(looks(list(run.summary["methods"]))[method].label)
    if dots is not None:
        name = f"violation, worst phase\n[{findings.PER_DAY}]"
        figure.colorbar(dots, ax=axes, shrink=0.85, pad=0.01, aspect=28, label=name)
    return figure


def homes(run: Run) -> "Figure":
    """A few homes through a day: power of each device above, states below, the price as background."""
    days = {day["home"]: day for day in reversed(findings.home_days(run))}
    chosen = list(reversed(days.values()))[:3]
    figure, axes = blank(2, max(len(chosen), 1), (3.1 * max(len(chosen), 1) + 0.6, 5.0), share="none")
    if not chosen:
        for row in axes:
            note(row[0], "no example homes in this run")
    for place, day in enumerate(chosen):
        best = words.best(run.summary)
        method = best if best in day["method"] else day["method"][0]
        table = findings.home_day(run, day, method)
        for row in (0, 1) if (table["unit"] != "kW").any() else (0,):
            _price(axes[row][place], findings.prices(run, day["day"]), run.summary.get("currency", ""))
        _power(axes[0][place], table.filter(pl.col("unit") == "kW"))
        _states(axes[1][place], table.filter(pl.col("unit") != "kW"))
        kind = str(day["kind"]).replace("_", " ")
        axes[0][place].set_title(f"home {day['home']} · {kind}\n{day['date']}, {method}")
    axes[0][0].set_ylabel("power drawn [kW]")
    handles = {
        label: handle
        for row in axes
        for place in row
        for handle, label in zip(*place.get_legend_handles_labels(), strict=True)
    }
    order = sorted(handles, key=lambda label: label.startswith("import price"))
    figure.legend([handles[label] for label in order], order, loc="outside lower center", ncols=5)
    return figure


def _map(axes: "Axes", run: Run, table: pl.DataFrame, top: float) -> Any:
    x, y = findings.wires(run)
    axes.plot(np.array(x, dtype=float), np.array(y, dtype=float), color="#9aa3af", linewidth=0.8, zorder=1)
    calm = table.filter(pl.col("violation") <= 0)
    axes.scatter(calm["x"], calm["y"], s=7, facecolor="white", edgecolor="#6b7280", linewidth=0.6, zorder=2)
    hot = table.filter(pl.col("violation") > 0).sort("violation")
    size, colours = 8 + 55 * hot["violation"] / top, scale_of(VIOLATION_SCALE)
    dots = axes.scatter(hot["x"], hot["y"], size, hot["violation"], vmin=0, vmax=top, cmap=colours,
                        edgecolor="#374151", linewidth=0.3, zorder=3)  # fmt: skip
    source = table.filter(pl.col("bus") == str(run.chart.get("source")))
    axes.plot(source["x"], source["y"], "*", color="#111827", markersize=11, zorder=4)
    for place in source.iter_rows(named=True):
        at = (place["x"], place["y"])
        axes.annotate("source", at, (0, 8), textcoords="offset points", ha="center", fontsize=8)
    axes.set_aspect("equal")
    axes.axis("off")
    return dots


def _price(axes: "Axes", blocks: list[tuple[float, float, float]], currency: str) -> None:
    low, top = min((block[2] for block in blocks), default=0), max((block[2] for block in blocks), default=0)
    name = f"import price, {low:g} to {top:g} {currency}/kWh: darker is dearer"
    for start, end, price in blocks:
        share = (price - low) / (top - low) if top > low else 0
        label = name if price == top and top > low else None
        axes.axvspan(start, end, color="#111827", alpha=0.04 + 0.14 * share, linewidth=0, label=label)


def _power(axes: Any, table: pl.DataFrame) -> None:
    wide = table.pivot("series", index=["step", "hour"], values="value").sort("step").fill_null(0)
    hour = wide["hour"].to_numpy()
    above, below = np.zeros(len(hour)), np.zeros(len(hour))
    for place, name in enumerate(wide.columns[2:]):
        values, label = wide[name].to_numpy(), name.replace("_", " ")
        colour = ink(series_colour(name, place))
        if name == "net":
            style = {"color": colour, "linewidth": 1.4, "label": label}
            axes.step([*hour, 24], [*values, values[-1]], where="post", **style)
            continue
        base = np.where(values >= 0, above, below)
        edge = {"align": "edge", "edgecolor": "white", "linewidth": 0.3}
        axes.bar(hour, values, 24 / len(hour), base, color=colour, label=label, **edge)
        above, below = above + np.maximum(values, 0), below + np.minimum(values, 0)
    axes.axhline(0, color="#4b5563", linewidth=0.8)
    hours(axes)
    axes.set_xlabel("")


def _states(axes: Any, table: pl.DataFrame) -> None:
    hours(axes)
    if table.is_empty():
        axes.axis("off")
    for place, (key, same) in enumerate(table.group_by("unit", maintain_order=True)):
        side = axes if place == 0 else axes.twinx()
        for index, (inner, one) in enumerate(same.group_by("series", maintain_order=True)):
            name = str(inner[0]).replace("_", " ")
            colour = "#0072b2" if key[0] == "%" else "#d55e00"
            dash = ("-", "--", ":")[index % 3]
            side.plot(one["hour"], one["value"], dash, color=colour, linewidth=1.5, label=name)
        names = ", ".join(same["series"].unique(maintain_order=True)).replace("_", " ")
        side.set_ylabel(f"{names} [{key[0]}]")
        if key[0] == "%":
            side.set_ylim(0, 100)
