"""What every data source keeps to: whole days, nothing missing, plausible units."""

import functools

import numpy as np
import pytest

from wattflock.registry import interface, parts

SOURCES = parts("data", interface("data"))
every_source = pytest.mark.parametrize("name", SOURCES)
PER_HOME = ("load_kw", "sun_kw_per_kwp")
COMMON = ("outdoor_c", "import_price_per_kwh", "export_price_per_kwh", "carbon_kg_per_kwh")
PLAUSIBLE = {  # [least, most] of any reading, and of its mean
    "load_kw": ((0, 100), (0.1, 5)),
    "sun_kw_per_kwp": ((0, 1.5), (0.03, 0.4)),
    "outdoor_c": ((-60, 55), (-15, 35)),
    "import_price_per_kwh": ((-5, 20), (0, 5)),
    "export_price_per_kwh": ((-5, 20), (0, 5)),
    "carbon_kg_per_kwh": ((0, 2), (0, 1.5)),
}


@functools.cache
def read(name: str):
    return SOURCES[name]().read()


@every_source
def test_it_says_where_it_comes_from(name):
    assert "Source:" in (SOURCES[name].__doc__ or "")
    assert {"source", "owner", "licence", "period"} <= set(read(name).card)


@every_source
def test_its_tables_are_whole_days_of_the_same_homes(name):
    readings = read(name)
    days, steps, homes = readings.load_kw.shape
    assert days >= 7
    assert len(readings.homes) == len(set(readings.homes)) == homes
    assert all(getattr(readings, column).shape == (days, steps, homes) for column in PER_HOME)
    assert all(getattr(readings, column).shape == (days, steps) for column in COMMON)
    assert readings.weekend.shape == readings.month.shape == (days,)


@every_source
@pytest.mark.parametrize("column", PLAUSIBLE)
def test_its_values_are_plausible(name, column):
    values = getattr(read(name), column)
    (least, most), (mean_least, mean_most) = PLAUSIBLE[column]
    assert np.isfinite(values).all()
    assert least <= values.min()
    assert values.max() <= most
    assert mean_least <= values.mean() <= mean_most


@every_source
def test_its_calendar_is_right(name):
    readings = read(name)
    dates = np.datetime64(readings.first_day) + np.arange(len(readings.month))
    assert (readings.month == dates.astype("datetime64[M]").astype(int) % 12 + 1).all()
    saturday_or_sunday = (dates.astype("datetime64[D]").astype(int) + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    assert readings.weekend[saturday_or_sunday].all()
    assert 0.25 < readings.weekend.mean() < 0.35


@every_source
def test_there_is_sun_by_day_and_none_by_night(name):
    sun = read(name).sun_kw_per_kwp.mean((0, 2))
    steps = len(sun)
    assert sun[: steps // 24 * 3].max() < 0.01
    assert 10 / 24 <= sun.argmax() / steps <= 15 / 24


@every_source
def test_reading_twice_gives_the_same(name):
    again = SOURCES[name]().read()
    assert np.array_equal(again.load_kw, read(name).load_kw)
