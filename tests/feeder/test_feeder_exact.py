"""Voltages and losses against OpenDSS: its own files, a stored case, and live."""

import csv
from pathlib import Path

import jax
import numpy as np
import pytest

from wattflock.feeder.feeders.european_lv import EuropeanLV
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.feeders.ieee37 import IEEE37
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.judged import every_node
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.snapshot import snapshot
from wattflock.feeder.solve import solve

CASES = Path(__file__).parents[2] / "cases"
SHARED = Path(__file__).parents[3] / "shared" / "feeders"
OTHERS = (IEEE37, IEEE123, EuropeanLV)
KERSTING = (7, -1, 0, -1, 8, 1, 5)


def whole(circuit):
    return reduce_circuit(circuit, watched=every_node(circuit))


def ordered(nodes, expected_nodes, voltage_pu):
    at = {node.lower(): index for index, node in enumerate(expected_nodes)}
    return np.asarray(voltage_pu)[..., [at[node] for node in nodes]]


def test_all_nodes_as_in_epris_own_files(published, float64):
    feeder = whole(IEEE123(taps=KERSTING).circuit())
    flow = solve(feeder, feeder.nominal_kw, feeder.nominal_kvar, tolerance=1e-10)
    expected = ordered(feeder.nodes, published["node_names"], published["vmag_pu"])
    assert len(feeder.nodes) == 278
    assert flow.voltage_pu.dtype == np.float64
    np.testing.assert_allclose(flow.voltage_pu, expected, rtol=0, atol=1e-7)
    np.testing.assert_allclose(flow.head_kw.sum(), -published["total_power"].real, rtol=1e-6)
    np.testing.assert_allclose(flow.head_kvar.sum(), -published["total_power"].imag, rtol=1e-6)


def test_float32_as_in_epris_own_files(published):
    feeder = whole(IEEE123(taps=KERSTING).circuit())
    flow = solve(feeder, feeder.nominal_kw, feeder.nominal_kvar)
    expected = ordered(feeder.nodes, published["node_names"], published["vmag_pu"])
    assert flow.voltage_pu.dtype == np.float32
    np.testing.assert_allclose(flow.voltage_pu, expected, rtol=0, atol=1e-6)


def test_voltages_of_the_case(whole_feeder, case, float64):
    load_kw, load_kvar, expected = case
    flow = solve(whole_feeder, load_kw, load_kvar, tolerance=1e-10)
    assert flow.converged.all()
    assert (load_kw.sum(-1) < 0).sum() >= 3  # the case holds net export
    correct = ordered(whole_feeder.nodes, expected["nodes"], expected["voltage_pu"])
    np.testing.assert_allclose(flow.voltage_pu, correct, rtol=0, atol=1e-7)


def test_float32_voltages_of_the_case(whole_feeder, case):
    load_kw, load_kvar, expected = case
    flow = solve(whole_feeder, load_kw, load_kvar)
    assert flow.converged.all()
    correct = ordered(whole_feeder.nodes, expected["nodes"], expected["voltage_pu"])
    np.testing.assert_allclose(flow.voltage_pu, correct, rtol=0, atol=1e-6)


def test_losses_of_the_case(feeder, case, float64):
    load_kw, load_kvar, expected = case
    losses_kw = solve(feeder, load_kw, load_kvar, tolerance=1e-10).head_kw.sum(-1) - load_kw.sum(-1)
    assert (losses_kw >= 0).all()
    np.testing.assert_allclose(losses_kw, expected["losses_kw"], rtol=1e-4)


def test_watched_nodes_are_the_same_as_in_the_whole(feeder, whole_feeder, case, float64):
    load_kw, load_kvar, _ = case
    some, every = (solve(one, load_kw, load_kvar).phasor_pu for one in (feeder, whole_feeder))
    at = {name: np.asarray(every)[..., place] for place, name in enumerate(whole_feeder.nodes)}
    for name, found in zip(feeder.nodes, np.moveaxis(np.asarray(some), -1, 0), strict=True):
        bus, first, *second = name.split(".")
        expected = (at[f"{bus}.{first}"] - at[f"{bus}.{second[0]}"]) / 3**0.5 if second else at[name]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("taps", [(2, 0, 0, 0, 0, 0, 0), KERSTING, (-16, 16, 3, -5, 1, 0, -2)])
