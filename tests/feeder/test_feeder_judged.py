"""What limits judge: voltages over customers' terminals, every winding against its own rating, unbalance, losses.

Expected figures are OpenDSS's for the same files; `cases/judged_*/source.md` says what each file is.
"""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.feeder.limits import PRESETS, branch_loading
from wattflock.feeder.monitored import branches, conductors
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.snapshot import snapshot
from wattflock.feeder.solve import solve
from wattflock.study.build import place
from wattflock.study.hosting.assessment import HostingRequest, hosted

pytest.importorskip("dss", reason="OpenDSS is not installed: pip install 'wattflock[opendss]'")

from wattflock.feeder.opendss.crosscheck import BaseCase
from wattflock.feeder.opendss.read import read_here

CASES = Path(__file__).resolve().parents[2] / "cases"
SOLVED = ("ct_neutral3", "fourwire_solid", "xfmr_neutral", "pv_farm", "swap", "three_winding")


def master_of(name):
    return CASES / f"judged_{name}" / "input.dss"


def shot_of(name):
    return snapshot(read_here(master_of(name)), "as-modelled")


def voltages_of(shot):
    return dict(zip(shot.feeder.nodes, shot.flow.voltage_pu.tolist(), strict=True))


def loading_of(shot):
    with jax.enable_x64(True):
        share = np.asarray(branch_loading(shot.feeder, shot.flow.branch_a))
    return dict(zip(shot.feeder.branch.names, share.tolist(), strict=True))


@pytest.mark.study
@pytest.mark.parametrize("name", SOLVED)
def test_voltages_over_the_loads_terminals_are_those_of_opendss(name):
    shot = shot_of(name)
    circuit = shot.circuit
    truth = np.append(BaseCase(master_of(name)).solve().at(circuit.nodes), 0)  # the last place is GROUND's
    here = np.append(shot.phasor_pu * 1e3 * circuit.node_kv, 0)
    for spot in circuit.spots:
        found, expected = (abs(volt[spot.plus] - volt[spot.minus]) for volt in (here, truth))
        assert abs(found - expected) < 1e-6 * 1e3 * spot.rated_kv


@pytest.mark.parametrize("name", SOLVED)
def test_currents_of_every_winding_are_those_of_opendss(name):
    shot, base = shot_of(name), BaseCase(master_of(name))
    base.solve()
    for found, rating_a, at in zip(shot.flow.branch_a, shot.feeder.rating_a, conductors(shot.circuit), strict=True):
        one = shot.circuit.elements[at.element]
        base.engine.ActiveCircuit.SetActiveElement(one.name)
        active = base.engine.ActiveCircuit.ActiveCktElement
        current = np.ravel(active.Currents).view(complex).reshape(len(one.ends), -1)[at.end, at.at]
        assert abs(abs(found) - abs(current)) < 1e-3 * (1.0 if np.isnan(rating_a) else rating_a)
        if one.kind == "transformer" and at.end == 0:
            assert rating_a == pytest.approx(active.NormalAmps / 1.1, rel=1e-3)


def test_a_load_to_a_neutral_is_judged_over_its_own_terminals():
    voltages = voltages_of(shot_of("fourwire_solid"))
    assert {"lv.1.4", "far.1.4", "far.2.4", "far.3.4"} < set(voltages)
    assert voltages["far.1.4"] == pytest.approx(217.207 / (400 / 3**0.5), abs=1e-6)
    assert [name for name, pu in voltages.items() if pu < 0.95] == ["far.1.4"]


@pytest.mark.slow
def test_hosting_capacity_follows_the_voltage_of_the_customer():
    request = HostingRequest(PRESETS["ansi-a"], 0.3, 0, 10.0, "fixed")
    found = hosted(read_here(master_of("fourwire_solid")), request, lambda *_: None)
    at = found.alone["import"].terminals.index("far.1.4")
    assert found.alone["import"].capacity_kw[at] == pytest.approx(7.92, rel=5e-3)
    assert found.alone["export"].capacity_kw[at] == pytest.approx(17.94, rel=5e-3)


