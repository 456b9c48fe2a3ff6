"""Tariffs, charges and the mid-market rate: exact bills, and plans that are bounds."""

import dataclasses
import datetime
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from tests.conftest import kinds_of
from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import bundled, load
from wattflock.core.types import on_device
from wattflock.data.price_table import priced
from wattflock.data.source import Readings
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.gradmap import GradMAP
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.market.market import Meter
from wattflock.market.markets.auction import Auction
from wattflock.market.markets.mid_market import MidMarket
from wattflock.market.markets.tariff import Tariff
from wattflock.market.retail import Retail
from wattflock.study.bound import Settings, bound, why_no_bound
from wattflock.study.build import build
from wattflock.world.rollout import judge, rollout

CASES = {  # energies, import price, export price → bills, community bill: rationals worked out by hand
    "deficit": ((2, 1, -1.2), 0.3, 0.1, (0.52, 0.26, -0.24), 0.54),
    "surplus": ((0.5, -2, -1), 0.3, 0.1, (0.1, -7 / 30, -7 / 60), -0.25),
    "balanced": ((1, -1, 0), 0.3, 0.1, (0.2, -0.2, 0), 0.0),
    "nobody sells": ((1, 2, 0), 0.3, 0.1, (0.3, 0.6, 0), 0.9),
    "nobody buys": ((-1, -2, 0), 0.3, 0.1, (-0.1, -0.2, 0), -0.3),
    "negative export price": ((0.5, -2, -1), 0.1, -0.05, (1 / 80, 3 / 40, 3 / 80), 0.125),
}


def meter(net_kwh, bought, sold, dt_h=1.0) -> Meter:
    """Of steps (steps, homes)."""
    net = jnp.asarray(net_kwh, float)
    net = net[None] if net.ndim == 1 else net
    return Meter(net, jnp.full(len(net), bought), jnp.full(len(net), sold), jnp.full(len(net), dt_h))


@pytest.mark.parametrize("name", CASES)
def test_the_mid_market_rate_is_exact(name):
    energy, bought, sold, bills, community = CASES[name]
    with jax.enable_x64(True):
        found = MidMarket().settle(meter(energy, bought, sold))
    np.testing.assert_allclose(found.bill[0], bills, atol=1e-15)
    np.testing.assert_allclose(found.grid_bill[0], community, atol=1e-15)
    np.testing.assert_allclose(found.margin[0], 0, atol=1e-15)


FULL: dict[str, Any] = {
    "standing_per_day": 0.5, "demand_per_kw_day": 0.1, "export_charge_per_kwh": 0.01, "loss_per_kw": 1e-3,
}  # fmt: skip
MARKETS = {
    "tariff": Tariff(export_share=0.4, **FULL),
    "mid-market": MidMarket(export_share=0.4, **FULL),
    "peak": MidMarket(export_share=0.4, peak_per_kwh=0.2, peak_kw_per_home=0.1, **FULL),
}


@pytest.mark.parametrize("market", MARKETS.values(), ids=MARKETS)
def test_bills_and_margin_are_the_grid_bill_with_every_charge(market):
    net = np.random.default_rng(0).normal(0, 4, (48, 30))
    with jax.enable_x64(True):
        found = market.settle(meter(net, 0.3, 0.2, 0.5))
        bill, margin, grid = map(np.asarray, (found.bill, found.margin, found.grid_bill))
    assert abs(bill.sum(-1) + margin - grid).max() <= 1e-9 * abs(grid).max()


def test_a_home_alone_pays_its_tariff_in_the_community_too():
    net = np.random.default_rng(1).normal(0, 4, (24, 1))
    with jax.enable_x64(True):
        one, other = (MARKETS[name].settle(meter(net, 0.3, 0.2)).bill for name in ("tariff", "mid-market"))
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_nobody_pays_more_in_the_community_than_on_the_own_tariff():
    net = np.random.default_rng(2).normal(0, 4, (240, 20))
    with jax.enable_x64(True):
        own = np.asarray(Tariff(export_share=0.4).settle(meter(net, 0.3, 0.2)).bill)
        community = np.asarray(MidMarket(export_share=0.4).settle(meter(net, 0.3, 0.2)).bill)
    assert (community <= own + 1e-12).all()
    assert community.sum() < 0.95 * own.sum()


