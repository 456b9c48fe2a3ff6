"""A feeder's figures for the terminal and for files: facts, voltages, currents, comparisons with OpenDSS."""

import math
from collections.abc import Iterable

import numpy as np
import polars as pl
from rich.table import Table
from rich.text import Text

from wattflock.feeder.limits import Limits, branch_loading, three_phase, unbalance
from wattflock.feeder.opendss.compare import Comparison
from wattflock.feeder.snapshot import Snapshot


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
    uneven, buses = np.asarray(unbalance(feeder.nodes, flow.phasor_pu)), tuple(three_phase(feeder.nodes))
    low, high = int(volt.argmin()), int(volt.argmax())
    under, over = int((volt < limits.low_pu).sum()), int((volt > limits.high_pu).sum())
    taps = ", ".join(f"{unit.name} {unit.tap:+d}" for unit in shot.circuit.regulators)
    return [
        ("feeder", shot.circuit.name),
        ("converged", f"{flow.iterations} iterations, residual {flow.residual_pu:.1e} pu"),
        ("from the source", f"{flow.head_kw.sum():.3f} kW, {flow.head_kvar.sum():.3f} kvar"),
        ("drawn by loads", f"{flow.drawn_kw.sum():.3f} kW, {flow.drawn_kvar.sum():.3f} kvar"),
        ("losses", f"{flow.losses_kw:.3f} kW"),
        ("taps", (taps or "no regulators") + ("" if shot.settled else " (did not settle)")),
        ("lowest voltage", f"{volt[low]:.4f} pu at {feeder.nodes[low]}"),
        ("highest voltage", f"{volt[high]:.4f} pu at {feeder.nodes[high]}"),
        ("limits", f"{limits.low_pu:g} to {limits.high_pu:g} pu: {under} voltages under, {over} over, of {len(volt)}"),
        ("highest loading", _highest(loading, feeder.branch.names, limits.loading)),
        ("worst unbalance", _highest(uneven, buses, limits.unbalance)),
    ]


def node_table(shot: Snapshot) -> pl.DataFrame:
    """Voltage of every node to ground, in the feeder's order."""
    return pl.DataFrame(
        {
            "node": shot.circuit.nodes,
            "magnitude_pu": np.abs(shot.phasor_pu),
            "angle_deg": np.degrees(np.angle(shot.phasor_pu)),
        }
    )


def branch_table(shot: Snapshot) -> pl.DataFrame:
    """Current into the first end of every line and transformer; rating and loading are empty where none is known."""
    known = shot.feeder.rating_a > 0
    loading = np.asarray(branch_loading(shot.feeder, shot.flow.branch_a))
    return pl.DataFrame(
        {
            "branch": shot.feeder.branch.names,
            "current_a": np.abs(shot.flow.branch_a),
            "angle_deg": np.degrees(np.angle(shot.flow.branch_a)),
            "rating_a": [value if there else None for value, there in zip(shot.feeder.rating_a, known, strict=True)],
            "loading_share": [value if there else None for value, there in zip(loading, known, strict=True)],
        }
    )


def comparison_table(rows: list[Comparison], tolerance_pu: float) -> Table:
    """One line a comparison."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for head in ("loads", "dtype", "max ΔV [pu]", "at", "losses [kW]", "OpenDSS", ""):
        table.add_column(Text(head), justify="right" if head in ("max ΔV [pu]", "losses [kW]", "OpenDSS") else "left")
    for row in rows:
        said = "ok" if row.agrees(tolerance_pu) else "DIFFERS"
        difference = "no solution" if math.isnan(row.difference_pu) else f"{row.difference_pu:.1e}"
        losses = (f"{value:.3f}" for value in (row.losses_kw, row.opendss_losses_kw))
        table.add_row(f"{row.loads} × {row.scale:g}", row.precision, difference, Text(row.node), *losses, said)
    return table


def _highest(values: np.ndarray, names: tuple[str, ...], limit: float) -> str:
    if not values.size or not values.max() > 0:
        return "none is known"
    at, beyond = int(values.argmax()), int((values > limit).sum())
    return f"{100 * values[at]:.1f} % at {names[at]}; {beyond} of {len(values)} beyond {100 * limit:g} %"
