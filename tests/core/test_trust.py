"""Files of ours that were changed, made by hand or are worked on twice; and what a spreadsheet would take for code."""

import hashlib
import json
import os
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
import safetensors.numpy

from wattflock.core import files, run_files, toml
from wattflock.core.errors import RunError, ScenarioError
from wattflock.core.scenario import load
from wattflock.study.run import Run, card_problems, table_of_runs
from wattflock.study.train import is_look

TREE = {"done": jnp.asarray(7), "weights": jnp.ones(3)}
CARD = {"rounds": 7, "method": "gradmap", "curve": []}


def changed(data: bytes, change) -> bytes:
    """A file of arrays with a card whose header says something else, its own checksums as they were."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    card = json.loads(header["__metadata__"]["card"])
    change(card)
    header["__metadata__"]["card"] = json.dumps(card)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card.update(rounds=-5),
        lambda card: card.update(more=1),
        lambda card: card.pop("card_sha256"),
        lambda card: card.update(sha256="0" * 64),
    ],
)
def test_a_card_that_was_edited_is_refused_with_and_without_its_arrays(tmp_path, change):
    path = tmp_path / "a.safetensors"
    path.write_bytes(changed(files.pack({"x": np.ones(2)}, CARD), change))
    with pytest.raises(RunError, match="card"):
        files.read_card(path)
    with pytest.raises(ValueError, match=r"card|sha256"):
        files.unpack(path.read_bytes())


@pytest.mark.parametrize("card", ["[]", "3", "null", "[" * 100_000, '{"sha256": 1}', "not JSON"])
def test_a_card_that_is_no_card_is_refused(tmp_path, card):
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors.numpy.save({"x": np.ones(2)}, {"card": card}))
    with pytest.raises(RunError):
        files.read_card(path)
    with pytest.raises(ValueError, match="not a whole file"):
        files.unpack(path.read_bytes())


def test_a_checkpoint_of_another_kind_of_numbers_or_without_numbers_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    files.save_tree(path, TREE | {"weights": np.ones(3)}, CARD)
    with pytest.raises(RunError, match="do not fit this scenario"):
        files.load_tree(path, TREE)
    files.save_tree(path, TREE | {"weights": jnp.array([1, jnp.nan, 1])}, CARD)
    with pytest.raises(RunError, match="not finite in weights"):
        files.load_tree(path, TREE)


@pytest.mark.parametrize(
    ("card", "done", "word"),
    [
        (CARD, 7, None),
        (CARD | {"method": "ppo"}, 7, "of method ppo"),
        (CARD | {"rounds": -5}, -5, "rounds"),
        (CARD | {"rounds": 10**9}, 10**9, "rounds"),
        (CARD | {"rounds": 7.5}, 7, "rounds"),
        (CARD | {"rounds": 6}, 7, "rounds"),
        (CARD | {"curve": [1]}, 7, "curve"),
        ({"rounds": 7, "method": "gradmap"}, 7, "curve"),
        (CARD | {"stopped": 3}, 7, "stopped"),
    ],
)
def test_a_card_that_says_what_cannot_be_is_told(card, done, word):
    found = card_problems(card, "gradmap", done, 20)
    assert found == [] if word is None else word in found[0]


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "mine-1")
    run.folder.mkdir()
    (run.folder / "scenario.toml").touch()
    methods = {"idle": {"cost": 1.0, "train_seconds": 2.0, "rounds": 3}}
    summary = {"methods": methods, "date": "today", "seconds": {"bound": 1.5}}
    curves = pl.DataFrame({"round": [10, 20], "seconds": [0.5, 0.75]})
    run.write({"days": pl.DataFrame({"day": [0]}), "curves": curves}, summary, {"x": []})
    return run


def test_what_depends_on_the_clock_stands_in_a_file_of_its_own(run):
    found = run.summary()
    assert list(found["methods"]["idle"].items()) == [("cost", 1.0), ("train_seconds", 2.0), ("rounds", 3)]
    assert (found["date"], found["seconds"]) == ("today", {"bound": 1.5})
    assert run.tables()["curves"]["seconds"].to_list() == [0.5, 0.75]
    kept = {path.name: path.read_bytes() for path in run.folder.iterdir() if path.name != run_files.TIMINGS}
    later = dict(found, date="tomorrow", seconds={"bound": 9.0})
    tables = run.tables() | {"curves": run.tables()["curves"].with_columns(seconds=pl.lit(3.0))}
    run.write(tables, {key: later[key] for key in ("methods", "date", "seconds")}, {"x": []})
    assert all((run.folder / name).read_bytes() == data for name, data in kept.items())
    (run.folder / run_files.TIMINGS).unlink()
    assert run.summary()["methods"]["idle"] == {"cost": 1.0, "train_seconds": None, "rounds": 3}


def test_a_run_that_was_changed_is_told_and_hides_no_other(run, tmp_path):
    path = run.folder / "summary.json"
    whole = path.read_text()
    path.write_text(whole.replace('"cost": 1.0', '"cost": 0.5'))
    with pytest.raises(RunError, match="not the one that was written"):
        run.summary()
    for broken in ("[1]", '{"methods": 3}', '{"methods": {"a": [1]}}', "[" * 100_000, "{"):
        other = tmp_path / "other-2"
        other.mkdir(exist_ok=True)
        (other / "scenario.toml").touch()
        (other / "summary.json").write_text(broken)
        path.write_text(whole)
        states = dict(table_of_runs(tmp_path).select("run", "state").iter_rows())
        assert states == {"mine-1": "complete", "other-2": "broken"}
    pl.DataFrame({"day": [1]}).write_parquet(run.folder / "days.parquet")
    with pytest.raises(RunError, match=r"days\.parquet: is not the one"):
        run.tables()


def test_one_process_at_a_time_works_in_a_run(run):
    lock = run.folder / "lock.json"
    with run.locked(), run.locked():
        mine = json.loads(lock.read_text())
    assert not lock.exists()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for stale in (json.dumps(mine | {"process": ended.pid}), "", "[]"):
        lock.write_text(stale)
        with run.locked():
            assert json.loads(lock.read_text()) == mine
    for held in (mine | {"process": os.getppid()}, mine | {"machine": "elsewhere"}):
        lock.write_text(json.dumps(held))
        with pytest.raises(RunError, match=f"process {held['process']} on {held['machine']} works in it"), run.locked():
            pass


def test_temporary_files_of_processes_that_are_gone_are_swept(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [f".big.{files._here()}-{process}.abc" for process in (ended.pid, os.getppid())]
    others = [".hidden", f".big.elsewhere-{ended.pid}.abc"]
    for name in (*names, *others):
        (tmp_path / name).touch()
    files.write_whole(tmp_path / "file", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([names[1], *others, "file"])


def test_text_is_no_formula_in_csv():
    table = pl.DataFrame({"=1+1": ["=cmd()", "-2", "plain", None], "net": [-1.0, 1.0, 2.0, 3.0]})
    assert files.csv_bytes(table).decode().splitlines() == ["'=1+1,net", "'=cmd(),-1.0", "'-2,1.0", "plain,2.0", ",3.0"]


def test_toml_with_a_byte_order_mark_is_read_and_a_deep_one_is_told(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b'\xef\xbb\xbfname = "x"')
    assert toml.read(path, []) == {"name": "x"}
    for text in ("a = " + "[" * 3000, "a = " + "{a = " * 3000, "a = " + "[" * 60 + "]" * 60):
        path.write_text(text)
        problems = []
        assert toml.read(path, problems) == {} and "nested too deeply" in str(problems[0])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('judge.methods=["idle", "idle"]', "idle stands twice"),
        ("homes.volt_var=[-5, 0, 100, 1e300]", "0.5 to 1.5 pu"),
        ('learn={part="through", settings={rate=1e39}}', "at most 1"),
    ],
)
def test_what_makes_no_sense_is_told_by_the_flag_that_says_it(text, word):
    with pytest.raises(ScenarioError, match=word) as error:
        load(None, [text])
    assert error.value.problems[0].where == f"--set {text}"


def test_looks_depend_on_rounds_alone():
    assert [done for done in range(10, 301, 10) if is_look(done, 10, 300)] == [
        10, 20, 30, 40, 50, 60, 70, 80, 100, 120, 150, 180, 220, 270, 300,
    ]  # fmt: skip
    assert sum(is_look(done, 1, 7) for done in range(1, 8)) == 7


def test_a_name_of_a_table_in_the_summary_has_its_sha256(run):
    found = json.loads((run.folder / "summary.json").read_text())["sha256"]
    assert found["days.parquet"] == hashlib.sha256((run.folder / "days.parquet").read_bytes()).hexdigest()


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is of Linux")
def test_a_small_address_space_is_told_before_a_library_ends_the_process():
    small = f"ulimit -v 1000000; {sys.executable} -c 'import wattflock.apps.cli'"
    ended = subprocess.run(["bash", "-c", small], capture_output=True, text=True)
    said = "wattflock needs 3 GB of address space; ulimit -v allows 1.02 GB: raise it\n"
    assert (ended.returncode, ended.stderr) == (2, said)
    pictures = f"ulimit -v 8000000; {sys.executable} -c 'from wattflock.report.theme import png; png({{}})'"
    ended = subprocess.run(["bash", "-c", pictures], capture_output=True, text=True)
    assert "RunError: drawing pictures needs 70 GB of address space; ulimit -v allows 8.19 GB" in ended.stderr


@pytest.mark.parametrize("row", [{"cost": [1, "a"]}, {"rounds": "7"}, {"rounds": True}, {"cost": {"a": 1}}])
def test_figures_of_a_run_that_are_none_are_told(tmp_path, row):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(run_files.sealed({"methods": {"idle": row}})))
    with pytest.raises(RunError, match="lists no methods with plain figures"):
        run_files.read_summary(tmp_path)
    path.write_text(json.dumps({"methods": {"idle": {"cost": 1.0}}}))
    with pytest.raises(RunError, match="has no checksum"):
        run_files.read_summary(tmp_path)
