"""Studies and coalition values on one core, in processes and on Ray: are they the same, and how much sooner?

python benchmarks/on_ray.py            # prints the table
python benchmarks/on_ray.py --write    # also writes benchmarks/on_ray.md
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
from pages.head import head

import wattflock as wf
from wattflock.core.progress import console
from wattflock.core.scenario import load
from wattflock.game.chunks import Runner
from wattflock.game.game import coalitions
from wattflock.game.values import Flock, flock
from wattflock.study.cluster import for_folders, for_short, on_ray
from wattflock.study.parallel import Executor, Results, Work, cores, serial, side_by_side
from wattflock.study.run import open_run
from wattflock.verbs.works import finish

HOMES, RUNS = 14, 4  # players of the game; seeds of the study
SETS = ["feeder.part=none", "homes.count=5", "learn.rounds=2", "learn.settings.days=2",
        "judge.methods=['idle','gradmap']", "judge.test_days=1", "judge.bound_days=0"]  # fmt: skip
SECONDS = ("timings.json", ".timings.json", "summary.json")  # files that say how long something took
TITLE = "More than one machine: Ray beside processes and one core"
ABOUT = f"""\
All is on one machine, so that nothing can be gained beyond its cores; what Ray adds in time is its own. One run of
each, in this order; seconds by the clock hold what else the machine does, which the load before each shows. Ray is
started before the clock (row "start"). Values: the costs of all {2**HOMES - 2:,} coalitions of {HOMES} homes on one
day, in chunks. Study: {RUNS} seeds of five homes that learn for two rounds, each in a process of its own with one core,
as `wattflock study --workers {len(cores())}` has them; the time is that of starting Python and of reading programs that
were compiled before. Equal: all numbers of the values to the bit; of the runs every file but those that hold seconds.
More than {len(cores())} times as fast is the other work on the machine, not Ray.

"""


def values(homes: Flock, executor: Executor) -> np.ndarray:
    """The costs of all coalitions but the empty one and that of all."""
    return Runner(executor).costs(homes.days, coalitions(HOMES)[1:-1])


def study(executor: Callable[[Path], Executor]) -> dict[str, bytes]:
    """Runs of a study: the content of every file that holds no seconds."""
    scenarios = [load(None, [*SETS, f"seed={seed}"]) for seed in range(RUNS)]
    with tempfile.TemporaryDirectory() as place:
        runs = Path(place)
        with closing(executor(runs)(finish, (runs, False, False), scenarios)) as results:
            assert not [told for _, told in results if told]
        files = (path for path in runs.rglob("*") if path.is_file() and not path.name.endswith(SECONDS))
        return {path.relative_to(runs).as_posix(): path.read_bytes() for path in files}


def timed(work: Callable) -> tuple[float, str, object]:
    """Seconds by the clock, the load before, and what came of it."""
    load_before, began = f"{os.getloadavg()[0]:.1f}", time.perf_counter()
    result = work()
    return time.perf_counter() - began, load_before, result


def folders(workers: int, address: str) -> Callable[[Path], Executor]:
    """Who makes runs in a folder."""
    return lambda runs: for_folders(workers, address, lambda scenario: open_run(scenario, runs).folder)


def pinned(executor: Executor) -> Executor:
    """The same on the first core alone: as many threads as the others have for each run."""

    def run(work: Work, shared: object, items: Iterable) -> Results:
        every = cores()
        os.sched_setaffinity(0, every[:1])
        try:
            yield from executor(work, shared, items)
        finally:
            os.sched_setaffinity(0, every)

    return run


def table() -> str:
    """All measurements."""
    console.quiet = True
    many = len(cores())
    start_s, before, _ = timed(lambda: on_ray("local"))
    lines = [("start", "Ray", start_s, before, "", "")]
    homes = flock(wf.load("portfolios", {"homes.count": HOMES, "feeder.part": "none"}), 1)
    ways: dict[str, dict[str, Callable]] = {
        f"values, {HOMES} homes": {
            "this process": lambda: values(homes, serial),
            f"{many} processes": lambda: values(homes, for_short(many, "")),
            f"Ray, {many} cores": lambda: values(homes, for_short(0, "local")),
        },
        f"study, {RUNS} runs": {
            "a process for each, one core": lambda: study(lambda _: pinned(side_by_side(1))),
            f"{many} processes": lambda: study(folders(many, "")),
            f"Ray, {many} cores": lambda: study(folders(many, "local")),
        },
    }
    for what, each in ways.items():
        first: tuple[float, object] | None = None
        for who, work in each.items():
            took_s, before, result = timed(work)
            first = first or (took_s, result)
            same = "" if first[1] is result else "yes" if equal(first[1], result) else "NO"
            lines.append((what, who, took_s, before, f"{first[0] / took_s:.2f}", same))
    rows = [f"| {a} | {b} | {c:.1f} | {d} | {e} | {f} |" for a, b, c, d, e, f in lines]
    return "\n".join(
        ["| what | who | clock [s] | load before | times as fast | equal |", "|---|---|---:|---:|---:|---|", *rows]
    )


def equal(one: object, other: object) -> bool:
    """To the bit."""
    return one == other if isinstance(one, dict) else bool(np.array_equal(one, other))  # type: ignore[arg-type]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    asked, page = parser.parse_args(), table()
    print(page)
    if asked.write:
        Path(__file__).with_suffix(".md").write_text(head(TITLE) + ABOUT + page + "\n")
