"""Figures of a method: one name and meaning each, paired where days are shared, and of the same days where compared."""

import numpy as np
import polars as pl
import pytest

from tests.report.conftest import BOUND_DAYS, make_days
from wattflock.study.quantities import QUANTITIES, SHORT, WIDE
from wattflock.study.summary import on_shared_days, paired_mean, summarise
from wattflock.verbs.explain import explanation

BESIDE = {  # of a quantity, not one of its own
    "days", "cost_low", "cost_high", "saving_half_width", "saving_captured_low", "saving_captured_high",
}  # fmt: skip


@pytest.fixture(scope="module")
def days() -> pl.DataFrame:
    """Days of four methods and the bound."""
    return make_days(np.random.default_rng(3))


def test_every_figure_of_a_method_is_a_known_quantity(days):
    assert summarise(days, "gradmap").keys() - BESIDE == QUANTITIES.keys() - {"train_seconds"}
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


def test_the_season_is_not_in_the_interval_of_a_saving(days):
    figures = summarise(days, "gradmap")
    swing = figures["cost_high"] - figures["cost_low"]
    assert figures["saving_half_width"] < 0.2 * swing
    idle = summarise(days, "idle")
    assert figures["saving_per_home_day"] == pytest.approx(idle["cost_per_home_day"] - figures["cost_per_home_day"])
    assert (idle["saving_per_home_day"], idle["saving_half_width"]) == (0, 0)


def test_shared_days_are_those_with_an_optimum(days):
    found = on_shared_days(days)
    assert {row["days"] for row in found.values()} == {len(BOUND_DAYS)} and "bound" in found
    assert found["bound"] == summarise(days, "bound")
    assert on_shared_days(days.filter(pl.col("day").is_in(BOUND_DAYS))) == {}
    assert on_shared_days(days.with_columns(optimum_cost_per_home=pl.lit(None, pl.Float64))) == {}
