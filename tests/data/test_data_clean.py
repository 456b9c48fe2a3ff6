"""Laws of cleaning: energy is kept, nothing changes without a line in the log, gaps are filled or left out."""

import datetime

import numpy as np
import polars as pl
import pytest

from tests.data.make import MONDAY, long
from wattflock.data.clean import clean, fill
from wattflock.sources.table import Table


def cleaned(path: str, **settings):
    return clean(Table(path, **settings).raw())


def test_a_sound_table_comes_back_as_it_was(write):
    table = long(minutes=30)
    found = cleaned(write(table))
    assert found.repairs.is_empty()
    assert found.flock.shape() == (2, 14, 48)
    assert found.flock.load_kw.ravel() == pytest.approx(table["load_kw"].to_numpy(), rel=1e-6)
    assert found.table().select("home", "time").equals(table.select("home", "time"))


@pytest.mark.parametrize("step_min", [5, 15, 30, 60])
def test_another_step_keeps_the_energy(write, step_min):
    found = cleaned(write(long(minutes=15)))
    other = found.at(step_min)
    assert other.flock.shape()[2] == 1440 // step_min
    before, after = (each.flock.load_kw.mean(2) for each in (found, other))
    assert after == pytest.approx(before, rel=1e-5)


def test_what_is_changed_is_in_the_log_and_nothing_else(write):
    table = long(homes=3, days=28)
    at = np.random.default_rng(1).choice(table.height, 12, replace=False)
    wild = [500.0, -0.004, -3.0, None] * 3
    values = table["load_kw"].to_list()
    for place, value in zip(at, wild, strict=True):
        values[place] = value
    found = cleaned(write(table.with_columns(load_kw=pl.Series(values))))
    log = found.repairs.filter(pl.col("column") == "load_kw")
    assert set(log["what"]) == {"above 60 kW", "noise below zero", "below zero", "gap filled"}
    touched = set(log.select("home", "time").rows())
    assert touched == {table.select("home", "time").row(int(place)) for place in at}
    untouched = [row not in touched for row in table.select("home", "time").rows()]
    now, was = found.flock.load_kw.ravel(), table["load_kw"].to_numpy()
    assert now[untouched] == pytest.approx(was[untouched], rel=1e-6)
    assert np.isfinite(now).all()
    assert (now >= 0).all()


def test_gaps_up_to_two_hours_are_filled_and_longer_ones_leave_the_day_out(write):
    def hole(day: int, hours: int) -> pl.Expr:
        start = MONDAY + datetime.timedelta(days=day, hours=6)
        return pl.col("time").is_between(start, start + datetime.timedelta(hours=hours), closed="left")

    table = long(homes=1, days=21).filter(~hole(5, 2) & ~hole(9, 3) & ~hole(12, 26))
    found = cleaned(write(table))
    whole = np.isfinite(found.flock.load_kw[0]).all(1)
    left_out = found.repairs.filter((pl.col("what") == "day left out") & (pl.col("column") == "load_kw"))
    assert set(np.flatnonzero(~whole)) == {9, 12, 13}
    assert set(left_out["time"].dt.date()) == {found.flock.dates()[day] for day in (9, 12, 13)}
    assert np.isnan(found.flock.load_kw[0, 9]).all()


def test_local_stamps_and_utc_make_the_same_days(write):
    zone, first = "Europe/London", datetime.datetime(2024, 3, 25)
    utc = long(days=14, first=first)
    local = utc.with_columns(pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone(zone))
    text = local.with_columns(pl.col("time").dt.strftime("%Y-%m-%d %H:%M"))
    one = cleaned(write(utc, "utc.csv"), zone=zone, clock="utc")
    two = cleaned(write(text, "local.csv"), zone=zone, clock="local")
    assert one.flock.first_day == two.flock.first_day
    assert one.flock.load_kw == pytest.approx(two.flock.load_kw, nan_ok=True)
    assert np.isfinite(one.flock.load_kw[:, 6]).all(), "the day of 23 hours is whole again"


