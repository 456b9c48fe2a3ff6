"""Settings from another world beside settings that were searched for in the row's own.

    python benchmarks/tuned_there.py [--rows european-lv,homes-200] [--methods gradmap] [--trials 8] [--seeds 0]
        [--runs FOLDER] [--small] [--write [NAME]]

Rows of the study `thousand`, where learners keep settings that were found elsewhere. Beside them the best of some
trials in that row, with as many rounds: the first half is drawn over a space of settings, days and widths of networks
excepted; the other half around the best so far, be it a trial or the row's own. Spaces are those of
benchmarks/tuning.md and gradmap's `square_memory`; for the network tariff and for learners from rewards alone, which
benchmarks/tuning.md has not, `SPACES` in the source. The best has the least cost and price of violations on the
validation days (the objective of all learners by gradient, without margins); seed 0. It is then judged on the test days
beside the row's own, with every seed; where no trial is better than the row's own, those alone are.
`--small` has twelve homes, four rounds and two trials. A search goes on from its folder of runs.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import tuning
from pages.flocks import NAMES, figures_of, text, write

from wattflock.core.errors import RunError
from wattflock.study.run import open_run
from wattflock.study.study_file import read
from wattflock.study.train import Best, score
from wattflock.verbs.experiment import Experiment
from wattflock.verbs.judging import compared, finished, read_back

SMALL = [
    "homes.count=12", "homes.homes_per_agent=90", "feeder.part=ieee13", "judge.test_days=2", "data.settings.homes=16",
]  # fmt: skip
UNCHANGED = ("days", "hidden")  # of the search's space: the row's own
MEMORY = (0.9, 0.95, 0.97, 0.99)  # of square_memory
_REWARDS = {
    "halvings": (1.5, 5.0),
    "margin_pu": (0.003, 0.010),
    "multiplier_init": (136.0, 2176.0),
    "average": (0.03, 0.3),
    "reward": ["own", "marginal"],
}
_REPLAYED = _REWARDS | {"critic_rate": (1e-3, 1e-2), "explore": (0.2, 0.8), "discount": [0.95, 0.97, 0.99]}
SPACES = {  # as in tuning.py: lowest and highest on a logarithmic scale, or a list to pick from
    "tariff_design": tuning.SHARED | tuning.OWN["gradmap"] | {"memory": (0.02, 0.2)},
    "ppo": _REWARDS
    | {"rate": (1e-3, 1e-2), "critic_rate": (2e-3, 2e-2), "entropy": (5e-3, 5e-2), "trace": [0.7, 0.85, 0.95]},
    "maddpg-ps": _REPLAYED | {"rate": (1e-4, 1e-3), "follow": (0.01, 0.05)},
    "facmac": _REPLAYED | {"rate": (3e-4, 3e-3), "own": [0.0, 0.3, 1.0]},
}
IDLE, UNTOUCHED, TUNED = "uncontrolled", "settings from elsewhere", "tuned there"


def experiment(row: str, method: str, settings: dict, seed: int, runs: Path, small: bool) -> Experiment:
    """A learner with these settings beside uncontrolled homes."""
    own = "learn" if method == "gradmap" else f"learn.others.{method}"
    sets = [f'judge.methods=["idle", "{method}"]', "judge.bound_days=0", *(SMALL if small else ())]
    sets += [f"{own}.rounds=4"] if small else []
    sets += [f"{own}.settings.{field}={str(value).lower()}" for field, value in settings.items()]
    scenario = read("thousand").expand([row], seed + 1, sets)[0].scenarios[seed]
    return Experiment(scenario, open_run(scenario, runs))


def worth(of: Experiment, method: str) -> float:
    """Cost and price of violations on the validation days [currency per home and day]."""
    try:
        policy = of.training(method).policy
    except RunError:  # numbers that nobody should believe
        return float("inf")
    found = {name: float(value) for name, value in score(of.world, policy, of.watched).items()}
    return Best.of(0, of.world).worth(found)


def spaces(method: str) -> dict:
    """Fields that are searched, but for gradmap's `square_memory`."""
    every = SPACES.get(method) or tuning.spaces(method)
    return {field: space for field, space in every.items() if field not in UNCHANGED}


def trial(method: str, random: np.random.Generator, around: dict) -> dict:
    """Settings of one trial."""
    found = tuning.drawn(spaces(method), random, around)
    memory = float(random.choice(MEMORY))  # for every learner: trials stay those of their pages
    return found | ({"square_memory": around.get("square_memory", memory)} if method == "gradmap" else {})


def searched(row: str, method: str, trials: int, runs: Path, small: bool) -> list[tuple[float, dict]]:
    """Worth and settings of every trial in a row; the first has the row's own settings."""
    random, untouched = np.random.default_rng(0), experiment(row, method, {}, 0, runs, small)
    learner = untouched.parts.learner(method)
    fields = [*spaces(method), *(["square_memory"] if method == "gradmap" else [])]
    own = {field: getattr(learner, field) for field in fields}
    found = [(worth(untouched, method), {})]
    for number in range(trials):
        around = (min(found, key=lambda each: each[0])[1] or own) if 2 * number >= trials else {}
        settings = trial(method, random, around)
        found.append((worth(experiment(row, method, settings, 0, runs, small), method), settings))
        print(
            f"{row}, {method}, trial {number + 1}: {found[-1][0]:.4f} (untouched {found[0][0]:.4f}) {settings}",
            flush=True,
        )
    return found


