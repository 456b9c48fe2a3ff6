"""Ctrl-C stops at once whatever the work does: Python, native code that does not return, or saving."""

import os
import signal
import subprocess
import sys
import time

import pytest

from wattflock.study.interrupt import heard

START = "import sys, time, ctypes\nfrom pathlib import Path\nfrom wattflock.study.interrupt import ends_by, heard\n"
ENDING = """
try:
    heard(work, lambda: print("left", flush=True))
except KeyboardInterrupt:
    print("stopped", flush=True)
    sys.exit(130)
"""
PYTHON = """
def work():
    try:
        print("ready", flush=True)
        while True:
            time.sleep(0.01)
    finally:
        time.sleep(float(sys.argv[1]))
        print("saved", flush=True)
"""
NATIVE = """
def work():
    print("ready", flush=True)
    ctypes.CDLL(None).sleep(60)  # one call that returns to Python a minute later, as a compiler does
"""


FINALISER = """
class Slow:
    def __del__(self):
        print("ready", flush=True)
        for _ in range(100):
            time.sleep(0.01)

def work():
    try:
        slow = Slow()
        del slow  # what is raised in there is dropped by Python
        while True:
            time.sleep(0.01)
    finally:
        print("saved", flush=True)
"""

SWALLOWING = """
def work():
    asked = []
    with ends_by(lambda: asked.append(1)):
        print("ready", flush=True)
        while not asked:
            try:
                time.sleep(0.01)
            except BaseException:
                print("taken for a fault of a request", flush=True)
    print("saved", flush=True)
    raise KeyboardInterrupt
"""


def interrupted(code: str, *words: str, signals: int = 1) -> tuple[subprocess.Popen, str, float]:
    """A process that was sent Ctrl-C when it said that it is ready: what it said, and how long it took to end."""
    command = [sys.executable, "-c", START + code + ENDING, *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    time.sleep(0.3)  # what is said comes before what is done
    began = time.monotonic()
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    out, _ = process.communicate(timeout=30)
    return process, out, time.monotonic() - began


def test_work_in_python_saves_and_passes_it_on():
    process, out, took_s = interrupted(PYTHON, "0.1")
    assert (process.returncode, out) == (130, "saved\nstopped\n")
    assert took_s < 3


def test_saving_is_waited_for_however_long_it_takes():
    process, out, took_s = interrupted(PYTHON, "4")
    assert (process.returncode, out) == (130, "saved\nstopped\n")
    assert took_s > 4


def test_a_second_time_nothing_is_waited_for():
    process, out, took_s = interrupted(PYTHON, "20", signals=2)
    assert (process.returncode, out) == (130, "left\n")
    assert took_s < 3


def test_native_code_that_does_not_come_back_is_left():
    process, out, took_s = interrupted(NATIVE)
    assert (process.returncode, out) == (130, "left\n")
    assert took_s < 5


def test_an_interrupt_that_a_finaliser_swallows_is_raised_again():
    process, out, took_s = interrupted(FINALISER)
    assert (process.returncode, out) == (130, "saved\nstopped\n")
    assert took_s < 10


def test_work_with_a_way_of_its_own_to_end_is_asked_and_nothing_is_raised_in_it():
    process, out, took_s = interrupted(SWALLOWING)
    assert (process.returncode, out) == (130, "saved\nstopped\n")
    assert took_s < 3


def test_without_ctrl_c_it_is_the_work():
    assert heard(lambda: 3, lambda: None) == 3
    with pytest.raises(ValueError, match="wrong"):
        heard(lambda: int("wrong"), lambda: None)


@pytest.mark.slow
def test_ctrl_c_while_compiling_ends_soon_with_130_and_begins_again(tmp_path):
    sets = ("homes.count=20", "homes.homes_per_agent=30", "learn.rounds=4000", "judge.bound_days=0")
    words = ["train", *(word for each in sets for word in ("--set", each))]
    main = "from wattflock.apps.cli import main; main()"
    kept = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}  # the tests' compile too fast
    cold = {**kept, "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache"), "FORCE_COLOR": "1", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, "-c", main, *words], cwd=tmp_path, env=cold, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        said = b""
        assert process.stderr
        while b"compiling" not in said:
            said += os.read(process.stderr.fileno(), 4096)
            assert process.poll() is None, said
        time.sleep(3)  # the first round takes half a minute to compile
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert time.monotonic() - began < 15  # the compiler needs longer
    assert process.returncode == 130
    assert b"stopped; continue with --resume" in error
    assert not list(tmp_path.glob("runs/*/checkpoints/*"))
