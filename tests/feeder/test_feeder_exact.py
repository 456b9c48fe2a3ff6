"""Voltages and losses against OpenDSS: its own files, a stored case, and live."""

import jax
import numpy as np
import pytest

from wattflock.feeder.feeder import solve
from wattflock.feeder.ieee123 import IEEE123
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.watch import every_node

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
    some, every = (solve(one, load_kw, load_kvar).voltage_pu for one in (feeder, whole_feeder))
    np.testing.assert_allclose(some, ordered(feeder.nodes, whole_feeder.nodes, every), rtol=0, atol=1e-12)


@pytest.mark.parametrize("taps", [(2, 0, 0, 0, 0, 0, 0), KERSTING, (-16, 16, 3, -5, 1, 0, -2)])
def test_live_opendss_agrees(taps, float64):
    pytest.importorskip("dss", reason="dss-python is not installed")
    from wattflock.feeder.crosscheck import OpenDSS

    wiring = IEEE123(taps=taps)
    feeder, engine = whole(wiring.circuit()), OpenDSS(wiring.network())
    factor = np.random.default_rng(taps[0] + 16).uniform(-1, 1.5, len(feeder.terminals))
    load_kw, load_kvar = feeder.nominal_kw * factor, feeder.nominal_kvar
    expected_pu, losses_kw, done = engine.solve(load_kw, load_kvar)
    flow = solve(feeder, load_kw, load_kvar, tolerance=1e-10)
    assert done and flow.converged
    np.testing.assert_allclose(flow.voltage_pu, ordered(feeder.nodes, engine.nodes, expected_pu), rtol=0, atol=1e-7)
    np.testing.assert_allclose(flow.head_kw.sum() - load_kw.sum(), losses_kw, rtol=1e-4)


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
