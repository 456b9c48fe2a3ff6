"""Prices and carbon of a region: typical months, and days that differ as measured days do."""

import numpy as np
import pytest

from wattflock.data.calendar import calendar
from wattflock.sources.synthetic import FIRST_DAY, Synthetic
from wattflock.synth import bundle
from wattflock.synth.market import NAMES, dynamic, typical

STEPS = (24, 48, 288)


@pytest.fixture(scope="module")
def given():
    when = calendar(FIRST_DAY, 364, "Europe/London")
    return bundle.load("london")[0].market, when, np.asarray(when.month)


@pytest.mark.parametrize("steps", STEPS)
def test_days_differ_around_the_typical_one(given, steps):
    market, when, month = given
    made = dynamic(market, when, month, steps, 0)
    for name in NAMES:
        usual = typical(market, name, when, month, steps)
        assert made[name].shape == usual.shape == (364, steps)
        assert abs(made[name].mean() / usual.mean() - 1) < 0.1
    price = made["import_price_per_kwh"]
    of_days, usual_days = price.mean(1), typical(market, NAMES[0], when, month, steps).mean(1)
    beyond = of_days - usual_days
    assert 0.01 < beyond.std() < 0.04  # measured: 0.023 around the year's mean
    assert 0.3 < np.corrcoef(beyond[1:], beyond[:-1])[0, 1] < 0.9  # a dear day follows a dear day
    assert (made["carbon_kg_per_kwh"] >= 0).all() and (made["export_price_per_kwh"] <= price).all()


def test_carbon_and_prices_move_together(given):
    made = dynamic(*given[:2], given[2], 48, 0)
    assert np.corrcoef(made[NAMES[0]].mean(1), made[NAMES[1]].mean(1))[0, 1] > 0.9
    assert np.corrcoef(made[NAMES[0]].mean(1), made[NAMES[2]].mean(1))[0, 1] > 0.2


def test_a_seed_gives_the_same_days_and_another_one_others(given):
    first, again, other = (dynamic(*given, 48, seed)[NAMES[0]] for seed in (0, 0, 1))
    assert (first == again).all() and not (first == other).all()


@pytest.mark.slow
def test_the_source_gives_them():
    prices = [
        Synthetic(homes=1, prices=each, step_min=30).read().import_price_per_kwh for each in ("typical", "dynamic")
    ]
    assert prices[0].shape == prices[1].shape
    assert len(np.unique(prices[0], axis=0)) <= 24 < len(np.unique(prices[1], axis=0))
