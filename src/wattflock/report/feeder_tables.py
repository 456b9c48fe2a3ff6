"""A feeder in tables, for the terminal and for files: one snapshot, comparisons with OpenDSS, what it can host."""

import math
from collections.abc import Iterable

import numpy as np
import polars as pl
import polars.selectors as cs
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wattflock.feeder.limits import Limits, branch_loading
from wattflock.feeder.opendss.compare import FeederComparison
from wattflock.feeder.snapshot import Snapshot
from wattflock.study.hosting.assessment import DIRECTIONS, MAXIMUM_MOST, Hosted, allocations_of
from wattflock.study.hosting.capacity import CAP
from wattflock.study.hosting.envelope import MAXIMUM

SHOWN_TAPS = 24
DIGITS = 6  # significant, of numbers in files


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Two columns: what, how much."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def flow_facts(shot: Snapshot, limits: Limits) -> list[tuple[str, str]]:
    """What a snapshot says: convergence, power, losses, extremes, and how many limits are broken."""
    flow, feeder = shot.flow, shot.feeder
    if not flow.converged:
        residual = f"no solution after {flow.iterations} iterations (still moving by {flow.residual_pu:.1e} pu)"
        return [("feeder", shot.circuit.name), ("converged", f"{residual}: try a smaller --scale")]
    volt, loading = flow.voltage_pu, np.asarray(branch_loading(feeder, flow.branch_a))
    uneven, buses = np.asarray(flow.unbalance), feeder.three_phase
    low, high = int(volt.argmin()), int(volt.argmax())
    under, over = int((volt < limits.low_pu).sum()), int((volt > limits.high_pu).sum())
    return [
        ("feeder", shot.circuit.name),
        ("converged", f"{flow.iterations} iterations, residual {flow.residual_pu:.1e} pu"),
        ("from the source", f"{flow.head_kw.sum():.3f} kW, {flow.head_kvar.sum():.3f} kvar"),
        ("drawn by loads", f"{flow.drawn_kw.sum():.3f} kW, {flow.drawn_kvar.sum():.3f} kvar"),
        ("losses", f"{flow.losses_kw:.3f} kW"),
        ("taps", taps_in_words(shot)),
        ("lowest voltage", f"{volt[low]:.4f} pu at {feeder.nodes[low]}"),
        ("highest voltage", f"{volt[high]:.4f} pu at {feeder.nodes[high]}"),
        ("limits", f"{limits.low_pu:g} to {limits.high_pu:g} pu: {under} voltages under, {over} over, of {len(volt)}"),
        ("highest loading", _highest(loading, feeder.branch.names, limits.loading)),
        ("worst unbalance", _highest(uneven, buses, limits.unbalance)),
    ]


def taps_in_words(shot: Snapshot) -> str:
    """Where the regulators stand, at most 24 of them, and whether they would move at these loads."""
    units = shot.circuit.regulators
    if not units:
        return "no regulators"
    more = f" and {len(units) - SHOWN_TAPS} more" if len(units) > SHOWN_TAPS else ""
    said = ", ".join(f"{unit.name} {unit.tap:+d}" for unit in units[:SHOWN_TAPS]) + more
    why = {"fixed": "as the feeder has them, not settled at these loads: --taps settle lets them move",
           "settle": "did not settle"}  # fmt: skip
    return said if shot.settled else f"{said} ({why[shot.taps]})"


def node_table(shot: Snapshot) -> pl.DataFrame:
    """Voltage of every node to ground, in the feeder's order."""
    return _rounded(
        {
            "node": shot.circuit.nodes,
            "magnitude_pu": np.abs(shot.phasor_pu),
            "angle_deg": np.degrees(np.angle(shot.phasor_pu)),
        }
    )


def branch_table(shot: Snapshot) -> pl.DataFrame:
    """Current into every line and every winding of a transformer; rating and loading are empty where none is known."""
    known = shot.feeder.rating_a > 0
    loading = np.asarray(branch_loading(shot.feeder, shot.flow.branch_a))
    return _rounded(
        {
            "branch": shot.feeder.branch.names,
            "current_a": np.abs(shot.flow.branch_a),
            "angle_deg": np.degrees(np.angle(shot.flow.branch_a)),
            "rating_a": [value if there else None for value, there in zip(shot.feeder.rating_a, known, strict=True)],
            "loading_share": [value if there else None for value, there in zip(loading, known, strict=True)],
        }
    )


