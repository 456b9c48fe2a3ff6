"""Figures of a method: one name and meaning each, paired where days are shared, and of the same days where compared."""

import numpy as np
import polars as pl
import pytest

from tests.report.conftest import BOUND_DAYS, make_days
from wattflock.study.quantities import QUANTITIES, SHORT, WIDE
from wattflock.study.summary import (
    gain,
    on_shared_days,
    over_seeds,
    paired_mean,
    paired_ratio,
    summarise,
    who_pays_more,
)
from wattflock.verbs.explain import explanation

BESIDE = {"days", "cost_half_width", "saving_half_width", "saving_captured_half_width"}  # not quantities themselves


@pytest.fixture(scope="module")
def days() -> pl.DataFrame:
    """Days of four methods and the bound."""
    return make_days(np.random.default_rng(3))


def test_every_figure_of_a_method_is_a_known_quantity(days):
    assert summarise(days, "gradmap").keys() - BESIDE == QUANTITIES.keys() - {"train_seconds", "warm_seconds"}
    assert set(SHORT) <= set(WIDE) <= QUANTITIES.keys()


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_quantity_says_what_it_means_and_explain_says_the_same(name):
    quantity = QUANTITIES[name]
    assert quantity.label and quantity.unit and quantity.meaning.endswith(".")
    assert explanation(name) == f"{name}: {quantity.meaning}"


def test_carbon_has_one_definition_with_credits_and_fuel():
    meaning = QUANTITIES["co2_kg_per_home_day"].meaning
    assert all(word in meaning for word in ("from the grid", "counts back", "fuel burnt at home"))


def test_an_interval_of_a_paired_difference_is_students():
    mean, half = paired_mean(np.array([1.0, 2.0, 3.0, 4.0]))
    assert (mean, half) == pytest.approx((2.5, 3.182446 * np.sqrt(5 / 3) / 2), rel=1e-6)
    assert paired_mean(np.array([2.0])) == (2.0, None) and paired_mean(np.array([])) == (None, None)


def test_an_interval_of_a_ratio_is_students_of_its_residuals():
    """R = 6/10; residuals 1 - 1.2, 2 - 1.8, 3 - 3 = -0.2, 0.2, 0; s = 0.2; t(2, 0.975) = 4.302653; mean below 10/3."""
    share, half = paired_ratio(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.0]))
    assert (share, half) == pytest.approx((0.6, 4.302653 * 0.2 / np.sqrt(3) / (10 / 3)), rel=1e-6)
    assert paired_ratio(np.array([1.0]), np.array([2.0])) == (0.5, None)


def test_an_interval_over_seeds_is_of_differences_of_the_same_seed():
    """Differences of seeds 0, 1 and 4: 1, 2 and 6; their mean 3, s = √7; seed 2 has one method alone."""
    mean, half = over_seeds({0: 5.0, 1: 7.0, 2: 99.0, 4: 8.0}, {4: 2.0, 1: 5.0, 0: 4.0})
    assert (mean, half) == pytest.approx((3.0, 4.302653 * np.sqrt(7 / 3)), rel=1e-6)
    assert over_seeds({0: 2.0}, {0: 1.0}) == (1.0, None) and over_seeds({0: 2.0}, {1: 1.0}) == (None, None)


def test_rounding_is_a_share_of_a_home_s_bill_or_of_the_mean_one():
    """Bills of 4, 0 and -2, of mean size 2: differences within 4e-6, 2e-6 and 2e-6 are none."""
    usual = pl.Series([4.0, 0.0, -2.0])
    for more, saved in (([3.9e-6, 1.9e-6, 1.9e-6], [0, 0, 0]), ([4.1e-6, 2.1e-6, -2.1e-6], [-4.1e-6, -2.1e-6, 2.1e-6])):
        table = pl.DataFrame({"usual": usual, "cost": usual + pl.Series(more)})
        found = table.select(gain(pl.col("cost"), pl.col("usual"))).to_series().to_list()
        assert found == pytest.approx(saved, rel=1e-6, abs=0)


def test_homes_that_pay_more_are_counted_on_the_days_of_the_method():
    """Home 0 saves 1 a day; 1 pays 0.25 more; 2 pays the same but for rounding; on day 7 all would pay 10 more."""
    cost = {("idle", 0): 3.0, ("idle", 1): 2.0, ("idle", 2): 1.0}
    cost |= {("mine", 0): 2.0, ("mine", 1): 2.25, ("mine", 2): 1.0 + 1e-12}
    rows = [(name, day, home, each + 10 * (day == 7 and name == "mine"))
            for (name, home), each in cost.items() for day in (0, 1, 7)]  # fmt: skip
    homes = pl.DataFrame(rows, schema=["method", "day", "home", "cost"], orient="row")
    found = who_pays_more(homes, "mine", pl.Series([0, 1]))
    assert found == {"pay_more_share": pytest.approx(1 / 3), "pay_more_worst_per_year": pytest.approx(0.25 * 365)}
    assert list(who_pays_more(homes, "idle", pl.Series([0, 1])).values()) == [0, 0]
    for level in (1e-3, 1.0, 1e6):  # whatever the currency
        other = who_pays_more(homes.with_columns(pl.col("cost") * level), "mine", pl.Series([0, 1]))
        assert list(other.values()) == pytest.approx([1 / 3, 0.25 * 365 * level])
    assert list(who_pays_more(None, "mine", pl.Series([0])).values()) == [None, None]


def test_the_season_is_not_in_the_interval_of_a_saving(days):
    figures = summarise(days, "gradmap")
    assert figures["saving_half_width"] < 0.4 * figures["cost_half_width"]
    idle = summarise(days, "idle")
    assert figures["saving_per_home_day"] == pytest.approx(idle["cost_per_home_day"] - figures["cost_per_home_day"])
    assert (idle["saving_per_home_day"], idle["saving_half_width"]) == (0, 0)


def test_shared_days_are_those_with_an_optimum(days):
    found = on_shared_days(days)
    assert {row["days"] for row in found.values()} == {len(BOUND_DAYS)} and "bound" in found
    assert found["bound"] == summarise(days, "bound")
    assert found["gradmap"]["saving_captured"] is not None and summarise(days, "gradmap")["saving_captured"] is None
    assert on_shared_days(days.filter(pl.col("day").is_in(BOUND_DAYS))) == {}
    assert on_shared_days(days.with_columns(optimum_cost_per_home=pl.lit(None, pl.Float64))) == {}
