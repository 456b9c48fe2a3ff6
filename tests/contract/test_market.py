"""What every market keeps to: nothing is lost between the homes and the grid."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.core.registry import interface, parts
from wattflock.market.market import Meter, Settlement

MARKETS = parts("market", interface("market"))
STEPS, HOMES = 6, 5
every_market = pytest.mark.parametrize("name", MARKETS)


@eqx.filter_jit
def settle(market, meter: Meter) -> Settlement:
    return market.settle(meter)


def meter_of(seed: int, scale_kwh: float = 5.0, days: tuple[int, ...] = ()) -> Meter:
    random = np.random.default_rng(seed)
    energy = scale_kwh * random.standard_normal((*days, STEPS, HOMES))
    prices = (random.uniform(-0.1, 0.6, (*days, STEPS)) for _ in range(2))
    hours = np.full((*days, STEPS), 4.0)
    return Meter(*(jnp.asarray(values, float) for values in (energy, *prices, hours)))


@every_market
def test_it_says_where_it_comes_from(name):
    assert "Source:" in (MARKETS[name].__doc__ or "")


@every_market
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale_kwh=st.sampled_from([0.0, 1e-6, 1.0, 1e4]))
def test_bills_and_margin_are_the_grid_bill(name, seed, scale_kwh):
    with jax.enable_x64(True):
        result = settle(MARKETS[name].example(), meter_of(seed, scale_kwh))
        gap = jnp.abs(result.bill.sum(-1) + result.margin - result.grid_bill).max()
    assert float(gap) <= 1e-12 * max(1.0, scale_kwh)
    assert result.bill.dtype == "float64"


@pytest.mark.study
@every_market
def test_the_parts_of_the_grid_bill_add_up_to_it(name):
    market, meter = MARKETS[name].example(), meter_of(4)
    found = market.parts(meter, jnp.full(STEPS, 0.3))
    assert list(found) == ["energy", "carbon", "network"]
    assert jnp.allclose(sum(found.values()), settle(market, meter).grid_bill, rtol=1e-5, atol=1e-5)


@every_market
def test_who_draws_nothing_pays_nothing(name):
    meter = eqx.tree_at(lambda m: m.net_kwh, meter_of(0), jnp.zeros((STEPS, HOMES)))
    assert jnp.abs(settle(MARKETS[name].example(), meter).bill).max() == 0


@every_market
def test_the_order_of_homes_does_not_matter(name):
    meter, order = meter_of(1), jnp.array([3, 1, 4, 0, 2])
    other = eqx.tree_at(lambda m: m.net_kwh, meter, meter.net_kwh[:, order])
    market = MARKETS[name].example()
    assert jnp.allclose(settle(market, other).bill, settle(market, meter).bill[:, order], rtol=1e-5, atol=1e-6)


@every_market
def test_days_are_settled_side_by_side(name):
    market, days = MARKETS[name].example(), meter_of(2, days=(3,))
    together = settle(market, days)
    alone = [settle(market, jax.tree.map(lambda x: x[day], days)) for day in range(3)]  # noqa: B023
    assert together.bill.shape == (3, STEPS, HOMES)
    assert together.margin.shape == together.grid_bill.shape == (3, STEPS)
    assert jnp.allclose(together.bill, jnp.stack([each.bill for each in alone]))


@pytest.mark.study
@every_market
@pytest.mark.parametrize("scale_kwh", [0.0, 5.0])
def test_its_gradient_is_finite(name, scale_kwh):
    def worth(meter):
        return MARKETS[name].example().settle(meter).bill.sum()

    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.grad(worth)(meter_of(3, scale_kwh))))
