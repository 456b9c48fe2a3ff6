"""Every command and snippet of the tutorials runs, in the order of the page, as a reader would type it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("tutorial-*.md"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHELL = """set -e
wattflock() { "$PYTHON" -c 'import sys; sys.argv[0] = "wattflock"; from wattflock.apps.cli import main; main()' "$@"; }
"""


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_runs_from_top_to_bottom(page, tmp_path):
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert len(blocks) > 2
    for kind, text in blocks:
        words = [sys.executable, "-c", text] if kind == "python" else ["bash", "-c", SHELL + text]
        env = os.environ | {"PYTHON": sys.executable}
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
