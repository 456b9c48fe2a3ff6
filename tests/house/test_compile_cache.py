"""Compiled programs are found again by the next process, and a bad cache costs time only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattflock.core import compile_cache

PROGRAM = """
from wattflock.core import compile_cache
folder = compile_cache.enable()
import jax
counts = {"cache_hits": 0, "cache_misses": 0}
def count(event, **_):
    name = event.rpartition("/")[2]
    if name in counts:
        counts[name] += 1
jax.monitoring.register_event_listener(count)
assert jax.jit(lambda x: (x * 3).sum())(jax.numpy.arange(4.0)) == 18
print(folder, *counts.values())
"""


def start(tmp_path: Path, program: str = PROGRAM, **changes: str) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "WATTFLOCK_"))}
    env = {**kept, "WATTFLOCK_COMPILE_CACHE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path), **changes}
    return subprocess.Popen([sys.executable, "-c", program], text=True, env=env, stdout=-1, stderr=-1)


def end(process: subprocess.Popen) -> tuple[str, int, int]:
    """Folder, programs found and programs compiled; nothing reaches the terminal."""
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    folder, hits, misses = out.split()
    return folder, int(hits), int(misses)


def entries(tmp_path: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in tmp_path.rglob("*-cache")}


@pytest.mark.slow
def test_the_next_process_compiles_nothing_and_a_damaged_cache_is_mended(tmp_path):
    folder, hits, compiled = end(start(tmp_path))
    assert Path(folder).parent == tmp_path and hits == 0 and compiled > 0
    whole = entries(tmp_path)
    assert end(start(tmp_path, "import jax" + PROGRAM)) == (folder, compiled, 0)
    without = PROGRAM.replace("import jax", "import jax; compile_cache.disable()")
    assert end(start(tmp_path, without)) == (folder, 0, 0)
    for damage in (lambda data: data[: len(data) // 2], lambda data: b"garbage", lambda data: b""):
        for path in tmp_path.rglob("*-cache"):
            path.write_bytes(damage(path.read_bytes()))
        assert end(start(tmp_path)) == (folder, 0, compiled)
        assert entries(tmp_path).keys() == whole.keys()
        assert end(start(tmp_path)) == (folder, compiled, 0)


@pytest.mark.slow
def test_two_processes_share_an_empty_cache(tmp_path):
    pair = [start(tmp_path), start(tmp_path)]
    assert all(sum(end(process)[1:]) > 0 for process in pair)
    assert end(start(tmp_path))[2] == 0


@pytest.mark.slow
def test_off_and_unwritable_and_the_user_s_own(tmp_path):
    (tmp_path / "file").touch()
    away = [
        start(tmp_path, WATTFLOCK_COMPILE_CACHE="off"),
        start(tmp_path, WATTFLOCK_COMPILE_CACHE=str(tmp_path / "file")),
        start(tmp_path, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "own" / "mine")),
    ]
    assert [end(process)[0] for process in away] == ["None"] * 3
    assert {path.name for path in tmp_path.iterdir()} == {"file", "own"}


def test_a_child_with_fewer_cores_than_its_parent_has_a_folder_of_its_own(tmp_path):
    parent = tmp_path / "parent"
    assert Path(end(start(tmp_path, JAX_COMPILATION_CACHE_DIR=str(parent)))[0]).parent == tmp_path
    assert not parent.exists()


@pytest.mark.parametrize("changed", ["_processor", "version"])
def test_another_processor_or_version_has_another_folder(monkeypatch, changed):
    here = compile_cache._kind_of_machine()
    monkeypatch.setattr(compile_cache, changed, lambda *_: ["flags : none"])
    assert compile_cache._kind_of_machine() != here


def test_the_oldest_entries_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(compile_cache, "LARGEST_BYTES", 25)
    for age, version in enumerate(["new", "old", "oldest"]):
        path = tmp_path / version / f"jit_{version}-cache"
        path.parent.mkdir()
        path.write_bytes(bytes(10))
        os.utime(path, (1e9 - age, 1e9 - age))
    compile_cache._prune(tmp_path)
    assert entries(tmp_path).keys() == {"jit_new-cache", "jit_old-cache"}


@pytest.mark.parametrize(
    ("system", "name", "value", "folder"),
    [
        ("linux", "XDG_CACHE_HOME", "/x", "/x/wattflock/compiled"),
        ("linux", "HOME", "/h", "/h/.cache/wattflock/compiled"),
        ("darwin", "HOME", "/h", "/h/Library/Caches/wattflock/compiled"),
        ("win32", "LOCALAPPDATA", "/l", "/l/wattflock/compiled"),
    ],
)
def test_the_place_is_the_system_s(monkeypatch, system, name, value, folder):
    for other in ("WATTFLOCK_COMPILE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv(name, value)
    assert compile_cache._root() == Path(folder)
