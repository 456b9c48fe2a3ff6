"""Nodal prices: sensitivities against differences, the parts of a bill, and worlds that cannot have them."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.feeder.limits import Limits
from wattflock.feeder.marginal import Marginal, marginal
from wattflock.feeder.solve import solve
from wattflock.homes.device import Effect
from wattflock.market.market import Meter
from wattflock.market.markets.nodal import Nodal
from wattflock.study.bound import why_no_bound
from wattflock.study.build import build

SETS = ["homes.count=4", "homes.homes_per_agent=30", "feeder.part=ieee13", "market.part=nodal"]


@pytest.fixture(scope="module")
def built():
    return build(load(None, SETS))


@pytest.mark.study
def test_sensitivities_are_those_of_differences(built):
    """Of losses and of violations, in float64; the band is so narrow that some nodes leave it and others do not."""
    with jax.enable_x64(True):
        feeder = on_device(built.world.feeder, jnp.float64)
        load_kw = jnp.asarray(np.random.default_rng(0).uniform(-40, 60, (2, len(feeder.terminals))))
        nothing, limits = jnp.zeros_like(load_kw), Limits(0.97, 1.02)

        def flow_of(kw):
            return solve(feeder, kw, nothing, 1e-12)

        def told(kw):
            flow = flow_of(kw)
            far = jnp.maximum(flow.voltage_pu - limits.high_pu, limits.low_pu - flow.voltage_pu)
            return np.array([flow.losses_kw[1], jnp.maximum(far, 0).sum(-1)[1]])

        found = marginal(flow_of, limits, load_kw)
        beyond = told(load_kw)[1]
        assert beyond > 0
        for place in (0, 5):
            step = jnp.zeros_like(load_kw).at[1, place].set(1e-3)
            slope = (told(load_kw + step) - told(load_kw - step)) / 2e-3
            np.testing.assert_allclose([found.loss[1, place], found.voltage[1, place]], slope, rtol=1e-5, atol=1e-9)


def test_a_bill_is_energy_losses_and_voltages():
    """Two homes of 3 and -1 kWh at 0.3: losses cost 5 % and 2 %, voltages 0.01 and -0.02 pu per kW at 4."""
    wires = Marginal(jnp.asarray([[0.05, 0.02]]), jnp.asarray([[0.01, -0.02]]))
    meter = Meter(jnp.asarray([[3.0, -1.0]]), jnp.asarray([0.3]), jnp.asarray([0.1]), jnp.ones(1), wires=wires)
    market = Nodal(violation_per_pu_h=4.0)
    found = market.settle(meter)
    prices = np.array([0.3 * 1.05 + 0.04, 0.3 * 1.02 - 0.08])
    np.testing.assert_allclose(found.bill[0], prices * [3, -1], rtol=1e-6)
    np.testing.assert_allclose(found.grid_bill[0], 0.6, rtol=1e-6)
    np.testing.assert_allclose(found.margin[0], 0.6 - prices @ [3, -1], rtol=1e-5)
    np.testing.assert_allclose(market.items(meter)["network"][0], (prices - 0.3) * [3, -1], rtol=1e-5, atol=1e-7)


def test_the_grid_price_follows_the_community_s_sign():
    step = Meter(jnp.asarray([[3.0, -1.0], [1.0, -3.0]]), jnp.full(2, 0.3), jnp.full(2, 0.1), jnp.ones(2))
    np.testing.assert_allclose(Nodal().settle(step).bill, [[0.9, -0.3], [0.1, -0.3]], rtol=1e-6)


def drawn(built, dtype):
    """The world, three steps of a day, and homes that draw and feed in at them."""
    world = on_device(built.world, dtype)
    days = jax.tree.map(np.asarray, built.sampler.every(jax.random.key(0), "test", 1))
    some = jax.tree.map(lambda x: x[:, :3] if x.ndim > 1 and x.shape[1] == 24 else x, days)
    power_kw = np.random.default_rng(0).uniform(-3, 5, (1, 3, 4))
    fields = {each.name: np.zeros((1, 3, 4)) for each in dataclasses.fields(Effect)}
    return world, on_device(some, dtype), on_device(Effect(**fields | {"power_kw": power_kw}), dtype)


@pytest.mark.slow
def test_a_world_bills_homes_by_where_they_are(built):
    with jax.enable_x64(True):
        world, some, effect = drawn(built, jnp.float64)
        outcome, wires = eqx.filter_jit(lambda w: (w.verdict(effect, jnp.zeros((1, 4)), some), w.marginal(effect)))(
            world
        )
        bill, margin, grid, loss = map(np.asarray, (outcome.bill, outcome.margin, outcome.grid_bill, wires.loss))
    assert loss.shape == bill.shape == (1, 3, 4)
    assert np.ptp(loss, axis=-1).min() > 1e-4
    np.testing.assert_allclose(bill.sum(-1) + margin, grid, rtol=1e-9)


@pytest.mark.study
def test_learners_take_prices_as_given(built):
    """The gradient of all bills is each home's own price: that of somebody who cannot move it."""
    world, some, effect = drawn(built, jnp.float32)

    @jax.grad
    def slope(power_kw):
        return world.verdict(dataclasses.replace(effect, power_kw=power_kw), jnp.zeros((1, 4)), some).bill.sum()

    found, wires = eqx.filter_jit(lambda: (slope(effect.power_kw), world.marginal(effect)))()
    price = jnp.where(effect.power_kw.sum(-1) > 0, some.import_price_per_kwh, some.export_price_per_kwh)[..., None]
    wanted = price * (1 + wires.loss) + world.market.violation_per_pu_h * wires.voltage
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_homes_without_wires_are_refused_before_any_work():
    with pytest.raises(ScenarioError, match=r"market.part = 'nodal'; allowed: a market without wires"):
        build(load(None, [*SETS, "feeder.part=none"]))


def test_it_says_that_it_has_no_bound(built):
    days = built.sampler.every(jax.random.key(0), "test", 1)
    assert "no linear program" in why_no_bound(built.world, days)
