"""Files that unpack to much, are wide or damaged: a refusal in words, in little memory."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from attempts.attempt import REFUSED, WRONG, Attempt, attempt
from tests.data.bombs import LARGE, SMALL

MOST_MB = 3000  # of the process that reads
READS = """
import resource, sys
from wattflock.core.errors import ScenarioError
from wattflock.data.files import listed, table_of
from wattflock.data.source import recognised
try:
    recognised(sys.argv[1])
    said = f"read as {[table_of(file).shape for file in listed(sys.argv[1], 'a file')][:3]}"
except ScenarioError as error:
    said = "refused: " + "; ".join(f"{each.value}; {each.allowed}" for each in error.problems[:3])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, said)
"""


def attempts() -> list[Attempt]:
    """Each file, read in a process of its own."""
    return [
        attempt("bomb", tried, f"refused: {word}", _read(name, made, word))
        for tried, (name, made, word) in (SMALL | LARGE).items()
    ]


def _read(name: str, made: Callable[[], bytes], word: str) -> Callable[[], tuple[str, str]]:
    def act() -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(made())
            ran = subprocess.run([sys.executable, "-c", READS, path], capture_output=True, text=True, timeout=300)
        if ran.returncode:
            raise RuntimeError(ran.stderr[-300:])
        megabytes, _, said = ran.stdout.strip().partition(" ")
        fine = said.startswith("refused") and word in said and int(megabytes) < MOST_MB
        return (REFUSED if fine else WRONG), f"{said[:120]} ({'within' if fine else megabytes} {MOST_MB} MB)"

    return act
