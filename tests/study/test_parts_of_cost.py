"""The cost of a home and its parts: they add up in every market, and each holds what its name says."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from wattflock.core.scenario import load
from wattflock.homes.device import COSTS
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.rules import Installer
from wattflock.market.market import Meter
from wattflock.market.markets.mid_market import MidMarket
from wattflock.market.markets.tariff import Tariff
from wattflock.study.build import build
from wattflock.study.compare import judge_method, unseen
from wattflock.study.summary import DAYS_A_MONTH, PARTS, summarise

KINDS = 'homes.kinds=[{name="all", share=1.0, devices=["battery", "ev", "generator", "heat_pump", "panel"]}]'
CHARGED = "carbon_per_t=70.0, export_charge_per_kwh=0.01, demand_per_kw_day=0.1, standing_per_day=0.4, loss_per_kw=1e-3"
KG_PER_KWH = jnp.array([0.2, 0.4])


@pytest.fixture(scope="module", params=["tariff", "mid_market"])
def days(request) -> pl.DataFrame:
    """Days of idle and of rules, of homes with every kind of device and every charge."""
    more = ", peak_per_kwh=0.2, peak_kw_per_home=0.05" if request.param == "mid_market" else ""
    sets = [KINDS, "feeder.part=none", "homes.count=4", "data.episode_days=2", f"market.part={request.param}"]
    built = build(load(None, [*sets, f"market.settings={{{CHARGED}, export_share=0.5{more}}}"]))
    some = unseen(built, 2, 0)
    found = {"idle": Uncontrolled(), "rules": Installer()}
    each = pl.concat([judge_method(built, some, name, policy)["days"] for name, policy in found.items()])
    return each.with_columns(optimum_cost_per_home=pl.lit(None, pl.Float64))


@pytest.mark.slow
def test_the_parts_add_up_to_the_cost_and_to_the_saving(days):
    parts = days.select(f"{part}_cost_per_home" for part in PARTS).to_numpy()
    np.testing.assert_allclose(parts.sum(1), days["cost_per_home"], rtol=1e-12)
    assert days.height == 8 and set(COSTS) <= set(PARTS)
    found: dict[str, Any] = summarise(days, "rules")
    saved = [found[f"saving_{part}_per_home_month"] for part in PARTS]
    assert sum(saved) == pytest.approx(found["saving_per_home_month"], rel=1e-9)
    assert found["saving_per_home_month"] == pytest.approx(DAYS_A_MONTH * found["saving_per_home_day"])
    assert pytest.approx(30.4166667) == DAYS_A_MONTH


def test_what_homes_pay_to_their_community_is_no_operating_cost(days):
    found: dict[str, Any] = summarise(days, "rules")
    own = days.filter(method="rules")
    paid = own["community_cost_per_home"].mean()
    assert found["operating_cost_per_home_day"] == pytest.approx(own["cost_per_home"].mean() - paid)
    assert found["daily_peak_kw"] == pytest.approx(own["peak_kw"].mean())
    assert found["daily_peak_kw"] <= found["peak_kw"]


def parts_of(market) -> dict[str, list[float]]:
    """Homes that draw 3 and feed in 1 kWh, then 2 and 0, at 0.30 and 0.10 per kWh before carbon."""
    carbon = 70 / 1000 * KG_PER_KWH
    meter = Meter(jnp.array([[3.0, -1.0], [2.0, 0.0]]), 0.3 + carbon, jnp.full(2, 0.1), 1.0)
    return {name: np.asarray(each, float).tolist() for name, each in market.parts(meter, KG_PER_KWH).items()}


def test_carbon_and_charges_of_homes_that_settle_alone():
    """3 kWh · 0.3 less 1 kWh · 0.1; carbon 3 · 0.014 and 2 · 0.028; 0.01 for each kWh fed in, 0.24 / 24 standing."""
    found = parts_of(Tariff(carbon_per_t=70.0, export_charge_per_kwh=0.01, standing_per_day=0.24))
    assert found["energy"] == pytest.approx([0.8, 0.6], rel=1e-5)
    assert found["carbon"] == pytest.approx([0.042, 0.056], rel=1e-5)
    assert found["network"] == pytest.approx([0.03, 0.02], rel=1e-5)


def test_carbon_of_a_community_is_that_of_what_it_draws_together():
    found = parts_of(MidMarket(carbon_per_t=70.0))
    assert found["energy"] == pytest.approx([0.6, 0.6], rel=1e-5)
    assert found["carbon"] == pytest.approx([0.028, 0.056], rel=1e-5)
    assert found["network"] == pytest.approx([0, 0], abs=1e-7)


def test_exports_that_earn_carbon_give_it_back():
    earns = Tariff(carbon_per_t=70.0, carbon_on_exports=True)
    carbon = 70 / 1000 * KG_PER_KWH
    meter = Meter(jnp.array([[3.0, -1.0], [2.0, -2.0]]), 0.3 + carbon, 0.1 + carbon, 1.0)
    found = earns.parts(meter, KG_PER_KWH)
    np.testing.assert_allclose(found["carbon"], [0.028, 0], atol=1e-6)
    np.testing.assert_allclose(found["energy"], [0.8, 0.4], rtol=1e-5)
