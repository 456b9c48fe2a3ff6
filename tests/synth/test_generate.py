"""Laws of homes that are made: the same seed gives the same homes, however many, however long, in whatever pieces."""

import dataclasses
import datetime
import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.data.home_days import OWN, from_table, to_table
from wattflock.sources import synthetic
from wattflock.synth import bundle, generate
from wattflock.synth.generate import Wanted, made
from wattflock.synth.region import Mix
from wattflock.verbs import GROUPS, VERBS

pytestmark = [pytest.mark.study, pytest.mark.usefixtures("small_blocks")]
FIRST = datetime.date(2027, 3, 25)  # clocks change on the 28th
FEW = Wanted(3, 6, FIRST, "Europe/London", seed=7)


@pytest.fixture(scope="module")
def london():
    return bundle.load("london")[0]


@pytest.fixture(scope="module")
def few(london, small_blocks):
    return made(london, FEW)


def same(one, other) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in OWN)


def test_every_region_of_the_package_has_a_card_and_is_small():
    for path in bundle.bundled().values():
        facts = bundle.card(path)
        assert {"zone", "currency", "load_data", "cars_data", "sky_data", "composite"} <= set(facts)
        assert {"owner", "licence"} <= set(facts["load_data"])
        assert path.stat().st_size < 3e6


@pytest.mark.slow
def test_homes_do_not_change_when_more_are_asked_for(london, few):
    many = made(london, dataclasses.replace(FEW, homes=generate.BLOCK + 2))
    assert len(set(many.homes)) == generate.BLOCK + 2
    assert same(few, many.only(few.homes))
    assert not np.array_equal(many.load_kw[0], many.load_kw[generate.BLOCK])


def test_few_homes_are_made_by_few(london, monkeypatch):
    """Five homes live with at most a tile's, whatever a table can hold."""
    lived = []
    monkeypatch.setattr(generate, "_lived", lambda region, homes, *rest: lived.append(homes) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made(london, dataclasses.replace(FEW, homes=5))
    assert [len(homes.panel_kwp) for homes in lived] == [generate.TILE] and generate.TILE <= 50


@pytest.mark.slow
def test_days_do_not_change_when_more_are_asked_for_or_when_they_come_in_pieces(london, few, monkeypatch):
    monkeypatch.setattr(generate, "MOST_ROWS", 4 * 24 * generate.BLOCK)
    longer = dataclasses.replace(FEW, days=8)
    assert len(longer.parts()) == 2
    both = made(london, longer)
    assert all(np.array_equal(getattr(both, name)[:, :6], getattr(few, name)) for name in OWN)


def test_another_seed_gives_other_homes_and_another_weather_the_same_homes(london, few):
    other = made(london, dataclasses.replace(FEW, seed=8))
    assert not np.array_equal(other.load_kw, few.load_kw)
    rainy = made(london, dataclasses.replace(FEW, weather=99))
    assert not np.array_equal(rainy.outdoor_c, few.outdoor_c)
    assert np.array_equal(rainy.ev_plugged, few.ev_plugged)


@pytest.mark.slow
def test_runs_of_a_study_share_their_made_homes(monkeypatch):
    calls = []
    monkeypatch.setattr(synthetic, "WEEKS", 1)
    monkeypatch.setattr(synthetic, "made", lambda region, wanted: calls.append(wanted) or made(region, wanted))
    monkeypatch.setattr(synthetic, "NEWEST", {})
    first, again, other = (synthetic.Synthetic(homes=2, seed=seed).read() for seed in (1, 1, 2))
    assert len(calls) == 2 and np.shares_memory(first.load_kw, again.load_kw)
    assert not np.array_equal(first.load_kw, other.load_kw)
    assert list(synthetic.NEWEST) == [(calls[1], *next(iter(synthetic.NEWEST))[1:])]  # memory for one flock alone
    with pytest.raises(ValueError, match="read-only"):
        first.load_kw[0] = 0.0


def test_values_can_be(few):
    assert all(np.isfinite(values).all() and (values >= 0).all() for values in few.columns().values())
    assert few.load_kw.max() < 30 and few.load_kw.mean() > 0.05
    assert (few.pv_kw[:, :, :4] == 0).all() and (few.pv_kw[:, :, 11:14] > 0).any()
    assert (few.ev_plugged <= 1).all()
    assert (few.ev_charging_need_kwh[few.ev_plugged == 0] == 0).all()


@pytest.mark.slow
def test_the_mix_decides_what_stands_in_a_home(london):
    bare = made(london, dataclasses.replace(FEW, mix=Mix(0.0, 0.0, 0.0)))
    for name in ("pv_kw", "ev_plugged", "ev_charging_need_kwh", "ev_driving_kwh", "heat_kw"):
        assert (getattr(bare, name) == 0).all()
    assert bare.load_kw.min() >= 0 < bare.load_kw.max()


@pytest.mark.slow
def test_finer_steps_keep_the_energy_of_every_hour(london, few):
    fine = made(london, dataclasses.replace(FEW, steps=96)).hourly()
    for name in ("load_kw", "pv_kw", "heat_kw", "ev_plugged"):
        assert np.abs(getattr(fine, name) - getattr(few, name)).max() < 3e-3
    for name in ("ev_charging_need_kwh", "ev_driving_kwh"):
        assert np.abs(getattr(fine, name).sum(2) - getattr(few, name).sum(2)).max() < 0.05


def test_a_table_of_homes_is_read_back_as_the_same_flock(few):
    again = from_table(to_table(few))
    assert again.homes == few.homes and again.first_day == few.first_day and same(again, few)


def run(*words: str):
    return CliRunner().invoke(make_app(VERBS, GROUPS), ["generate", *words])


@pytest.mark.slow
def test_the_command_writes_homes_and_a_card_and_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "MOST_ROWS", 3 * 24 * generate.BLOCK)
    words = ("--homes", "3", "--days", "8", "--start", "2027-03-25", "--seed", "7", "--out", str(tmp_path / "homes"))
    assert run(*words).exit_code == 0
    paths = sorted((tmp_path / "homes").glob("*.parquet"))
    assert len(paths) == 3
    whole = pl.read_parquet(tmp_path / "homes" / "*.parquet")
    assert whole.height == 3 * 8 * 24
    before = [path.stat().st_mtime_ns for path in paths]
    paths[1].unlink()
    assert run(*words).exit_code == 0
    after = [path.stat().st_mtime_ns for path in paths]
    assert after[0] == before[0] and after[2] == before[2] and after[1] != before[1]
    assert pl.read_parquet(tmp_path / "homes" / "*.parquet").equals(whole)
    card = json.loads((tmp_path / "homes" / "card.json").read_text())
    assert set(card["columns"]) == set(whole.columns) and card["made"]["seed"] == 7
    assert run(*words[:-2], "--cars", "0", "--out", words[-1]).exit_code == 0
    assert pl.read_parquet(tmp_path / "homes" / "*.parquet")["ev_plugged"].sum() == 0


@pytest.mark.slow
def test_every_bad_option_is_told_at_once(tmp_path):
    words = ("--homes", "0", "--resolution", "7", "--start", "soon", "--cars", "3", "--out", str(tmp_path / "homes"))
    found = run(*words)
    assert found.exit_code == 2
    for word in ("--homes", "--resolution", "--start", "--cars", "5, 15, 30, 60"):
        assert word in found.output
    assert not (tmp_path / "homes").exists()
    assert run("--region", "atlantis").exit_code == 2
