"""Each source reads its owner's layout."""

import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.data.make import ausgrid_text, long
from wattflock.core.errors import ScenarioError
from wattflock.data import complete
from wattflock.data.calendar import calendar
from wattflock.data.check import check
from wattflock.data.clean import clean
from wattflock.data.home_days import HomeDays
from wattflock.data.source import recognised
from wattflock.sources.agile import Agile
from wattflock.sources.ausgrid import Ausgrid
from wattflock.sources.california import FIRST_DAY, California
from wattflock.sources.london import London
from wattflock.sources.norway_ev import NorwayEv
from wattflock.sources.table import Table
from wattflock.synth.sky_fit import FONTANA
from wattflock.synth.sun import solar_hour

BUNDLED = Path(__file__).parents[2] / "src" / "wattflock" / "data" / "bundled"


def error_free(raw) -> bool:
    return all(each.severity != "error" for each in check(raw))


def test_california_says_the_same_before_and_after(write):
    flock, readings = clean(California().raw()).flock, California().read()
    assert error_free(California().raw())
    assert flock.shape() == (15, 365, 24)
    assert np.allclose(flock.load_kw[:, :364].transpose(1, 2, 0), readings.load_kw)
    assert np.allclose(flock.pv_kw[:, :364].transpose(1, 2, 0), readings.sun_kw_per_kwp)
    assert np.allclose(flock.outdoor_c[:364] - 9, readings.outdoor_c)
    assert flock.homes == readings.homes


def test_the_hours_of_california_are_those_of_its_sun_and_its_tariff():
    """Solar noon of Fontana on the clock of each month; on-peak hours of the tariff are 4 to 9 p.m. (SCE TOU-D)."""
    readings = California().read()
    when = calendar(readings.first_day, len(readings.month), "America/Los_Angeles")
    noon_h = 12 - (np.asarray(solar_hour(FONTANA, when, 12.0)) - 12)
    for month in range(1, 13):
        days = readings.month == month
        sun = readings.sun_kw_per_kwp[days].mean((0, 2))
        assert ((np.arange(24) + 0.5) @ sun) / sun.sum() == pytest.approx(noon_h[days].mean(), abs=0.45), month
    dear = readings.import_price_per_kwh > 0.3
    assert (dear == np.isin(np.arange(24), (16, 17, 18, 19, 20))).all()


def test_the_temperature_of_california_is_on_the_clock_of_its_homes():
    """The weather file is in standard time and names the end of an hour: row 1 is the first of winter's clock."""
    measured = pl.read_parquet(BUNDLED / "california_common.parquet")["temp_c"].to_numpy()
    outdoor_c = California(colder_c=0.0).read().outdoor_c
    winter, summer = (datetime.date(2017, 1, 15) - FIRST_DAY).days, (datetime.date(2017, 7, 1) - FIRST_DAY).days
    assert np.allclose(outdoor_c[winter], measured[24 * winter + 1 : 24 * winter + 25])
    assert np.allclose(outdoor_c[summer], measured[24 * summer : 24 * summer + 24])


@pytest.mark.study
def test_london_keeps_the_48_homes_of_the_flat_tariff(shared):
    raw = London(str(shared / "london_load_2013")).raw()
    cleaned = clean(raw)
    assert len(cleaned.flock.homes) == 48
    assert error_free(raw)
    about = pl.read_csv(shared / "london_load_2013" / "homes.csv")
    good = (pl.col("stdorToU") == "Std") & (pl.col("coverage") >= 0.99) & (pl.col("zero_frac") < 0.1)
    assert set(cleaned.flock.homes) == set(about.filter(good)["home"])
    assert {"gap filled", "day left out", "the two hours of autumn averaged"} <= set(cleaned.counts())
    assert recognised(str(shared / "london_load_2013")) == "london"


def test_london_reads_the_original_layout(shared, tmp_path):
    wide = pl.read_parquet(shared / "london_load_2013" / "load_kwh_halfhour.parquet").head(48 * 14)
    names = wide.columns[:3]
    rows = wide.unpivot(names, index="timestamp").select(
        LCLid="variable", stdorToU=pl.lit("Std"), DateTime=pl.col("timestamp").dt.strftime("%Y-%m-%d %H:%M:%S.0000000"),
        kwh=pl.format(" {} ", pl.col("value")).fill_null("Null"),
    )  # fmt: skip
    path = tmp_path / "block.csv"
    rows.rename({"kwh": "KWH/hh (per half hour) "}).write_csv(path, line_terminator="\r\n")
    assert recognised(str(path)) == "london"
    raw = London(str(path), zero_share=1.0).raw()
    back = raw.homes.pivot("home", index="time", values="load_kw")
    assert [back[name].to_list() for name in names] == [
        pytest.approx([2 * each for each in wide[name].to_list()], rel=1e-5) for name in names
    ]


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%d-%b-%y", "%d-%b-%Y"])
def test_ausgrid_reads_the_dates_of_every_year(tmp_path, form):
    path = tmp_path / "solar.csv"
    path.write_text(ausgrid_text(3, 10, datetime.date(2010, 7, 1), form))
    assert recognised(str(path)) == "ausgrid"
    raw = Ausgrid(str(path)).raw()
    cleaned = clean(raw)
    assert error_free(raw)
    assert cleaned.flock.shape() == (3, 10, 48)
    assert cleaned.flock.first_day == datetime.date(2010, 7, 1)
    assert cleaned.flock.kwp.tolist() == [2.0, 2.0, 2.0]
    night, morning = cleaned.flock.load_kw[1, :, :6].mean(), cleaned.flock.load_kw[1, :, 6:12].mean()
    assert night - morning == pytest.approx(1.2, abs=0.05), "0.6 kWh of controlled load in each of six half hours"


