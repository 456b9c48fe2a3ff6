"""What there is to say about a feeder in one snapshot, as a short list of names and texts."""

import numpy as np

from wattflock.feeder.circuit import Circuit, bus_of
from wattflock.feeder.limits import Limits
from wattflock.feeder.solve import Feeder, Flow
from wattflock.report.wires.texts import amount
from wattflock.report.wires.view import View, in_numpy
from wattflock.report.words import count

SHOWN_TAPS = 24


def facts(circuit: Circuit, feeder: Feeder, flow: Flow, limits: Limits, view: View) -> dict[str, str]:
    """Name -> text, in the order in which they are shown; `view` is `see` of the same three."""
    flow = in_numpy(flow)
    return {
        "buses, nodes": f"{count(len(circuit.buses))} buses, {count(len(circuit.nodes))} nodes "
        f"({count(len(feeder.nodes))} voltages judged)",
        "loads": f"{count(len(feeder.terminals))} terminals; as modelled {_power(circuit)}",
        "source": _source(circuit),
        "regulators": _taps(circuit),
        "drawn here": f"{amount(np.sum(flow.drawn_kw))} kW, {amount(np.sum(flow.drawn_kvar))} kvar; "
        f"losses in the wires {amount(flow.losses_kw)} kW",
        "voltage": _voltage(feeder, view, limits),
        "highest loading": _loading(circuit, view, limits),
        "worst unbalance": _unbalance(view, limits),
        "power flow": "settled" if bool(flow.converged) else "DID NOT CONVERGE: no number here can be trusted",
    }


def notes(circuit: Circuit, view: View) -> list[str]:
    """What was approximated, and what is guessed in the map."""
    guessed = view.places.guessed
    drawn = f"{count(guessed)} of {count(len(view.buses))} buses have no coordinates; their places are guessed"
    return [*circuit.notes, *([drawn] if guessed else [])]


def _power(circuit: Circuit) -> str:
    kw, kvar = (sum(getattr(spot, unit) for spot in circuit.spots) for unit in ("kw", "kvar"))
    return f"{amount(kw)} kW, {amount(kvar)} kvar"


def _source(circuit: Circuit) -> str:
    head = circuit.infeeds[0]
    at, node = next((at, node) for at, node in enumerate(head.nodes) if node >= 0)
    share = abs(head.voltage[at]) / (1e3 * circuit.node_kv[node])
    bus = next(bus for bus in circuit.buses if bus.bus == bus_of(circuit.nodes[node]))
    more = f", and {len(circuit.infeeds) - 1} more" if len(circuit.infeeds) > 1 else ""
    return f"bus {bus.bus}, {amount(bus.line_kv)} kV between phases, held at {share:.4f} pu{more}"


def _taps(circuit: Circuit) -> str:
    said = [f"{unit.name} {unit.tap:+d}" for unit in circuit.regulators[:SHOWN_TAPS]]
    left = len(circuit.regulators) - len(said)
    return "taps: " + ", ".join(said) + (f" and {left} more" if left else "") if said else "none"


def _voltage(feeder: Feeder, view: View, limits: Limits) -> str:
    voltage = view.voltage_pu
    if not np.isfinite(voltage).any():
        return "none judged"
    low, high = int(np.nanargmin(voltage)), int(np.nanargmax(voltage))
    outside = int(((voltage < limits.low_pu) | (voltage > limits.high_pu)).sum())
    return (
        f"lowest {voltage[low]:.4f} pu at {feeder.nodes[low]}, highest {voltage[high]:.4f} pu at {feeder.nodes[high]}; "
        f"{count(outside)} outside {limits.low_pu:g} to {limits.high_pu:g} pu"
    )


def _loading(circuit: Circuit, view: View, limits: Limits) -> str:
    share = view.element_loading
    if not np.isfinite(share).any():
        return "no ratings known"
    top = int(np.nanargmax(share))
    known, over = int(np.isfinite(share).sum()), int((share > limits.loading).sum())
    return (
        f"{100 * share[top]:.0f} % in {circuit.elements[top].name} ({amount(view.element_a[top])} A); "
        f"{count(over)} of {count(known)} rated elements above {100 * limits.loading:.0f} %"
    )


def _unbalance(view: View, limits: Limits) -> str:
    share = view.unbalance
    if not np.isfinite(share).any():
        return "no bus with three phases"
    top = int(np.nanargmax(share))
    return f"{100 * share[top]:.2f} % at bus {view.buses[top]}; limit {100 * limits.unbalance:.1f} %"
