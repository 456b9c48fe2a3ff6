"""Scenarios that cannot be, from files and from `--set`: all problems at once, each blamed on what says it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from attempts.attempt import REFUSED, RIGHT, WRONG, Attempt, attempt
from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load

SETS = (
    "homes.mix.battery=0.9", "homes.count=0", "homes.count=-3", "homes.count=1e9", "homes.count=2.5",
    "homes.count=many",
    "homes.count=nan", "homes.count=inf", "homes.count=", "homes..count=3", "=3", "homes.count", "homes=3",
    "homes.volt_var=[-5, 0, 100, 1e300]", "homes.volt_var=[1, 1, 1, 1]", "homes.volt_var=[0.9, 1, 1.1]",
    "homes.homes_per_agent=0", "homes.kinds=[]", "homes.kinds=[{}]", "homes.seed=-1", "homes.seed=4294967296",
    'judge.methods=["idle", "idle"]', "judge.methods=[]", 'judge.methods=["nix"]', "judge.methods=idle",
    'judge.yardsticks=["mpc", "mpc"]', "judge.bound_days=-1", "judge.bound_days=nan", "judge.test_days=-2",
    "judge.bound_days=1.5", "learn.part=nix", "learn.part=3", "learn.rounds=-1", "learn.rounds=1e12",
    "learn.settings.rate=1e39", "learn.settings.rate=0", "learn.settings.rate=-1", "learn.settings.rate=nan",
    "learn.settings.rate=true", "learn.settings.nix=1", "learn.settings=3", "learn.patience=-1",
    'learn.others={"a b"={part="ppo"}}', 'learn.others={gradmap={part="ppo"}}', "data.part=nix", "data.dt_h=0.7",
    "data.dt_h=0", "data.dt_h=1e-9", "data.months=[13]", "data.months=[1, 1]", "data.load_low=2", "data.fold=7",
    "data.episode_days=0", "data.noise_share=2", "feeder.part=nix", "feeder.low_pu=1.2", "feeder.high_pu=0.9",
    "feeder.service_drop_pu=0.05", "feeder.loading=-1", "feeder.unbalance=nan", "market.part=nix", "name=../x",
    "name=", "seed=-1", "seed=1e300", "nix=3", "coordinator.part=nix", "coordinator.limit.hours=[1]",
    "coordinator.reward.low=0.9", "homes.count=0x", "homes.count={a=1}", "homes.count=" + "[" * 60 + "]" * 60,
)  # fmt: skip
FILES: dict[str, bytes] = {
    "empty": b"",
    "a byte-order mark": b'\xef\xbb\xbfname = "x"\n',
    "UTF-16": 'name = "x"\n'.encode("utf-16"),
    "Windows line ends": b'name = "x"\r\n[homes]\r\ncount = 5\r\n',
    "bytes that are no text": bytes(range(256)),
    "nested lists": b"a = " + b"[" * 3000,
    "nested lists that close": b"a = " + b"[" * 90 + b"]" * 90,
    "nested tables": b"a = " + b"{a = " * 1000,
    "nested names": b"a." * 2000 + b"a = 1\n",
    "a name twice": b"seed = 1\nseed = 2\n",
    "a table twice": b"[homes]\n[homes]\n",
    "half a line": b"[homes]\ncount =",
    "JSON": b'{"homes": {"count": 5}}',
    "a section that is a list": b"homes = [1]\n",
    "a name of 10 MB": b'name = "' + b"x" * 10_000_000 + b'"\n',
    "a number of 10,000 digits": b"seed = " + b"9" * 10_000 + b"\n",
    "a date": b"seed = 2026-01-01\n",
}
READ = ("empty", "a byte-order mark", "Windows line ends")


def attempts() -> list[Attempt]:
    """Every field that was tried with what it cannot be."""
    rows = [attempt("scenario", f"--set {text[:60]}", "refused, and the flag is named", _set(text)) for text in SETS]
    rows += [
        attempt("scenario file", name, "read" if name in READ else "refused", _file(name, data))
        for name, data in FILES.items()
    ]
    several = ["homes.count=0", "learn.settings.rate=0", "nix=3"]
    return [*rows, attempt("scenario", "three faults at once", "all three are named", _several(several))]


def _set(text: str) -> Callable[[], tuple[str, str]]:
    def act() -> tuple[str, str]:
        try:
            load(None, [text])
        except ScenarioError as error:
            blamed = all(problem.where == f"--set {text}" for problem in error.problems)
            return (REFUSED if blamed else WRONG), str(error)
        return WRONG, "taken"

    return act


def _file(name: str, data: bytes) -> Callable[[], tuple[str, str]]:
    def act() -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mine.toml"
            path.write_bytes(data)
            found = load(path)
        return (RIGHT if name in READ else WRONG), f"read as {found.name[:40]}"

    return act


def _several(sets: list[str]) -> Callable[[], tuple[str, str]]:
    def act() -> tuple[str, str]:
        try:
            load(None, sets)
        except ScenarioError as error:
            named = {problem.where for problem in error.problems}
            return (REFUSED if named == {f"--set {text}" for text in sets} else WRONG), str(error)
        return WRONG, "taken"

    return act
