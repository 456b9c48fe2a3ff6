"""Gradients against central differences, and snapshots that have no solution."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from wattflock.core.types import cast
from wattflock.feeder.feeders.european_lv import EuropeanLV
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.solve import solve, with_source

FEEDER = IEEE123().build()
SIZE = len(FEEDER.terminals)
TIGHT = 1e-12


@jax.jit
def weigh(load_kw, load_kvar, weight):
    """One number out of all voltages, of about the size of one voltage."""
    return jnp.sum(solve(FEEDER, load_kw, load_kvar, TIGHT).voltage_pu ** 2 * weight)


slope = jax.jit(jax.grad(weigh, argnums=(0, 1)))


@pytest.mark.study
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    low=st.floats(-2, 0.5),
    high=st.floats(0.5, 2),
    batch=st.sampled_from([(), (2, 3)]),
)
def test_gradient_is_the_central_difference(seed, low, high, batch):
    random = np.random.default_rng(seed)
    kw = random.uniform(low, high, (*batch, SIZE)) * FEEDER.nominal_kw
    kvar = random.uniform(0, high, (*batch, SIZE)) * FEEDER.nominal_kvar
    weight = random.normal(size=(*batch, len(FEEDER.nodes)))
    along = random.normal(size=(2, *batch, SIZE))
    step = 0.05
    with jax.enable_x64(True):
        ahead = weigh(kw + step * along[0], kvar + step * along[1], weight)
        behind = weigh(kw - step * along[0], kvar - step * along[1], weight)
        gradient = np.array(slope(kw, kvar, weight))
    difference = float(ahead - behind) / (2 * step)
    scale = np.linalg.norm(gradient) * np.linalg.norm(along)
    assert abs((gradient * along).sum() - difference) <= 1e-6 * max(scale / SIZE**0.5, abs(difference))


@pytest.mark.parametrize("at", [0, 30, 94])
def test_each_entry_is_the_central_difference(at, float64):
    weight = np.ones(len(FEEDER.nodes))
    action_offset = np.zeros(SIZE)
    action_offset[at] = 0.2
    gradient = slope(FEEDER.nominal_kw, FEEDER.nominal_kvar, weight)
    ahead, behind = (weigh(FEEDER.nominal_kw + sign * action_offset, FEEDER.nominal_kvar, weight) for sign in (1, -1))
    np.testing.assert_allclose(gradient[0][at], (ahead - behind) / 0.4, rtol=1e-6)
    ahead, behind = (weigh(FEEDER.nominal_kw, FEEDER.nominal_kvar + sign * action_offset, weight) for sign in (1, -1))
    np.testing.assert_allclose(gradient[1][at], (ahead - behind) / 0.4, rtol=1e-6)


@pytest.mark.slow
def test_gradient_of_the_head_power_and_of_the_feeder(float64):
    def losses_kw(power, rise):
        def parts(one):
            return one.terminal.impedance.local, one.terminal.no_load

        changed = tuple(part * by for part, by in zip(parts(FEEDER), rise, strict=True))
        moved = eqx.tree_at(parts, FEEDER, changed)
        return solve(moved, *power, TIGHT).head_kw.sum() - power[0].sum()

    power = jnp.array([FEEDER.nominal_kw, FEEDER.nominal_kvar])
    check_grads(losses_kw, (power, jnp.array([1.1, 1.01])), order=1, modes=["rev"], eps=1e-3, rtol=1e-6)


@pytest.mark.study
def test_float32_gradient_is_close():
    weight = np.ones(len(FEEDER.nodes))
    with jax.enable_x64(True):
        correct = np.array(slope(FEEDER.nominal_kw, FEEDER.nominal_kvar, weight))
    single = cast(FEEDER, np.float32)
    work = jax.grad(lambda kw, kvar: jnp.sum(solve(single, kw, kvar).voltage_pu ** 2), argnums=(0, 1))
    found = np.array(work(single.nominal_kw, single.nominal_kvar))
    assert found.dtype == np.float32
    assert np.abs(found - correct).max() <= 1e-5 * np.abs(correct).max()


@pytest.mark.study
@pytest.mark.parametrize("bad", [50.0, 1e6, np.nan, np.inf])
def test_a_snapshot_without_a_solution_harms_no_other(bad, float64):
    factor = np.array([0.5, bad, 1.2])[:, None]
    kw, kvar = FEEDER.nominal_kw * factor, FEEDER.nominal_kvar * factor
    flow = solve(FEEDER, kw, kvar, TIGHT)
    assert flow.converged.tolist() == [True, False, True]
    weight = np.ones((3, len(FEEDER.nodes)))
    gradient = np.array(slope(kw, kvar, weight))
    assert np.isfinite(gradient).all()
    assert (gradient[:, 1] == 0).all()
    good = np.array([0, 2])
    np.testing.assert_allclose(gradient[:, good], np.array(slope(kw[good], kvar[good], weight[good])), rtol=1e-9)
    alone = solve(FEEDER, kw[good], kvar[good], TIGHT)
    np.testing.assert_allclose(flow.voltage_pu[good], alone.voltage_pu, rtol=0, atol=1e-12)


def test_one_feeder_serves_both_precisions():
    load = FEEDER.nominal_kw, FEEDER.nominal_kvar
    with jax.enable_x64(True):
        double = jax.jit(lambda kw: solve(FEEDER, kw, load[1]).voltage_pu)(load[0])
    assert double.dtype == np.float64
    assert solve(FEEDER, *load).voltage_pu.dtype == np.float32
    with jax.enable_x64(True):
        assert solve(FEEDER, *load).voltage_pu.dtype == np.float64


def test_too_few_iterations_is_not_converged():
    flow = solve(FEEDER, FEEDER.nominal_kw, FEEDER.nominal_kvar, most=2)
    assert not flow.converged
    assert flow.iterations == 2
    assert flow.residual_pu > 1e-6


def test_vmap_gives_what_a_batch_gives(case):
    load_kw, load_kvar, _ = case
    mapped = jax.vmap(lambda kw, kvar: solve(FEEDER, kw, kvar).voltage_pu)(load_kw, load_kvar)
    np.testing.assert_allclose(mapped, solve(FEEDER, load_kw, load_kvar).voltage_pu, rtol=0, atol=1e-6)


def test_no_array_is_stretched_by_accident(case):
    with jax.numpy_rank_promotion("raise"):
        flow = solve(FEEDER, case[0][None], case[1][None], most=59)
        jax.grad(lambda kw: solve(FEEDER, kw, case[1], most=59).voltage_pu.sum())(case[0])
    assert flow.voltage_pu.shape == (1, *case[0].shape[:1], len(FEEDER.nodes))
    assert flow.head_kw.shape == (1, *case[0].shape[:1], 3)


@pytest.mark.slow
def test_the_source_s_voltage_is_a_factor_with_a_gradient(float64):
    feeder, raised = EuropeanLV().build(), EuropeanLV(source_pu=1.03).build()
    load = feeder.nominal_kw * 3, feeder.nominal_kvar * 3

    def voltage_pu(factor):
        return solve(with_source(feeder, factor), *load, TIGHT).voltage_pu

    expected = solve(raised, *load, TIGHT)
    np.testing.assert_allclose(voltage_pu(1.03), expected.voltage_pu, rtol=0, atol=1e-10)
    np.testing.assert_allclose(
        solve(with_source(feeder, 1.03), *load, TIGHT).head_kw, expected.head_kw, rtol=0, atol=1e-6
    )
    slope = jax.grad(lambda factor: voltage_pu(factor).sum())(1.03)
    difference = (voltage_pu(1.0301).sum() - voltage_pu(1.0299).sum()) / 2e-4
    np.testing.assert_allclose(slope, difference, rtol=1e-6)
