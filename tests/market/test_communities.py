"""Laws of all markets by chance, known answers of the mid-market rate, network charges and several communities."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.core.errors import ScenarioError
from wattflock.core.registry import interface, parts
from wattflock.feeder.marginal import Marginal
from wattflock.market.market import ITEMS, Meter
from wattflock.market.markets.auction import Auction
from wattflock.market.markets.mid_market import MidMarket
from wattflock.market.markets.nodal import Nodal
from wattflock.market.markets.tariff import Tariff

ROOT = Path(__file__).parents[2]
CHARGES: dict[str, Any] = {
    "standing_per_day": 0.5, "demand_per_kw_day": 0.1, "export_charge_per_kwh": 0.01, "loss_per_kw": 1e-3,
}  # fmt: skip
TWO = ((0, "north", 1.0), (1, "north", 0.4), (1, "south", 0.6), (2, "south", 0.5), (4, "south", 1.0))
EVERY = {name: kind.example() for name, kind in parts("market", interface("market")).items()} | {
    "charges": MidMarket(export_share=0.4, peak_per_kwh=0.2, peak_kw_per_home=0.1, **CHARGES),
    "wheeling": MidMarket(wheeling_per_kwh=0.07),
    "two communities": MidMarket(communities=TWO, wheeling_per_kwh=0.05, peak_per_kwh=0.1),
    "pay as bid": Auction(pricing="pay_as_bid", wheeling_per_kwh=0.03),
    "auctions in two": Auction(communities=TWO, buyers_share=0.8, **CHARGES),
}
WILLING = ("mid_market", "auction", "wheeling", "pay as bid")  # nobody pays more than on the own tariff
WITHOUT_PLACES = [name for name in EVERY if "two" not in name]
STEPS, HOMES = 4, 5
ENERGIES = st.lists(
    st.lists(st.sampled_from([0.0, 1.0, -1.0, 0.3, -2.4, 7.0, -1e-9, 250.0]), min_size=HOMES, max_size=HOMES),
    min_size=STEPS, max_size=STEPS,
)  # fmt: skip
BIDS = st.integers(0, 2**32 - 1)


def meter_of(energy, seed: int = 0, bids: bool = False, low: float = 0.1) -> Meter:
    """Energies with prices by chance, an export price at most the import price; `low` may be negative."""
    random, net = np.random.default_rng(seed), np.asarray(energy, float)
    sold = random.uniform(low, 0.2, len(net))
    bought = sold + random.choice([0.0, 0.05, 0.3], len(net))
    bid = jnp.asarray(random.choice([-0.1, 0.15, 0.2, 0.3, 0.9], net.shape)) if bids else None
    return Meter(jnp.asarray(net), *map(jnp.asarray, (bought, sold, np.full(len(net), 0.5))), bid_per_kwh=bid)


def settled(market, meter: Meter):
    found = market.settle(meter)
    return tuple(np.asarray(each) for each in (found.bill, found.margin, found.grid_bill))


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64(True):
        yield


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=12, deadline=None)
@given(energy=ENERGIES, seed=BIDS, bids=st.booleans())
def test_bills_and_margin_are_the_grid_s_bill_and_items_are_the_bill(name, energy, seed, bids):
    meter = meter_of(energy, seed, bids, low=-0.1)
    bill, margin, grid = settled(EVERY[name], meter)
    scale = np.abs(bill).sum(-1) + np.abs(margin) + np.abs(grid)
    assert (np.abs(bill.sum(-1) + margin - grid) <= 1e-12 * (1 + scale)).all()
    items = EVERY[name].items(meter)
    assert tuple(items) == ITEMS
    np.testing.assert_allclose(sum(map(np.asarray, items.values())), bill, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.asarray(EVERY[name].local_kwh(meter)).sum(-1), 0, atol=1e-12 * 1e3)


@pytest.mark.parametrize("name", ["mid_market", "auction", "nodal"])
@settings(max_examples=12, deadline=None)
@given(energy=ENERGIES, seed=BIDS, bids=st.booleans())
def test_the_grid_bills_a_community_as_one(name, energy, seed, bids):
    meter = meter_of(energy, seed, bids)
    total = np.asarray(energy, float).sum(-1)
    pooled = np.where(total > 0, meter.import_price_per_kwh, meter.export_price_per_kwh) * total
    np.testing.assert_allclose(settled(EVERY[name], meter)[2], pooled, rtol=1e-12, atol=1e-12)


@pytest.mark.study
@pytest.mark.parametrize("name", WILLING)
@settings(max_examples=20, deadline=None)
@given(energy=ENERGIES, seed=BIDS, bids=st.booleans())
def test_nobody_pays_more_than_on_the_own_tariff(name, energy, seed, bids):
    meter = meter_of(energy, seed, bids, low=-0.1)
    own = settled(Tariff(), meter)[0]
    assert (settled(EVERY[name], meter)[0] <= own + 1e-12 * (1 + np.abs(own))).all()


@pytest.mark.study
@pytest.mark.parametrize("name", WITHOUT_PLACES)
@settings(max_examples=8, deadline=None)
@given(energy=ENERGIES, seed=BIDS, bids=st.booleans(), order=st.permutations(range(HOMES)))
def test_the_order_of_homes_changes_no_bill(name, energy, seed, bids, order):
    meter, at = meter_of(energy, seed, bids), np.array(order)
    bid = meter.bid_per_kwh
    other = dataclasses.replace(meter, net_kwh=meter.net_kwh[:, at], bid_per_kwh=None if bid is None else bid[:, at])
    one, two = (settled(EVERY[name], each)[0] for each in (meter, other))
    np.testing.assert_allclose(two, one[:, at], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["mid_market", "auction", "wheeling", "pay as bid", "nodal", "charges", "tariff"])
def test_a_home_alone_pays_what_its_tariff_says(name):
    meter = meter_of(np.random.default_rng(1).normal(0, 4, (24, 1)))
    market = EVERY[name]
    if name == "charges":
        market = dataclasses.replace(market, peak_per_kwh=0.0)
    own = Tariff(**{field: getattr(market, field) for field in ("export_share", *CHARGES)})
    np.testing.assert_allclose(settled(market, meter)[0], settled(own, meter)[0], rtol=1e-12, atol=1e-14)


def one_step(*net_kwh: float) -> Meter:
    """An hour at 0.3 to draw and 0.1 to feed in."""
    return Meter(jnp.asarray([net_kwh]), jnp.asarray([0.3]), jnp.asarray([0.1]), jnp.ones(1))


COMMUNITY = ("mid_market", "auction", "pay as bid", "wheeling")


@pytest.mark.parametrize("name", COMMUNITY)
@pytest.mark.parametrize(
    "net_kwh", [(1.0, 2.0, 0.0), (-1.0, -2.0, 0.0), (0.0, 0.0, 0.0), (-3.0,), (3.0,), (0.0, -2.5, 0.0)]
)
def test_without_a_trade_all_pay_their_tariff(name, net_kwh):
    """Nobody or everybody with surplus, a home with surplus alone, one home, no energy at all."""
    meter = one_step(*net_kwh)
    np.testing.assert_allclose(settled(EVERY[name], meter)[0], settled(Tariff(), meter)[0], atol=1e-15)
    assert not np.asarray(EVERY[name].local_kwh(meter)).any()


@pytest.mark.parametrize("name", COMMUNITY)
def test_several_producers_sell_in_proportion_whatever_their_order(name):
    """gridsingularity/gsy-e, pull request 1846: first come, first served hid behind tests with one producer."""
    market = EVERY[name]
    for net_kwh, at in (((0.5, -0.4, -0.4), 0), ((-0.4, 0.5, -0.4), 1), ((-0.4, -0.4, 0.5), 2)):
        wanted = np.full(3, -0.25)
        wanted[at] = 0.5
        np.testing.assert_allclose(np.asarray(market.local_kwh(one_step(*net_kwh)))[0], wanted, atol=1e-15)


def test_a_network_charge_is_paid_half_by_each_side_and_owed_to_the_grid():
    """1.2 of 3 kWh are traded at 0.2; 0.06 on each, so that the grid gets 0.54 + 0.072."""
    market, meter = MidMarket(wheeling_per_kwh=0.06), one_step(2.0, 1.0, -1.2)
    bill, margin, grid = settled(market, meter)
    np.testing.assert_allclose(bill[0], [0.52 + 0.8 * 0.03, 0.26 + 0.4 * 0.03, -0.24 + 1.2 * 0.03], rtol=1e-12)
    np.testing.assert_allclose([margin[0], grid[0]], [0, 0.612], atol=1e-15)
    np.testing.assert_allclose(market.items(meter)["network"][0], [0.024, 0.012, 0.036], rtol=1e-12)


def test_a_network_charge_beyond_the_gap_leaves_all_on_their_tariff():
    meter = one_step(2.0, 1.0, -1.2)
    for charge in (0.2, 5.0):
        bill, margin, grid = settled(MidMarket(wheeling_per_kwh=charge), meter)
        np.testing.assert_allclose(bill[0], [0.6, 0.3, -0.12], rtol=1e-12)
        np.testing.assert_allclose([margin[0], grid[0]], [0, 0.78], atol=1e-15)


def test_a_home_in_two_communities_splits_its_energy():
    """Home 1 feeds in 2 kWh: half to home 0 in the north, half to home 2 in the south; home 3 is nowhere."""
    market = MidMarket(communities=((0, "north", 1.0), (1, "north", 0.5), (1, "south", 0.5), (2, "south", 1.0)))
    bill, margin, grid = settled(market, one_step(3.0, -2.0, 0.5, 1.0))
    # north: 1 of 3 kWh traded at 0.2; south: 0.5 kWh at 0.2, 0.5 left over at 0.1; home 3 buys at 0.3
    np.testing.assert_allclose(bill[0], [0.2 + 2 * 0.3, -0.2 - (0.1 + 0.05), 0.1, 0.3], rtol=1e-12)
    np.testing.assert_allclose([margin[0], grid[0]], [0, 0.6 - 0.05 + 0.3], atol=1e-15)


def test_one_community_of_all_is_the_usual_one():
    meter = meter_of(np.random.default_rng(0).normal(0, 2, (STEPS, HOMES)), bids=True)
    said = tuple((home, "all", 1.0) for home in range(HOMES))
    for usual, named in ((MidMarket(), MidMarket(communities=said)), (Auction(), Auction(communities=said))):
        np.testing.assert_allclose(settled(named, meter)[0], settled(usual, meter)[0], rtol=1e-12)


def test_communities_that_cannot_be_are_refused_all_at_once():
    rows = ((0, "a", 0.7), (0, "b", 0.7), (1, "a", 0.5), (1, "a", 0.2), (-1, "a", 1.0), (2, "a", 0.0))
    with pytest.raises(ScenarioError) as error:
        MidMarket(communities=rows)
    assert [problem.value for problem in error.value.problems] == [list(rows[k]) for k in (1, 3, 4, 5)]
    assert "those of home 0 make 1.4" in str(error.value)
    with pytest.raises(ScenarioError, match="homes 0 to 3"):
        MidMarket(communities=((4, "a", 1.0),)).refuse_world(4, wires=True)


@pytest.mark.parametrize("market", [MidMarket(), Auction()])
def test_an_export_price_above_the_import_price_is_named_with_its_steps(market):
    with pytest.raises(ScenarioError, match=r"so at 2 of 4 steps: day 0 step 1, day 1 step 0") as error:
        market.refuse_prices(np.array([[0.3, 0.05], [0.05, 0.3]]), np.full((2, 2), 0.1))
    assert error.value.problems[0].value == 0.1
    assert market.name in error.value.problems[0].where
    market.refuse_prices(np.array([[-0.1]]), np.array([[-0.1]]))  # negative, and equal: fine
    Tariff().refuse_prices(np.array([[0.05]]), np.array([[0.1]]))  # homes by themselves lose nothing


def test_the_worked_hour_of_the_page_is_what_markets_do():
    """docs/market.md: homes of 2, 1 and -1.2 kWh under every market."""
    step = one_step(2.0, 1.0, -1.2)
    bids = dataclasses.replace(step, bid_per_kwh=jnp.asarray([[0.28, 0.20, 0.15]]))
    wires = Marginal(jnp.asarray([[0.04, 0.06, 0.02]]), jnp.zeros((1, 3)))
    told = {
        "`tariff`": (Tariff(), step),
        "`mid_market`": (MidMarket(), step),
        "`mid_market`, `wheeling_per_kwh` 0.06": (MidMarket(wheeling_per_kwh=0.06), step),
        "`auction` at 0.215": (Auction(), bids),
        "`auction`, `pay_as_bid`": (Auction(pricing="pay_as_bid"), bids),
        "`nodal`": (Nodal(), dataclasses.replace(step, wires=wires)),
    }
    lines = (ROOT / "docs" / "market.md").read_text(encoding="utf-8").split("\n### ")[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    assert [row[0] for row in rows] == list(told)
    for name, *cells in rows:
        market, meter = told[name]
        bill, margin, grid = settled(market, meter)
        wanted = [float(cell.replace("−", "-")) for cell in cells]
        np.testing.assert_allclose([*bill[0], bill.sum(), margin[0], grid[0]], wanted, atol=1e-12)
