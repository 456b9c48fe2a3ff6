"""What a look at files finds, and what it leaves in peace."""

import datetime

import numpy as np
import polars as pl
import pytest

from tests.data.make import MONDAY, agile_text, ausgrid_text, london_text, long, sessions_text
from wattflock.core.errors import ScenarioError
from wattflock.core.registry import interface, part
from wattflock.data.check import check, refuse
from wattflock.data.clean import clean
from wattflock.data.finding import KINDS, ORDER, SMALL_SHARE, severity
from wattflock.data.source import recognised
from wattflock.data.units import unit_in
from wattflock.sources.table import Table


def codes(path: str, **settings) -> set[str]:
    return {each.code for each in check(Table(path, **settings).raw())}


@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
@pytest.mark.parametrize("name", ["homes.csv", "homes.parquet"])
def test_a_sound_table_of_our_own_has_no_fault(write, minutes, name):
    assert codes(write(long(minutes=minutes, days=7), name)) <= {"kwp-unknown"}


@pytest.mark.parametrize(("unit", "factor"), [("w", 1000), ("kwh", 0.5), ("wh", 500)])
def test_every_unit_of_power_and_energy_says_the_same(write, unit, factor):
    table = long(minutes=30)
    other = table.select("home", "time", (pl.col("load_kw") * factor).alias(f"load_{unit}"))
    one, two = (Table(write(t, f"{k}.csv")).raw().homes for k, t in enumerate((table, other)))
    assert (one["load_kw"] - two["load_kw"]).abs().max() < 1e-9
    told = other.rename({f"load_{unit}": "Total"})
    three = Table(write(told, "told.csv"), columns={"load": "Total"}, units={"load": unit}).raw().homes
    assert (one["load_kw"] - three["load_kw"]).abs().max() < 1e-9


@pytest.mark.parametrize(("name", "unit"), [
    ("load [kW·h]", "kwh"), ("load (W*h)", "wh"), ("Usage kW-hr", "kwh"), ("kW h", "kwh"), ("load [kW·h/h]", "kw"),
    ("price (€/kW·h)", "per_kwh"), ("load kW hourly", "kw"), ("load [W] - HE01", "w"),
])  # fmt: skip
def test_a_power_times_hours_is_an_energy(name, unit):
    assert unit_in(name) == unit


def test_a_wide_table_says_the_same_as_a_long_one(write):
    table = long().select("home", "time", "load_kw")
    wide = table.pivot("home", index="time", values="load_kw").select("time", "H0", "H1")
    one = Table(write(table, "long.csv")).raw().homes.sort("home", "time")
    two = Table(write(wide, "wide.csv"), units={"load": "kW"}).raw().homes.sort("home", "time")
    assert one["load_kw"].to_list() == pytest.approx(two["load_kw"].to_list())
    assert "unknown-unit" in codes(write(wide, "wide.csv"))


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S+02:00"])
def test_dates_are_read_as_people_write_them(write, form):
    table = long(days=21)
    text = table.with_columns(pl.col("time").dt.strftime(form))
    raw = Table(write(text), zone="Europe/Helsinki").raw()
    shift = datetime.timedelta(hours=2 if form.endswith("+02:00") else 0)
    assert raw.homes["time"].to_list() == [time - shift for time in table["time"]]
    assert raw.clock == ("utc" if form.endswith(("Z", "+02:00")) else "local")