def judged(of: Experiment) -> dict:
    """The summary of a run, with figures of the uncontrolled homes and of a learner on the test days."""
    return (read_back(of.run) if of.run and finished(of) else compared(of)).summary


def measured(
    row: str, method: str, trials: int, seeds: list[int], runs: Path, small: bool
) -> tuple[list[dict], str, list[str]]:
    """Figures of the flocks with each seed, what the search found in words, and what the runs say."""
    found = searched(row, method, trials, runs, small)
    best_worth, best = min(found, key=lambda each: each[0])  # no settings where no trial is better than the row's own
    compete, flocks, notes = {UNTOUCHED: {}} | ({TUNED: best} if best else {}), [], []
    for seed in seeds:
        summaries = {name: judged(experiment(row, method, given, seed, runs, small)) for name, given in compete.items()}
        notes += [note for each in summaries.values() for note in each["notes"]]
        idle = summaries[UNTOUCHED]["methods"]["idle"]
        flocks.append({IDLE: idle} | {name: each["methods"][method] for name, each in summaries.items()})
    better = sum(each[0] < found[0][0] for each in found[1:])
    said = (
        f"`{row}`, {method}: {better} of {trials} trials {'was' if better == 1 else 'were'} better on the validation "
        f"days than settings from elsewhere, which have {found[0][0]:.4f} GBP per home and day with the price of "
    )
    if best:
        said += f"violations: {best_worth:.4f} in the best ({_told(best)}). {beside(flocks)}"
    else:
        said += f"violations: {min(each[0] for each in found[1:]):.4f} in the best trial."
    return flocks, said, [f"`{row}`: {note}." for note in notes]


def beside(flocks: list[dict]) -> str:
    """Settings from elsewhere beside the tuned ones on the test days, in words."""
    idle, untouched, tuned = (mean([each[name] for each in flocks]) for name in (IDLE, UNTOUCHED, TUNED))
    points = 100 * (untouched["cost_per_home_day"] - tuned["cost_per_home_day"]) / idle["cost_per_home_day"]
    names = {"violation_pu_h": "violation", "overload_share_h": "overload"}
    times = [f"{untouched[at] / tuned[at]:.2f} times the {name}" for at, name in names.items() if tuned[at] > 0]
    return (
        f"On the test days settings from elsewhere save {points:.1f} points less of what uncontrolled homes pay"
        f"{', with ' if times else ''}{' and '.join(times)}."
    )


def _told(settings: dict) -> str:
    return ", ".join(f"{at} {value if isinstance(value, bool) else f'{value:g}'}" for at, value in settings.items())


def mean(of: list[dict]) -> dict[str, float]:
    """The mean over seeds of each figure."""
    return {name: float(np.mean([each[name] for each in of])) for name in NAMES}


def main() -> None:
    parser = argparse.ArgumentParser(description="Settings from another world beside settings searched for in a row.")
    parser.add_argument("--rows", default="european-lv,homes-200", help="rows of `thousand`, with commas between")
    parser.add_argument("--methods", default="gradmap", help="of `thousand`, with commas between")
    parser.add_argument("--trials", type=int, default=8, help="of each row and method")
    parser.add_argument("--seeds", default="0", help="seeds, with commas between")
    parser.add_argument("--runs", type=Path, help="folder of runs; what is there is not trained again")
    parser.add_argument("--small", action="store_true", help="twelve homes and two trials, for testing")
    parser.add_argument("--write", nargs="?", const="", metavar="NAME", help="also write tuned_there[-NAME].md")
    given = parser.parse_args()
    seeds, trials = [int(seed) for seed in given.seeds.split(",")], 2 if given.small else given.trials
    methods = given.methods.split(",")
    if strange := [method for method in methods if method not in tuning.OWN | SPACES]:
        parser.error(f"--methods {','.join(strange)}: allowed: {', '.join(tuning.OWN | SPACES)}")
    names = {method: f"{method}, " if len(methods) > 1 else "" for method in methods}
    every, lines = [], []
    with tempfile.TemporaryDirectory() as folder:
        runs = given.runs or Path(folder)
        for row in given.rows.split(","):
            found = {method: measured(row, method, trials, seeds, runs, given.small) for method in methods}
            lines += [said for _, said, _ in found.values()]
            lines += dict.fromkeys(note for *_, notes in found.values() for note in notes)
            reference = names[methods[0]] + list(found[methods[0]][0][0])[-1]
            for method, (of_seeds, *_) in found.items():
                every += [
                    figures_of(row, names[method] * (flock != IDLE) + flock, seed, figures, reference)
                    for seed, flocks in zip(seeds, of_seeds, strict=True)
                    for flock, figures in flocks.items()
                    if flock != IDLE or method == methods[0]
                ]
    body = "".join(f"- {line}\n" for line in lines) + "\n" + text(every, "On the test days")
    print(body)
    if given.write is not None and not given.small:
        write(__file__, __doc__ or "", "Settings from elsewhere beside settings tuned there", body, given.write)


if __name__ == "__main__":
    main()