def test_charges_are_worked_out_by_hand():
    with jax.enable_x64(True):
        found = Tariff(**FULL).settle(meter([[2.0, -1.0], [4.0, 0.0]], 0.3, 0.1))
    standing, demand = 0.5 / 24, 0.1 / 24 * 4
    losses = 1e-3 * 0.3 * np.array([1.0, 16.0])  # all homes draw 1, then 4 kW
    first = [0.6 + standing + demand + losses[0] * 2 / 3, -0.1 + standing + 0.01 + losses[0] / 3]
    np.testing.assert_allclose(found.bill, [first, [1.2 + standing + demand + losses[1], standing]], rtol=1e-12)


@pytest.fixture
def readings() -> Readings:
    days = np.ones((3, 4))
    return Readings(
        load_kw=days[..., None], sun_kw_per_kwp=days[..., None], outdoor_c=days, import_price_per_kwh=0.2 * days,
        export_price_per_kwh=0.1 * days, carbon_kg_per_kwh=0.5 * days, weekend=np.array([0.0, 0.0, 1.0]),
        month=np.ones(3), first_day=datetime.date(2020, 1, 2), homes=("a",), currency="GBP", card={},
    )  # fmt: skip


def test_prices_come_from_the_contract(readings):
    assert priced(Retail_of(), readings).import_price_per_kwh.tolist() == readings.import_price_per_kwh.tolist()
    flat = priced(
        Retail_of(prices_from="flat", flat_per_kwh=0.25, exports_from="fixed", export_per_kwh=0.05, carbon_per_t=100.0),
        readings,
    )
    np.testing.assert_allclose(flat.import_price_per_kwh, 0.25 + 0.05)
    np.testing.assert_allclose(flat.export_price_per_kwh, 0.05)
    bands = Retail_of(prices_from="bands", bands=((0, 12, 0.1), (12, 24, 0.3)), bands_free=((0, 24, 0.2),))
    wanted = [[0.1, 0.1, 0.3, 0.3]] * 2 + [[0.2] * 4]
    np.testing.assert_allclose(priced(bands, readings).import_price_per_kwh, wanted)


def test_exports_earn_what_imports_cost_where_net_metering_is_asked_for(readings):
    """With the carbon of both, where exports earn it too."""
    found = priced(Retail_of(exports_from="imports", carbon_per_t=100.0, carbon_on_exports=True), readings)
    np.testing.assert_allclose(found.import_price_per_kwh, 0.2 + 0.05)
    np.testing.assert_array_equal(found.export_price_per_kwh, found.import_price_per_kwh)
    np.testing.assert_allclose(priced(Retail_of(exports_from="imports"), readings).export_price_per_kwh, 0.2)


