"""The wheel works by itself, in an empty folder, far from the repository."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 3_000_000
TRY = """
import wattflock as wf
print(wf.__file__)
wf.load()
assert wf.snapshot("ieee13").snapshot.flow.converged
for feeder in ("ieee37", "ieee123", "european_lv"):
    wf.read_feeder(feeder)
from wattflock.core.scenario import bundled
from wattflock.study.study_file import read
from wattflock.synth.bundle import load
assert list(bundled()) == [
    "car-park", "fair-charging", "flexibility", "flexibility-lv", "gradmap", "mixed", "p2p", "portfolios", "thousand"
]
assert read("gradmap").expand()
assert [load(region)[1]["name"] for region in ("california", "london")] == ["california", "london"]
from wattflock.report.day_page import script, style
assert "function dayMap" in script() and ".day" in style()
assert wf.build(wf.load(changes={"homes.count": 2, "feeder.part": "ieee13"})).readings.homes
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy of the tree, so that nothing of it is left in the repository."""
    copy, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    pip("wheel", "--no-build-isolation", "--wheel-dir", out, copy)
    return next(out.glob("*.whl"))


def pip(verb: str, *words: object) -> None:
    command = [sys.executable, "-m", "pip", verb, "-q", "--disable-pip-version-check", "--no-deps", "--no-index"]
    done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.study
def test_it_holds_every_file_of_the_package_and_is_small(wheel):
    files = (path for path in (ROOT / "src" / "wattflock").rglob("*") if path.is_file() and path.suffix != ".pyc")
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert {str(path.relative_to(ROOT / "src")) for path in files} <= inside
    assert wheel.stat().st_size < LARGEST_BYTES


@pytest.mark.slow
def test_it_works_in_an_empty_folder(wheel, tmp_path):
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    pip("install", "--target", site, wheel)
    env = os.environ | {"PYTHONPATH": str(site)}

    def said(*words: object) -> str:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, cwd=empty, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert said(sys.executable, "-c", TRY).strip() == str(site / "wattflock" / "__init__.py")
    assert {"gradmap", "ieee123", "california", "habits"} <= set(said(site / "bin" / "wattflock", "parts").split())
    assert not list(empty.iterdir())
