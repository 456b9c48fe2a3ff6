"""The double auction: hand-worked steps, ties, default bids, and agreement with a slow auction written as a loop."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.market.market import Meter
from wattflock.market.markets.auction import Auction, zero_intelligence
from wattflock.market.markets.mid_market import MidMarket


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64(True):
        yield


def meter(net_kwh, bids=None) -> Meter:
    """One hour at 0.4 to draw and 0.1 to feed in."""
    bid = None if bids is None else jnp.asarray([bids], float)
    return Meter(jnp.asarray([net_kwh], float), jnp.asarray([0.4]), jnp.asarray([0.1]), jnp.ones(1), bid)


# buyers of 2, 1, 1 kWh bid 0.35, 0.30, 0.15; sellers of 1.5, 2 kWh ask 0.12, 0.20: 3 kWh meet, the last pair 0.30, 0.20
NET, BIDS = (2.0, 1.0, 1.0, -1.5, -2.0), (0.35, 0.30, 0.15, 0.12, 0.20)


@pytest.mark.study
def test_the_highest_bids_meet_the_lowest_asks_at_one_price():
    found = Auction().settle(meter(NET, BIDS))
    price = 0.25
    wanted = [2 * price, price, 0.4, -1.5 * price, -1.5 * price - 0.5 * 0.1]
    np.testing.assert_allclose(found.bill[0], wanted, rtol=1e-12)
    np.testing.assert_allclose(Auction().local_kwh(meter(NET, BIDS))[0], [2, 1, 0, -1.5, -1.5], atol=1e-15)


def test_a_community_keeps_what_is_left_where_the_grid_nets_bids_that_did_not_meet():
    """1 kWh is bought at 0.4 and 0.5 sold at 0.1 at the grid, which bills 0.5 kWh at 0.4: 0.15 is kept."""
    found = Auction().settle(meter(NET, BIDS))
    np.testing.assert_allclose(found.grid_bill[0], 0.5 * 0.4, rtol=1e-12)
    np.testing.assert_allclose(found.margin[0], -0.15, rtol=1e-12)


@pytest.mark.parametrize(("share", "price"), [(0.0, 0.2), (0.5, 0.25), (1.0, 0.3)])
def test_the_price_stands_between_the_last_pair(share, price):
    bill = Auction(buyers_share=share).settle(meter(NET, BIDS)).bill[0]
    np.testing.assert_allclose(bill[1], price, rtol=1e-12)


def test_each_pays_the_own_bid_and_gets_the_own_ask():
    found = Auction(pricing="pay_as_bid").settle(meter(NET, BIDS))
    np.testing.assert_allclose(found.bill[0], [0.7, 0.3, 0.4, -0.18, -0.3 - 0.05], rtol=1e-12)
    np.testing.assert_allclose(found.margin[0], -(0.7 + 0.3 - 0.18 - 0.3) - 0.15, rtol=1e-12)


def test_those_who_tie_share_in_proportion():
    bought = Auction().local_kwh(meter((1.0, 3.0, -2.0), (0.3, 0.3, 0.2)))
    np.testing.assert_allclose(bought[0], [0.5, 1.5, -2.0], atol=1e-15)


def test_bids_count_at_most_as_what_the_grid_asks():
    """A bid of 9 and an ask of -9 are 0.4 and 0.1: nobody loses by a slip."""
    np.testing.assert_allclose(Auction().settle(meter((1.0, -1.0), (9.0, -9.0))).bill[0], [0.25, -0.25], rtol=1e-12)


def test_a_network_charge_keeps_apart_who_would_not_pay_it():
    """0.30 and 0.28 do not meet at a charge of 0.05; at 0.01 they do, at 0.29 plus and minus half of it."""
    step = meter((1.0, -1.0), (0.30, 0.28))
    np.testing.assert_allclose(Auction(wheeling_per_kwh=0.05).settle(step).bill[0], [0.4, -0.1], rtol=1e-12)
    found = Auction(wheeling_per_kwh=0.01).settle(step)
    np.testing.assert_allclose(found.bill[0], [0.295, -0.285], rtol=1e-12)
    np.testing.assert_allclose([found.margin[0], found.grid_bill[0]], [0, 0.01], atol=1e-15)


@pytest.mark.study
def test_without_bids_it_is_the_mid_market_rate():
    net = np.random.default_rng(0).normal(0, 2, (50, 9))
    step = Meter(jnp.asarray(net), jnp.full(50, 0.3), jnp.full(50, 0.1), jnp.ones(50))
    told = dataclasses.replace(step, bid_per_kwh=jnp.where(step.net_kwh > 0, 0.3, 0.1))
    for more, bids in (({}, step), ({}, told), ({"wheeling_per_kwh": 0.04}, step), ({"wheeling_per_kwh": 0.04}, told)):
        one, other = Auction(**more).settle(bids), MidMarket(**more).settle(step)
        np.testing.assert_allclose(one.bill, other.bill, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(one.margin, 0, atol=1e-12)


@pytest.mark.study
def test_traders_without_intelligence_bid_between_the_grid_s_prices():
    step = meter(np.random.default_rng(1).normal(0, 1, 200))
    told = zero_intelligence(step, jax.random.key(0))
    assert told.bid_per_kwh is not None
    assert 0.1 <= told.bid_per_kwh.min() < 0.11 and 0.39 < told.bid_per_kwh.max() <= 0.4
    assert np.abs(Auction().local_kwh(told)).sum() < np.abs(Auction().local_kwh(step)).sum()


def by_loop(net, bids) -> tuple[float, float]:
    """Traded energy, and the gain of trade, by matching the highest bid with the lowest ask again and again."""
    buyers = sorted(([bid, kwh] for kwh, bid in zip(net, bids, strict=True) if kwh > 0), reverse=True)
    sellers = sorted([bid, -kwh] for kwh, bid in zip(net, bids, strict=True) if kwh < 0)
    traded = gain = 0.0
    while buyers and sellers and buyers[0][0] >= sellers[0][0]:
        some = min(buyers[0][1], sellers[0][1])
        traded, gain = traded + some, gain + some * (buyers[0][0] - sellers[0][0])
        for side in (buyers, sellers):
            side[0][1] -= some
            if side[0][1] <= 1e-12:
                side.pop(0)
    return traded, gain


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-20, 20).map(lambda x: x / 4), st.integers(2, 8).map(lambda x: x / 20)),
        min_size=6, max_size=6,
    )
)  # fmt: skip
def test_it_trades_what_matching_one_by_one_trades_and_gains_as_much(homes):
    net, bids = zip(*homes, strict=True)
    traded, gain = by_loop(net, bids)
    local = np.asarray(Auction().local_kwh(meter(net, bids)))[0]
    np.testing.assert_allclose(local.clip(0).sum(), traded, atol=1e-10)
    np.testing.assert_allclose(local @ np.asarray(bids), gain, atol=1e-10)