def test_the_doubled_hour_of_autumn_is_averaged(write):
    utc = long(days=7, first=datetime.datetime(2024, 10, 24, 23))
    found = cleaned(write(utc), zone="Europe/London", clock="utc")
    two = utc.filter((pl.col("home") == "H0") & (pl.col("time").dt.date() == datetime.date(2024, 10, 27)))
    day = found.flock.dates().index(datetime.date(2024, 10, 27))
    mean = two.filter(pl.col("time").dt.hour() < 2)["load_kw"].mean()
    assert found.flock.load_kw[0, day, 1] == pytest.approx(mean)
    assert "the two hours of autumn averaged" in found.counts()


def test_net_metering_is_parted_when_asked(write):
    net = long().select("home", "time", net_kw=pl.col("load_kw") - pl.col("pv_kw"))
    found = cleaned(write(net), net="split")
    flock = found.flock
    assert flock.load_kw - flock.pv_kw == pytest.approx(net["net_kw"].to_numpy().reshape(flock.shape()), abs=1e-6)
    assert (flock.load_kw * flock.pv_kw == 0).all()
    assert found.counts()["net metering split"] == (net["net_kw"] < 0).sum()


def test_homes_with_other_steps_keep_their_energy(write):
    fine, coarse = long(homes=1, minutes=15), long(homes=2, minutes=60).filter(pl.col("home") == "H1")
    found = cleaned(write(pl.concat([fine, coarse])))
    assert found.flock.shape() == (2, 14, 24)
    assert found.flock.load_kw[0].mean() == pytest.approx(fine["load_kw"].mean(), rel=1e-5)
    assert found.repairs.is_empty()


def test_stamps_off_the_grid_go_to_their_step(write):
    table = long(homes=1)
    late = table.with_columns(
        time=pl.when(pl.int_range(pl.len()) == 30).then(pl.col("time") + pl.duration(minutes=7)).otherwise("time")
    )
    found = cleaned(write(late))
    assert found.flock.load_kw.ravel() == pytest.approx(table["load_kw"].to_numpy(), rel=1e-6)
    assert found.counts()["moved to its step"] == 2  # load and sun


def test_a_stuck_meter_leaves_its_day_out(write):
    table = long(homes=1)
    day = pl.col("time").dt.date() == MONDAY.date() + datetime.timedelta(days=3)
    found = cleaned(write(table.with_columns(load_kw=pl.when(day).then(0.7).otherwise("load_kw"))))
    assert np.isnan(found.flock.load_kw[0, 3]).all()
    assert np.isfinite(found.flock.load_kw[0, [2, 4]]).all()
    assert found.counts()["meter stuck: day left out"] == 1


def test_a_regular_home_is_filled_without_error():
    days = np.tile(np.sin(np.arange(24) / 24 * 2 * np.pi) + 1.5, 28)[None]
    holed = days.copy()
    holed[0, [100, 200, 201, 400]] = np.nan
    filled, where = fill(holed, 24, 2)
    assert filled == pytest.approx(days)
    assert where.sum() == 4


def test_filling_leaves_readings_and_long_gaps_alone():
    values = np.random.default_rng(0).uniform(0.1, 2, (2, 24 * 20))
    holed = values.copy()
    holed[0, 50:53], holed[0, 0], holed[1, -1], holed[1, 99] = np.nan, np.nan, np.nan, np.nan
    filled, where = fill(holed, 24, 2)
    known = np.isfinite(holed)
    assert (filled[known] == holed[known]).all()
    assert set(zip(*np.nonzero(where), strict=True)) == {(1, 99)}
    assert np.isnan(filled[0, 50:53]).all()


def test_a_gap_that_no_other_day_can_tell_of_becomes_a_line():
    values = np.full((1, 72), np.nan)
    values[0, 30:40] = np.arange(10)
    values[0, 34] = np.nan
    filled, _ = fill(values, 24, 2)
    assert filled[0, 34] == pytest.approx(4)