def test_the_community_s_peak_is_free_up_to_so_much_a_home():
    """Four homes at half an hour: 2 kW a home are drawn by one of them, 0.2 a home are free."""
    with jax.enable_x64(True):
        market = MidMarket(peak_per_kwh=0.5, peak_kw_per_home=0.2)
        found = market.settle(meter([[4.0, 0.0, 0.0, 0.0]], 0.3, 0.3, 0.5))
    np.testing.assert_allclose(found.bill[0], [1.2 + 0.5 * (4.0 - 0.8 * 0.5), 0, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(found.margin[0], -0.5 * 3.6, rtol=1e-12)


def Retail_of(**settings) -> Retail:
    return Tariff(**settings)


def test_bands_that_leave_a_gap_are_refused_all_at_once(readings):
    bands = Retail_of(prices_from="bands", bands=((0, 7, 0.1), (8, 24, 0.3)), bands_free=((0, 25, 0.1),))
    with pytest.raises(ScenarioError) as caught:
        priced(bands, readings)
    assert len(caught.value.problems) == 2
    assert "cover 0 to 24 h once" in str(caught.value)


def write_prices(path, days: int, value: float = 0.2):
    start = datetime.datetime(2020, 1, 2)
    when = [start + datetime.timedelta(minutes=30 * k) for k in range(48 * days)]
    hour = [each.hour for each in when]
    pl.DataFrame({"time": when, "import_per_kwh": [value + each / 100 for each in hour]}).write_csv(path)
    return str(path)


def test_a_price_file_is_averaged_over_the_steps(readings, tmp_path):
    contract = Retail_of(prices_from="file", file=write_prices(tmp_path / "p.csv", 3))
    found = priced(contract, readings).import_price_per_kwh
    np.testing.assert_allclose(found, [[0.225, 0.285, 0.345, 0.405]] * 3)  # of hours 0 to 5, 6 to 11, …


@pytest.mark.parametrize(
    ("days", "value", "words"),
    [(2, 0.2, "33% of that is missing"), (3, 20.0, "within ±10 in currency per kWh; 144 such")],
)
def test_a_price_file_that_does_not_fit_is_refused(readings, tmp_path, days, value, words):
    with pytest.raises(ScenarioError, match=words):
        priced(Retail_of(prices_from="file", file=write_prices(tmp_path / "p.csv", days, value)), readings)


def prices_at(path, stamps, values):
    pl.DataFrame({"time": stamps, "import_per_kwh": values}).write_csv(path)
    return Retail_of(prices_from="file", file=str(path))


def test_steps_that_do_not_divide_each_other_are_averaged(readings, tmp_path):
    """Stamps of four and a half hours over steps of six: 4.5 of the first and 1.5 of the second, …"""
    start = datetime.datetime(2020, 1, 2)
    stamps = [str(start + datetime.timedelta(hours=4.5 * k)) for k in range(16)]
    found = priced(prices_at(tmp_path / "p.csv", stamps, [0.1 * (k % 2) for k in range(16)]), readings)
    np.testing.assert_allclose(found.import_price_per_kwh[0], [0.025, 0.05, 0.075, 0.025])


def test_an_hour_that_clocks_repeat_is_its_mean_and_other_stamps_are_refused(readings, tmp_path):
    readings = dataclasses.replace(readings, first_day=datetime.date(2020, 10, 24))
    hours = [str(datetime.datetime(2020, 10, 24) + datetime.timedelta(hours=k)) for k in range(72)]
    found = priced(prices_at(tmp_path / "p.csv", [*hours, hours[25]], [0.1] * 72 + [0.7]), readings)
    np.testing.assert_allclose(found.import_price_per_kwh[1], [0.1 + 0.3 / 6, 0.1, 0.1, 0.1])
    with pytest.raises(ScenarioError, match="without an offset or Z"):
        priced(prices_at(tmp_path / "p.csv", [f"{hour}+01:00" for hour in hours], [0.1] * 72), readings)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("2020-10-24", [2]),  # a Saturday
        ("2020-10-24", [30]),  # on the right Sunday, at 6 in the morning
        ("2020-10-24", [25, 26]),  # two hours of it
        ("2020-10-24", [25, 25]),  # an hour three times
        ("2021-03-27", [25]),  # a Sunday in spring
        ("2020-10-17", [25]),  # a Sunday of October, but not its last
    ],
)
def test_a_stamp_that_no_clock_repeats_is_refused_with_its_rows(readings, tmp_path, first, again):
    begin = datetime.datetime.fromisoformat(first)
    hours = [str(begin + datetime.timedelta(hours=k)) for k in range(72)]
    stamps = [*hours, *(hours[k] for k in again)]
    with pytest.raises(ScenarioError) as error:
        dated = dataclasses.replace(readings, first_day=begin.date())
        priced(prices_at(tmp_path / "p.csv", stamps, [0.1] * len(stamps)), dated)
    for k in set(again):
        rows = ", ".join(str(2 + row) for row, stamp in enumerate(stamps) if stamp == hours[k])
        assert f"p.csv:{k + 2}: time = '{hours[k]}'" in str(error.value)
        assert f"rows {rows}" in str(error.value)
    assert len(error.value.problems) == len(set(again))


