"""A file is whole or not there, whatever happens to the disk, the process or the file."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from wattflock.core import files
from wattflock.core.errors import RunError
from wattflock.core.files import pack, read_json, unpack, write_json, write_table, write_whole
from wattflock.core.scenario import fingerprint, load
from wattflock.learn.learners.idle import Idle
from wattflock.study.run import Run, find, listed, open_run, table_of_runs

TREE = {"weights": [jnp.arange(6.0).reshape(2, 3), jnp.ones(2)], "done": jnp.asarray(7), "nothing": ()}
CARD = {"rounds": 7, "run": "mine", "curve": [{"cost": 1.5}]}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "checkpoints" / "gradmap.safetensors"
    files.save_tree(path, TREE, CARD)
    return path


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_checkpoint(call, path, monkeypatch):
    old = path.read_bytes()
    monkeypatch.setattr(os, call, full)
    with pytest.raises(RunError, match=r"gradmap\.safetensors: cannot be written \(No space left"):
        files.save_tree(path, {"other": jnp.zeros(1000)}, {})
    monkeypatch.undo()
    assert path.read_bytes() == old
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_full_disk_before_anything_is_there_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError):
        write_json(tmp_path / "summary.json", {"methods": {}})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "runs").write_text("not a folder")
    with pytest.raises(RunError, match="cannot be written"):
        write_whole(tmp_path / "runs" / "scenario.toml", b"x")


def test_ctrl_c_while_writing_leaves_the_old_file(path, monkeypatch):
    old = path.read_bytes()

    def stopped(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        files.save_tree(path, TREE, CARD)
    assert path.read_bytes() == old
    assert len(list(path.parent.iterdir())) == 1


WRITER = """
import sys
from pathlib import Path
from wattflock.core.files import write_whole
count = 0
while True:
    count += 1
    write_whole(Path(sys.argv[1]), bytes([count % 256]) * 3_000_000)
    print(count, flush=True)
"""


def test_killed_in_the_middle_of_writing_the_file_is_whole(tmp_path):
    path = tmp_path / "file"
    for wait_s in (0.0, 0.004, 0.011):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout
        for _ in range(3):
            writer.stdout.readline()
        time.sleep(wait_s)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        content = path.read_bytes()
        assert len(content) == 3_000_000
        assert len(set(content)) == 1


def test_a_checkpoint_reads_back_to_the_bit(path):
    again = files.load_tree(path, TREE)
    assert np.array_equal(again["weights"][0], TREE["weights"][0])
    assert np.array_equal(again["weights"][1], TREE["weights"][1])
    assert int(again["done"]) == 7
    assert again["nothing"] == ()
    assert again["weights"][0].dtype == TREE["weights"][0].dtype
    assert files.read_card(path) == CARD


CORRUPTIONS = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "cut by one byte": lambda data: data[:-1],
    "other": lambda data: b"not a checkpoint at all, but long enough to be read as one" * 10,
    "zeros": lambda data: bytes(len(data)),
    "header": lambda data: data[:8] + b"#" + data[9:],
}


@pytest.mark.parametrize("how", CORRUPTIONS)
def test_a_broken_checkpoint_is_told(how, path):
    path.write_bytes(CORRUPTIONS[how](path.read_bytes()))
    with pytest.raises(RunError, match="not a whole file of arrays with a card"):
        files.load_tree(path, TREE)


def test_a_missing_checkpoint_is_told(tmp_path):
    with pytest.raises(RunError, match="is missing"):
        files.load_tree(tmp_path / "none.safetensors", TREE)
    assert Run(tmp_path).resume("gradmap", Idle(), TREE) is None  # type: ignore


def test_another_writer_s_file_is_refused(tmp_path):
    import safetensors.numpy

    path = tmp_path / "theirs.safetensors"
    path.write_bytes(safetensors.numpy.save({"weights": np.ones(3)}))
    with pytest.raises(RunError, match="not a whole file of arrays with a card"):
        files.load_tree(path, {"weights": jnp.ones(3)})


@pytest.mark.parametrize(
    "like", [{**TREE, "more": jnp.ones(1)}, {"weights": TREE["weights"]}, {**TREE, "done": jnp.ones(3)}]
)
def test_arrays_of_another_scenario_are_refused(like, path):
    with pytest.raises(RunError, match="do not fit this scenario"):
        files.load_tree(path, like)


def test_a_checkpoint_of_another_run_is_refused(tmp_path, path):
    run = Run(tmp_path)  # called otherwise than `mine`
    with pytest.raises(RunError, match="belongs to run mine"):
        run.resume("gradmap", Idle(), TREE)  # type: ignore


def test_nothing_is_pickled(path, tmp_path):
    """A checkpoint is a JSON header and plain numbers; nothing in it can be executed."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    numbers = sum(end - begin for begin, end in (h["data_offsets"] for n, h in header.items() if n != "__metadata__"))
    assert len(data) == 8 + size + numbers
    card = json.loads(header["__metadata__"]["card"])
    assert [len(card.pop(name)) for name in ("sha256", "card_sha256")] == [64, 64] and card == CARD


