"""Tables, taps, chart, limits."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.limits import Limits, excess_pu, penalty
from wattflock.feeder.solve import solve
from wattflock.feeder.tables.admittance import circuit_of
from wattflock.feeder.tables.network import Load


@pytest.mark.parametrize("taps", [(), (1, 2), (17, 0, 0, 0, 0, 0, 0), (0.5, 0, 0, 0, 0, 0, 0), "high", (True,) * 7])
def test_bad_taps_are_told_at_once(taps):
    with pytest.raises(ScenarioError, match="taps"):
        IEEE123(taps=taps)


def test_every_bad_tap_is_named():
    with pytest.raises(ScenarioError) as caught:
        IEEE123(taps=(17, 0, -17, 0, 0, 0, 0))
    assert [problem.field for problem in caught.value.problems] == ["taps[0]", "taps[2]"]


def test_taps_may_come_as_a_list():
    assert IEEE123(taps=[2, 0, 0, 0, 0, 0, 0]) == IEEE123()


def test_totals_of_the_tables(feeder):
    assert len(feeder.terminals) == 95
    assert {"1.1", "35.1.2", "65.3.1", "47.3"} <= set(feeder.terminals)
    assert len(feeder.nodes) == 271
    assert {"35.1.2", "35.3"} <= set(feeder.nodes) and "35.1" not in feeder.nodes  # its load is between two phases
    assert not any(node.startswith(("150.", "610.")) for node in feeder.nodes)
    np.testing.assert_allclose([feeder.nominal_kw.sum(), feeder.nominal_kvar.sum()], [3490, 1920])


def test_higher_taps_give_higher_voltage(feeder):
    raised = IEEE123(taps=(4, 0, 0, 0, 0, 0, 0)).build()
    low, high = (solve(one, one.nominal_kw, one.nominal_kvar).voltage_pu for one in (feeder, raised))
    assert (high > low).all()


def test_a_load_at_an_unknown_node_is_told():
    network = IEEE123().network()
    wrong = dataclasses.replace(network, loads=(*network.loads, Load("s2c", "2", "3", 2.4, 1.0, 0.0)))
    with pytest.raises(ScenarioError, match=r"2\.3"):
        circuit_of(wrong, "ieee123")


def test_chart_joins_its_own_buses():
    chart = IEEE123().chart()
    assert len(chart.buses) == len(chart.x) == len(chart.y) == 132
    assert {bus for edge in chart.edges for bus in edge} == set(chart.buses)


def test_excess_is_the_distance_from_the_band():
    voltage_pu = jnp.array([[0.93, 0.95, 1.0], [1.045, 1.05, 1.08]])
    np.testing.assert_allclose(excess_pu(Limits(), voltage_pu), [[0.02, 0, 0], [0, 0, 0.03]], atol=1e-6)
    np.testing.assert_allclose(excess_pu(Limits(), voltage_pu, 0.01), [[0.03, 0.01, 0], [0.005, 0.01, 0.04]], atol=1e-6)
    np.testing.assert_allclose(penalty(jnp.array([0.0, 0.1]), 3.0, 10.0), [0, 0.35], rtol=1e-6)
