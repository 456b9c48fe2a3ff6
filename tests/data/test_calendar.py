"""One calendar: what is fitted month by month is used month by month, in leap years too."""

import dataclasses
import datetime

import jax
import numpy as np
import pytest

from wattflock.data.calendar import calendar
from wattflock.data.source import Readings
from wattflock.synth import bundle
from wattflock.synth.market import market_of, typical

LEAP, COMMON = datetime.date(2028, 1, 1), datetime.date(2027, 1, 1)


@pytest.mark.parametrize("first", [LEAP, COMMON])
def test_the_calendar_is_that_of_dates(first):
    days = [first + datetime.timedelta(days=k) for k in range(366)]
    when = calendar(first, 366, "Europe/London")
    assert when.month.tolist() == [day.month for day in days]
    assert when.weekday.tolist() == [day.weekday() for day in days]
    assert when.weekend.tolist() == [float(day.weekday() >= 5) for day in days]


@pytest.mark.parametrize("first", [LEAP, COMMON])
def test_a_day_has_the_prices_of_its_own_month(first):
    when = calendar(first, 366)
    price = np.repeat(when.month[:, None] + 0.1 * when.weekend[:, None], 24, 1)
    empty = np.zeros((366, 24, 1))
    readings = Readings(
        empty,
        empty,
        empty[..., 0],
        price,
        price,
        price,
        np.asarray(when.weekend),
        np.asarray(when.month),
        first,
        ("1",),
        "USD",
        {},
    )
    fitted = market_of(readings)
    assert np.allclose(typical(fitted, "import_price_per_kwh", when, np.asarray(when.month), 24), price)
    assert np.abs(fitted["changes"]).max() < 1e-6  # rounding


@pytest.mark.slow
def test_clouds_of_a_leap_day_are_february_s():
    sky = bundle.load("london")[0].sky
    months = np.arange(12.0)[:, None] / 12 * np.ones_like(sky.clouds["days"])
    sky = dataclasses.replace(sky, clouds=sky.clouds | {"days": months.astype(np.float32)})
    when = calendar(datetime.date(2028, 2, 28), 3, "Europe/London")
    start = np.zeros(()), np.zeros(sky.warmth["follow"].shape)
    days = [jax.tree.map(lambda x, k=k: x[k], when) for k in range(3)]
    outside = [sky.day(start, day, jax.random.key(0))[1] for day in days]
    light = [sky._clear_light(day) for day in days]
    whole = [float((each.clearness * flat).sum() / flat.sum()) for each, flat in zip(outside, light, strict=True)]
    assert whole == pytest.approx([1 / 12, 1 / 12, 2 / 12], abs=0.01)