def test_a_changed_number_is_told(path):
    """The file is whole and its header fits, but one byte of an array is another."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(RunError, match="the numbers are not those that were written"):
        files.load_tree(path, TREE)


def test_nan_is_no_figure(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "summary.json", {"cost": float("nan")})
    assert not (tmp_path / "summary.json").exists()


def test_a_broken_summary_is_told(tmp_path):
    (tmp_path / "summary.json").write_text('{"methods": ')
    with pytest.raises(RunError, match=r"summary\.json: cannot be read"):
        read_json(tmp_path / "summary.json")


def test_a_table_reads_back(tmp_path):
    table = pl.DataFrame({"day": [0, 1], "cost": [1.5, None]})
    assert pl.read_parquet(write_table(tmp_path / "days.parquet", table)).equals(table)


def begun(runs, *sets) -> Run:
    """A run whose folder is made."""
    scenario = load(None, list(sets))
    run = open_run(scenario, runs)
    run.begin(scenario)
    return run


def test_a_run_is_found_by_the_beginning_of_its_name(tmp_path):
    first, second = (begun(tmp_path, f"judge.bound_days={days}") for days in (3, 4))
    assert find(tmp_path, first.folder.name) == first
    assert find(tmp_path, second.folder.name[:-3]) == second
    assert {folder.name for folder in listed(tmp_path)} == {first.folder.name, second.folder.name}
    with pytest.raises(RunError, match="0 runs begin so; known:\n  gradmap-"):
        find(tmp_path, "through-")
    with pytest.raises(RunError, match="known: none yet"):
        find(tmp_path / "empty", "gradmap-")
    with pytest.raises(RunError, match="known: none yet"):
        find(tmp_path / "empty", "latest")


def test_a_beginning_of_several_names_lists_them(tmp_path):
    first, second = (begun(tmp_path, f"seed={seed}") for seed in (0, 1))
    with pytest.raises(RunError, match="2 runs begin so; which") as caught:
        find(tmp_path, "gradmap-")
    assert all(f"\n  {run.folder.name}" in str(caught.value) for run in (first, second))
    (tmp_path / f"{first.folder.name}-more").mkdir()
    (tmp_path / f"{first.folder.name}-more" / "scenario.toml").touch()
    assert find(tmp_path, first.folder.name) == first, "a whole name is itself and no beginning"


def test_latest_is_the_run_that_was_begun_last(tmp_path):
    first, second = (begun(tmp_path, f"seed={seed}") for seed in (0, 1))
    os.utime(first.folder / "scenario.toml", ns=(1, 1))
    assert find(tmp_path, "latest") == second
    begun(tmp_path, "seed=0")
    assert find(tmp_path, "latest") == first


def test_opening_makes_no_folder(tmp_path):
    assert not open_run(load(), tmp_path).folder.exists()


def test_a_folder_of_an_older_name_is_the_run_of_its_scenario(tmp_path):
    scenario = load(None, ["homes.count=20", "learn.part=through"])
    run = open_run(scenario, tmp_path)
    assert run.folder.name.startswith("through-20homes-")
    old = tmp_path / f"gradmap-{fingerprint(scenario)}"
    old.mkdir()
    assert open_run(scenario, tmp_path) == Run(old)


def test_the_scenario_of_a_run_makes_the_same_run(tmp_path):
    run = begun(tmp_path, "homes.count=20", "learn.rounds=7")
    assert open_run(load(run.folder / "scenario.toml"), tmp_path) == run


def test_runs_are_listed_with_their_figures(tmp_path):
    done, cut, left = (begun(tmp_path, f"seed={seed}") for seed in (0, 1, 2))
    figures = {"cost_per_home_day": 3.5, "saving_captured": None}
    done.write({"days": pl.DataFrame({"day": [0]})}, {"methods": {"idle": figures}}, {})
    cut.write({}, {"methods": {"gradmap": figures | {"rounds": 10, "rounds_asked": 40}}}, {})
    table = table_of_runs(tmp_path)
    states = dict(zip(table["run"], table["state"], strict=True))
    assert states == {
        done.folder.name: "complete", cut.folder.name: "10 of 40 rounds", left.folder.name: "not complete",
    }  # fmt: skip
    assert table.filter(pl.col("state") == "complete")["cost_per_home_day"].to_list() == [3.5]
    assert left.summary() is None
    assert list(done.tables()) == ["days"]
    assert table_of_runs(tmp_path / "empty").is_empty()


def test_arrays_in_any_order_of_memory_read_back(tmp_path):
    across = np.arange(6.0).reshape(2, 3).T
    arrays, card = unpack(pack({"across": across, "one": np.asarray(2.0), "part": across[::2]}, {"is": "kept"}))
    assert np.array_equal(arrays["across"], across) and np.array_equal(arrays["part"], across[::2])
    assert arrays["one"].shape == () and card == {"is": "kept"}
