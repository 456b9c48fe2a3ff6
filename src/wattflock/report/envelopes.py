"""What a feeder can still take: for the terminal, for a table file, and as a picture."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wattflock.report.canvas import blank, png
from wattflock.report.palette import SPARE
from wattflock.study.hosting.assessment import DIRECTIONS, MAXIMUM_MOST, Hosted, allocations_of
from wattflock.study.hosting.envelope import MAXIMUM

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#009e73", "#e69f00")
MARKERS = ("o", "s", "D")


def hosting_summary(found: Hosted) -> Group:
    """A line for each direction alone, and one for each envelope."""
    alone = _table("each terminal alone", "least [kW]", "median [kW]", "most [kW]", "what binds most often")
    for direction, one in found.alone.items():
        names, counts = np.unique([name.partition(" ")[0] for name in one.binding], return_counts=True)
        values = (f"{value:,.1f}" for value in np.quantile(one.capacity_kw, (0, 0.5, 1)))
        alone.add_row(direction, *values, str(names[counts.argmax()]))
    together = _table("all together", "total [kW]", "home [kW]", "Jain", "corners", "binding")
    for (direction, allocation), one in found.together.items():
        live = one.home_kw[found.homes > 0]
        home = f"{live.min():.2f}" if np.ptp(live) < 5e-3 else f"{live.min():.2f} to {live.max():.2f}"
        row = (f"{one.total_kw:,.1f}", home, f"{one.fairness:.2f}", f"{one.corners}", one.binding)
        together.add_row(f"{direction}, {allocation}", *row)
    worst = max(one.worst_stress for one in found.together.values())
    limits = found.asked.limits
    said = (
        f"{found.circuit.name} at {100 * found.asked.load:g} % of its spot loads, {found.homes.sum():.0f} homes at "
        f"{len(found.homes)} terminals, at most {found.asked.cap_kw:g} kW each. Limits: {limits.low_pu:g} to "
        f"{limits.high_pu:g} pu, loading {100 * limits.loading:g} %, unbalance {100 * limits.unbalance:g} %. "
        f"Largest excess at any verified corner: {max(worst, 0):.1e}."
    )
    if MAXIMUM not in allocations_of(found.circuit):
        said += f" The largest total is not looked for above {MAXIMUM_MOST:,} terminals."
    return Group(alone, "", together, "", Text(said))


def hosting_table(found: Hosted) -> pl.DataFrame:
    """A row for each terminal; limits are of one home [kW]."""
    columns: dict[str, object] = {"terminal": found.alone[DIRECTIONS[0]].terminals, "homes": found.homes.astype(int)}
    for direction in DIRECTIONS:
        columns[f"{direction}_alone_kw"] = found.alone[direction].capacity_kw
        columns[f"{direction}_alone_binding"] = found.alone[direction].binding
        for allocation in allocations_of(found.circuit):
            columns[f"{direction}_{allocation}_kw_per_home"] = found.together[direction, allocation].home_kw
    return pl.DataFrame(columns)


def sensitivity_table(found: Hosted) -> pl.DataFrame | None:
    """A row for each terminal and voltage: what one more kW or kvar drawn there does to it; None on large feeders."""
    one = found.sensitivity
    if one is None:
        return None
    rows, columns = len(one.names), len(one.terminals)
    return pl.DataFrame(
        {
            "terminal": np.tile(np.array(one.terminals), rows),
            "voltage": np.repeat(np.array(one.names), columns),
            "pu_per_kw": np.asarray(one.per_kw).ravel(),
            "pu_per_kvar": np.asarray(one.per_kvar).ravel(),
        }
    )


def hosting_picture(found: Hosted) -> bytes:
    """A PNG: limits of every home in both directions, terminals in order of what each could take alone."""
    return png(lambda: _draw(found))


def _draw(found: Hosted) -> "Figure":
    from matplotlib.ticker import FuncFormatter

    figure, axes = blank(2, 1, (8.6, 5.4), share="none")
    for place, direction in zip(axes[:, 0], DIRECTIONS, strict=True):
        alone = found.alone[direction].capacity_kw / np.maximum(found.homes, 1)
        order = np.argsort(alone)
        where = np.arange(len(order))
        place.plot(where, alone[order], color=SPARE[1][0], linewidth=1.4, label="its terminal alone")
        for allocation, colour, marker in zip(allocations_of(found.circuit), COLOURS, MARKERS, strict=False):
            one = found.together[direction, allocation]
            label = f"{allocation}: {one.total_kw:,.0f} kW,\nJain {one.fairness:.2f}"
            place.plot(where, one.home_kw[order], marker, color=colour, markersize=3, linestyle="none", label=label)
        place.set_yscale("symlog", linthresh=max(found.asked.cap_kw / 10, 1e-3))
        place.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        place.set_ylim(bottom=0)
        place.set(ylabel=f"{direction} of one home [kW]", title=f"{direction.capitalize()}, {found.circuit.name}")
        place.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    axes[-1, 0].set_xlabel("terminals, by what each could take alone")
    return figure


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(Text(head), justify="right" if "[" in head or head in ("Jain", "corners") else "left")
    return table
