"""The main job on files of one's own: ten homes from an Ausgrid file, and from a table."""

import datetime
import json
import math

import jax
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from tests.data.make import agile_text, ausgrid_text, long
from wattflock.apps.cli import make_app
from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.sources.table import Table
from wattflock.study.build import build
from wattflock.verbs import VERBS

FIRST = datetime.datetime(2012, 7, 2)
TINY = (
    "homes.count=10", "homes.homes_per_agent=60", "judge.test_days=2", "judge.bound_days=0",
    "feeder.part=ieee13", "judge.methods=['idle']",
)  # fmt: skip


@pytest.fixture
def files(tmp_path) -> dict[str, str]:
    """A file in each layout: six weeks of some homes."""
    texts = {
        "ausgrid": ausgrid_text(10, 42, FIRST.date()),
        "table": long(homes=4, days=42, minutes=30).write_csv(),
        "agile": agile_text(60, datetime.datetime(2021, 7, 1)),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return {name: str(tmp_path / f"{name}.csv") for name in texts}


def sets(name: str, path: str, *more: str) -> list[str]:
    return [f"data.part={name}", f"data.settings.path={path}", *TINY, *more]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ausgrid", "table"])
def test_the_main_job_runs_on_a_file(files, tmp_path, name):
    words = [word for each in sets(name, files[name]) for word in ("--set", each)]
    result = CliRunner().invoke(make_app(VERBS), ["compare", *words, "--runs", str(tmp_path / "runs")])
    assert result.exit_code == 0, result.output
    (summary,) = (tmp_path / "runs").glob("*/summary.json")
    told = json.loads(summary.read_text())
    assert told["homes"] == 10
    assert math.isfinite(told["methods"]["idle"]["cost_per_home_day"])
    assert told["data"]["composite"]["import_price_per_kwh"] == "california"
    assert "sun" not in told["data"]["composite"]


@pytest.mark.study
def test_ten_homes_are_drawn_from_an_ausgrid_file(files):
    built = build(load(None, sets("ausgrid", files["ausgrid"], "data.dt_h=0.5")))
    assert built.readings.homes == tuple(str(k + 1) for k in range(10))
    assert built.readings.load_kw.shape == (42, 48, 10)
    assert built.readings.card["composite"].keys().isdisjoint({"load", "sun"})
    assert built.sampler.load_kw.shape[1:] == (10, 48)


def test_prices_come_from_another_file_where_asked(files):
    more = ["data.settings.prices=agile", f"data.settings.prices_path={files['agile']}"]
    readings = build(load(None, sets("table", files["table"], *more))).readings
    assert readings.currency == "GBP"
    assert set(np.unique(readings.import_price_per_kwh).round(2)) == {0.1, 0.3}
    assert readings.card["composite"]["import_price_per_kwh"] == "agile"
    assert readings.card["composite"]["carbon_kg_per_kwh"] == "agile"
    assert readings.card["composite"]["outdoor_c"] == "california"


def test_a_source_without_homes_is_refused_before_anything_is_built(files):
    for name in ("agile", "norway_ev"):
        with pytest.raises(ScenarioError, match="a source of homes"):
            build(load(None, sets(name, files["agile"])))


def test_too_few_weeks_are_told(tmp_path):
    path = tmp_path / "short.csv"
    path.write_text(long(days=20).write_csv())
    with pytest.raises(ScenarioError, match="whole weeks"):
        build(load(None, sets("table", str(path))))


def test_days_left_out_are_stood_in_for_by_days_of_the_same_split(tmp_path):
    from wattflock.data.sample import split_of_week

    table = long(homes=2, days=70)
    day = table["time"].dt.date() == datetime.date(2024, 1, 8) + datetime.timedelta(days=30)
    path = tmp_path / "holed.csv"
    table.filter(~(day & (table["home"] == "H0"))).write_csv(path)
    readings, whole = Table(str(path)).read(), table.filter(table["home"] == "H0")["load_kw"].to_numpy().reshape(70, 24)
    stood_in = [k for k in range(70) if np.allclose(whole[k], readings.load_kw[30, :, 0])]
    assert readings.card["days_stood_in"] == 1
    assert [split_of_week(k // 7) for k in stood_in] == [split_of_week(30 // 7)]
    assert [k % 7 >= 5 for k in stood_in] == [30 % 7 >= 5]


def with_cars(homes: int, days: int) -> pl.DataFrame:
    """Half-hourly homes; the last has no car, home k drives 5 + k kWh home each day at 17:30 and plugs in at 18."""
    hour, number = pl.col("time").dt.hour() + pl.col("time").dt.minute() / 60, pl.col("home").str.slice(1).cast(int)
    has = number < homes - 1
    return long(homes=homes, days=days, minutes=30).with_columns(
        ev_plugged=(has & ((hour >= 18) | (hour < 8))).cast(float),
        ev_driving_kwh=pl.when(has & (hour == 17.5)).then(5 + number).otherwise(0.0),
        ev_charging_need_kwh=pl.when(has & (hour == 18)).then(5 + number).otherwise(0.0),
        heat_kw=0.0,
    )


@pytest.mark.slow
def test_the_cars_of_a_table_are_driven_in_the_study(tmp_path):
    path = tmp_path / "cars.csv"
    with_cars(homes=4, days=42).write_csv(path)
    built = build(load(None, [*sets("table", str(path)), "homes.count=4"]))
    assert built.readings.card["composite"]["cars"] == "neighbours' cars"
    assert built.readings.card["not_used"] == ["ev_charging_need_kwh", "heat_kw"]
    days = built.sampler.every(jax.random.key(0), "test")
    driven = 5.0 + np.asarray(built.sampler.source["test"]) % 3  # the fourth home drives the car of the first
    assert np.allclose(days.ev_driving_kwh.sum(1), driven[None])
    assert np.allclose(days.ev_driving_kwh[:, 17], driven[None])
    assert (np.asarray(days.ev_plugged).mean((0, 2)) == [1.0] * 8 + [0.0] * 10 + [1.0] * 6).all()


def test_a_car_s_day_that_is_left_out_is_stood_in_for(tmp_path):
    path, gone = tmp_path / "cars.csv", datetime.date(2024, 1, 24)
    table = with_cars(homes=3, days=42)
    table.with_columns(ev_plugged=pl.when(pl.col("time").dt.date() != gone).then("ev_plugged")).write_csv(path)
    readings = Table(str(path)).read()
    assert readings.ev_driving_kw is not None
    assert np.allclose(readings.ev_driving_kw.sum(1) / 2, [[5, 6, 5]] * 42)


def test_a_plug_is_in_for_a_share_of_a_step(tmp_path):
    path = tmp_path / "cars.csv"
    with_cars(homes=3, days=42).with_columns(ev_plugged=100 * pl.col("ev_plugged")).write_csv(path)
    with pytest.raises(ScenarioError, match="a share of the step"):
        Table(str(path)).read()


@pytest.mark.slow
@pytest.mark.parametrize("words", ["", *(f"--homes 5 --days 42 --resolution {step}" for step in (5, 15, 30, 60))])
def test_what_generate_writes_is_read_by_the_source_of_tables(tmp_path, words):
    folder = tmp_path / "homes"
    result = CliRunner().invoke(make_app(VERBS), ["generate", *words.split(), "--out", str(folder)])
    assert result.exit_code == 0, result.output
    written = pl.read_parquet(folder / "homes*.parquet").sort("home", "time")
    readings = Table(str(folder)).read()
    assert readings.ev_plugged is not None
    assert readings.load_kw.mean() == pytest.approx(written["load_kw"].mean(), rel=1e-4)
    means = written.group_by("home", maintain_order=True).agg(pl.col("pv_kw", "ev_plugged").mean())
    kwp = pl.read_csv(folder / "sizes.csv")["panel_kwp"].to_numpy()
    panel, car = kwp > 0, means["ev_plugged"].to_numpy() > 0
    assert panel.any() and not panel.all() and car.any() and not car.all()
    assert readings.sun_kw_per_kwp.mean((0, 1))[panel] == pytest.approx(means["pv_kw"].to_numpy()[panel] / kwp[panel])
    assert readings.ev_plugged.mean((0, 1))[car] == pytest.approx(means["ev_plugged"].to_numpy()[car], rel=1e-4)
    assert readings.card["composite"].keys() >= {"sun", "cars"}


def test_a_panel_of_a_told_size_that_never_gives_is_a_fault(tmp_path):
    path = tmp_path / "homes.csv"
    table = long(homes=2, days=42).with_columns(pv_kw=pl.when(pl.col("home") == "H0").then(0.0).otherwise("pv_kw"))
    table.write_csv(path)
    assert Table(str(path)).read().card["composite"]["sun"] == "neighbours' panels"
    table.with_columns(kwp=4.0).write_csv(path)
    with pytest.raises(ScenarioError, match="never moves"):
        Table(str(path)).read()
