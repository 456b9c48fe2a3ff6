"""How phases, wires and their signs look, in the picture and on the page of a feeder."""

import numpy as np

from wattflock.feeder.limits import Limits
from wattflock.report.wires.view import View

PHASES = {  # label -> colour, marker of matplotlib, symbol of plotly
    "1": ("#0072b2", "o", "circle"),
    "2": ("#d55e00", "s", "square"),
    "3": ("#009e73", "^", "triangle-up"),
    "1-2": ("#56b4e9", "o", "circle"),
    "2-3": ("#cc79a7", "s", "square"),
    "3-1": ("#8c6d1f", "^", "triangle-up"),
}
OTHER = ("#6b7280", "X", "x")
PAPER = "@paper"  # the page's own ground, dark or light
SIGNS = {  # of what is no plain line -> marker, symbol, colour
    "switch": ("s", "square", PAPER),
    "transformer": ("o", "circle", "#9aa3af"),
    "regulator": ("D", "diamond", "#f0c419"),
}
WIRE = "#7b8694"
OVER = "#d0021b"  # beyond a limit


def phase_order(view: View) -> list[str]:
    """Phases of the watched voltages: to ground first."""
    return sorted(set(view.node_phase), key=lambda phase: (len(phase), phase))


def phase_name(phase: str) -> str:
    """Such as "phase 1" or "phases 1-2"."""
    return f"phases {phase}" if "-" in phase else f"phase {phase}"


def voltage_reach(view: View, limits: Limits) -> float:
    """How far the scale of voltages goes from 1 on both sides [pu]: the limits are always on it."""
    shown = np.array([*view.worst_pu[np.isfinite(view.worst_pu)], limits.low_pu, limits.high_pu], float)
    return float(min(1.08 * np.abs(shown - 1).max(), 1.0))
