"""The report card of made homes: what is alike is held, what is not is found short, and the page asks nobody."""

import dataclasses
import datetime
import json
import re
from functools import cache

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.core.errors import ScenarioError
from wattflock.data.home_days import HomeDays
from wattflock.report.card_charts import DRAW, card_figures
from wattflock.report.card_input import read_flock
from wattflock.report.card_page import page, write_card
from wattflock.report.theme import spec
from wattflock.synth.card import collect
from wattflock.synth.card import load as of_load
from wattflock.synth.card.sides import Criterion, parts, row, trio
from wattflock.synth.card.sun import pv
from wattflock.synth.card.trials import discriminator, privacy
from wattflock.verbs.card import card

HOURS = np.arange(24)
PLAIN = {"bands", "autocorrelation", "scale", "transitions", "peak_hours", "load_factor"}


def made(homes: int, days: int, seed: int, first: datetime.date = datetime.date(2013, 1, 1)) -> HomeDays:
    """Homes with a level of their own, a slow drift, an evening, sun under one sky, and a car."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(0, 0.4, (homes, 1, 1)))
    drift = np.exp(0.3 * np.sin(np.arange(days) / 5 + rng.uniform(0, 6, (homes, 1))))[..., None]
    evening = 0.3 + np.exp(-0.5 * ((HOURS - 19) / 2.5) ** 2)[None, None]
    load = level * drift * evening * rng.gamma(4, 0.25, (homes, days, 24))
    sky = np.random.default_rng(99).beta(2, 1, (1, days, 1))
    sun = np.clip(np.sin((HOURS - 6) / 12 * np.pi), 0, 1)[None, None] * sky * rng.uniform(0.9, 1.1, (homes, days, 1))
    need = np.zeros((homes, days, 24))
    at = rng.integers(15, 21, (homes, days))
    np.put_along_axis(need, at[..., None], rng.gamma(3, 4, (homes, days, 1)), 2)
    driving = np.roll(need, -1, 2)
    plugged = (at[..., None] <= HOURS[None, None]).astype(float)
    own = {"load_kw": load, "pv_kw": 3 * sun, "ev_plugged": plugged, "ev_charging_need_kwh": need,
           "ev_driving_kwh": driving}  # fmt: skip
    single = {name: values.astype(np.float32) for name, values in own.items()}
    return HomeDays(tuple(f"{seed}-{k}" for k in range(homes)), first, **single)


def row_of(rows: list[dict], words: str) -> dict:
    return next(one for one in rows if words in one["figure"])


def loads(training: HomeDays | None, held_out: HomeDays | None, synthetic: HomeDays) -> dict:
    return parts(trio(training, held_out, synthetic), "load_kw")[0]


def table_of(flock: HomeDays) -> pl.DataFrame:
    homes, days, steps = flock.shape()
    first = datetime.datetime.combine(flock.first_day, datetime.time())
    step = datetime.timedelta(days=1) / steps
    times = pl.datetime_range(first, first + (days * steps - 1) * step, step, eager=True)
    own = {name: values.ravel() for name, values in flock.columns().items()}
    return pl.DataFrame(
        {"home": np.repeat(np.array(flock.homes), days * steps), "time": pl.concat([times] * homes)} | own
    )


@cache
def facts() -> dict:
    """A whole card of small flocks."""
    return collect(made(4, 120, 1), made(2, 120, 2), made(4, 120, 3, datetime.date(2027, 1, 1)))


def test_a_bar_is_held_on_its_own_side_only():
    name = ("energy", "far")
    assert [row(name, value, "1", None, Criterion("at most", 10))["verdict"] for value in (9, 10, 11)] == [
        "held",
        "held",
        "short",
    ]
    assert [row(name, value, "1", None, Criterion("at least", 10))["verdict"] for value in (9, 10, 11)] == [
        "short",
        "held",
        "held",
    ]
    assert row(name, np.nan, "1", None, Criterion("at most", 10)) | {"topic": ""} == {
        "topic": "", "figure": "far", "value": None, "unit": "1", "beside": None, "beside_is": "",
        "sense": "at most", "bar": 10, "verdict": "short"}  # fmt: skip


def test_the_same_homes_are_no_distance_apart():
    flock = made(5, 40, 1)
    found = loads(flock, None, flock)
    assert row_of(of_load.energy(found)[1], "Wasserstein")["value"] == 0
    assert all(one["value"] == 0 and one["verdict"] == "held" for one in of_load.coincidence(found)[1])
    for show in (of_load.bands, of_load.peak_hours):
        assert show(found)[1][0]["value"] == 0


def test_homes_that_draw_half_as_much_again_fall_short():
    flock = made(5, 40, 1)
    found = loads(None, flock, dataclasses.replace(flock, load_kw=1.5 * flock.load_kw))
    energy = row_of(of_load.energy(found)[1], "Wasserstein")
    assert energy["value"] == pytest.approx(50, rel=1e-4) and energy["verdict"] == "short"
    peaks = of_load.coincidence(found)[1]
    assert [one["value"] for one in peaks] == pytest.approx([50], rel=1e-4)  # of one home; there are but five
    assert {one["verdict"] for one in peaks} == {"short"}
    assert of_load.peak_hours(found)[1][0]["value"] == 0  # the shape is the same


@pytest.mark.slow
def test_a_discriminator_guesses_between_alike_and_finds_what_is_not():
    real, other = made(6, 50, 1), made(6, 50, 2)
    found = loads(None, real, other)
    alike = row_of(discriminator(found)[1], "single days")
    assert alike["value"] == pytest.approx(0.5, abs=0.15)
    louder = dataclasses.replace(other, load_kw=3 * other.load_kw[..., ::-1])
    assert row_of(discriminator(loads(None, real, louder))[1], "single days")["value"] > 0.95


@pytest.mark.study
def test_a_copied_training_day_is_found():
    training, held_out, other = made(5, 40, 1), made(3, 40, 2), made(5, 40, 3)
    assert privacy(loads(training, held_out, other))[1][0]["verdict"] == "held"
    copied = other.load_kw.copy()
    copied[2, 7] = training.load_kw[4, 31]
    told = privacy(loads(training, held_out, dataclasses.replace(other, load_kw=copied)))[1][0]
    assert told["value"] == pytest.approx(100 / 200) and told["verdict"] == "short"


def test_sun_without_a_season_or_a_shared_sky_falls_short():
    real, days = made(4, 365, 1), 365
    season = 1 - 0.6 * np.cos(2 * np.pi * np.arange(days) / 365)[None, :, None]
    real = dataclasses.replace(real, pv_kw=real.pv_kw * season)
    rng = np.random.default_rng(0)
    alone = np.clip(np.sin((HOURS - 6) / 12 * np.pi), 0, 1)[None, None] * rng.beta(2, 1, (4, days, 1))
    for synthetic, verdict in ((real, "held"), (dataclasses.replace(real, pv_kw=alone), "short")):
        rows = pv(parts(trio(real, None, synthetic), "pv_kw")[0])[1]
        assert [one["verdict"] for one in rows] == [verdict, verdict, verdict, ""]


def test_a_month_that_is_not_plausible_is_named():
    """August two thirds too bright is named; so is a June of 11 kWh per kW peak and day, without a real side."""
    real, alike = made(6, 365, 0), made(6, 365, 1)
    month = np.asarray(alike.when().month)
    assert alike.pv_kw is not None
    brighter = np.where((month == 8)[None, :, None], 5 / 3, 1) * alike.pv_kw
    for homes, wrong in ((alike, "none"), (dataclasses.replace(alike, pv_kw=brighter), "August")):
        (line,) = (one for one in pv_rows(real, homes) if "range of real homes" in one["figure"])
        assert line["figure"].endswith(f": {wrong}")
        assert line["verdict"] == ("held" if wrong == "none" else "short")
    sized = dataclasses.replace(alike, kwp=np.full(6, 3.0))
    dazzling = dataclasses.replace(sized, pv_kw=np.where((month == 6)[None, :, None], 3, 1) * alike.pv_kw)
    for homes, wrong in ((sized, "none"), (dazzling, "June")):
        (line,) = (one for one in pv_rows(None, homes) if "possible anywhere" in one["figure"])
        assert line["figure"].endswith(f": {wrong}")


def pv_rows(real: HomeDays | None, synthetic: HomeDays) -> list[dict]:
    return pv(parts(trio(real, None, synthetic), "pv_kw")[0])[1]


def test_months_that_a_side_lacks_are_left_out_everywhere():
    summer = made(4, 62, 3, datetime.date(2027, 7, 1))
    found, notes = parts(trio(made(4, 365, 1), None, summer), "load_kw")
    assert len(found["training"].whole()) == len(found["synthetic"].whole()) == 4 * 62
    assert notes == ["load_kw: judged on the months that all sides have: July, August"]


def test_a_day_with_a_gap_is_left_out_whole():
    flock = made(3, 30, 1)
    flock.load_kw[1, 5, 7] = np.nan
    found = loads(None, None, flock)["synthetic"]
    assert len(found.whole()) == 89 and np.isnan(found.values[1, 5]).all()


@pytest.mark.slow
def test_a_whole_card_judges_everything_and_is_plain_json():
    whole = facts()
    assert whole["left_out"] == [] and set(whole["sides"]) == {"training", "held_out", "synthetic"}
    judged = {one["topic"] for one in whole["rows"] if one["verdict"]}
    assert judged == {name for name in whole["figures"] if name not in PLAIN}
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole


@cache
def figures() -> tuple:
    return tuple(card_figures(facts()))


@cache
def html() -> str:
    return page(facts(), list(figures()))


def drawn(name: str) -> pl.DataFrame:
    """All rows of a figure, as its chart holds them."""
    found = spec(next(one.chart for one in figures() if one.name == name))
    return pl.concat([pl.DataFrame(rows) for rows in found["datasets"].values()], how="diagonal_relaxed")


@pytest.mark.slow
def test_page_shows_every_figure_and_asks_nobody():
    own = re.sub(r"<script(?: [^>]*)?>.*?</script>", "", html(), flags=re.S)
    assert not re.search(r"https?:|(src|href)\s*=\s*\"(?!#)|url\(|@import|<link|<iframe", own)
    specs = [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', html(), re.S)]
    assert [one.name for one in figures()] == [name for name in DRAW if name in own]
    assert len(specs) == len(figures()) == len(facts()["figures"]) + 1  # kinds and transitions share their facts
    for one, shown in zip(figures(), specs, strict=True):
        assert f'<section id="{one.name}">' in own and one.how and one.said.split(";")[0] in shown["description"]
        assert all(panel["title"] for panel in shown["concat"]) and all(shown["datasets"].values())
        axes = [unit["encoding"].get(axis, {}).get("title") for axis in "xy" for unit in _units(shown)]
        assert sum(map(bool, axes)) >= 2 * len(shown["concat"])
    for one in facts()["rows"]:
        assert one["figure"].replace("'", "&#x27;") in own


def _units(chart: dict) -> list[dict]:
    parts = chart.get("concat", []) + chart.get("layer", [])
    return [unit for part in parts for unit in _units(part)] if parts else [chart]


@pytest.mark.study
def test_what_is_drawn_are_the_facts():
    hours = facts()["figures"]["peak_hours"]["sides"]
    steps = drawn("peak_hours").filter(side="synthetic").sort("x")
    assert steps["x"].to_list() == list(range(25))
    assert steps["y"].to_list() == pytest.approx([*hours["synthetic"], hours["synthetic"][-1]], rel=1e-4)
    clusters = facts()["figures"]["clusters"]["days"]
    bars = drawn("clusters").filter(side="95 % of real to real").sort("x")
    assert bars["y"].to_list() == pytest.approx([0.95 * one["real_to_real"] for one in clusters.values()], rel=1e-4)
    table = facts()["figures"]["transitions"]["sides"]["synthetic"]["table"]
    cells = drawn("transitions").filter(pl.col("value").is_not_null())
    assert {round(100 * share) for row in table for share in row if share > 0} <= set(cells["text"])


@pytest.mark.slow
def test_whatever_is_missing_is_said_and_the_rest_is_drawn(tmp_path):
    flock = made(1, 20, 3, datetime.date(2027, 6, 1))
    bare = HomeDays(flock.homes, flock.first_day, load_kw=flock.load_kw)
    alone = collect(None, None, bare)
    missing = dict(alone["left_out"])
    assert {"pv_kw", "ev_charging_need_kwh", "clusters", "discriminator", "privacy", "autocorrelation"} <= set(missing)
    written = write_card(tmp_path, alone)
    assert {path.name for path in written} >= {"card.html", "card.json", "card.csv", "card-energy.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written if path.suffix == ".png")
    assert "no pv_kw in the synthetic homes" in (tmp_path / "card.html").read_text()


@pytest.mark.study
def test_names_from_a_file_are_escaped():
    evil = '<b>6"3$3</script>&@ink'
    forged = facts() | {"notes": [evil], "left_out": [[evil, evil]]}
    own = page(forged, [])
    assert "<b>6" not in own and "&lt;b&gt;6" in own


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_foreign_table_is_read_as_it_is(tmp_path, ending):
    flock = made(3, 20, 1)
    flock = dataclasses.replace(
        flock, load_kw=np.repeat(flock.load_kw, 2, axis=2) * np.tile([0.5, 1.5], 24)[None, None]
    )
    bare = HomeDays(flock.homes, flock.first_day, load_kw=flock.load_kw.astype(np.float32))
    table = table_of(bare).select(
        pl.col("home").alias("customer"), pl.col("time").alias("when"), (pl.col("load_kw") / 2).alias("demand"),
    ).sample(fraction=1, shuffle=True, seed=0)  # fmt: skip
    path = tmp_path / f"foreign.{ending}"
    table.write_parquet(path) if ending == "parquet" else table.write_csv(path)
    read, notes = read_flock(path, {"home": "customer", "time": "when", "load_kwh": "demand"})
    order = [read.homes.index(home) for home in bare.homes]
    assert notes == [] and read.first_day == bare.first_day
    np.testing.assert_allclose(read.load_kw[order], bare.load_kw, rtol=1e-5)


def test_of_very_many_homes_some_are_read(tmp_path):
    flock = made(450, 14, 1)
    path = tmp_path / "many.parquet"
    table_of(HomeDays(flock.homes, flock.first_day, load_kw=flock.load_kw)).write_parquet(path)
    read, notes = read_flock(path, {})
    assert len(read.homes) == 400 and "400 of its 450 homes" in notes[0]


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("a,b,c\n1,2,3\n", {}, ["home = '(missing)'", "time = '(missing)'", "columns = 'a, b, c'"]),
        ("home,time,load_kw\n1,2013-13-40,two\n1,2013-01-01 01:00,3\n", {}, ["2013-13-40", "'two'"]),
        ("home,time,load_kw\n1,2013-01-01 00:00,2\n1,2013-01-01 01:00,3\n", {}, ["days = 1"]),
        (
            "home,time,load_kw\n1,2013-01-01 00:00,2\n1,2013-01-01 00:00,3\n",
            {},
            ["no two stamps", "1 rows", "days = 1"],
        ),
        ("home,time,load_kw\n", {"pvkw": "x"}, ["pvkw = 'x'", "did you mean 'pv_kw'"]),
        ("", {}, ["file ="]),
    ],
)
def test_a_bad_file_gets_all_its_problems(tmp_path, text, columns, said):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ScenarioError) as error:
        read_flock(path, columns)
    assert all(words in str(error.value) for words in said)


def test_the_command_tells_every_bad_file_and_home_at_once(tmp_path):
    app = make_app([card, made])
    path = tmp_path / "homes.parquet"
    flock = made(2, 14, 1)
    table_of(HomeDays(flock.homes, flock.first_day, load_kw=flock.load_kw)).write_parquet(path)
    result = CliRunner().invoke(app, ["card", "nothing.csv", "--real", "none.parquet", "--column", "x"])
    assert result.exit_code == 2 and all(word in result.output for word in ("nothing.csv", "none.parquet", "--column"))
    result = CliRunner().invoke(app, ["card", str(path), "--real", str(path), "--held-out", "1-0,ghost"])
    assert result.exit_code == 2 and "ghost" in result.output and "1-0, 1-1" in result.output


@pytest.mark.slow
def test_the_command_writes_a_card(tmp_path):
    for seed, name in ((1, "real"), (3, "synthetic")):
        flock = made(4, 30, seed)
        table_of(HomeDays(flock.homes, flock.first_day, load_kw=flock.load_kw)).write_parquet(
            tmp_path / f"{name}.parquet"
        )
    said = [
        "card",
        str(tmp_path / "synthetic.parquet"),
        "--real",
        str(tmp_path / "real.parquet"),
        "--held-out",
        "1-0,1-1",
    ]
    result = CliRunner().invoke(make_app([card, made]), [*said, "--out", str(tmp_path / "card")])
    assert result.exit_code == 0, result.output
    assert "Made homes hold" in result.output and "PV: left out" in result.output
    table = pl.read_csv(tmp_path / "card" / "card.csv")
    written = json.loads((tmp_path / "card" / "card.json").read_text())
    assert table["figure"].to_list() == [one["figure"] for one in written["rows"]]
    assert {"card.html", "card-energy.png"} <= {path.name for path in (tmp_path / "card").iterdir()}
    text = (tmp_path / "card" / "card.csv").read_text()
    assert not re.search(r"[1-9]\d*\.?\d{8,}", text)  # numbers have six digits
