"""Any feeder is drawn: as a picture and as a page that asks nobody for anything."""

import dataclasses
import json
import math
import re
from functools import cache
from html import unescape

import equinox as eqx
import jax
import numpy as np
import polars as pl
import pytest

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.feeders.european_lv import EuropeanLV
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.feeders.ieee37 import IEEE37
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.limits import Limits
from wattflock.feeder.snapshot import Snapshot, snapshot
from wattflock.report.feeder_charts import LEVELS, LIVELY, snapshot_figures
from wattflock.report.feeder_layout import Joined, place
from wattflock.report.feeder_page import snapshot_facts, snapshot_files
from wattflock.report.feeder_view import FeederView, see
from wattflock.report.theme import WIDTH, spec

pytestmark = pytest.mark.study
WIRINGS = {"ieee13": IEEE13, "ieee37": IEEE37, "ieee123": IEEE123, "european_lv": EuropeanLV}
EVIL = '<b>6"3$3</script>&@ink'
LIMITS = Limits()
SCRIPT = re.compile(r"<script(?: [^>]*)?>.*?</script>", re.S)


@cache
def shot_of(name: str) -> Snapshot:
    return snapshot(WIRINGS[name]().circuit())


@cache
def view_of(name: str) -> FeederView:
    return see(shot_of(name))


@cache
def files(name: str) -> dict[str, bytes]:
    return snapshot_files(shot_of(name), LIMITS)


def figures(page: str) -> list[dict]:
    return [json.loads(found) for found in re.findall(r'<script type="application/json">(.*?)</script>', page, re.S)]


def rows_with(figure: dict, column: str) -> pl.DataFrame:
    """The first table of a figure that has this column."""
    table = next(rows for rows in figure["datasets"].values() if rows and column in rows[0])
    return pl.DataFrame(table, infer_schema_length=None)


def with_places(circuit: Circuit, known: set[str]) -> Circuit:
    buses = [b if b.bus in known else dataclasses.replace(b, x=math.nan, y=math.nan) for b in circuit.buses]
    return dataclasses.replace(circuit, buses=tuple(buses))


@pytest.mark.slow
@pytest.mark.parametrize("name", WIRINGS)
def test_a_page_holds_every_bus_and_voltage_and_asks_nobody(name):
    shot = shot_of(name)
    assert files(name)[".png"].startswith(b"\x89PNG") and len(files(name)[".png"]) > 50_000
    page = files(name)[".html"].decode()
    assert not re.search(r"https?:|(src|href)\s*=\s*\"(?!#)|url\(|@import|<link|<iframe", SCRIPT.sub("", page))
    drawn, along = figures(page)
    buses = rows_with(drawn, "voltages")
    assert set(buses["bus"]) == {bus.bus for bus in shot.circuit.buses} and buses["voltages"].null_count() == 0
    said = " ".join(rows_with(drawn, "elements")["elements"])
    assert all(one.name in said for one in shot.circuit.elements if one.kind != "capacitor")
    points = rows_with(along, "judged")
    judged = points.filter("judged")
    assert np.allclose(np.sort(judged["voltage_pu"]), np.sort(shot.flow.voltage_pu), atol=1e-6)
    single, between = {"1", "2", "3"}, {"1-2", "2-3", "3-1"}  # loads between phases are judged between them
    expected = {"ieee37": between, "ieee13": single | between, "ieee123": single | between}
    assert set(judged["phase"]) == expected.get(name, single)
    quantities = next(one for one in drawn["params"] if one["name"] == "quantity")
    assert quantities["bind"]["options"] == ["voltage", "loading", "unbalance"]


@pytest.mark.parametrize("name", ["ieee13", "ieee37", "european_lv"])
def test_the_first_bus_is_in_the_profile(name):
    """No limit judges the source's own bus, but the profile begins there."""
    first = view_of(name).voltages.filter(pl.col("bus") == "sourcebus")
    assert first["distance"].to_list() == [0, 0, 0] and not first["judged"].any()
    assert first["voltage_pu"].to_numpy() == pytest.approx(1.0, abs=2e-3)
    begins = view_of(name).joins.filter(pl.min_horizontal("distance", "distance2") == 0)
    assert len(begins) >= (1 if name == "ieee13" else 3)


def test_distances_are_the_published_kilometres():
    """IEEE 13: 650 to 632 and 632 to 671 are 2,000 ft each, 692 to 675 is 500 ft; transformers have no length."""
    known = dict(view_of("ieee13").buses.select("bus", "distance").iter_rows())
    found = [known[bus] for bus in ("650", "632", "671", "675")]
    assert found == pytest.approx([0, 0.6096, 1.2192, 1.3716], abs=1e-6)
    assert all("[km]" in view_of(name).distance_name for name in WIRINGS)
    assert "from the source along the wires [km]" in files("ieee13")[".html"].decode()


