"""The tree itself: no machine's paths, no registry's address, nothing huge, nothing pickled."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MACHINE = re.compile(r"(?<![\w.$}-])/(home|root|Users|work|tmp|mnt|opt|var/folders)/\w|[A-Z]:\\\\?Users")
REGISTRY = re.compile("|".join(["index-url", "find-links", "pythonhosted", r"pypi\.org/simple", "file:///"]))
PICKLE = re.compile(r"\b(c?loud)?pickle\b|\bdill\b|\bjoblib\b|allow_pickle=True")
LIMIT_BYTES = 5_000_000
MYSELF = Path(__file__).resolve()


def tree() -> list[Path]:
    """Every file that is, or would be, in the repository."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git repository")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file() and file != MYSELF]


def lines_with(pattern: re.Pattern, files: list[Path]) -> list[str]:
    found = []
    for file in files:
        data = file.read_bytes()
        if b"\0" not in data[:8000]:
            lines = data.decode("utf-8", errors="replace").splitlines()
            found += [f"{file.relative_to(ROOT)}: {line.strip()}" for line in lines if pattern.search(line)]
    return found


def test_no_path_of_a_machine():
    assert lines_with(MACHINE, tree()) == []


def test_no_address_of_a_registry():
    assert lines_with(REGISTRY, tree()) == []


def test_requirements_are_pins_and_nothing_else():
    for file in (ROOT / "requirements").glob("*.txt"):
        lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
        assert lines == sorted(lines)
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in lines), file.name


def test_nothing_is_huge():
    assert [file for file in tree() if file.stat().st_size > LIMIT_BYTES] == []


def test_nothing_is_pickled():
    assert lines_with(PICKLE, [file for file in tree() if ROOT / "src" in file.parents]) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE, "see /" + "home/ann/data"),
        (REGISTRY, "--index-" + "url x"),
        (PICKLE, "import " + "pickle"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern, line):
    assert pattern.search(line)
