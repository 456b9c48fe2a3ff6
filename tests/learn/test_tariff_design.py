"""A network tariff by gradients: what the wires feel, what homes pay, how zones are drawn; its file in a market."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.types import DAY_KINDS
from wattflock.data.network_table import table_of_homes
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.tariff_design import KINDS, Tariff, TariffDesign, centres
from wattflock.market.markets.network_tariff import NetworkTariff
from wattflock.market.markets.tariff import Tariff as Contract
from wattflock.study.bound import bound
from wattflock.study.lp import minimise, only_load
from wattflock.verbs.tariffs import found
from wattflock.world.rollout import ZeroPolicy, rollout

KEY = jax.random.key(0)
QUICK = TariffDesign(days=2, hidden=(8,), zones=3, total_rounds=10)


@pytest.mark.slow
def test_the_wires_feel_what_a_difference_quotient_says(world64, profile64):
    with jax.enable_x64(True):
        days = dataclasses.replace(profile64, load_kw=3 * profile64.load_kw)
        went = rollout(world64, ZeroPolicy(), days, KEY)
        state = QUICK.init(world64, KEY)
        felt = np.asarray(QUICK.felt(world64, days, went, state))
        day, step, terminal = np.unravel_index(np.abs(felt).argmax(), felt.shape)
        assert abs(felt[day, step, terminal]) > 0.01, "the days of this test should violate a limit"

        def wires(more_kw: float) -> float:
            home = int(np.flatnonzero(np.asarray(world64.placement)[:, terminal])[0])
            power = went.effect.power_kw.at[day, step, home].add(more_kw)
            outcome = world64.verdict(dataclasses.replace(went.effect, power_kw=power), went.end, days, QUICK.margin_pu)
            return float(QUICK.lagrangian.wires(outcome, state.multiplier))

        quotient = (wires(1e-3) - wires(-1e-3)) / 2e-3 / float(days.dt_h[day, step])
        assert quotient == pytest.approx(felt[day, step, terminal], rel=1e-3)


@pytest.mark.slow
def test_prices_follow_the_wires_of_their_kind_of_day_within_bounds(world, profile):
    learner = dataclasses.replace(QUICK, most_per_kwh=0.05, apart_per_kwh=0.01)
    heavy = dataclasses.replace(profile, load_kw=3 * profile.load_kw, day_kind=jnp.ones_like(profile.hour))

    def draw(key, days):
        return jax.tree.map(lambda x: jnp.repeat(x[:1], days, 0), heavy)

    after, _ = advance(begin(learner, world, 0), learner, world, draw, 3)
    tariff, level = after.state.beside, world.fleet.reference_price_per_kwh / 0.3
    price = np.asarray(tariff.price)
    assert price.shape == (KINDS, world.steps, 3)
    assert price[1].any() and not price[[0, 2]].any(), "only mild days were seen"
    assert np.abs(price).max() <= 0.05 * level * 1.001
    middle = np.average(np.asarray(tariff.cost), axis=-1, weights=np.asarray(world.placement).sum(0))
    assert np.abs(price - np.clip(middle, -0.05 * level, 0.05 * level)[..., None]).max() <= 0.011 * level
    assert set(np.asarray(tariff.zone)) <= {0, 1, 2}


def test_zones_are_those_of_like_cost_and_have_its_mean():
    cost = jnp.asarray([0.1, 0.2, 0.9, 1.0])[None, None] * jnp.ones((KINDS, 24, 1))
    weight = jnp.asarray([1.0, 3.0, 1.0, 1.0])[None, None]
    found = centres(cost, jnp.asarray([0, 0, 1, 1]), weight, 3)
    assert np.allclose(found[0, 0, :2], [0.175, 0.95])
    assert np.allclose(found[0, 0, 2], (0.1 + 0.6 + 0.9 + 1.0) / 6), "a zone without homes has the mean of all"


def test_homes_pay_the_price_of_their_zone():
    price = jnp.arange(KINDS * 2 * 2.0).reshape(KINDS, 2, 2)
    tariff = Tariff(jnp.zeros((KINDS, 2, 3)), jnp.asarray([0, 1, 1]), price, jnp.asarray(0))
    homes = tariff.of_homes(jnp.asarray([[1.0, 0, 0], [0, 0, 1.0]]), jnp.asarray([2, 0]))
    assert np.asarray(homes).tolist() == [[[8, 9], [10, 11]], [[0, 1], [2, 3]]]


def written(tmp_path, change=lambda table: table):
    table = pl.DataFrame(
        [(f"t{at}", at + 1, day, hour, 0.01 * (at + 1) * (1 + kind) + 0.001 * hour)
         for kind, day in enumerate(DAY_KINDS) for hour in range(24) for at in range(2)],
        schema=["terminal", "zone", "day", "hour", "network_per_kwh"], orient="row",
    )  # fmt: skip
    path = tmp_path / "network.csv"
    change(table).write_csv(path)
    return str(path)


def test_the_market_adds_the_price_and_hands_it_back(tmp_path, profile):
    homes = profile.load_kw.shape[-1]
    market = NetworkTariff(network_file=written(tmp_path)).placed(("t0", "t1") * (homes // 2))
    days = dataclasses.replace(profile, day_kind=jnp.full_like(profile.hour, 2.0))
    more = np.asarray(market.network(days))
    assert more.shape == profile.load_kw.shape
    assert np.allclose(more[0, 5, :2], [0.03 + 0.005, 0.06 + 0.005])
    meter = market.meter(profile.load_kw - 0.5, days)
    with_it, without = market.settle(meter), NetworkTariff().settle(dataclasses.replace(meter, network_per_kwh=None))
    assert np.allclose(with_it.bill.sum(-1), without.bill.sum(-1), atol=1e-5)
    assert np.allclose(with_it.grid_bill, without.grid_bill)
    slope = jax.grad(lambda kwh: market.settle(dataclasses.replace(meter, net_kwh=kwh)).bill.sum())(meter.net_kwh)
    usual = jax.grad(
        lambda kwh: NetworkTariff().settle(dataclasses.replace(meter, net_kwh=kwh, network_per_kwh=None)).bill.sum()
    )
    assert np.allclose(slope - usual(meter.net_kwh), more, atol=1e-6), (
        "a home minds what it pays, not what it gets back"
    )
    assert np.allclose(sum(market.items(meter).values()), with_it.bill, atol=1e-6)


def priced(profile, **settings):
    """The market with a price of the network that differs from home to home and hour to hour."""
    more = np.random.default_rng(0).uniform(-0.1, 0.1, (KINDS, 24, profile.load_kw.shape[-1]))
    return NetworkTariff(network_per_kwh=more, **settings)


@pytest.mark.slow
def test_the_optimum_of_all_homes_is_that_of_the_tariff_with_its_settings(world64, profile64):
    settings = {"export_share": 0.3, "demand_per_kw_day": 0.1, "standing_per_day": 0.2}
    cost = []
    for market in (Contract(**settings), priced(profile64, **settings)):
        world = dataclasses.replace(world64, feeder=None, judges=(), guard=None, voltmeter=None, market=market)
        cost.append([each.lower_bound for each in bound(world, profile64, workers=1)])
    assert np.allclose(*cost, rtol=1e-6)


@pytest.mark.study
@pytest.mark.parametrize("settings", [{}, {"demand_per_kw_day": 0.5, "standing_per_day": 0.2}])
def test_a_home_that_plans_alone_pays_its_price_and_its_charges(world64, profile64, settings):
    day = jax.tree.map(lambda x: np.asarray(x)[0], profile64)
    market, usual = priced(profile64, **settings), Contract(**settings)
    load = np.random.default_rng(1).uniform(-2, 2, day.load_kw.shape)
    spent = []
    for each in (market, usual):
        program, power = only_load(dataclasses.replace(day, load_kw=load))
        each.plan_alone(program, power, day)
        spent.append(minimise(program).cost)
    extra = (np.asarray(market.network(day)) * load * day.dt_h[:, None]).sum()
    assert spent[0] - spent[1] == pytest.approx(extra, rel=1e-6)


WRONG = {
    "network_per_kwh": lambda table: table.with_columns(network_per_kwh=pl.lit("dear")),
    "hour": lambda table: table.with_columns(hour=pl.col("hour") + 1),
    "day": lambda table: table.with_columns(day=pl.lit("hot")),
    "terminal": lambda table: table.filter(pl.col("terminal") != "t1"),
    "rows of terminal": lambda table: table.head(100),
    "zone|terminal": lambda table: table.drop("terminal"),
}


@pytest.mark.parametrize("said", WRONG)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path, said):
    with pytest.raises(ScenarioError, match=said):
        table_of_homes(written(tmp_path, WRONG[said]), ("t0", "t1"))


def test_a_market_without_its_file_is_refused():
    with pytest.raises(ScenarioError, match="network_file"):
        NetworkTariff().placed(("t0",))


def test_a_run_without_wires_has_no_tariff(monkeypatch, world):
    bare = SimpleNamespace(world=dataclasses.replace(world, feeder=None))
    run = SimpleNamespace(parts=SimpleNamespace(learner=lambda name: TariffDesign()), built=bare)
    monkeypatch.setattr("wattflock.verbs.study._reopened", lambda *_: run)
    with pytest.raises(ScenarioError, match="without wires"):
        found("latest", "tariff_design", Path("runs"))
