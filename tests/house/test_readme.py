"""Every command and every Python line of README runs, in order, in a fresh clone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TINY = {
    "homes.count": 6, "homes.homes_per_agent": 300, "feeder.part": "ieee13", "learn.rounds": 2,
    "learn.settings.days": 2, "judge.test_days": 2, "judge.bound_days": 1,
}  # fmt: skip
BRIEF = {  # `learn.rounds` is of the first learner alone: this one would go on for hundreds
    f"learn.others.through.{field}": value
    for field, value in (("part", "through"), ("rounds", 2), ("settings.days", 2))
}
FLAGS = " ".join(f"--set {field}={value}" for field, value in (TINY | BRIEF).items())
FEWER = r"judge.methods=[\"rules\",\"gradmap\"]"  # timers are compiled and fitted in tests of their own
SMALLER = {  # what takes minutes, and the same command with small sizes
    r"make demo": f"make demo ARGS='{FLAGS} --set data.settings.homes=12 --set {FEWER}'",
    r"make test": 'make test ARGS="tests/house/test_tree.py"',
    r"(.*wattflock compare .*)": rf"\1 {FLAGS}",
    r'small = \{"homes.count": 200, .*\}': f"small = {TINY}",
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A clone whose .venv is this interpreter, as after the installation of `make`; its own sources come first."""
    folder = tmp_path_factory.mktemp("clone") / "wattflock"
    done = subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git repository")
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    start = f"export PYTHONPATH={folder / 'src'}\nexec {sys.executable}"
    main = "import sys; sys.argv[0] = 'wattflock'; from wattflock.apps.cli import main; main()"
    for name, words in {"python": "", "wattflock": f'-c "{main}"'}.items():
        (binaries / name).write_text(f'#!/bin/sh\n{start} {words} "$@"\n')
        (binaries / name).chmod(0o755)
    for stamp in ("ready", "ready-dev"):
        (folder / ".venv" / stamp).touch()
    return folder


def commands(text: str) -> list[list[str]]:
    """What a reader types, in order: lines of the shell, and blocks of Python."""
    found = []
    for language, body in BLOCK.findall(text):
        if language == "python":
            found.append([".venv/bin/python", "-c", smaller(body)])
        else:
            lines = (line.partition(" #")[0].strip() for line in body.splitlines())
            found += [["bash", "-c", smaller(line)] for line in lines if line]
    return found


def smaller(text: str) -> str:
    """The same with small sizes."""
    for long, short in SMALLER.items():
        text = re.sub(rf"^{long}$", short, text, flags=re.MULTILINE)
    return text


def test_what_takes_minutes_is_found():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    bare = "\n".join(line.partition(" #")[0].strip() for line in text.splitlines())
    assert all(len(re.findall(rf"^{long}$", bare, re.MULTILINE)) == 1 for long in SMALLER)


def test_a_first_figure_takes_ten_lines_of_python_at_most():
    (body,) = [body for language, body in BLOCK.findall((ROOT / "README.md").read_text()) if language == "python"]
    lines = [line for line in body.splitlines() if line.strip()]
    assert len(lines) <= 9 and "figures[" in lines[-1]  # the tenth is `pip install`
    assert re.findall(r"^import .*|^from .*", body, re.MULTILINE) == ["import wattflock as wf"]
    assert not re.search(r"[\w/]+\.(toml|csv|parquet|feeder)|runs", body)  # no file or folder has to be known


@pytest.mark.study
def test_every_command_works_in_order(clone):
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    for words in commands((clone / "README.md").read_text(encoding="utf-8")):
        done = subprocess.run(words, cwd=clone, env=env, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    pages = [page.parent.name for page in clone.glob("runs/*/report.html")]
    assert len(pages) == 2 and all("gradmap-6homes-2rounds" in name for name in pages)
    assert (clone / "voltage.png").stat().st_size > 10_000