def comparison_table(rows: list[FeederComparison], tolerance_pu: float) -> Table:
    """One line a comparison."""
    table = _table("loads", "dtype", "max ΔV [pu]", "at", "losses [kW]", "OpenDSS", "")
    for row in rows:
        said = "ok" if row.agrees(tolerance_pu) else "DIFFERS"
        difference = "no solution" if math.isnan(row.difference_pu) else f"{row.difference_pu:.1e}"
        losses = (f"{value:.3f}" for value in (row.losses_kw, row.opendss_losses_kw))
        table.add_row(f"{row.loads} × {row.scale:g}", row.precision, difference, Text(row.node), *losses, said)
    return table


def hosting_summary(found: Hosted) -> Group:
    """At which load, a line for each direction alone, and one for each envelope."""
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
    base = (
        f"{found.circuit.name} while {100 * found.asked.load:g} % of its spot loads are drawn (--load), "
        f"{found.homes.sum():.0f} homes at {len(found.homes)} terminals, at most {found.asked.cap_kw:g} kW each. "
        f"Limits: {limits.low_pu:g} to {limits.high_pu:g} pu, loading {100 * limits.loading:g} %, unbalance "
        f"{100 * limits.unbalance:g} %."
    )
    said = f"Largest excess at any verified corner: {max(worst, 0):.1e}.{cap_in_words(found)}"
    if MAXIMUM not in allocations_of(found.circuit):
        said += f" The largest total is not looked for above {MAXIMUM_MOST:,} terminals."
    return Group(Text(base), "", alone, "", together, "", Text(said))


def cap_in_words(found: Hosted) -> str:
    """Where the cap of a home or the reach of the search binds, and not the feeder; nothing where neither does."""
    capped = [" ".join(key) for key, one in found.together.items() if one.binding == CAP]
    unbound = {direction: one.binding.count(CAP) for direction, one in found.alone.items()}
    said = ""
    if capped:
        where = "every envelope" if len(capped) == len(found.together) else ", ".join(capped)
        said += (
            f" What binds in {where} is the cap of {found.asked.cap_kw:g} kW per home, not the feeder, "
            "which could take more: raise --cap-kw to see its own limits."
        )
    for direction, count in unbound.items():
        if count:
            said += (
                f" {count} of {len(found.homes)} terminals alone could {direction} more than the "
                f"{found.alone[direction].cap_kw:,.0f} kW up to which each is looked at."
            )
    return said


def hosting_table(found: Hosted) -> pl.DataFrame:
    """A row for each terminal; limits are of one home [kW]."""
    columns: dict[str, object] = {"terminal": found.alone[DIRECTIONS[0]].terminals, "homes": found.homes.astype(int)}
    for direction in DIRECTIONS:
        columns[f"{direction}_alone_kw"] = found.alone[direction].capacity_kw
        columns[f"{direction}_alone_binding"] = found.alone[direction].binding
        for allocation in allocations_of(found.circuit):
            columns[f"{direction}_{allocation}_kw_per_home"] = found.together[direction, allocation].home_kw
    return _rounded(columns)


def hosting_rows(found: Hosted) -> pl.DataFrame:
    """What the figure of envelopes draws: a row for each direction, terminal and series.

    `place` counts terminals by what each could take alone; `kw` is of one home.
    """
    frames = []
    for direction in DIRECTIONS:
        alone = found.alone[direction].capacity_kw / np.maximum(found.homes, 1)
        order = np.argsort(alone)
        series = {"its terminal alone": alone}
        series |= {each: found.together[direction, each].home_kw for each in allocations_of(found.circuit)}
        frames += [
            pl.DataFrame({"direction": direction, "terminal": np.array(found.alone[direction].terminals)[order],
                          "place": np.arange(1, len(order) + 1), "series": name, "kw": values[order]})
            for name, values in series.items()
        ]  # fmt: skip
    return pl.concat(frames).with_columns(pl.col("kw").round_sig_figs(DIGITS))


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


def _highest(values: np.ndarray, names: tuple[str, ...], limit: float) -> str:
    if not values.size or not values.max() > 0:
        return "none is known"
    at, beyond = int(values.argmax()), int((values > limit).sum())
    return f"{100 * values[at]:.1f} % at {names[at]}; {beyond} of {len(values)} beyond {100 * limit:g} %"


def _rounded(columns: dict[str, object]) -> pl.DataFrame:
    table = pl.DataFrame(columns)
    return table.with_columns(cs.float().cast(pl.Float64).round_sig_figs(DIGITS))


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(Text(head), justify="right" if "[" in head or head in ("Jain", "corners") else "left")
    return table
