"""Any feeder is drawn: as a picture and as a page that asks nobody for anything."""

import dataclasses
import json
import math
import re
from functools import cache

import equinox as eqx
import jax
import numpy as np
import pytest

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.feeders.european_lv import EuropeanLV
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.feeders.ieee37 import IEEE37
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.limits import Limits
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.solve import solve
from wattflock.report import wires
from wattflock.report.wires.facts import facts
from wattflock.report.wires.layout import place
from wattflock.report.wires.view import see

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.study
plotly = pytest.importorskip("plotly.offline")
WIRINGS = {"ieee13": IEEE13, "ieee37": IEEE37, "ieee123": IEEE123, "european_lv": EuropeanLV}
EVIL = '<b>6"3$3</script>&@ink'
LIMITS = Limits()


def solved(circuit: Circuit):
    feeder = reduce_circuit(circuit)
    with jax.enable_x64(True):
        flow = solve(feeder, feeder.nominal_kw, feeder.nominal_kvar, 1e-10)
    return circuit, feeder, flow


@cache
def case(name: str):
    return solved(WIRINGS[name]().circuit())


@cache
def html(name: str) -> str:
    return wires.page(*case(name), LIMITS).decode()


def figures(page: str) -> dict:
    return json.loads(re.search(r'id="figures">(.*?)</script>', page, re.S)[1])


def own_part(page: str) -> str:
    return page.replace(plotly.get_plotlyjs().replace("</script", "<\\/script"), "")


def with_places(circuit: Circuit, known: set[str]) -> Circuit:
    buses = [b if b.bus in known else dataclasses.replace(b, x=math.nan, y=math.nan) for b in circuit.buses]
    return dataclasses.replace(circuit, buses=tuple(buses))


@pytest.mark.parametrize("name", WIRINGS)
def test_picture_is_a_png(name):
    made = wires.picture(*case(name), LIMITS)
    assert made.startswith(b"\x89PNG") and len(made) > 50_000


@pytest.mark.parametrize("name", WIRINGS)
def test_page_holds_every_bus_and_voltage_and_asks_nobody(name):
    circuit, _, flow = case(name)
    page = html(name)
    assert not re.search(r"https?:|(src|href)\s*=|url\(|@import|<link|<iframe", own_part(page))
    drawn = figures(page)
    assert set(drawn["map"]["choices"]) == {"voltage", "loading", "unbalance"}
    for choice in drawn["map"]["choices"].values():
        said = " ".join(text for trace in choice["data"] for text in trace.get("text", []))
        assert all(f"<b>bus {bus.bus}</b>" in said for bus in circuit.buses)
        assert all(f"<b>{one.name}</b>" in said for one in circuit.elements if one.kind != "capacitor")
    points = [trace for trace in drawn["profile"]["choices"][""]["data"] if trace["mode"] == "markers"]
    up = sorted(y for trace in points for y in trace["y"])
    assert np.allclose(up, np.sort(flow.voltage_pu), atol=1e-6)
    named = {trace["name"] for trace in points}
    assert named == ({f"phases {k}" for k in ("1-2", "2-3", "3-1")} if name == "ieee37" else
                     {f"phase {k}" for k in "123"})  # fmt: skip


@pytest.mark.parametrize("name", ["ieee13", "ieee37"])
@pytest.mark.parametrize("known", [0, 1, 5, 12])
def test_buses_without_coordinates_are_placed_apart(name, known):
    circuit, feeder, flow = case(name)
    bare = with_places(circuit, {bus.bus for bus in circuit.buses[:known]})
    view = see(bare, feeder, flow)
    at = np.column_stack([view.places.x, view.places.y])
    assert np.isfinite(at).all() and view.places.guessed == len(circuit.buses) - known
    assert len({tuple(np.round(one, 6)) for one in at.tolist()}) == len(circuit.buses)
    assert ("map units" in view.places.distance_name) == (known >= len(circuit.buses) / 2)
    assert wires.picture(bare, feeder, flow, LIMITS).startswith(b"\x89PNG")
    assert "no coordinates" in wires.page(bare, feeder, flow, LIMITS).decode()


def test_distance_follows_the_wires():
    pairs = np.array([[0, 1], [1, 2], [0, 3]])
    found = place(np.array([0.0, 3, 3, np.nan]), np.array([0.0, 0, 4, np.nan]), pairs, [0])
    assert found.distance[:3] == pytest.approx([0, 3, 7]) and 0 < found.distance[3] < 7
    blank = np.full(4, np.nan)
    assert place(blank, blank, pairs, [0]).distance == pytest.approx([0, 1, 2, 1])


def test_names_are_escaped():
    circuit = WIRINGS["ieee13"]().circuit()
    swapped = dataclasses.replace(
        circuit,
        name=EVIL,
        buses=tuple(dataclasses.replace(b, bus=EVIL) if b.bus == "675" else b for b in circuit.buses),
        nodes=tuple(EVIL + node.removeprefix("675") if node.startswith("675.") else node for node in circuit.nodes),
        elements=tuple(dataclasses.replace(one, name=f"{one.name}<i>") for one in circuit.elements),
        notes=(EVIL,),
    )
    one = solved(swapped)
    page = wires.page(*one, LIMITS).decode()
    own = own_part(page)
    assert "<b>6" not in own and "<i>" not in own and own.count("</script") == 3
    said = str(figures(page))
    assert "<b>6" not in said and "<i>" not in said and "&@ink" not in said
    assert "&lt;b&gt;6&quot;3$3&lt;/script&gt;&amp;&#64;ink" in said
    assert wires.picture(*one, LIMITS).startswith(b"\x89PNG")


def test_facts_are_those_of_the_flow():
    circuit, feeder, flow = case("ieee123")
    said = facts(circuit, feeder, flow, LIMITS, see(circuit, feeder, flow))
    low = int(np.argmin(flow.voltage_pu))
    assert f"lowest {float(flow.voltage_pu[low]):.4f} pu at {feeder.nodes[low]}" in said["voltage"]
    assert "3,490 kW, 1,920 kvar" in said["loads"]  # the published total of the spot loads
    assert said["power flow"] == "settled" and "reg1a" in said["regulators"]


def test_a_flow_that_did_not_settle_is_drawn_and_said():
    circuit, feeder, flow = case("ieee13")
    broken = jax.tree.map(lambda leaf: np.full(leaf.shape, np.nan, leaf.dtype), eqx.filter(flow, eqx.is_inexact_array))
    broken = eqx.combine(broken, flow)
    broken = eqx.tree_at(lambda f: f.converged, broken, np.array(False))
    assert "DID NOT CONVERGE" in wires.page(circuit, feeder, broken, LIMITS).decode()
    assert wires.picture(circuit, feeder, broken, LIMITS).startswith(b"\x89PNG")
