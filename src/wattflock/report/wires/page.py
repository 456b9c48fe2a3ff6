"""One HTML page of a feeder in one snapshot: opens offline, asks nobody for anything, and can be mailed."""

from html import escape

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.limits import Limits
from wattflock.feeder.solve import Feeder, Flow
from wattflock.report.markup import bullets, plot, section
from wattflock.report.offline import document
from wattflock.report.wires.facts import facts, notes
from wattflock.report.wires.figures import QUANTITIES, Figure, feeder_map, profile
from wattflock.report.wires.view import View, in_numpy, see

# Even if a name of the feeder were forged, the page could load nothing.
MORE_STYLE = """
.plot { height: min(78vh, 640px); } main, header.top { max-width: 1400px; } .facts dt { white-space: nowrap; }
details { margin-top: 14px; }
"""
MAP = "Point at a bus, or at the middle of a wire, for its numbers. Drag to look closer, double-click to go back."
PROFILE = (
    "Every judged voltage by its distance from the source: to ground, or between phases where no wire is "
    "grounded. Dashed: the limits. Click a phase in the legend to hide it."
)


def page(circuit: Circuit, feeder: Feeder, flow: Flow, limits: Limits) -> bytes:
    """The whole page, UTF-8: facts, map and voltages along the wires.

    Args:
        circuit: what is drawn.
        feeder: `reduce_circuit(circuit)`.
        flow: one snapshot, arrays without leading axes.
        limits: what is marked as beyond them.

    Raises:
        RunError: if plotly is not installed.
    """
    flow = in_numpy(flow)
    view = see(circuit, feeder, flow)
    figures = {"map": feeder_map(circuit, feeder, flow, limits, view), "profile": profile(feeder, flow, limits, view)}
    said = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>"
        for name, text in facts(circuit, feeder, flow, limits, view).items()
    )
    name = escape(circuit.name)
    body = f"""<header class="top"><p class="run">wattflock · feeder</p><h1>{name}</h1></header>
<main><section><dl class="facts">{said}</dl>{_notes(circuit, view)}</section>
{_sections(figures["map"])}</main>"""
    return document(name, body, figures, MORE_STYLE).encode()


def _notes(circuit: Circuit, view: View) -> str:
    said = notes(circuit, view)
    return f"<details><summary>What was approximated ({len(said)})</summary>{bullets(said)}</details>" if said else ""


def _sections(drawn: Figure) -> str:
    options = {name: text.split(" [")[0] for name, text in QUANTITIES.items() if name in drawn["choices"]}
    menu = ("colour by", options or {"voltage": "nothing"}, "voltage")
    return section("map", "Map", MAP, plot("map-plot", "map", [menu])) + section(
        "profile", "Voltage along the wires", PROFILE, plot("profile-plot", "profile", [])
    )