def test_live_opendss_agrees(taps, float64):
    pytest.importorskip("dss", reason="dss-python is not installed")
    from wattflock.feeder.opendss.crosscheck import OpenDSS

    wiring = IEEE123(taps=taps)
    feeder, engine = whole(wiring.circuit()), OpenDSS(wiring.network())
    factor = np.random.default_rng(taps[0] + 16).uniform(-1, 1.5, len(feeder.terminals))
    load_kw, load_kvar = feeder.nominal_kw * factor, feeder.nominal_kvar
    expected_pu, losses_kw, done = engine.solve(load_kw, load_kvar)
    flow = solve(feeder, load_kw, load_kvar, tolerance=1e-10)
    assert done and flow.converged
    np.testing.assert_allclose(flow.voltage_pu, ordered(feeder.nodes, engine.nodes, expected_pu), rtol=0, atol=1e-7)
    np.testing.assert_allclose(flow.losses_kw, losses_kw, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("wiring", [IEEE13, *(pytest.param(one, marks=pytest.mark.study) for one in OTHERS)])
def test_every_feeder_of_ours_is_that_of_opendss(wiring):
    """As modelled and as constant power, at three loads, in both precisions."""
    pytest.importorskip("dss", reason="dss-python is not installed")
    from wattflock.feeder.opendss.compare import comparisons, opinion

    made = wiring()
    circuit = made.circuit()
    rows = list(comparisons(circuit, opinion(circuit, made.network(), None)))
    assert len(rows) == 9
    for row in rows:
        assert row.agrees(1e-7 if row.precision == "float64" else 1e-6), row
        rtol = 1e-4 if row.precision == "float64" else 1e-2
        np.testing.assert_allclose(row.losses_kw, row.opendss_losses_kw, rtol=rtol)


TRUTH = (
    ("ieee13", IEEE13(taps=(9, 6, 9))),
    ("ieee37", IEEE37(taps=(16, 14))),
    ("ieee123", IEEE123(taps=KERSTING)),
    ("eulv906", EuropeanLV(source_pu=1.05)),
)


@pytest.mark.parametrize(("name", "wiring"), TRUTH, ids=[name for name, _ in TRUTH])
def test_constant_power_as_in_epris_own_files(name, wiring, float64):
    path = SHARED / "truth" / f"{name}_constPQ.npz"
    if not path.exists():
        pytest.skip(f"no reference at {path}: the shared folder is not part of the repository")
    truth = np.load(path)
    feeder = whole(wiring.circuit())
    flow = solve(feeder, feeder.nominal_kw, feeder.nominal_kvar, tolerance=1e-10)
    expected = ordered(feeder.nodes, truth["order"], np.abs(truth["Vref_constPQ"]) / truth["vbase"])
    np.testing.assert_allclose(flow.voltage_pu, expected, rtol=0, atol=1e-7)


def test_the_published_solution_of_ieee_123():
    """As modelled, at the published taps; bus 610 floats, regulators' own nodes have no counterpart."""
    shot = snapshot(IEEE123(taps=KERSTING).circuit(), "as-modelled")
    at = {node: index for index, node in enumerate(shot.circuit.nodes)}
    with open(CASES / "ieee123_published" / "expected.csv") as file:
        rows = [row for row in csv.DictReader(file) if not row["node"].startswith(("610", "rg"))]
    assert len(rows) == 259
    found = shot.phasor_pu[[at[row["node"]] for row in rows]]
    size, angle = (np.array([float(row[name]) for row in rows]) for name in ("magnitude_pu", "angle_deg"))
    assert np.abs(np.abs(found) - size).max() <= 1.5e-3
    assert np.abs(np.abs(found) - size).mean() <= 2e-4
    turned = np.degrees(np.angle(found * np.exp(-1j * np.radians(angle))))
    assert np.abs(turned).max() <= 0.12


def test_the_comparison_can_fail(whole_feeder, case, float64):
    load_kw, load_kvar, expected = case
    moved = load_kw + 0.01  # 10 W at each terminal
    flow = solve(whole_feeder, moved, load_kvar, tolerance=1e-10)
    correct = ordered(whole_feeder.nodes, expected["nodes"], expected["voltage_pu"])
    assert np.abs(np.asarray(flow.voltage_pu) - correct).max() > 1e-6


def test_one_trace_for_the_same_shapes(feeder, case):
    traces = []

    @jax.jit
    def run(load_kw, load_kvar):
        traces.append(1)
        return solve(feeder, load_kw, load_kvar).voltage_pu

    run(case[0], case[1])
    run(case[0] * 0.5, case[1])
    assert len(traces) == 1


NOSE = 2.358  # times its spot loads, up to which IEEE 13 has a solution at these taps


@pytest.mark.study
def test_near_collapse_it_still_agrees_and_beyond_it_says_so(float64):
    """At 99 % of the most that can be delivered voltages are 0.53 pu; at 105 % there is no solution."""
    pytest.importorskip("dss", reason="dss-python is not installed")
    from wattflock.feeder.opendss.crosscheck import OpenDSS

    wiring = IEEE13()
    feeder, engine = whole(wiring.circuit()), OpenDSS(wiring.network())
    load = np.array([feeder.nominal_kw, feeder.nominal_kvar]) * NOSE
    near = solve(feeder, *(0.99 * load), tolerance=1e-10, most=1000)
    expected_pu, _, done = engine.solve(*(0.99 * load))
    assert done and near.converged
    assert near.voltage_pu.min() < 0.55
    np.testing.assert_allclose(near.voltage_pu, ordered(feeder.nodes, engine.nodes, expected_pu), rtol=0, atol=1e-6)
    slope = jax.grad(lambda kw, factor: solve(feeder, kw * factor, load[1] * factor, 1e-10, 1000).voltage_pu.sum())
    steep = np.asarray(slope(load[0], 0.99))
    assert np.isfinite(steep).all() and (steep < 0).any()
    beyond = solve(feeder, *(1.05 * load), tolerance=1e-10, most=1000)
    assert not beyond.converged and np.isfinite(beyond.voltage_pu).all()
    assert (np.asarray(slope(load[0], 1.05)) == 0).all()
