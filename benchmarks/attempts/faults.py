"""Processes that are stopped, killed, doubled and starved: what is left can be read, and the same command goes on."""

import functools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from attempts.attempt import REFUSED, RIGHT, WRONG, Attempt, attempt

SCENARIO = """name = "tiny"
[homes]
count = 5
[feeder]
part = "none"
[learn]
part = "through"
rounds = 400
[judge]
methods = ["idle", "through"]
test_days = 40
bound_days = 40
"""
WATTFLOCK = [sys.executable, "-c", "from wattflock.apps.cli import main; main()"]
STAGES = {"training": "through: ", "judging": "400/400", "the bound": "bound: "}  # and the line that shows it has begun
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}


KILOBYTES = (200_000, 1_500_000, 4_000_000)
NO_SUMMARIES = ("{", "[1]", "null", '{"methods": 3}', '{"methods": {"a": 1}}', "[" * 50_000)
NO_EXTRAS = (
    "import sys; sys.modules.update(dict.fromkeys(('dss', 'highspy'))); from wattflock.apps import cli; cli.main()"
)
WITHOUT = shlex.join([sys.executable, "-c", NO_EXTRAS])
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SHORT = "wattflock compare tiny.toml --set homes.count=8 --set learn.rounds=60 --set judge.bound_days=0"
FOUR = "XLA_FLAGS=--xla_force_host_platform_device_count=4 {} --devices 4"
ALIKE = 1e-3  # relative: another order of sums over sixty rounds
Act = Callable[[], tuple[str, str]]


def attempts() -> list[Attempt]:
    """Each signal in each stage against a run that nobody stopped; then what else goes wrong with processes."""
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top)
        (folder / "tiny.toml").write_text(SCENARIO)
        whole = _whole(folder)
        rows = [
            attempt("fault", f"{name} during {stage}", "the same bytes after the same command", act)
            for stage in STAGES
            for name in SIGNALS
            if (act := _stopped(folder, stage, name, whole))
        ]
        return rows + [attempt("fault", tried, expected, act) for tried, expected, act in _others(folder, whole)]


def _start(folder: Path, *words: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([*WATTFLOCK, *words], cwd=folder, text=True, stdout=pipe, stderr=pipe)


def _compare(folder: Path, runs: str = "runs") -> subprocess.Popen[str]:
    return _start(folder, "compare", "tiny.toml", "--runs", runs)


def _files(folder: Path) -> dict[str, bytes]:
    """What should be the same; pictures and what depends on the clock are not."""
    kept = (path for ending in ("*.parquet", "*.json", "*.safetensors") for path in folder.rglob(ending))
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept if "timings" not in path.name}


def _whole(folder: Path) -> dict[str, bytes]:
    _compare(folder, "whole").communicate()
    return _files(folder / "whole")


def _verdict(folder: Path, whole: dict[str, bytes], said: str) -> tuple[str, str]:
    found = _files(folder / "runs")
    other = sorted(name for name in whole.keys() | found.keys() if whole.get(name) != found.get(name))
    hidden = [path.name for path in (folder / "runs").rglob(".*") if path.is_file()]
    return (WRONG, f"{other} differ; left: {hidden}") if other or hidden else (RIGHT, said)


def _stopped(folder: Path, stage: str, name: str, whole: dict[str, bytes]) -> Act:
    def act() -> tuple[str, str]:
        shutil.rmtree(folder / "runs", ignore_errors=True)
        process = _compare(folder)
        assert process.stderr
        for line in process.stderr:
            if STAGES[stage] in line:
                break
        process.send_signal(SIGNALS[name])
        said = process.communicate()[1]
        if "Traceback" in said:
            raise RuntimeError(said)
        again = _compare(folder)
        said_again = again.communicate()[1]
        if again.returncode:
            return WRONG, said_again
        return _verdict(folder, whole, f"exit code {process.returncode}; {said.strip()}")

    return act


