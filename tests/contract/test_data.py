"""What every data source keeps to: it says what its files hold; homes come in whole days, plausible and complete."""

import datetime
import functools
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.data.make import agile_text, ausgrid_text, london_text, long, sessions_text
from wattflock.core.errors import ScenarioError
from wattflock.core.registry import interface, parts
from wattflock.core.settings import settings_model
from wattflock.data.check import check
from wattflock.data.raw import CLOCKS
from wattflock.sources import synthetic

SOURCES = parts("data", interface("data"))
pytestmark = pytest.mark.usefixtures("small_blocks")
MADE = ("synthetic",)  # takes a while: homes are made on the device
EVERY = {name: pytest.param(name, marks=pytest.mark.study) if name in MADE else name for name in SOURCES}
every_source = pytest.mark.parametrize("name", EVERY.values())
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


FIRST = datetime.datetime(2012, 12, 31)
FILES = {  # a small file in the layout of sources whose `example` does not write one
    "london": lambda: london_text(2, 42, FIRST),
    "ausgrid": lambda: ausgrid_text(3, 42, FIRST.date()),
    "table": lambda: long(homes=2, days=42).write_csv(),
    "agile": lambda: agile_text(42, FIRST),
    "norway_ev": lambda: sessions_text(3, 14, FIRST),
}
NO_HOMES = ("agile", "norway_ev")
FEW = {"synthetic": {"homes": 20}}
of_homes = pytest.mark.parametrize("name", [each for name, each in EVERY.items() if name not in NO_HOMES])


@functools.cache
def folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory()


def source(name: str):
    if name in FEW:
        return SOURCES[name](**FEW[name])
    if name not in FILES:
        return SOURCES[name].example(Path(folder().name))
    path = Path(folder().name) / f"{name}.csv"
    if not path.exists():
        path.write_text(FILES[name]())
    return SOURCES[name](path=str(path))


@functools.cache
def read(name: str):
    return source(name).read()


@every_source
def test_what_files_say_has_stamps_a_card_and_no_faults_here(name):
    raw = source(name).raw()
    assert {"source", "owner", "licence", "period"} <= set(raw.card)
    assert raw.clock in CLOCKS
    tables = [table for table in (raw.homes, raw.common, raw.sessions) if table is not None]
    assert tables
    assert all({"file", "row"} <= set(table.columns) and table.height for table in tables)
    assert [each for each in check(raw) if each.severity == "error"] == []


@every_source
def test_a_file_that_is_not_there_is_told_in_words(name):
    if "path" in settings_model(SOURCES[name]).model_fields:
        with pytest.raises(ScenarioError, match="nothing of the kind"):
            SOURCES[name](path="nothing of the kind").raw()


@pytest.mark.parametrize("name", NO_HOMES)
def test_a_source_without_homes_says_what_to_do(name):
    with pytest.raises(ScenarioError, match="a source of homes"):
        source(name).read()


@every_source
def test_it_says_where_it_comes_from(name):
    assert "Source:" in (SOURCES[name].__doc__ or "")


@of_homes
def test_its_card_says_whose_it_is_and_what_is_borrowed(name):
    card = read(name).card
    assert {"source", "owner", "licence", "period"} <= set(card)
    assert json.loads(json.dumps(card)) == card


@of_homes
def test_its_tables_are_whole_days_of_the_same_homes(name):
    readings = read(name)
    days, steps, homes = readings.load_kw.shape
    assert days >= 7
    assert len(readings.homes) == len(set(readings.homes)) == homes
    assert all(getattr(readings, column).shape == (days, steps, homes) for column in PER_HOME)
    assert all(getattr(readings, column).shape == (days, steps) for column in COMMON)
    assert readings.weekend.shape == readings.month.shape == (days,)


@of_homes
@pytest.mark.parametrize("column", PLAUSIBLE)
def test_its_values_are_plausible(name, column):
    values = getattr(read(name), column)
    (least, most), (mean_least, mean_most) = PLAUSIBLE[column]
    assert np.isfinite(values).all()
    assert least <= values.min()
    assert values.max() <= most
    assert mean_least <= values.mean() <= mean_most


@of_homes
def test_its_calendar_is_right(name):
    readings = read(name)
    dates = np.datetime64(readings.first_day) + np.arange(len(readings.month))
    assert (readings.month == dates.astype("datetime64[M]").astype(int) % 12 + 1).all()
    saturday_or_sunday = (dates.astype("datetime64[D]").astype(int) + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    assert readings.weekend[saturday_or_sunday].all()
    assert 0.25 < readings.weekend.mean() < 0.35


@of_homes
def test_there_is_sun_by_day_and_none_by_night(name):
    sun = read(name).sun_kw_per_kwp.mean((0, 2))
    steps = len(sun)
    assert sun[: steps // 24 * 3].max() < 0.01
    assert 10 / 24 <= sun.argmax() / steps <= 15 / 24


@of_homes
def test_reading_twice_gives_the_same(name):
    first = read(name)
    synthetic.NEWEST.clear()  # homes are made again, not remembered
    again = source(name).read()
    assert np.array_equal(again.load_kw, first.load_kw)