def test_ausgrid_columns_name_the_end_of_their_half_hour(shared):
    path = shared / "ausgrid" / "customer12_in_ausgrid_layout.csv.gz"
    homes = Ausgrid(str(path)).raw().homes
    assert homes["time"][0] == datetime.datetime(2011, 7, 1)
    assert homes["load_kw"][0] == pytest.approx(0.196 * 2)
    assert homes["load_kw"][47] == pytest.approx(0.238 * 2)
    noon = clean(Ausgrid(str(path)).raw()).flock.pv_kw[0].mean(0).argmax() / 2
    assert 11 <= noon <= 13.5


def test_the_clock_changes_of_ausgrid_are_mended(shared):
    raw = Ausgrid(str(shared / "ausgrid" / "customer12_in_ausgrid_layout.csv.gz")).raw()
    cleaned = clean(raw)
    dates = cleaned.flock.dates()
    spring, autumn = dates.index(datetime.date(2011, 10, 2)), dates.index(datetime.date(2012, 4, 1))
    assert (cleaned.flock.load_kw[0, spring, 4:6] > 0.05).all(), "zeros of an hour that never was"
    assert cleaned.flock.load_kw[0, autumn, 4] == pytest.approx(0.546), (
        "the sum of two hours was 0.546 kWh per half hour"
    )


def test_several_years_follow_one_another(tmp_path):
    (tmp_path / "one.csv").write_text(ausgrid_text(2, 3, datetime.date(2010, 7, 1), "%d-%b-%y"))
    (tmp_path / "two.csv").write_text(ausgrid_text(2, 4, datetime.date(2010, 7, 4)))
    assert clean(Ausgrid(str(tmp_path)).raw()).flock.shape() == (2, 7, 48)
    assert clean(Ausgrid(str(tmp_path), customers=(2,)).raw()).flock.homes == ("2",)


def test_norwegian_sessions_become_steps(shared):
    raw = NorwayEv(str(shared / "norway_ev")).raw()
    cleaned = clean(raw)
    flock = cleaned.flock
    assert error_free(raw)
    assert recognised(str(shared / "norway_ev")) == "norway_ev"
    assert sorted(cleaned.counts().values()) == [5, 14, 19, 602]  # as benchmarks/synth-cars.md has it
    assert 0 <= np.nanmin(flock.ev_plugged) <= np.nanmax(flock.ev_plugged) <= 1
    hours = (raw.sessions["plug_out"] - raw.sessions["plug_in"]).dt.total_seconds().sum() / 3600
    for made, read in ((flock.ev_charging_need_kwh, raw.sessions["energy_kwh"].sum()), (flock.ev_plugged, hours)):
        assert 0.96 * read < np.nansum(made) <= read  # a car's first and last day are not whole


def test_prices_are_pounds_and_kilograms(shared):
    raw = Agile(str(shared / "gb_prices_carbon_2020_2022")).raw()
    assert error_free(raw)
    assert recognised(str(shared / "gb_prices_carbon_2020_2022")) == "agile"
    assert raw.common["import_price_per_kwh"].mean() == pytest.approx(0.2199, abs=1e-3)
    assert raw.common["carbon_kg_per_kwh"].max() < 0.4


@pytest.mark.parametrize("source", [Agile, NorwayEv])
def test_a_source_without_homes_says_so(source):
    with pytest.raises(ScenarioError, match="a source of homes"):
        source("anything").read()


def test_any_parquet_of_ours_is_a_table(write):
    table = long().with_columns(outdoor_c=pl.lit(4.0), ev_plugged=pl.lit(1.0), ev_driving_kwh=pl.lit(0.5))
    assert recognised(write(table, "homes.parquet")) == "table"
    flock = clean(Table(write(table, "homes.parquet")).raw()).flock
    assert isinstance(flock, HomeDays)
    assert {"load_kw", "pv_kw", "ev_plugged", "ev_driving_kwh"} <= set(flock.columns())
    assert (flock.outdoor_c == 4).all()


def test_days_are_borrowed_by_season_and_weekday():
    there = [datetime.date(2016, 8, 1) + datetime.timedelta(days=k) for k in range(364)]
    wanted = [datetime.date(2013, 1, 1) + datetime.timedelta(days=k) for k in range(365)]
    for south, turn in ((False, 0), (True, 182.5)):
        picked = [there[k] for k in complete.alike(wanted, there, south)]
        assert all(one.weekday() == other.weekday() for one, other in zip(wanted, picked, strict=True))
        days = np.array([one.timetuple().tm_yday + turn - other.timetuple().tm_yday
                         for one, other in zip(wanted, picked, strict=True)])  # fmt: skip
        assert np.minimum(np.abs(days) % 365.25, 365.25 - np.abs(days) % 365.25).max() <= 7
    assert (complete.alike(there, there, False) == np.arange(364)).all()
    assert complete.southern("Australia/Sydney")
    assert not complete.southern("Europe/London")