def _others(folder: Path, whole: dict[str, bytes]) -> list[tuple[str, str, Act]]:
    shell = functools.partial(_shell, folder)
    return [
        ("two processes in one run", "the second is refused, the first is whole", _two(folder, whole)),
        ("a checkpoint deleted while running", "the same bytes", _deleted(folder, whole)),
        *((f"ulimit -v {size}", "a plain line, or it fits", _small(folder, size)) for size in KILOBYTES),
        ("runs with closed output", "exit code 0", shell("wattflock runs --runs whole >&-", 0)),
        ("runs with closed output and errors", "exit code 0", shell("wattflock runs --runs whole >&- 2>&-", 0)),
        ("runs into a pipe that is closed", "no traceback", shell("wattflock runs --runs whole | true", 0)),
        ("runs without a home folder", "exit code 0", shell("env -u HOME wattflock runs --runs whole", 0)),
        ("runs in a folder that is a file", "no traceback", shell("wattflock runs --runs tiny.toml", 0)),
        ("compare into a file", "exit code 2", shell("wattflock compare tiny.toml --runs tiny.toml", 2)),
        (
            "one thread and two",
            f"figures alike to {ALIKE:g}",
            _alike(folder, f"taskset -c {CORES[0]} {{}}", f"taskset -c {CORES[0]},{CORES[-1]} {{}}"),
        ),
        ("one device and four", f"figures alike to {ALIKE:g}", _alike(folder, "{}", FOUR)),
        ("parts without extras", "exit code 0", shell(f"{WITHOUT} parts", 0)),
        *((f"a summary that is {text[:12]}", "listed as broken", _broken(folder, text)) for text in NO_SUMMARIES),
    ]


def _two(folder: Path, whole: dict[str, bytes]) -> Act:
    def act() -> tuple[str, str]:
        shutil.rmtree(folder / "runs", ignore_errors=True)
        first = _compare(folder)
        while not list((folder / "runs").glob("*/lock.json")) and first.poll() is None:
            time.sleep(0.05)
        second = _compare(folder)
        said = second.communicate()[1]
        first.communicate()
        verdict, found = _verdict(folder, whole, said)
        return (REFUSED, said) if verdict == RIGHT and second.returncode == 2 else (WRONG, found)

    return act


def _deleted(folder: Path, whole: dict[str, bytes]) -> Act:
    def act() -> tuple[str, str]:
        shutil.rmtree(folder / "runs", ignore_errors=True)
        process = _compare(folder)
        while not (kept := list((folder / "runs").rglob("*.safetensors"))) and process.poll() is None:
            time.sleep(0.02)
        for path in kept:
            path.unlink(missing_ok=True)
        process.communicate()
        _compare(folder).communicate()
        return _verdict(folder, whole, f"exit code {process.returncode}")

    return act


def _small(folder: Path, kilobytes: int) -> Act:
    def act() -> tuple[str, str]:
        line = f"ulimit -v {kilobytes}; wattflock compare tiny.toml --runs small"
        code, said = _ran(folder, line)
        if code < 0:
            raise RuntimeError(f"ended by signal {-code}; {said}")
        return (REFUSED if code else RIGHT), f"exit code {code}; {said}"

    return act


def _shell(folder: Path, command: str, code: int) -> Act:
    def act() -> tuple[str, str]:
        found, said = _ran(folder, command)
        return (RIGHT if found == code else WRONG), f"exit code {found}; {said}"

    return act


def _alike(folder: Path, *ways: str) -> Act:
    """The same comparison in several ways, `{}` the command: every method's figures are those of the first way."""

    def act() -> tuple[str, str]:
        found = []
        for number, way in enumerate(ways):
            code, said = _ran(folder, way.format(f"{SHORT} --runs alike{number}"))
            if code:
                return WRONG, said
            (summary,) = (folder / f"alike{number}").rglob("summary.json")
            methods = json.loads(summary.read_text())["methods"]
            found.append({name: each["cost_per_home_day"] for name, each in methods.items()})
        apart = max(abs(each[name] / found[0][name] - 1) for each in found for name in each)
        return (RIGHT if apart <= ALIKE else WRONG), f"at most {apart:.1g} apart"

    return act


def _ran(folder: Path, line: str) -> tuple[int, str]:
    line = line.replace("wattflock ", f"{shlex.join(WATTFLOCK)} ", 1)
    ran = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=300)
    if "Traceback" in ran.stderr:
        raise RuntimeError(ran.stderr[-300:])
    return ran.returncode, ran.stderr[-200:]


def _broken(folder: Path, text: str) -> Act:
    def act() -> tuple[str, str]:
        bad = folder / "whole" / "bad-1"
        bad.mkdir(exist_ok=True)
        (bad / "scenario.toml").touch()
        (bad / "summary.json").write_text(text)
        out, said = _start(folder, "runs", "--runs", "whole", "--json").communicate()
        shutil.rmtree(bad)
        if "Traceback" in said:
            raise RuntimeError(said)
        states = {(row["run"], row["state"]) for row in json.loads(out)}
        fine = ("bad-1", "broken") in states and any(state == "complete" for _, state in states)
        return (RIGHT if fine else WRONG), said

    return act


os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
