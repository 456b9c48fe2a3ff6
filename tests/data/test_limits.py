"""Files that unpack to much, are wide or damaged are refused by the name of a limit."""

import numpy as np
import polars as pl
import pytest

from tests.data.bombs import SMALL, parquet
from tests.data.make import long
from tests.properties.readers import GREEN
from wattflock.core.errors import ScenarioError
from wattflock.data.check import refuse
from wattflock.data.files import listed, table_of
from wattflock.data.look import look
from wattflock.data.meter_file import read_communities, read_tariffs
from wattflock.data.source import recognised
from wattflock.data.unpack import FREE_BYTES, MOST_RATIO
from wattflock.sources.table import Table


@pytest.mark.slow
@pytest.mark.parametrize("tried", SMALL)
def test_what_unpacks_to_much_or_is_damaged_is_refused_by_name(tmp_path, tried):
    name, made, word = SMALL[tried]
    path = tmp_path / name
    path.write_bytes(made())
    with pytest.raises(ScenarioError, match=word) as refused:
        recognised(str(path))
        for file in listed(str(path), "a file"):
            table_of(file)
    assert all(len(str(problem)) < 400 for problem in refused.value.problems)


def test_a_parquet_of_readings_in_whole_kwh_is_read_though_it_packs_better_than_text(tmp_path):
    rows, path = 900_000, tmp_path / "a.parquet"
    kwh = np.random.default_rng(0).poisson(0.1, rows).astype(float)
    same = {"export_kwh": 0.0, "pv_kwh": 0.0, "unit": "kWh", "quality": "A"}
    path.write_bytes(parquet(pl.DataFrame({"load_kwh": kwh}).with_columns(**{k: pl.lit(v) for k, v in same.items()})))
    assert 8 * 5 * rows > max(FREE_BYTES, MOST_RATIO * path.stat().st_size)
    assert table_of(path).height == rows


@pytest.mark.parametrize("kind", [pl.Datetime("us"), pl.Datetime("ms", "Europe/Oslo")])
def test_a_year_that_python_has_no_date_for_is_told_by_its_row(tmp_path, kind):
    table, path = long(homes=1, days=14), tmp_path / "a.parquet"
    far = table["time"].cast(pl.Int64).scatter(30, -142_411_000_000_000_000).cast(pl.Datetime("us"))  # in 2543 BC
    path.write_bytes(parquet(table.with_columns(far.cast(kind).alias("time"))))
    (found,) = (each for each in look(Table(str(path)).raw()).findings if each.code == "unread-time")
    assert found.value.startswith("'-2543-") and found.rows == (31,)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", "1", "no list of records"),
        ("a.csv", "date,kWh\n1.911,2025-02-19 23:00\n", "kWh = 'named as load, and read as another thing'"),
    ],
)
def test_a_file_that_was_a_traceback_is_refused(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(ScenarioError, match=words):
        refuse(look(Table(str(tmp_path / name), columns={"load": "kWh"}, units={"load": "kWh"}).raw()).findings)


def test_a_home_without_a_name_has_no_tariff_and_no_community(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("home,import_per_kwh,export_per_kwh,community\nH0,0.3,0.1,north\n,0.3,0.1,north\n")
    for read in (read_tariffs, read_communities):
        with pytest.raises(ScenarioError, match=r"a\.csv:3: home = ''; allowed: a home of the readings"):
            read(path, ("H0",))


def test_a_power_of_ten_beyond_all_meters_and_a_stamp_without_end_are_no_tracebacks(tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(GREEN.replace(b"Multiplier>0<", b"Multiplier>999<"))
    with pytest.raises(ScenarioError, match="powerOfTenMultiplier 999; -12 to 12"):
        table_of(path)
    path.write_bytes(GREEN.replace(b"<espi:start>1736121600<", b"<espi:start>1e999<"))
    assert any(each.code == "unread-time" for each in look(Table(str(path), zone="America/Los_Angeles").raw()).findings)
