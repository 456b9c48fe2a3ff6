"""What every feeder that a scenario can name keeps to; tests/feeder checks the solver itself."""

import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.registry import interface, parts
from wattflock.core.types import cast
from wattflock.feeder.circuit import terminals
from wattflock.feeder.file import to_bytes
from wattflock.feeder.limits import Limits, excess_pu, penalty
from wattflock.feeder.solve import solve

WIRINGS = {name: kind for name, kind in parts("feeder", interface("feeder")).items() if name != "none"}  # has no wires
every_wiring = pytest.mark.parametrize("name", WIRINGS)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Makes a feeder by its name; the one that reads a file reads IEEE 13."""
    path = tmp_path_factory.mktemp("feeders") / "ieee13.feeder"
    path.write_bytes(to_bytes(WIRINGS["ieee13"]().circuit()))
    return lambda name: WIRINGS[name](**({"file": str(path)} if name == "imported" else {}))


@every_wiring
def test_it_says_where_it_comes_from(name):
    assert "Source:" in (WIRINGS[name].__doc__ or "")


@every_wiring
def test_its_names_fit_its_arrays(name, made):
    feeder = made(name).build()
    terminals, nodes = len(feeder.terminals), len(feeder.nodes)
    blocks, width = feeder.terminal.impedance.local.shape[:2]  # one block, or several of a feeder of many terminals
    assert blocks * width >= 2 * terminals
    counts = (feeder.terminal, terminals), (feeder.voltage, nodes), (feeder.branch, len(feeder.rating_a))
    for readout, count in counts:
        assert len(readout.names) == len(set(readout.place.tolist())) == count
        assert readout.impedance.local.shape[:2] == (blocks, width)
        assert readout.no_load.shape == (blocks, 1, readout.impedance.local.shape[2])
        assert 2 * count <= blocks * readout.no_load.shape[2]
        assert blocks > 1 or 2 * count == readout.no_load.shape[2], "one block is not padded"
    assert len(set(feeder.terminals)) == terminals
    assert len(set(feeder.nodes)) == nodes
    assert feeder.terminal.no_load.dtype == feeder.nominal_kw.dtype == np.float64
    assert (feeder.nominal_kw >= 0).all()
    assert feeder.nominal_kw.sum() > 0, "homes are placed in proportion to the nominal loads"


@pytest.mark.study
@every_wiring
def test_its_own_load_has_a_solution_that_is_near_nominal(name, made):
    feeder = cast(made(name).build(), np.float32)
    flow = solve(feeder, feeder.nominal_kw[None], feeder.nominal_kvar[None])
    assert flow.converged.all()
    assert flow.voltage_pu.shape == (1, len(feeder.nodes))
    assert (flow.voltage_pu > 0.8).all()
    assert (flow.voltage_pu < 1.2).all()


@pytest.mark.study
@every_wiring
def test_its_map_joins_buses_that_exist(name, made):
    chart = made(name).chart()
    assert len(chart.buses) == len(chart.x) == len(chart.y)
    assert chart.source in chart.buses
    edges = {frozenset(edge) for edge in chart.edges} | {frozenset({bus}) for bus in chart.buses}
    assert {frozenset(pair) for _, *pair in chart.branches} <= edges
    assert tuple(name for name, *_ in chart.branches) == made(name).build().branch.names
    assert {bus for edge in chart.edges for bus in edge} <= set(chart.buses)
    assert {node.partition(".")[0] for node in made(name).build().nodes} <= set(chart.buses)


def test_only_what_is_beyond_the_band_counts():
    voltage_pu = jnp.array([0.90, 0.95, 1.0, 1.05, 1.08])
    assert jnp.allclose(excess_pu(Limits(), voltage_pu), jnp.array([0.05, 0, 0, 0, 0.03]), atol=1e-6)
    assert jnp.allclose(excess_pu(Limits(), voltage_pu, 0.01), jnp.array([0.06, 0.01, 0, 0.01, 0.04]), atol=1e-6)
    assert jnp.allclose(penalty(jnp.array([0.0, 0.1]), 2.0, 10.0), jnp.array([0.0, 0.25]))


@every_wiring
def test_its_circuit_and_tables_are_those_of_its_feeder(name, made):
    wiring = made(name)
    circuit, feeder, network = wiring.circuit(), wiring.build(), wiring.network()
    assert set(feeder.terminals) == set(terminals(circuit).values())
    assert len(circuit.node_kv) == len(circuit.nodes) == len(set(circuit.nodes))
    assert network is None or len(network.loads) == len(circuit.spots)
    assert {one.kind for one in circuit.elements} >= {"line", "transformer"}


def test_taps_of_a_stored_feeder_can_be_set(made):
    path = made("imported").file
    wiring = WIRINGS["imported"](file=path, taps=(1, 2, 3))
    assert [unit.tap for unit in wiring.circuit().regulators] == [1, 2, 3]
    with pytest.raises(ScenarioError, match="taps"):
        WIRINGS["imported"](file=path, taps=(1, 2)).circuit()
    with pytest.raises(ScenarioError, match="feeder import"):
        WIRINGS["imported"]().circuit()
