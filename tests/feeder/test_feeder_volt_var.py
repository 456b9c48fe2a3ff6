"""Inverters on a curve: the flow they settle at, what it helps, and its exact gradient."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.core.types import cast
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.solve import solve
from wattflock.feeder.volt_var import Support, VoltVar

FEEDER = IEEE123().build()
SHARE = FEEDER.nominal_kw / FEEDER.nominal_kw.sum()
CURVE = VoltVar()


def loads(seed: int, low: float, high: float, batch: int = 6):
    random = np.random.default_rng(seed)
    kw = random.uniform(low, high, (batch, 1)) * FEEDER.nominal_kw[None]
    return kw, 0.3 * np.abs(kw)


@settings(deadline=None)
@given(voltage=st.floats(0.8, 1.2), higher=st.floats(0, 0.1))
def test_a_higher_voltage_never_draws_less(voltage, higher):
    low, high = (float(CURVE.share(jnp.asarray(v))) for v in (voltage, voltage + higher))
    assert -1 <= low <= high <= 1


def test_the_curve_goes_through_its_points():
    at = jnp.array([0.5, 0.95, 0.96, 0.97, 1.0, 1.03, 1.04, 1.05, 1.3])
    assert jnp.allclose(CURVE.share(at), jnp.array([-1, -1, -0.5, 0, 0, 0, 0.5, 1, 1]), atol=1e-5)


@pytest.mark.study
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), room_kvar=st.sampled_from([300.0, 2000.0, 8000.0]))
def test_inverters_draw_what_their_curve_says_at_the_voltage_they_cause(seed, room_kvar):
    kw, kvar = loads(seed, -1.5, 1.8)
    room = room_kvar * SHARE
    with jax.enable_x64(True):
        flow = solve(cast(FEEDER, np.float64), kw, kvar, 1e-11, 500, Support(CURVE, jnp.asarray(room)))
        wanted = kvar + room[None] * CURVE.share(flow.terminal_pu)
    assert bool(flow.converged.all())
    assert np.allclose(flow.drawn_kvar, wanted, atol=1e-5)
    assert np.allclose(flow.drawn_kw, kw, atol=1e-6)


@pytest.mark.study
def test_more_room_leaves_less_violation():
    kw, kvar = loads(3, -2, 2.2, 40)
    beyond = []
    for room_kvar in (0.0, 500.0, 2000.0, 6000.0, 12000.0):
        voltage = solve(FEEDER, kw, kvar, 1e-6, 200, Support(CURVE, room_kvar * SHARE)).voltage_pu
        beyond.append(float((jnp.maximum(voltage - 1.05, 0) + jnp.maximum(0.95 - voltage, 0)).sum()))
    assert beyond[0] > 1
    assert sorted(beyond, reverse=True) == beyond
    assert beyond[-1] == 0


def test_without_room_it_is_the_plain_flow():
    kw, kvar = loads(4, -1, 1)
    plain = solve(FEEDER, kw, kvar)
    assert jnp.allclose(solve(FEEDER, kw, kvar, support=Support(CURVE, 0 * SHARE)).voltage_pu, plain.voltage_pu)


@pytest.mark.study
@pytest.mark.parametrize("seed", [0, 1])
def test_the_gradient_is_the_central_difference(seed, float64):
    random = np.random.default_rng(seed)
    kw, kvar = loads(seed, -1.5, 1.8, 4)
    feeder, room = cast(FEEDER, np.float64), jnp.asarray(3000 * SHARE)

    @jax.jit
    def value(kw, room):
        return jnp.sin(40 * solve(feeder, kw, kvar, 1e-12, 500, Support(CURVE, room)).voltage_pu).sum()

    slope = jax.grad(value, (0, 1))(jnp.asarray(kw), room)
    along = random.normal(size=kw.shape), 10 * random.normal(size=room.shape)
    for k, size in enumerate((1e-3, 1e-3)):
        moved = [[x + sign * size * (k == j) * a for j, (x, a) in enumerate(zip((kw, room), along, strict=True))]
                 for sign in (1, -1)]  # fmt: skip
        difference = (value(*moved[0]) - value(*moved[1])) / (2 * size)
        assert float((slope[k] * along[k]).sum()) == pytest.approx(float(difference), rel=1e-4)


@pytest.mark.study
def test_a_snapshot_without_a_solution_leaves_the_others_alone():
    kw, kvar = loads(5, 0.5, 1)
    hopeless = kw.copy()
    hopeless[2] *= 50
    support = Support(CURVE, 1000 * SHARE)
    slope = jax.grad(lambda kw: solve(FEEDER, kw, kvar, 1e-6, 60, support).voltage_pu.sum())
    bad, good = slope(jnp.asarray(hopeless, jnp.float32)), slope(jnp.asarray(kw, jnp.float32))
    assert jnp.abs(bad[2]).max() == 0
    others = np.array([0, 1, 3, 4, 5])
    assert jnp.allclose(bad[others], good[others], atol=1e-6)


@pytest.mark.study
def test_the_curve_is_part_of_the_support():
    kw, kvar = loads(6, 1.5, 2)
    wide = Support(dataclasses.replace(CURVE, rest_low_pu=0.96), 2000 * SHARE)
    near = solve(FEEDER, kw, kvar, 1e-6, 200, Support(CURVE, 2000 * SHARE))
    far = solve(FEEDER, kw, kvar, 1e-6, 200, wide)
    assert float(near.voltage_pu.min()) > float(far.voltage_pu.min())