def test_a_market_made_in_python_is_checked_as_one_of_a_scenario():
    with pytest.raises(ScenarioError) as error:
        Tariff(0.3, export_share=1.5, standing_per_day=-1, bands=((0, 24, "dear"),))  # type: ignore
    found = {problem.field: str(problem) for problem in error.value.problems}
    assert set(found) == {"prices_from", "export_share", "standing_per_day", "bands.0.2"}
    assert "Tariff: prices_from = 0.3; allowed: one of data, flat, bands, file" in found["prices_from"]
    assert "at most 1" in found["export_share"]
    assert Tariff(export_share=jnp.asarray(0.3)).export_share == jnp.asarray(0.3)


def test_a_community_that_would_pay_sellers_more_than_buyers_pay_is_refused(readings):
    dear = dataclasses.replace(readings, export_price_per_kwh=0.3 * np.ones((3, 4)))
    with pytest.raises(ScenarioError, match="at 12 of 12 steps"):
        MidMarket().priced(dear)


SMALL = ["homes.count=6", "homes.homes_per_agent=1", "market.settings.export_share=0.3", "feeder.part=ieee13"]
EVERY = kinds_of(battery=0.5, heat_pump=0.2, ev=0.3)


def cost_of(market, days: int = 2):
    """The optimum's plan and its bound under a market, and what idle pays."""
    built = build(load(None, [*SMALL, EVERY]))
    world = dataclasses.replace(built.world, market=market)
    profile = jax.tree.map(np.asarray, built.sampler.every(jax.random.key(0), "test", days))
    assert why_no_bound(world, profile) == ""
    return list(bound(world, profile, Settings(rounds_most=0)))


PLANNED = MARKETS | {
    "auction": Auction(export_share=0.4, **FULL),
    "pay as bid": Auction(export_share=0.4, pricing="pay_as_bid"),
    "network charge in two communities": MidMarket(
        export_share=0.3, wheeling_per_kwh=0.05, peak_per_kwh=0.1,
        communities=((0, "a", 1.0), (1, "a", 0.5), (1, "b", 0.5), (2, "b", 1.0), (3, "a", 0.3)), **FULL,
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("market", PLANNED.values(), ids=PLANNED)
def test_a_plan_costs_in_the_world_what_its_program_says(market):
    for found in cost_of(market):
        assert found.lower_bound <= found.cost + 1e-6
        assert found.cost <= found.lower_bound + 0.01 * abs(found.lower_bound) + 1e-3


@pytest.mark.slow
def test_the_pooled_optimum_is_below_that_of_each_home_by_itself():
    own, pooled = (cost_of(market, 1)[0].cost for market in (Tariff(export_share=0.3), MidMarket(export_share=0.3)))
    assert pooled < own - 0.01


@pytest.mark.slow
def test_homes_learn_to_share_at_the_mid_market_rate():
    sets = ["homes.count=8", "feeder.part=none", "market.part=mid_market", "market.settings.export_share=0.3"]
    built = build(load(bundled()["portfolios"], sets))
    world, who = on_device(built.world, jnp.float32), GradMAP(days=4, total_rounds=60)
    profile = built.sampler.every(jax.random.key(0), "validation", 4)
    progress = begin(who, world, 0)
    after, _ = advance(progress, who, world, built.sampler.train, 60)
    bills = [
        judge(world, rollout(world, policy, profile, jax.random.key(0), 4), profile).cost.sum()
        for policy in (Uncontrolled(), who.policy(progress.state), who.policy(after.state))
    ]
    assert bills[2] < bills[1]
    assert bills[2] < bills[0]
