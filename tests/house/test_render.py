"""What a verb found is data: shown on a terminal, or the same as JSON."""

import io
import json
import math
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.apps.render import as_json, shown
from wattflock.report.study_tables import COLUMNS
from wattflock.verbs.results import Comparison, Listing, Runs, Study, Training, Tuned
from wattflock.world.rollout import ZeroPolicy

FIGURES = {"cost_per_home_day": 3.5, "saving_captured": None, "rounds": 10, "rounds_asked": 40}
SUMMARY = {"methods": {"idle": FIGURES | {"rounds_asked": 10}, "gradmap": FIGURES}, "currency": "USD", "homes": 20}
COMPARISON = Comparison(SUMMARY, {}, {}, Path("runs") / "mine")
PAYS = pl.DataFrame({"home": [3], "kind": ["battery"], "terminal": ["1.1"], "idle": [1.0]})
ROWS = pl.DataFrame({"run": ["mine"], "method": ["idle"], "state": ["complete"], "cost_per_home_day": [3.5]})
SPREADS = {f"{name}_{kind}": [1.5] for name in (
    *COLUMNS, "days",
) for kind in ("mean", "sd", "most")}  # fmt: skip
FOUND = {
    "training": Training("gradmap", ZeroPolicy(), 10, 40, 1.5, pl.DataFrame({"round": [10]}), Path("x.safetensors")),
    "comparison": COMPARISON,
    "tuned": Tuned(COMPARISON, PAYS),
    "runs": Runs(ROWS),
    "listing": Listing(pl.DataFrame({"part": ["ev"], "what it is": ["[a car]"]})),
    "study": Study(
        Path("s"),
        "USD",
        ROWS,
        pl.DataFrame({"row": ["main"], "method": ["idle"], "judged_on": ["days"], "seeds": [2]} | SPREADS),
    ),
}


def text(found) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(shown(found))
    return console.export_text()


@pytest.mark.parametrize("name", FOUND)
def test_everything_has_both_forms(name):
    assert text(FOUND[name]).strip()
    assert json.loads(as_json(FOUND[name]))


def test_rounds_that_are_missing_are_told():
    assert "gradmap: judged after 10 of 40 rounds" in text(COMPARISON)
    assert "idle: judged" not in text(COMPARISON)
    assert "gradmap: 10 of 40 rounds in 1.5 s; checkpoint x.safetensors" in text(FOUND["training"])


def test_json_has_the_figures_as_they_are():
    found = json.loads(as_json(COMPARISON))
    assert found["methods"]["idle"]["cost_per_home_day"] == 3.5
    assert json.loads(as_json({"cost": math.nan})) == {"cost": None}
    assert found["folder"] == "runs/mine"
    assert json.loads(as_json(FOUND["listing"])) == [{"part": "ev", "what it is": "[a car]"}]
    assert json.loads(as_json(FOUND["training"])) == {
        "method": "gradmap", "rounds": 10, "rounds_asked": 40, "seconds": 1.5,
        "checkpoint": "x.safetensors", "curve": [{"round": 10}],
    }  # fmt: skip


def test_a_table_that_is_ready_to_be_printed_is_json_too():
    table = Table("peak\nkW", "name")
    table.add_row("1.5", "one")
    assert json.loads(as_json(table)) == [{"peak kW": "1.5", "name": "one"}]
    facts = Table.grid("", "")
    facts.add_row("losses", "3 kW")
    assert json.loads(as_json(facts)) == {"losses": "3 kW"}
    assert json.loads(as_json(Group(table, "", Text("said")))) == [[{"peak kW": "1.5", "name": "one"}], "said"]


def listed() -> object:
    """List."""
    return FOUND["listing"]


def said() -> str:
    """Say."""
    return "a line"


def test_a_verb_that_finds_more_than_a_line_takes_json():
    app = make_app([listed, said])
    result = CliRunner().invoke(app, ["listed", "--json"])
    assert json.loads(result.stdout) == [{"part": "ev", "what it is": "[a car]"}]
    assert "[a car]" in CliRunner().invoke(app, ["listed"]).stdout
    assert "--json" not in CliRunner().invoke(app, ["said", "--help"]).stdout
