"""A task in a process of its own: a crash, an endless file or native code there does not reach this one.

The first byte of what it says tells what follows: `+` the result, `-` a list of problems as JSON, `m` nothing: it had
too little memory.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from wattflock.core.confine import MEMORY_BYTES, confine, end_with_parent
from wattflock.core.errors import Problem, ScenarioError


def apart(module: str, words: Sequence[str], seconds: int, told: Problem, given: bytes = b"") -> bytes:
    """The result of a module's `main`, which calls `answer`; its process ends with this call, however that ends.

    Args:
        module: of Wattflock, by its full name.
        words: for its command line.
        seconds: after which it is ended.
        told: the problem where it breaks down: the file, what reads it, and what is wanted instead.
        given: its standard input.

    Raises:
        ScenarioError: what it says is wrong; or it broke down, or was not done in time.
    """
    paths = os.pathsep.join(os.path.abspath(each) for each in sys.path if each)
    own = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", module, *words]
    piped, unheard = subprocess.PIPE, subprocess.DEVNULL
    with (
        tempfile.TemporaryDirectory(prefix="wattflock-") as scratch,
        subprocess.Popen(command, cwd=scratch, env=own, stdin=piped, stdout=piped, stderr=unheard) as process,
    ):
        try:
            said = _wait(process, given, time.monotonic() + seconds)
        finally:
            process.kill()
    if said is None or process.returncode in (-signal.SIGKILL, -signal.SIGXCPU):
        raise ScenarioError([Problem(told.where, "time", f"not done after {seconds} s", told.allowed)])
    if said[:1] == b"-":
        raise ScenarioError([Problem(*row) for row in json.loads(said[1:])])
    if said[:1] == b"m":
        raise ScenarioError([Problem(told.where, "memory", "too little", told.allowed)])
    if said[:1] != b"+":
        raise ScenarioError([Problem(told.where, told.field, _ending(process.returncode), told.allowed)])
    return said[1:]


def answer(task: Callable[[], bytes], readable: Sequence[Path], seconds: int, memory_bytes: int = MEMORY_BYTES) -> None:
    """In that process: do the task under every limit of `confine`, and write its result or what is wrong.

    Whatever it needs of native code is loaded before.
    """
    result = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is not the result
    end_with_parent()
    with os.fdopen(result, "wb") as out:
        try:
            confine(readable, seconds, memory_bytes)
            out.write(b"+" + task())
        except ScenarioError as error:
            rows = [(one.where, one.field, str(one.value), one.allowed) for one in error.problems]
            out.write(b"-" + json.dumps(rows).encode())
        except MemoryError:
            out.write(b"m")


def _wait(process: subprocess.Popen, given: bytes, until: float) -> bytes | None:
    """Its output; None where time is over. Returns to Python often, so that Ctrl-C is heard."""
    send: bytes | None = given
    while time.monotonic() < until:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(send, timeout=0.25)[0]
        send = None  # the rest is sent by the next call
    return None


def _ending(code: int) -> str:
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"its process broke down ({name})"
