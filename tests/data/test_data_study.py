"""The main job on files of one's own: ten homes from an Ausgrid file, and from a table."""

import datetime
import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.data.make import agile_text, ausgrid_text, long
from wattflock.apps.cli import make_app
from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
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


@pytest.mark.study
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
    from wattflock.sources.table import Table

    table = long(homes=2, days=70)
    day = table["time"].dt.date() == datetime.date(2024, 1, 8) + datetime.timedelta(days=30)
    path = tmp_path / "holed.csv"
    table.filter(~(day & (table["home"] == "H0"))).write_csv(path)
    readings, whole = Table(str(path)).read(), table.filter(table["home"] == "H0")["load_kw"].to_numpy().reshape(70, 24)
    stood_in = [k for k in range(70) if np.allclose(whole[k], readings.load_kw[30, :, 0])]
    assert readings.card["days_stood_in"] == 1
    assert [split_of_week(k // 7) for k in stood_in] == [split_of_week(30 // 7)]
    assert [k % 7 >= 5 for k in stood_in] == [30 % 7 >= 5]
