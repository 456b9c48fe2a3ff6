"""The commands about feeders, as a person types them."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.file import to_bytes
from wattflock.feeder.loads import scaled
from wattflock.verbs import GROUPS, VERBS

CASES = Path(__file__).parents[2] / "cases"
NO_OPENDSS = "OpenDSS is not installed: pip install 'wattflock[opendss]'"


def feeder(*words: object):
    """What `wattflock feeder …` says, 100 columns wide."""
    runner = CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100"})
    return runner.invoke(make_app(VERBS, GROUPS), ["feeder", *map(str, words)], prog_name="wattflock")


@pytest.fixture
def stored(tmp_path) -> Path:
    """A feeder in a file, as `import` writes it."""
    path = tmp_path / "mine.feeder"
    path.write_bytes(to_bytes(IEEE13().circuit()))
    return path


@pytest.mark.parametrize("verb", ["import", "solve", "check", "show", "hosting"])
def test_every_command_shows_its_example(verb):
    shown = feeder(verb, "--help").output
    assert f"wattflock feeder {verb}" in shown.partition("Example:")[2]


def test_solving_writes_every_voltage_and_current(tmp_path):
    out = tmp_path / "voltages.csv"
    result = feeder("solve", "ieee13", "--loads", "as-modelled", "--taps", "settle", "--csv", out)
    assert result.exit_code == 0, result.output
    assert "reg1 +" in result.output and "losses" in result.output
    table = pl.read_csv(out)
    assert table.columns == ["node", "magnitude_pu", "angle_deg"]
    assert len(table) == 41
    assert table["magnitude_pu"].is_between(0.9, 1.1).all()
    currents = pl.read_csv(tmp_path / "voltages-branches.csv")
    assert currents["current_a"].max() > 500
    assert sorted(file.name for file in tmp_path.iterdir()) == ["voltages-branches.csv", "voltages.csv"]


def test_numbers_in_files_have_six_digits(tmp_path):
    assert feeder("solve", "ieee13", "--csv", tmp_path / "v.csv").exit_code == 0
    for name in ("v.csv", "v-branches.csv"):
        numbers = re.findall(r"(?<=,)-?[\d.]+", (tmp_path / name).read_text())
        assert len(numbers) > 50
        assert max(len(number.lstrip("-0.").replace(".", "")) for number in numbers) <= 6


def test_taps_that_are_not_settled_are_said():
    """As shipped, IEEE 13 stands at its published taps, which are not at rest under constant power."""
    as_shipped = feeder("solve", "ieee13").output
    assert "16 voltages under" in as_shipped and "--taps settle" in as_shipped
    settled = feeder("solve", "ieee13", "--taps", "settle").output
    assert "--taps settle" not in settled and "reg1 +" in settled


def test_a_stored_feeder_gives_what_its_tables_give(stored, tmp_path):
    for name in ("ieee13", stored):
        assert feeder("solve", name, "--scale", 0.5, "--csv", tmp_path / f"{Path(name).stem}.csv").exit_code == 0
    tables = [pl.read_csv(tmp_path / f"{stem}.csv") for stem in ("ieee13", "mine")]
    np.testing.assert_allclose(tables[0]["magnitude_pu"], tables[1]["magnitude_pu"], rtol=0, atol=1e-9)


def test_too_much_load_is_said_and_not_hidden():
    for verb in ("solve", "show"):
        result = feeder(verb, "ieee13", "--scale", 20)
        assert result.exit_code == 2
        assert "no solution" in result.output
        assert "lowest voltage" not in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("solve", "ieee14"), "did you mean 'ieee13'"),
        (("solve", "ieee13", "--loads", "constant"), "one of as-modelled, constant-power"),
        (("solve", "ieee13", "--taps", "loose"), "one of fixed, settle"),
        (("solve", "ieee13", "--limits", "ansi"), "did you mean 'ansi-"),
        (("check", "imported"), "feeder import"),
        (("solve", "there/is/none.feeder"), "no such file"),
        (("solve", "there/is/none.feeder"), "ieee13"),
    ],
)
def test_a_wrong_word_is_told_with_what_is_allowed(words, said):
    result = feeder(*words)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_broken_file_is_told(stored):
    stored.write_bytes(stored.read_bytes()[:-10])
    result = feeder("solve", stored)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert "mine.feeder" in result.output


@pytest.mark.study
def test_importing_writes_one_file_that_needs_no_opendss(tmp_path):
    pytest.importorskip("dss", reason=NO_OPENDSS)
    out = tmp_path / "small.feeder"
    result = feeder("import", CASES / "import_delta_wye" / "input.dss", "--out", out)
    assert result.exit_code == 0, result.output
    assert "transformer" in result.output
    header = json.loads(out.read_bytes()[8 : 8 + int.from_bytes(out.read_bytes()[:8], "little")])
    assert json.loads(header["__metadata__"]["card"])["format"] == "wattflock circuit"
    assert feeder("solve", out).exit_code == 0
    checked = feeder("check", out)
    assert checked.exit_code == 0, checked.output
    assert "agrees with OpenDSS within 1e-06 pu" in checked.output


@pytest.mark.slow
def test_another_feeder_and_other_loads_are_told(stored, tmp_path):
    pytest.importorskip("dss", reason=NO_OPENDSS)
    from wattflock.feeder.opendss import read_opendss

    master = CASES / "import_delta_wye" / "input.dss"
    other = feeder("check", stored, "--master", master)
    assert (other.exit_code, "nodes of the same feeder" in other.output) == (2, True)
    circuit = read_opendss(master)
    more = dataclasses.replace(circuit, spots=scaled(circuit.spots, 1.01))
    stored.write_bytes(to_bytes(more))
    result = feeder("check", stored)
    assert result.exit_code == 2
    assert "DIFFERS" in result.output and "9 of 9 comparisons differ" in result.output


def test_a_model_that_is_not_there_is_told(tmp_path):
    result = feeder("import", tmp_path / "none.dss")
    assert result.exit_code == 2
    assert "none.dss" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.study
def test_drawing_writes_a_picture_and_a_page(tmp_path):
    result = feeder("show", "ieee37", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ieee37.html", "ieee37.png"]
    assert (tmp_path / "ieee37.png").read_bytes().startswith(b"\x89PNG")
    assert "ieee37" in (tmp_path / "ieee37.html").read_text()


@pytest.mark.slow
def test_hosting_gives_every_terminal_its_limits(tmp_path):
    out = tmp_path / "envelopes.csv"
    result = feeder("hosting", "ieee13", "--load", 0.3, "--homes", 400, "--csv", out)
    assert result.exit_code == 0, result.output
    assert "export, maximum" in result.output and "Jain" in result.output
    table = pl.read_csv(out)
    assert table["homes"].sum() == 400
    equal = table.filter(pl.col("homes") > 0)["export_equal_kw_per_home"]
    assert equal.max() - equal.min() < 1e-6
    assert (table["export_alone_kw"] > 0).all()
    slopes = pl.read_parquet(tmp_path / "envelopes-sensitivities.parquet")
    assert len(slopes) == 17 * 33 and slopes["pu_per_kw"].is_finite().all()
    own = slopes.filter((pl.col("terminal") == "652.1") & (pl.col("voltage") == "652.1"))
    assert -1e-3 < own["pu_per_kw"].item() < 0
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_cap_that_binds_is_said():
    """With its defaults every home of IEEE 13 may export what the cap allows: the feeder is no limit."""
    said = " ".join(feeder("hosting", "ieee13").output.split())
    assert "binds in every envelope is the cap of 10 kW per home, not the feeder" in said and "raise --cap-kw" in said


@pytest.mark.slow
def test_the_tutorial_shows_an_example_that_its_feeder_limits_at_a_load_that_is_said_first():
    page = (Path(__file__).resolve().parents[2] / "docs" / "tutorial-network-engineer.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"^wattflock feeder (hosting .*) --csv", page, re.MULTILINE)
    said = " ".join(feeder(*words.split()).stdout.split())
    assert said.startswith("ieee13 while 30 % of its spot loads are drawn")
    assert "raise --cap-kw" not in said
    binding = dict(re.findall(r"((?:ex|im)port, equal) .*?(over-voltage|unbalance|cap)", said))
    assert binding == {"export, equal": "over-voltage", "import, equal": "unbalance"}


@pytest.mark.parametrize("words", [("--load", 3), ("--homes", -1), ("--cap-kw", 0)])
def test_hosting_that_cannot_be_is_told(words):
    result = feeder("hosting", "ieee13", *words)
    assert result.exit_code == 2
    assert "allowed" in result.output and "Traceback" not in result.output


@pytest.mark.study
def test_opendss_runs_in_a_process_of_its_own_beside_compiled_programs(tmp_path):
    """OpenDSS in a thread of a process that has used it before and in which JAX has compiled would end the process."""
    pytest.importorskip("dss")
    program = (
        "import sys, jax, jax.numpy as jnp\nfrom wattflock.apps.cli import main\n"
        "from wattflock.feeder.opendss.engine import start\nstart()\n"
        "jax.jit(lambda x: x @ x)(jnp.ones((500, 500))).block_until_ready()\nmain()\n"
    )
    command = [sys.executable, "-c", program, "feeder", "check", "ieee13"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr


def test_json_has_numbers_and_not_their_pictures():
    run, app = CliRunner(), make_app(VERBS, GROUPS)
    found = json.loads(run.invoke(app, ["feeder", "solve", "ieee13", "--json"]).stdout)
    assert found["converged"] is True and found["summary"]
    assert {type(row["magnitude_pu"]) for row in found["nodes"]} == {float}
    rows = json.loads(run.invoke(app, ["feeder", "hosting", "ieee13", "--json"]).stdout)
    assert rows and any(isinstance(value, float) for value in rows[0].values())
