"""Gradients and agreement on every feeder and every kind of load."""

import dataclasses
import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from wattflock.feeder.circuit import Spot
from wattflock.feeder.feeders.european_lv import EuropeanLV
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.feeders.ieee37 import IEEE37
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.solve import solve

WIRINGS = (IEEE13, IEEE37, IEEE123, EuropeanLV)
QUICK_FIRST = (IEEE13, *(pytest.param(wiring, marks=pytest.mark.study) for wiring in WIRINGS[1:]))
STEP_KW = 0.01
TIGHT = 1e-13


def of_exponent(kw: float, kvar: float):
    """Makes any spot one of these exponents, half as large."""
    return lambda spot: dataclasses.replace(
        spot, kw=spot.kw / 2, kvar=spot.kvar / 2, kw_exponent=kw, kvar_exponent=kvar
    )


def bounded(spot: Spot) -> Spot:
    """With edges so narrow that loads stand on both sides of them."""
    edges = {"low_pu": 0.985, "high_pu": 1.005, "floor_pu": 0.5}
    return dataclasses.replace(spot, kw=spot.kw / 2, kvar=spot.kvar / 2, **edges)


KINDS = {
    "constant power": of_exponent(0, 0),
    "constant current": of_exponent(1, 1),
    "constant impedance": of_exponent(2, 2),
    "CVR": of_exponent(0.7, 2.3),
    "with edges": bounded,
}

QUICK = ("constant power", "with edges")
QUICK_KINDS = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.study) for kind in KINDS]


@functools.cache
def made(wiring, kind):
    """A feeder with half its loads of this kind in it."""
    circuit = wiring().circuit()
    return reduce_circuit(circuit, tuple(map(KINDS[kind], circuit.spots)))


tight = eqx.filter_jit(functools.partial(solve, tolerance=TIGHT, most=200))


@eqx.filter_jit
@eqx.filter_value_and_grad
def weigh(load, feeder, weight):
    """A weighted sum of all that a feeder says of a load, (2, terminals): kW and kvar; and its gradient."""
    flow = tight(feeder, *load)
    known = jnp.concatenate([flow.voltage_pu, flow.drawn_kw / 100, flow.head_kw / 1000, flow.branch_a.real / 1000])
    return jnp.sum(known * weight)


@pytest.mark.slow
@pytest.mark.parametrize("kind", QUICK_KINDS)
@pytest.mark.parametrize("wiring", QUICK_FIRST)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(seed=st.integers(0, 2**31))
def test_gradient_is_the_central_difference(wiring, kind, seed):
    random = np.random.default_rng(seed)
    with jax.enable_x64(True):
        feeder = made(wiring, kind)
        nominal = np.array([feeder.nominal_kw, feeder.nominal_kvar])
        load = random.uniform(-0.5, 0.5, nominal.shape) * nominal
        outputs = len(feeder.nodes) + len(feeder.terminals) + len(feeder.head.names) // 2 + len(feeder.branch.names)
        weight = random.normal(size=outputs)
        along = random.normal(size=nominal.shape)
        near = (weigh(jnp.asarray(load + way * STEP_KW * along), feeder, weight) for way in (0, 1, -1))
        (_, ahead, behind), (gradient, *sides) = zip(*jax.device_get(list(near)), strict=True)
    difference = (ahead - behind) / (2 * STEP_KW)
    scale = np.linalg.norm(gradient) * np.linalg.norm(along) / along.size**0.5
    # Where all is smooth the middle has the mean of the sides' gradients; else an edge of a load lies between.
    assume(abs(((sides[0] + sides[1] - 2 * gradient) * along).sum()) <= 1e-7 * scale)
    assert abs((gradient * along).sum() - difference) <= 1e-6 * max(scale, abs(difference))


@pytest.mark.slow
@pytest.mark.parametrize("kind", QUICK_KINDS)
@pytest.mark.parametrize("wiring", QUICK_FIRST)
def test_what_flows_in_is_drawn_or_lost(wiring, kind, float64):
    feeder = made(wiring, kind)
    flow = tight(feeder, feeder.nominal_kw / 4, feeder.nominal_kvar / 4)
    assert flow.converged
    assert 0 < flow.losses_kw < 0.2 * flow.head_kw.sum()


def test_a_load_draws_what_its_exponent_says(float64):
    circuit = IEEE13().circuit()
    spots = tuple(map(KINDS["CVR"], circuit.spots))
    feeder = reduce_circuit(circuit, spots)
    none = np.zeros(len(feeder.terminals))
    flow = tight(feeder, none, none)
    at = feeder.terminals.index("652.1")
    (spot,) = (spot for spot in spots if circuit.nodes[spot.plus] == "652.1")
    voltage = float(flow.voltage_pu[feeder.nodes.index("652.1")]) * 4.16 / 3**0.5 / spot.rated_kv
    np.testing.assert_allclose(flow.drawn_kw[at], spot.kw * voltage**0.7, rtol=1e-9)
    np.testing.assert_allclose(flow.drawn_kvar[at], spot.kvar * voltage**2.3, rtol=1e-9)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.949, 0.951, 1.0, 1.049, 1.051, 1.3])
def test_edges_are_those_of_opendss(share, float64):
    """One stiff load: power at a voltage, from what `circuit.Spot` says."""
    from wattflock.feeder.loads import layers

    circuit = IEEE13().circuit()
    first = circuit.spots[0]
    spot = dataclasses.replace(first, kw=100.0, kvar=50.0, low_pu=0.95, high_pu=1.05, floor_pu=0.5)
    one = layers({(spot.plus, spot.minus): spot.rated_kv}, [spot], np.zeros((1, 1), int), 100.0)
    rated = float(one.rated.ravel()[0])
    kw, _ = one.power(jnp.array([[[share * rated]]]))
    slope = (1 / 0.95 - 0.5) / (0.95 - 0.5)
    expected = {0.3: share**2, 0.6: share * (0.5 + slope * (share - 0.5))}.get(share, 1.0)
    expected = share * (0.5 + slope * (share - 0.5)) if 0.5 < share <= 0.95 else expected
    expected = (share / 1.05) ** 2 if share > 1.05 else expected
    folded = float(one.kw_folded.ravel()[0])
    assert folded == 1
    np.testing.assert_allclose(float(kw[0, 0, 0]), expected - folded * share**2, rtol=1e-12)
    assert math.isfinite(expected)
