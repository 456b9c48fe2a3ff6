"""What a home observes is what the table of features says: as many numbers, in its units and scales."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.homes.devices.battery import Battery
from wattflock.homes.devices.panel import Panel
from wattflock.homes.features import METER, VOLTAGE, see_price
from wattflock.homes.home import Home

ROOT = np.sqrt(0.5)


@pytest.fixture
def home():
    return Home({"panel": Panel(jnp.asarray(4.0)), "battery": Battery.example()}, jnp.zeros(()), 0.2)


def test_numbers_are_those_of_the_table(home, moment):
    now = moment(hour=3.0, outdoor_c=-5.0, weekend=1.0, import_price_per_kwh=0.4, price_ahead_per_kwh=0.2)
    state = {"panel": jnp.zeros(()), "battery": home.devices["battery"].size_kwh}
    wanted = [0.3, 2.4, 0.0, ROOT, ROOT, 1.0, 0.0, -1.5, 0.5, 0.4, 1.0]
    panel, battery = [4 * 0.6 / 5, 4 * 0.5 / 5, 4 * 2.0 / 25], [1.0]
    np.testing.assert_allclose(home.observe(state, now), wanted + panel + battery, atol=1e-6)
    assert len(wanted) == len(METER) == home.seen - 4


def test_the_coming_load_is_observed_only_where_it_is_known(home, moment):
    known = dataclasses.replace(home, load_known=True)
    state = home.init(moment())
    one, other = (home.observe(state, moment(load_kw=kw)) for kw in (0.7, 5.0))
    np.testing.assert_array_equal(one, other)
    with_load = known.observe(state, moment(load_kw=5.0))
    assert with_load[len(METER)] == 2.5
    np.testing.assert_array_equal(np.delete(with_load, len(METER)), one)
    assert with_load.shape == (known.seen,) == (home.seen + 1,)


def test_prices_are_relative_and_five_per_cent_of_voltage_are_one():
    assert see_price(jnp.asarray(2.0), 2.0) == 0
    assert see_price(jnp.asarray(4.0), 2.0) == pytest.approx(2.4)
    assert VOLTAGE.of(1.05) == pytest.approx(1)
