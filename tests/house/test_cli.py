"""Every verb is a command; an error is a plain line and exit code 2."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.core.errors import Problem, RunError, ScenarioError

ROOT = Path(__file__).resolve().parents[2]


def train(
    scenario: Annotated[Path | None, "Scenario file [TOML]."] = None,
    sets: Annotated[list[str] | None, "Overrides, section.field=value."] = None,
    stop_minutes: Annotated[float, "Stop after this long [min]."] = 0,
    resume: Annotated[bool, "Go on where it stopped."] = False,
) -> str:
    """Train a policy.

    It takes a while.

    Args:
        scenario: hidden from the terminal.

    Example:
        wattflock train my.toml --set learn.rounds=200
        wattflock train my.toml --resume
    """
    return f"{scenario} {sets} {stop_minutes} {resume}"


def explain(name: Annotated[str, "A field or a part."]) -> None:
    """Say what a thing is."""
    problem = Problem("mine.toml", name, 3, "at most 2")
    raise ScenarioError([problem, problem])


def lose(path: Path) -> None:
    """Write where nothing can be written."""
    raise (RunError(f"{path} cannot be written") if path.name == "run" else OSError(28, "No space left", str(path)))


def stop(resume: bool = False) -> None:
    """Be stopped by the person."""
    raise KeyboardInterrupt


def halt() -> None:
    """Be stopped where nothing can be resumed."""
    raise KeyboardInterrupt


def talk() -> str:
    """Say more than a pipe holds."""
    return "word\n" * 1_000_000


VERBS = [train, explain, lose, stop, halt, talk]


def run(*words: str):
    return CliRunner().invoke(make_app(VERBS), list(words))


def in_a_shell(command: str) -> subprocess.CompletedProcess:
    python = f"{sys.executable} -c 'import {__name__.rpartition('.')[2]} as t; t.make_app(t.VERBS)()'"
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    return subprocess.run(
        ["bash", "-c", command.replace("CLI", python)],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": paths,
            "PYTHONUNBUFFERED": "",
        },  # unbuffered Python cuts off what it prints
    )


def test_a_signature_becomes_the_arguments():
    result = run("train", "my.toml", "--set", "a=1", "--set", "b=2", "--stop-minutes", "3", "--resume")
    assert (result.exit_code, result.stdout) == (0, "my.toml ['a=1', 'b=2'] 3.0 True\n")
    assert run("train").stdout == "None None 0.0 False\n"


def test_a_docstring_becomes_the_help():
    text = run("train", "--help").stdout
    for words in (
        "Train a policy.",
        "It takes a while.",
        "Scenario file [TOML].",
        "Stop after this long [min].",
    ):
        assert words in text
    assert "Example:\n    wattflock train my.toml --set learn.rounds=200\n    wattflock train my.toml --resume" in text
    assert "hidden from the terminal" not in text
    assert all(verb.__name__ in run("--help").stdout for verb in VERBS)


def test_an_error_is_its_lines_and_exit_2():
    result = run("explain", "size_kw")
    assert result.exit_code == 2
    assert result.stderr == 2 * "mine.toml: size_kw = 3; allowed: at most 2\n"
    assert run("lose", "run").stderr == "run cannot be written\n"
    assert "No space left: 'disk'" in run("lose", "disk").stderr


def test_debug_shows_the_traceback():
    assert isinstance(run("--debug", "explain", "x").exception, ScenarioError)
    shown = in_a_shell("CLI --debug explain x").stderr
    assert shown.startswith("Traceback") and "ScenarioError" in shown
    assert "Traceback" not in in_a_shell("CLI explain x").stderr


def test_wrong_use_exits_2():
    assert run("train", "--rounds", "3").exit_code == 2
    assert run("nothing").exit_code == 2
    assert run().exit_code in (0, 2)


def test_ctrl_c_says_how_to_go_on():
    result = run("stop")
    assert (result.exit_code, result.stderr) == (130, "stopped; continue with --resume\n")
    assert run("halt").stderr == "stopped\n"


def test_a_reader_who_leaves_hears_no_complaint():
    result = in_a_shell("CLI talk | head -n 1; echo ${PIPESTATUS[0]}")
    assert result.stdout == "word\n141\n"
    assert result.stderr == ""


def test_the_version_is_the_package_s(monkeypatch):
    monkeypatch.setattr("wattflock.apps.cli.version", {"wattflock": "9.8.7"}.get)
    assert run("--version").stdout == "wattflock 9.8.7\n"


SLOW = {"equinox", "jax", "matplotlib", "numpy", "polars", "pyarrow", "scipy", "sklearn"}
LOADED = f"""
import sys, time
from wattflock.apps.cli import main
try:
    main()
finally:
    print(*({SLOW} & set(sys.modules)), file=sys.stderr)
    assert time.process_time() < 2
"""


def test_help_comes_at_once():
    """A fifteenth of a second of processor time on a machine of 2025; the test allows thirty times as much."""
    for words in (["--help"], ["-h"], ["feeder", "solve", "-h"], ["--version"]):
        result = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True)
        assert result.stderr.split() == []
        if len(words[0]) == 2:
            for verb in ("demo", "train", "evaluate", "compare", "parts", "explain", "runs", "feeder"):
                assert verb in result.stdout


def test_the_list_of_runs_needs_no_numerics(tmp_path):
    command = [sys.executable, "-c", LOADED, "runs", "--runs", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"jax", "equinox", "scipy", "sklearn"} & set(result.stderr.split())


def test_completion_can_be_installed():
    result = CliRunner(env={"SHELL": "/bin/bash"}).invoke(make_app(VERBS), ["--show-completion"], prog_name="wattflock")
    assert "_WATTFLOCK_COMPLETE=complete_" in result.stdout