def test_distance_follows_the_wires():
    pairs, unknown = np.array([[0, 1], [1, 2], [0, 3]]), np.full(3, np.nan)
    x, y = np.array([0.0, 3, 3, np.nan]), np.array([0.0, 0, 4, np.nan])
    found = place(x, y, Joined(pairs, unknown, (0,)))
    assert found.distance[:3] == pytest.approx([0, 3, 7]) and 0 < found.distance[3] < 7
    assert found.distance_name.endswith("[map units]")
    blank = np.full(4, np.nan)
    assert place(blank, blank, Joined(pairs, unknown, (0,))).distance == pytest.approx([0, 1, 2, 1])
    measured = place(x, y, Joined(pairs, np.array([0.5, 0.0, np.nan]), (0,)))
    assert measured.distance == pytest.approx([0, 0.5, 0.5, 0], abs=1e-8) and measured.distance_name.endswith("[km]")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ieee13", "ieee37"])
@pytest.mark.parametrize("known", [0, 1, 5, 12])
def test_buses_without_coordinates_are_placed_apart(name, known):
    shot = shot_of(name)
    bare = dataclasses.replace(shot, circuit=with_places(shot.circuit, {bus.bus for bus in shot.circuit.buses[:known]}))
    view = see(bare)
    at = view.buses.select("x", "y").to_numpy()
    assert np.isfinite(at).all() and view.guessed == len(shot.circuit.buses) - known
    assert len({tuple(np.round(one, 6)) for one in at.tolist()}) == len(at)
    made = snapshot_files(bare, LIMITS)
    assert made[".png"].startswith(b"\x89PNG") and "no coordinates" in made[".html"].decode()


@pytest.mark.parametrize("name", ["ieee123", "european_lv"])
def test_a_map_can_be_zoomed_and_its_names_do_not_cover_each_other(name):
    view = view_of(name)
    found = spec(snapshot_figures(view, LIMITS, name)["map"])
    assert any(one.get("bind") == "scales" for one in found["params"])
    names = rows_with(found, "level")
    wide = np.ptp(view.buses["x"].to_numpy()) * 1.06
    for level in LEVELS[:3]:
        shown = names.filter(pl.col("level") <= level)
        pixel = level * WIDTH / max(wide, np.ptp(view.buses["y"].to_numpy()) * 1.06 / 0.66)
        apart = np.abs(shown.select("x", "y").to_numpy()[:, None] - shown.select("x", "y").to_numpy()) * pixel
        covered = (apart[..., 0] < 6 * shown["bus"].str.len_chars().min()) & (apart[..., 1] < 11)
        assert covered.sum() == len(shown)  # each covers itself
    assert names.filter(pl.col("level") <= 1).height < view.buses.height
    assert names.height > 0.75 * view.buses.height


@pytest.mark.slow
def test_marks_are_smaller_where_there_are_many():
    def size(name: str) -> float:
        found = spec(snapshot_figures(view_of(name), LIMITS, name)["map"])
        mark = next(one["mark"] for one in found["layer"] if one["mark"]["type"] == "circle")
        return float(mark["size"]["expr"].split()[0])

    assert size("ieee13") >= 3 * size("european_lv") and view_of("european_lv").buses.height < LIVELY


def test_figures_have_a_text_alternative():
    page = files("ieee13")[".html"].decode()
    lowest, highest = (
        f"{value:.4f}" for value in (min(shot_of("ieee13").flow.voltage_pu), max(shot_of("ieee13").flow.voltage_pu))
    )
    told = re.findall(r'role="group" aria-label="([^"]*)"', page)
    assert len(told) == 2 and all(f"from {lowest} to {highest} pu" in text for text in told)


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
    made = snapshot_files(snapshot(swapped), LIMITS)
    page = made[".html"].decode()
    assert "<b>6" not in page and "<i>" not in SCRIPT.sub("", page)
    assert unescape(re.search(r"<h1>(.*?)</h1>", page)[1]) == EVIL
    drawn, _ = figures(page)
    assert EVIL in rows_with(drawn, "voltages")["bus"].to_list()
    assert made[".png"].startswith(b"\x89PNG")


def test_facts_are_those_of_the_flow():
    shot = shot_of("ieee123")
    said = snapshot_facts(shot, LIMITS, view_of("ieee123"))
    low = int(np.argmin(shot.flow.voltage_pu))
    assert f"lowest {float(shot.flow.voltage_pu[low]):.4f} pu at {shot.feeder.nodes[low]}" in said["voltage"]
    assert "3,490 kW, 1,920 kvar" in said["loads"]  # the published total of the spot loads
    assert said["power flow"] == "settled" and "reg1a" in said["regulators"]
    assert "--taps settle" in said["regulators"]


def test_a_flow_that_did_not_settle_is_drawn_and_said():
    shot = shot_of("ieee13")
    inexact = eqx.filter(shot.flow, eqx.is_inexact_array)
    broken = eqx.combine(jax.tree.map(lambda leaf: np.full(leaf.shape, np.nan, leaf.dtype), inexact), shot.flow)
    broken = eqx.tree_at(lambda flow: flow.converged, broken, np.array(False))
    lost = dataclasses.replace(shot, flow=broken, phasor_pu=np.full_like(shot.phasor_pu, np.nan), settled=False)
    made = snapshot_files(lost, LIMITS)
    assert "DID NOT CONVERGE" in made[".html"].decode() and made[".png"].startswith(b"\x89PNG")