def test_the_neutral_of_a_split_phase_may_have_any_number():
    shot = shot_of("ct_neutral3")
    voltages = voltages_of(shot)
    volts = {"home.1.3": (120.12, 1), "home.2.3": (121.45, 1), "home.1.2": (241.57, 2)}
    for name, (volt, legs) in volts.items():
        assert voltages[name] == pytest.approx(volt / (legs * 208 / 3**0.5), abs=5e-5)
    assert min(voltages.values()) > 0.95 and max(voltages.values()) < 1.05
    assert not {name for name in voltages if name in ("svc.3", "home.3")}
    assert shot.feeder.three_phase == ("pole",) and shot.flow.unbalance.max() < 1e-3


def test_every_winding_has_its_own_rating_and_its_neutral_the_same():
    shot = shot_of("xfmr_neutral")
    loading = loading_of(shot)
    for name in ("toground.1", "toneutral.1", "toneutral.4", "bank.2", "bank.3", "toneutral.w2.1", "bank.w2.3"):
        assert loading[f"transformer.{name}"] == pytest.approx(0.807, abs=1e-3)
    assert len(set(shot.feeder.branch.names)) == len(shot.feeder.branch.names)


def test_a_small_third_winding_is_overloaded_alone():
    loading = loading_of(shot_of("three_winding"))
    assert loading["transformer.t.w3.1"] > 1 > loading["transformer.t.1"]
    assert loading["transformer.t.w2.1"] < 1


def test_homes_stand_where_loads_draw():
    circuit = read_here(master_of("pv_farm"))
    feeder = snapshot(circuit).feeder
    assert sum(spot.kw for spot in circuit.spots if spot.kw < 0) < -1900
    number = np.bincount(place(feeder.drawing_kva, 90, np.random.default_rng(1)), minlength=len(feeder.terminals))
    assert dict(zip(feeder.terminals, number.tolist(), strict=True)) == {
        "homes.1": 30, "homes.2": 30, "homes.3": 30, "farm.1.2": 0, "farm.2.3": 0, "farm.3.1": 0
    }  # fmt: skip
    with pytest.raises(ScenarioError, match="a load that draws"):
        place(np.zeros(3), 90, np.random.default_rng(1))


def test_phases_numbered_backwards_are_not_unbalanced():
    shot = shot_of("swap")
    assert shot.feeder.three_phase == ("a", "b")
    assert shot.flow.unbalance.max() == pytest.approx(0.0011, abs=5e-5)


@pytest.mark.parametrize(("scale", "losses_kw", "drawn_kw"), [(1.0, 2.080, 480.0), (0.1, None, 48.0)])
def test_a_busbar_of_one_millimetre_costs_nothing(tmp_path, scale, losses_kw, drawn_kw):
    """Against OpenDSS with a bar of 1 m, by the sum over its elements: with 1 mm its own figures are wrong."""
    longer = tmp_path / "longer.dss"
    longer.write_text(master_of("stiff_busbar").read_text().replace("length=0.001 units=m", "length=1 units=m"))
    base = BaseCase(longer)
    truth = base.solve(scale)
    circuit = base.engine.ActiveCircuit
    elements = map(circuit.CktElements, ("line.bar", "transformer.t", "line.f"))
    expected_w = sum(np.ravel(one.Losses)[0] for one in elements)
    shot = snapshot(read_here(master_of("stiff_busbar")), "as-modelled", scale)
    assert shot.flow.losses_kw == pytest.approx(expected_w / 1e3, abs=1e-3)
    assert losses_kw is None or shot.flow.losses_kw == pytest.approx(losses_kw, abs=1e-3)
    assert shot.flow.head_kw.sum() == pytest.approx(drawn_kw + expected_w / 1e3, abs=1e-3)
    found = shot.phasor_pu * 1e3 * shot.circuit.node_kv
    assert (abs(abs(found) - abs(truth.at(shot.circuit.nodes))) / 1e3 / shot.circuit.node_kv).max() < 1e-6
    bar = dict(zip(shot.feeder.branch.names, abs(shot.flow.branch_a), strict=True))["line.bar.1"]
    assert bar == pytest.approx(abs(shot.flow.branch_a[shot.feeder.branch.names.index("transformer.t.1")]), abs=1e-4)


