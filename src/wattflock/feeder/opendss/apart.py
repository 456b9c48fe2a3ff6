"""OpenDSS in a process of its own: a crash, an endless file or native code there does not reach this one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import unpack
from wattflock.feeder.circuit import Circuit
from wattflock.feeder.file import from_bytes
from wattflock.feeder.opendss.crosscheck import OpenDSSSolution

SECONDS = 120  # for one model
MODEL = "a model that OpenDSS compiles and solves"


def read_opendss(master: Path, seconds: int = SECONDS) -> Circuit:
    """The base case of an OpenDSS model: taps and capacitors as its controls leave them in a snapshot.

    Differences from OpenDSS are listed in `notes`. Reads with dss-python (`wattflock[opendss]`), in a process that can
    write nothing and ends after so many seconds.

    Raises:
        ScenarioError: with every problem: no such file, a command that is refused, what OpenDSS refuses, no solution,
            elements that a circuit cannot hold, loads that nothing reaches, time or memory.
    """
    return from_bytes(_result("circuit", master, seconds), str(master))


def solutions(master: Path, seconds: int = SECONDS) -> list[OpenDSSSolution]:
    """OpenDSS's own solutions of a model at each of `crosscheck.SCALES`, as modelled, then at constant power.

    Raises:
        ScenarioError: as `read_opendss`.
    """
    arrays, card = unpack(_result("solutions", master, seconds))
    rows = enumerate(card["each"])
    return [OpenDSSSolution(tuple(nodes), arrays[str(at)].view(complex), *rest) for at, (nodes, *rest) in rows]


def _result(task: str, master: Path, seconds: int) -> bytes:
    """What the process says; it ends with this call, however that ends."""
    if not master.is_file():
        raise ScenarioError([Problem(str(master), "file", "missing", "an OpenDSS master file (.dss)")])
    paths = os.pathsep.join(os.path.abspath(each) for each in sys.path if each)
    own = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "wattflock.feeder.opendss.child", task, str(master.absolute()), str(seconds)]
    with tempfile.TemporaryDirectory(prefix="wattflock-") as scratch:
        options = {"cwd": scratch, "env": own, "stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, stdout=subprocess.PIPE, **options) as process:
            try:
                said = _wait(process, time.monotonic() + seconds)
            finally:
                process.kill()
    if said is None or process.returncode in (-signal.SIGKILL, -signal.SIGXCPU):
        problem = Problem(str(master), "time", f"not done after {seconds} s", f"{MODEL} sooner; or a longer --seconds")
        raise ScenarioError([problem])
    if said[:1] == b"-":
        rows = [[word.replace(str(master.absolute()), str(master)) for word in row] for row in json.loads(said[1:])]
        raise ScenarioError([Problem(*row) for row in rows])
    if said[:1] != b"+":
        raise ScenarioError([Problem(str(master), "OpenDSS", _ending(process.returncode), MODEL)])
    return said[1:]


def _wait(process: subprocess.Popen, until: float) -> bytes | None:
    """Its output; None where time is over. Returns to Python often, so that Ctrl-C is heard."""
    while time.monotonic() < until:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=0.25)[0]
    return None


def _ending(code: int) -> str:
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"its process broke down ({name})"
