"""One HTML page of a feeder in one snapshot: facts, map and voltages along the wires."""

import numpy as np

from wattflock.feeder.circuit import bus_of
from wattflock.feeder.limits import Limits
from wattflock.feeder.snapshot import Snapshot
from wattflock.report.feeder_charts import snapshot_figures
from wattflock.report.feeder_tables import taps_in_words
from wattflock.report.feeder_view import FeederView, amount, see
from wattflock.report.html import PageSection, bullets, definitions, figure, folded, page, paragraph
from wattflock.report.theme import png, spec
from wattflock.report.words import count

MAP = (
    "Point at a bus or a wire for its numbers. Drag to move; hold Ctrl (or ⌘) and turn the wheel, or pinch, "
    "to look closer: more names appear. Double-click to go back."
)
PROFILE = (
    "Every voltage by its distance from the source: to ground, or between phases where no wire is grounded. Hollow: no "
    "limit applies, such as at the source. Dashed: the limits. Click a phase in the legend to see it alone."
)


def snapshot_files(shot: Snapshot, limits: Limits) -> dict[str, bytes]:
    """By ending: `.png`, a picture of map and profile, and `.html`, the whole page.

    Args:
        shot: a solved feeder.
        limits: what is marked as beyond them.
    """
    view = see(shot)
    drawn = snapshot_figures(view, limits, shot.circuit.name)
    sections = [
        PageSection(
            "facts", "In this snapshot", "", definitions(snapshot_facts(shot, limits, view)) + _notes(shot, view)
        ),
        PageSection("map", "Map", MAP, figure(drawn["map"]), "Map"),
        PageSection("profile", "Voltage along the wires", PROFILE, figure(drawn["profile"]), "Voltage along the wires"),
    ]
    whole = page(shot.circuit.name, sections, paragraph(_answer(shot, limits, view), "lead"), "wattflock · feeder")
    return {".png": png(spec(drawn["snapshot"])), ".html": whole.encode()}


def snapshot_facts(shot: Snapshot, limits: Limits, view: FeederView) -> dict[str, str]:
    """What there is to say about a feeder in one snapshot: name → text, in the order in which they are shown."""
    circuit, feeder, flow = shot.circuit, shot.feeder, shot.flow
    kw, kvar = (amount(sum(getattr(spot, unit) for spot in circuit.spots)) for unit in ("kw", "kvar"))
    return {
        "buses, nodes": f"{count(len(circuit.buses))} buses, {count(len(circuit.nodes))} nodes "
        f"({count(len(feeder.nodes))} voltages judged)",
        "loads": f"{count(len(feeder.terminals))} terminals; as modelled {kw} kW, {kvar} kvar",
        "source": _source(shot),
        "regulators": taps_in_words(shot),
        "drawn here": f"{amount(np.sum(flow.drawn_kw))} kW, {amount(np.sum(flow.drawn_kvar))} kvar; "
        f"losses in the wires {amount(flow.losses_kw)} kW",
        "voltage": _voltage(view, limits),
        "highest loading": _loading(view, limits),
        "worst unbalance": _unbalance(view, limits),
        "power flow": "settled" if bool(flow.converged) else "DID NOT CONVERGE: no number here can be trusted",
    }


def _answer(shot: Snapshot, limits: Limits, view: FeederView) -> str:
    """Whether voltages are in their band, and what speaks against believing it."""
    if not shot.flow.converged:
        return "The power flow did not converge: no number here can be trusted."
    judged = view.voltages.filter("judged")["voltage_pu"]
    outside = int((~judged.is_between(limits.low_pu, limits.high_pu)).sum())
    said = f"{count(outside) if outside else 'None'} of {count(len(judged))} judged voltages "
    said += f"{'is' if outside < 2 else 'are'} outside {limits.low_pu:g} to {limits.high_pu:g} pu at these loads."
    unsettled = (
        " The taps of the regulators are not settled at these loads: in service they would have moved (--taps settle)."
    )
    return said + (unsettled if not shot.settled else "")


def _notes(shot: Snapshot, view: FeederView) -> str:
    """What was approximated, and what is guessed in the figures."""
    said = list(shot.circuit.notes)
    if view.guessed:
        all_buses = count(view.buses.height)
        said.append(f"{count(view.guessed)} of {all_buses} buses have no coordinates; their places are guessed")
    if view.unmeasured:
        said.append(f"{count(view.unmeasured)} lines of unknown length add nothing to the distance from the source")
    return folded(f"What was approximated ({len(said)})", bullets(said)) if said else ""


def _source(shot: Snapshot) -> str:
    circuit, head = shot.circuit, shot.circuit.infeeds[0]
    at, node = next((at, node) for at, node in enumerate(head.nodes) if node >= 0)
    share = abs(head.voltage[at]) / (1e3 * circuit.node_kv[node])
    bus = next(bus for bus in circuit.buses if bus.bus == bus_of(circuit.nodes[node]))
    more = f", and {len(circuit.infeeds) - 1} more" if len(circuit.infeeds) > 1 else ""
    return f"bus {bus.bus}, {amount(bus.line_kv)} kV between phases, held at {share:.4f} pu{more}"


def _voltage(view: FeederView, limits: Limits) -> str:
    judged = view.voltages.filter("judged").drop_nulls("voltage_pu").sort("voltage_pu")
    if judged.is_empty():
        return "none judged"
    low, high = judged.row(0, named=True), judged.row(-1, named=True)
    outside = judged.filter(~judged["voltage_pu"].is_between(limits.low_pu, limits.high_pu)).height
    return (
        f"lowest {low['voltage_pu']:.4f} pu at {low['name']}, highest {high['voltage_pu']:.4f} pu at {high['name']}; "
        f"{count(outside)} outside {limits.low_pu:g} to {limits.high_pu:g} pu"
    )


def _loading(view: FeederView, limits: Limits) -> str:
    rated = view.elements.drop_nulls("loading_percent").sort("loading_percent")
    if rated.is_empty():
        return "no ratings known"
    top, over = rated.row(-1, named=True), rated.filter(rated["loading_percent"] > 100 * limits.loading).height
    return (
        f"{top['loading_percent']:.0f} % in {top['element']} ({amount(top['current_a'])} A); "
        f"{count(over)} of {count(rated.height)} rated elements above {100 * limits.loading:.0f} %"
    )


def _unbalance(view: FeederView, limits: Limits) -> str:
    known = view.buses.drop_nulls("unbalance_percent").sort("unbalance_percent")
    if known.is_empty():
        return "no bus with three phases"
    top = known.row(-1, named=True)
    return f"{top['unbalance_percent']:.2f} % at bus {top['bus']}; limit {100 * limits.unbalance:.1f} %"
