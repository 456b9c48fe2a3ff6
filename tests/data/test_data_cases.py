"""Every broken file gets the full list of what is wrong with it, and exit code 2; a case needs no code."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.data.finding import KINDS
from wattflock.verbs import data

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "cases").glob("data_*"))
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def expected(case: Path) -> dict:
    return json.loads((case / "expected.json").read_text())


def run(case: Path):
    words = [word for each in expected(case)["settings"] for word in ("--set", each)]
    runner = CliRunner(env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    return runner.invoke(make_app((), {"data": data}), ["data", "check", str(case / "input.csv"), *words])


def test_there_are_at_least_ten():
    assert len(CASES) >= 10


@every_case
def test_a_broken_file_gets_the_full_list(case):
    from wattflock.data.check import check
    from wattflock.data.source import recognised

    wanted = expected(case)
    name = recognised(str(case / "input.csv"))
    assert name == wanted["read_as"]
    found = check(data._source(name, str(case / "input.csv"), wanted["settings"]).raw())
    said = [{"severity": f.severity, "code": f.code, "column": f.column, "count": f.count} for f in found]
    assert said == wanted["findings"]
    assert len([each for each in said if each["severity"] == "error"]) >= 2


@every_case
def test_it_ends_with_two_and_names_every_error(case):
    result = run(case)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    for each in expected(case)["findings"]:
        if each["severity"] == "error":
            assert f"[{each['code']}]" in result.stderr
            assert each["column"] in result.stderr


def test_every_kind_of_finding_is_in_the_documentation():
    page = (ROOT / "docs" / "data-check.md").read_text(encoding="utf-8")
    missing = [code for code, kind in KINDS.items() if f"| `{code}` | {kind.severity} | {kind.words} |" not in page]
    assert missing == []
