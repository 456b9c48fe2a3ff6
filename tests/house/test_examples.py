"""Every example runs, from a terminal, as a newcomer would start it."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDS = {"third_party": ("gymnasium", "skrl")}


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_scripts_run(script, tmp_path):
    for library in NEEDS.get(script.stem, ()):
        pytest.importorskip(library, reason=f"{library} is not installed: see the head of {script.name}")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("scenario", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_scenarios_compare(scenario, tmp_path):
    words = ["wattflock.apps.cli", "compare", str(scenario), "--runs", str(tmp_path)]
    few = ("homes.count=10", "learn.rounds=10", "learn.settings.days=2", "judge.test_days=2", "judge.bound_days=0")
    words += [word for each in few for word in ("--set", each)]
    start = "import sys; sys.argv = sys.argv[1:]; from wattflock.apps.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", start, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (next(tmp_path.iterdir()) / "report.html").exists()
