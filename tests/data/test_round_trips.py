"""What a verb writes, another reads: the same homes, the same energy, the same names."""

import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.data.make import MONDAY, long, sessions_text
from wattflock.data.clean import clean
from wattflock.data.files import table_of
from wattflock.data.look import look
from wattflock.data.meter_file import read_meters
from wattflock.data.numbers import numbers
from wattflock.data.source import recognised
from wattflock.report.spreadsheet import write_sheets
from wattflock.sources.norway_ev import NorwayEv
from wattflock.sources.table import Table


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder that `generate` writes."""
    from wattflock.verbs.generate import generate

    folder = tmp_path_factory.mktemp("homes")
    generate(homes=2, days=7, out=folder)
    return folder


def of_generate(made: Path, folder: Path) -> Path:
    return made


def as_csv(made: Path, folder: Path) -> Path:
    pl.read_parquet(made / "homes.parquet").write_csv(folder / "homes.csv")
    return folder / "homes.csv"


def as_sheet(made: Path, folder: Path) -> Path:
    write_sheets(folder / "homes.xlsx", {"homes": pl.read_parquet(made / "homes.parquet")})
    return folder / "homes.xlsx"


def as_spreadsheet_csv(made: Path, folder: Path) -> Path:
    write_sheets(folder / "homes.csv", {"homes": pl.read_parquet(made / "homes.parquet")})
    return folder / "homes.csv"


def as_zip(made: Path, folder: Path) -> Path:
    with zipfile.ZipFile(folder / "homes.zip", "w") as packed:
        packed.write(made / "homes.parquet", "homes.parquet")
    return folder / "homes.zip"


def cleaned(made: Path, folder: Path) -> Path:
    clean(Table(str(made)).raw()).table().write_parquet(folder / "clean.parquet")
    return folder / "clean.parquet"


@pytest.mark.study
@pytest.mark.parametrize("writes", [of_generate, as_csv, as_sheet, as_spreadsheet_csv, as_zip, cleaned])
def test_made_homes_are_read_as_they_were_made(made, tmp_path, writes):
    path = str(writes(made, tmp_path))
    seen, table = look(Table(path).raw()), pl.read_parquet(made / "homes.parquet")
    assert recognised(path) == "table"
    assert seen.cleaned is not None, seen.findings
    flock = seen.cleaned.flock
    for column in ("load_kw", "pv_kw", "ev_plugged", "ev_driving_kwh", "heat_kw"):
        own = table.group_by("home", maintain_order=True).agg(pl.col(column).mean())
        assert flock.homes == tuple(own["home"])
        assert np.allclose(getattr(flock, column).mean((1, 2)), own[column], rtol=1e-3, atol=1e-4), column


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_sheet_is_read_as_it_was_written(tmp_path, ending):
    table = pl.DataFrame({"home": ["H1", "=2+3", "ä;b"], "bill": [1.5, -2.25, 1e-7], "days": [7, 7, 7]})
    path = write_sheets(tmp_path / f"bills.{ending}", {"bills": table})
    back = table_of(tmp_path / f"bills.{ending}" if path is None else Path(path))
    assert back["home"].str.strip_prefix("'").to_list() == table["home"].to_list()
    assert numbers(back["bill"])[0].to_list() == pytest.approx(table["bill"].to_list())


def test_readings_to_settle_are_readings_to_study(tmp_path):
    table = long(days=35).select("time", "home", net_kwh=pl.col("load_kw") - pl.col("pv_kw"))
    path = tmp_path / "meters.csv"
    table.write_csv(path)
    settled, studied = read_meters(path), clean(Table(str(path), net="split").raw()).flock
    net = np.asarray(studied.load_kw - studied.pv_kw).reshape(len(studied.homes), -1).T
    assert settled.homes == studied.homes
    assert np.allclose(settled.net_kwh, net, atol=1e-6)


def test_sessions_that_were_read_are_read_again(tmp_path):
    (tmp_path / "sessions.csv").write_text(sessions_text(3, 9, MONDAY))
    one = NorwayEv(str(tmp_path / "sessions.csv")).raw().sessions
    one.write_csv(tmp_path / "again.csv")
    columns = {"user": "user", "plug_in": "plug_in", "plug_out": "plug_out", "energy": "energy_kwh"}
    two = Table(str(tmp_path / "again.csv"), columns=columns).raw().sessions
    same = ["user", "plug_in", "plug_out", "energy_kwh"]
    assert two.select(same).equals(one.select(same))