def test_an_open_star_point_is_named():
    with pytest.raises(ScenarioError) as caught:
        read_here(master_of("neutral_load_only"))
    assert [problem.field for problem in caught.value.problems] == ["load.star", "load.star2"]
    assert all("star point a.4 is open" in str(problem.value) for problem in caught.value.problems)


def test_names_of_branches_are_told_apart():
    shot = shot_of("xfmr_neutral")
    line = next(one for one in shot.circuit.elements if one.name == "line.l")
    twice = dataclasses.replace(
        line, ends=((line.ends[0][0],) * 2, (line.ends[1][0],) * 2), admittance=np.zeros((4, 4), complex)
    )
    circuit = dataclasses.replace(shot.circuit, elements=(*shot.circuit.elements, twice))
    names = branches(circuit)[0].names
    assert names[-2:] == ("line.l.1#2", "line.l.1#3") and len(set(names)) == len(names)


def mesh(side):
    """A low-voltage grid of `side` × `side` buses, a transformer for each row, loads of three phases and of one."""
    cable = "r1=0.02 x1=0.03 r0=0.06 x0=0.09 c1=0 c0=0 length=0.1"
    lines = ["clear", "new circuit.mesh bus1=src basekv=13.2 mvasc3=500 mvasc1=500"]
    at = [(row, column) for row in range(side) for column in range(side)]
    for row, column in at:
        for name, other in (("v", (row + 1, column)), ("h", (row, column + 1))):
            if other in at:
                ends = f"bus1=b{row}_{column} bus2=b{other[0]}_{other[1]}"
                lines.append(f"new line.{name}{row}_{column} {ends} {cable}")
        lines.append(f"new load.l{row}_{column} bus1=b{row}_{column} kv=0.208 kw=60 pf=0.9 vminpu=0.7")
        lines.append(f"new load.s{row}_{column} phases=1 bus1=b{row}_{column}.1 kv=0.12 kw=10 pf=0.9 vminpu=0.7")
    for row in range(side):
        ends = f"buses=(src, b{row}_{7 * row % side}) conns=(delta, wye) kvs=(13.2, 0.208)"
        lines.append(f"new transformer.t{row} windings=2 {ends} kvas=(1000, 1000) xhl=7 %loadloss=1")
    return "\n".join([*lines, "set voltagebases=(13.2, 0.208)", "calcvoltagebases", "solve"])


def test_a_meshed_network_of_many_terminals_converges_in_float32(tmp_path):
    master = tmp_path / "mesh.dss"
    master.write_text(mesh(11))
    circuit = read_here(master)
    feeder = reduce_circuit(circuit)
    assert len(feeder.terminals) == 363
    flow = solve(feeder, feeder.nominal_kw, feeder.nominal_kvar)
    assert bool(flow.converged) and flow.voltage_pu.dtype == np.float32
    base = BaseCase(master)
    base.drop_cut_offs()
    expected = abs(base.solve().at(circuit.nodes)) / 1e3 / circuit.node_kv
    at = [circuit.nodes.index(name) for name in feeder.nodes]
    np.testing.assert_allclose(flow.voltage_pu, expected[at], rtol=0, atol=2e-6)


def test_a_feeder_without_a_three_phase_bus_has_no_unbalance(tmp_path):
    master = tmp_path / "one.dss"
    master.write_text(
        "clear\nnew circuit.one phases=1 bus1=s.1 basekv=0.24 r1=0.01 x1=0.01\n"
        "new line.l phases=1 bus1=s.1 bus2=t.1 r1=0.1 x1=0.1 r0=0.1 x0=0.1 c1=0 c0=0\n"
        "new load.l phases=1 bus1=t.1 kv=0.24 kw=5\nset voltagebases=(0.4157)\ncalcvoltagebases\nsolve\n"
    )
    shot = snapshot(read_here(master))
    assert bool(shot.flow.converged) and shot.feeder.nodes == ("t.1",)
    assert shot.feeder.three_phase == () and shot.flow.unbalance.shape == (0,)
