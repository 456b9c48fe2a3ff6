"""What is said about a bus, a wire and a voltage when one points at it; names are escaped here."""

import numpy as np

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.solve import Feeder, Flow
from wattflock.report import plots
from wattflock.report.wires.joins import split
from wattflock.report.wires.view import View
from wattflock.report.words import number


def safe(text: object) -> str:
    """A name as plotly shows it; @ begins a colour of the page."""
    return plots.safe(text).replace("@", "&#64;")


def amount(value: object) -> str:
    """A number in words; a dash where the power flow left none."""
    real = float(np.asarray(value))
    return number(real if np.isfinite(real) else None)


def bus_texts(view: View, feeder: Feeder, flow: Flow) -> list[str]:
    """Each bus with its voltages, angles and loads."""
    lines: list[list[str]] = [[f"<b>bus {safe(bus)}</b>"] for bus in view.buses]
    phasor = np.asarray(flow.phasor_pu)
    for bus, name, one in zip(view.node_bus.tolist(), feeder.nodes, phasor.tolist(), strict=True):
        lines[bus].append(_voltage(name, one))
    for bus, share in enumerate(view.unbalance.tolist()):
        if share == share:
            lines[bus].append(f"unbalance {100 * share:.2f} %")
    for bus in np.flatnonzero((view.drawn_kw != 0) | (view.drawn_kvar != 0)).tolist():
        lines[bus].append(f"loads {amount(view.drawn_kw[bus])} kW, {amount(view.drawn_kvar[bus])} kvar")
    for bus in view.sources:
        lines[bus].append("source")
    return ["<br>".join(each) for each in lines]


def wire_texts(circuit: Circuit, view: View) -> list[str]:
    """Each wire with its elements: current, rating and loading of the conductor that carries most."""
    taps = {unit.element: unit.tap for unit in circuit.regulators}
    return ["<br>".join(_element(circuit, view, index, taps.get(index)) for index in wire.elements)
            for wire in view.wires]  # fmt: skip


def _element(circuit: Circuit, view: View, index: int, tap: int | None) -> str:
    one, ampere, share = circuit.elements[index], view.element_a[index], view.element_loading[index]
    said = [f"<b>{safe(one.name)}</b>"]
    if tap is not None:
        said.append(f"tap {tap:+d}")
    if np.isfinite(ampere):
        said.append(f"{amount(ampere)} A")
    if np.isfinite(one.rating_kva):
        said.append(f"rated {amount(one.rating_kva)} kVA")
    elif np.isfinite(one.rating_a):
        said.append(f"rated {amount(one.rating_a)} A")
    if np.isfinite(share):
        said.append(f"loading {100 * share:.0f} %")
    return ", ".join(said)


def _voltage(name: str, phasor: complex) -> str:
    phase = split(name)[1].replace(".", "-")
    return f"phase {safe(phase)}: {abs(phasor):.4f} pu, {np.degrees(np.angle(phasor)):.1f}°"


def node_texts(view: View, feeder: Feeder, flow: Flow) -> list[str]:
    """Each watched voltage with its bus."""
    phasor = np.asarray(flow.phasor_pu).tolist()
    named = zip(feeder.nodes, view.node_bus.tolist(), phasor, strict=True)
    return [f"<b>bus {safe(view.buses[bus])}</b><br>{_voltage(name, one)}" for name, bus, one in named]
