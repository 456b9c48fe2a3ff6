"""Settings from another world beside settings that were searched for in the row's own.

    python benchmarks/tuned_there.py [--rows european-lv,homes-200] [--trials 8] [--seeds 0] [--runs FOLDER] [--small]
        [--write]

Rows of the study `thousand`, where `gradmap` keeps settings that were found elsewhere. Beside it the best of some
trials in that row, with as many rounds: the first half is drawn over the space of benchmarks/tuning.md, days and widths
of networks excepted, and `square_memory`; the other half around the best so far. The best has the least cost and price
of violations on the validation days (the objective of all learners by gradient, without margins); seed 0. Both are then
judged on the test days, with every seed.
`--small` has twelve homes, four rounds and two trials. A search goes on from its folder of runs.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from pages.flocks import NAMES, figures_of, text, write
from tuning import drawn

from wattflock.core.errors import RunError
from wattflock.study.run import open_run
from wattflock.study.study_file import read
from wattflock.study.train import Best, score
from wattflock.verbs.experiment import Experiment
from wattflock.verbs.judging import compared, finished, read_back

SMALL = [
    "homes.count=12", "homes.homes_per_agent=90", "feeder.part=ieee13", "learn.rounds=4", "judge.test_days=2",
    "data.settings.homes=16",
]  # fmt: skip
FIXED = {"days": 8, "hidden": (16, 16)}
MEMORY = (0.9, 0.95, 0.97, 0.99)  # of square_memory
UNTOUCHED, TUNED = "settings from elsewhere", "tuned there"


def experiment(row: str, settings: dict, seed: int, runs: Path, small: bool) -> Experiment:
    """gradmap with these settings beside uncontrolled homes."""
    sets = ['judge.methods=["idle", "gradmap"]', "judge.bound_days=0", *(SMALL if small else ())]
    sets += [f"learn.settings.{field}={value}" for field, value in settings.items()]
    scenario = read("thousand").expand([row], seed + 1, sets)[0].scenarios[seed]
    return Experiment(scenario, open_run(scenario, runs))


def worth(of: Experiment) -> float:
    """Cost and price of violations on the validation days [currency per home and day]."""
    try:
        policy = of.training("gradmap").policy
    except RunError:  # numbers that nobody should believe
        return float("inf")
    found = {name: float(value) for name, value in score(of.world, policy, of.watched).items()}
    return Best.of(0, of.world).worth(found)


def searched(row: str, trials: int, runs: Path, small: bool) -> list[tuple[float, dict]]:
    """Worth and settings of every trial in a row; the first has the row's own settings."""
    random, found = np.random.default_rng(0), [(worth(experiment(row, {}, 0, runs, small)), {})]
    for number in range(trials):
        around = min(found, key=lambda each: each[0])[1] if 2 * number >= trials else {}
        settings = drawn("gradmap", random, around, FIXED) | {"square_memory": float(random.choice(MEMORY))}
        of = experiment(row, {field: value for field, value in settings.items() if field not in FIXED}, 0, runs, small)
        found.append((worth(of), settings))
        print(f"{row}, trial {number + 1}: {found[-1][0]:.4f} (untouched {found[0][0]:.4f}) {settings}", flush=True)
    return found


def judged(of: Experiment) -> dict:
    """The summary of a run, with figures of the uncontrolled homes and of gradmap on the test days."""
    return (read_back(of.run) if of.run and finished(of) else compared(of)).summary


def measured(row: str, trials: int, seeds: list[int], runs: Path, small: bool) -> tuple[list[dict], str]:
    """Rows of the table, and what the search found in words."""
    found = searched(row, trials, runs, small)
    best_worth, best = min(found[1:], key=lambda each: each[0])
    own = {field: value for field, value in best.items() if field not in FIXED}
    rows, notes = [], {}  # a note is the same in every run: said once
    for seed in seeds:
        both = [judged(experiment(row, settings, seed, runs, small)) for settings in ({}, own)]
        notes |= {note: None for each in both for note in each["notes"]}
        here, there = (each["methods"] for each in both)
        flocks = {"uncontrolled": here["idle"], UNTOUCHED: here["gradmap"], TUNED: there["gradmap"]}
        rows += [figures_of(row, flock, seed, figures, TUNED) for flock, figures in flocks.items()]
    mean = (
        pl.DataFrame(rows).group_by("method").agg(pl.col(NAMES).mean()).rows_by_key("method", named=True, unique=True)
    )
    idle, (untouched, tuned) = mean["uncontrolled"], (mean[name] for name in (UNTOUCHED, TUNED))
    points = 100 * (untouched["cost_per_home_day"] - tuned["cost_per_home_day"]) / idle["cost_per_home_day"]
    names = {"violation_pu_h": "violation", "overload_share_h": "overload"}
    times = [f"{untouched[at] / tuned[at]:.2f} times the {name}" for at, name in names.items() if tuned[at] > 0]
    said = ", ".join(f"{field} {value:g}" for field, value in own.items())
    better = sum(each[0] < found[0][0] for each in found[1:])
    return rows, (
        f"- `{row}`: {better} of {trials} trials were better on the validation days than settings from elsewhere: "
        f"{found[0][0]:.4f} GBP per home and day with the price of violations, {best_worth:.4f} in the best ({said}). "
        f"On the test days settings from elsewhere save {points:.1f} points less of what uncontrolled homes pay"
        f"{', with ' if times else ''}{' and '.join(times)}."
    ) + "".join(f"\n- `{row}`: {note}." for note in notes)


def main() -> None:
    parser = argparse.ArgumentParser(description="Settings from another world beside settings searched for in a row.")
    parser.add_argument("--rows", default="european-lv,homes-200", help="rows of `thousand`, with commas between")
    parser.add_argument("--trials", type=int, default=8, help="of each row")
    parser.add_argument("--seeds", default="0", help="seeds, with commas between")
    parser.add_argument("--runs", type=Path, help="folder of runs; what is there is not trained again")
    parser.add_argument("--small", action="store_true", help="twelve homes and two trials, for testing")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/tuned_there.md")
    given = parser.parse_args()
    seeds, trials = [int(seed) for seed in given.seeds.split(",")], 2 if given.small else given.trials
    with tempfile.TemporaryDirectory() as folder:
        runs = given.runs or Path(folder)
        found = [measured(row, trials, seeds, runs, given.small) for row in given.rows.split(",")]
    tables = text([each for rows, _ in found for each in rows], "On the test days")
    body = "\n".join(said for _, said in found) + "\n\n" + tables
    print(body)
    if given.write and not given.small:
        write(__file__, __doc__ or "", "Settings from elsewhere beside settings tuned there", body)


if __name__ == "__main__":
    main()
