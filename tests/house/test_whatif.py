"""`wattflock whatif`, as a person types it: all files, the same again without work, and every problem at once."""

import json
import re
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest

from tests.house.test_verbs import wattflock

TINY = (
    "whatif", "ieee13", "--cars", "0:1:1", "--homes", "5", "--seeds", "1", "--days", "1", "--methods", "idle",
    "--limits", "ansi-b", "--set", "data.part=california", "--set", "data.settings={}",
)  # fmt: skip


@pytest.mark.slow
def test_a_sweep_writes_its_files_and_is_not_run_again(tmp_path):
    first = wattflock(*TINY, "--csv", "cells.csv", "--json", folder=tmp_path)
    assert first.exit_code == 0, first.stderr
    told = json.loads(first.stdout)
    folder = tmp_path / told["folder"]
    assert {"whatif.html", "whatif.xlsx", "whatif.geojson", "limits.png", "taken.png"} <= {
        f.name for f in folder.iterdir()
    }
    assert pl.read_csv(tmp_path / "cells.csv")["cars"].to_list() == [0.0, 1.0] == [row["cars"] for row in told["cells"]]
    none, every = (pl.read_parquet(run / "homes.parquet") for run in sorted((tmp_path / "runs").glob("whatif-ev*")))
    assert (none["import_kwh"].sum() < every["import_kwh"].sum()) and none["kind"].unique().to_list() == ["load only"]

    page = (folder / "whatif.html").read_text()
    assert told["headline"] in re.sub(r"&\w+;", " ", page)
    plots = re.findall(r'class="plot" role="group" aria-label="([^"]*)"', page)
    assert len(plots) == page.count('class="plot"') > 3 and all(plots)
    with ZipFile(folder / "whatif.xlsx") as book:
        assert b'sheet name="answer"' in book.read("xl/workbook.xml")
    whole = json.loads((folder / "whatif.geojson").read_text())
    assert whole["shares"] == {"cars": 1.0}
    points = [each for each in whole["features"] if each["geometry"]["type"] == "Point"]
    assert any("idle_more_kw" in each["properties"] for each in points)

    before = stamps(tmp_path)
    again = wattflock(*TINY, "--json", folder=tmp_path)
    assert json.loads(again.stdout) == told
    assert stamps(tmp_path) == before


def stamps(folder: Path) -> dict[str, int]:
    """When each table of a run was written."""
    return {str(path): path.stat().st_mtime_ns for path in folder.glob("runs/whatif-ev*/*")}


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    words = (
        "--cars",
        "0:2:1",
        "--methods",
        "idl",
        "--cell",
        "boats=1",
        "--limits",
        "no",
        "--seeds",
        "0",
        "--workers",
        "0",
    )
    result = wattflock("whatif", "nonesuch", *words, "--set", "homes.count=3", folder=tmp_path)
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
    for part in ("--cars = '0:2:1'", "'idl'", "boats", "--limits", "--seeds", "--workers", "nonesuch", "homes.count=3"):
        assert part in result.stderr


def test_an_opendss_model_is_imported_first(tmp_path):
    result = wattflock("whatif", "Master.dss", "--cars", "1", folder=tmp_path)
    assert (result.exit_code, "wattflock feeder import" in result.stderr) == (2, True)