def test_stamps_with_an_offset_need_a_zone(write):
    text = long().with_columns(pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert "time-zone" in codes(write(text))
    assert codes(write(text), zone="Europe/London") <= {"kwp-unknown"}


def test_a_zone_that_does_not_exist_is_told(write):
    assert "unknown-zone" in codes(write(long()), zone="Europe/Lond")


def test_the_hours_of_clock_changes_are_told_as_such(write):
    first = datetime.datetime(2024, 3, 29)
    table = long(days=7, first=first)
    gone = datetime.datetime(2024, 3, 31, 1)
    assert "clock-nonexistent" in codes(write(table), zone="Europe/London")
    spring = table.filter(pl.col("time") != gone)
    assert codes(write(spring, "spring.csv"), zone="Europe/London") <= {"clock-missing", "kwp-unknown"}
    assert "gap" in codes(write(spring, "spring.csv"))


@pytest.mark.study
@pytest.mark.parametrize("minutes", [30, 60])
def test_a_clock_that_changes_is_told_from_one_that_does_not(write, minutes):
    zone, first = "Europe/London", datetime.datetime(2024, 3, 25)
    for start in (first, datetime.datetime(2024, 10, 21)):
        utc = long(homes=4, days=14, minutes=minutes, first=start)
        local = utc.with_columns(pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone(zone))
        path = write(local.with_columns(pl.col("time").dt.strftime("%Y-%m-%d %H:%M")))
        assert "time-zone" in codes(path)
        assert "time-zone" in codes(path, zone=zone, clock="utc")
        assert codes(path, zone=zone) <= {"clock-missing", "clock-doubled", "kwp-unknown", "unsorted"}
        assert codes(write(utc, "utc.csv"), zone=zone, clock="utc") <= {"kwp-unknown"}


def test_rare_faults_are_repaired_and_common_ones_are_errors():
    for code in (code for code, kind in KINDS.items() if kind.severity == "share"):
        assert severity(code, 1, 100) == "repairable"
        assert severity(code, 2, 100) == "error"
    assert SMALL_SHARE == 0.01
    assert {kind.severity for kind in KINDS.values()} == {"share", *ORDER}


def test_the_rows_are_those_that_an_editor_shows(write):
    lines = [line.split(",") for line in long(homes=1).write_csv().splitlines()]
    lines[41][2] = "-5"
    path = write(long())
    with open(path, "w") as file:
        file.write("\n".join(",".join(line) for line in lines))
    (negative,) = [each for each in check(Table(path).raw()) if each.code == "negative"]
    assert (negative.rows, negative.count, negative.value) == ((42,), 1, "lowest -5 kW")


def test_errors_come_first_and_all_together(write):
    table = pl.concat([long().with_columns(load_kw=-pl.col("load_kw")), long().head(20)])
    found = check(Table(write(table), zone="Nowhere/At all").raw())
    assert [ORDER.index(each.severity) for each in found] == sorted(ORDER.index(each.severity) for each in found)
    with pytest.raises(ScenarioError) as caught:
        Table(write(table)).read()
    assert len(caught.value.problems) >= 2


@pytest.mark.parametrize("columns", [{"load": "nothing"}, {"laod": "load_kw"}])
def test_a_mapping_that_leads_nowhere_is_told(write, columns):
    assert "missing-column" in codes(write(long()), columns=columns)


def test_no_file_is_told_and_not_a_traceback(tmp_path):
    for path in ("", str(tmp_path), str(tmp_path / "none.csv")):
        with pytest.raises(ScenarioError):
            Table(path).raw()
    (tmp_path / "torn.parquet").write_bytes(b"no parquet")
    with pytest.raises(ScenarioError, match="CSV or Parquet"):
        Table(str(tmp_path / "torn.parquet")).raw()


def test_step_of_a_day_cannot_be_used(write):
    days = long().filter(pl.col("time").dt.hour() == 0)
    assert "bad-step" in codes(write(days))
    assert MONDAY.weekday() == 0


TEXTS = {
    "table": lambda: long(days=3).write_csv(),
    "ausgrid": lambda: ausgrid_text(2, 3, MONDAY.date()),
    "london": lambda: london_text(2, 3, MONDAY),
    "agile": lambda: agile_text(3, MONDAY),
    "norway_ev": lambda: sessions_text(2, 4, MONDAY),
}


def torn(text: str, random: np.random.Generator) -> str:
    """The text with a few lines lost, cut short, repeated or changed, or a column lost or emptied."""
    lines = text.splitlines()
    for how in random.integers(0, 6, 4):
        row, cells = int(random.integers(len(lines))), lines[0].count(",") + 1
        column = int(random.integers(cells))
        if how == 0 and len(lines) > 2:
            del lines[row]
        elif how == 1:
            lines[row] = lines[row][: int(random.integers(len(lines[row]) + 1))]
        elif how == 2:
            lines.insert(row, lines[int(random.integers(len(lines)))])
        elif how == 3:
            odd = str(random.choice(["", "x", "-1", "1e400", "inf", "nan", "é", '"', "2024-13-45", "99999"]))
            lines[row] = ",".join(odd if k == column else cell for k, cell in enumerate(lines[row].split(",")))
        else:
            kept = [[cell for k, cell in enumerate(line.split(",")) if k != column] for line in lines]
            lines = [",".join(cells) for cells in kept] if how == 4 else lines[: max(1, row)]
    return "\n".join(lines)


@pytest.mark.study
@pytest.mark.parametrize("name", TEXTS)
def test_a_torn_file_ends_in_words_and_not_in_a_traceback(tmp_path, name):
    path = tmp_path / "torn.csv"
    told = 0
    for seed in range(12):
        path.write_text(torn(TEXTS[name](), np.random.default_rng(seed)))
        try:
            raw = part("data", interface("data"), recognised(str(path)))(path=str(path)).raw()
            refuse(check(raw))
            clean(raw)
        except ScenarioError as error:
            told += 1
            assert error.problems
    assert told
