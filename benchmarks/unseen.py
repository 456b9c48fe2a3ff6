"""A flock among homes that it has not met: as it comes, and after it has learned on among them.

    python benchmarks/unseen.py [--seeds 0] [--runs FOLDER] [--small] [--write]

The row `unseen-homes` of the study `thousand`: 1,000 homes learn, 200 others are the judge's. Beside it a flock that
learned among these 200 from the start, on their training weeks; some five agents have the readings of each. All are
judged on the same test days of the 200.
`--small` has twelve homes and four rounds.
"""

import argparse
import tempfile
from pathlib import Path

from pages.flocks import figures_of, text, write

from wattflock.study import compare
from wattflock.study.fine_tune import met
from wattflock.study.run import open_run
from wattflock.study.study_file import read
from wattflock.study.train import train
from wattflock.verbs.experiment import TUNED, Experiment
from wattflock.verbs.judging import compared, finished, tuned

HEADING = "On the test days of the homes held out"
ROUNDS = (30, 100)  # of learning on
SMALL = [
    "homes.count=12", "homes.homes_per_agent=90", "feeder.part=ieee13", "learn.rounds=4", "judge.test_days=2",
    "data.settings.homes=16", 'data.homes_held_out=["H000012..H000015"]',
]  # fmt: skip


def measured(seed: int, runs: Path, small: bool) -> dict[str, dict]:
    """Figures of each flock on the test days of the homes held out, of one seed."""
    sets = ["judge.bound_days=0", *(SMALL if small else ())]
    scenario = read("thousand").expand(["unseen-homes"], seed + 1, sets)[0].scenarios[seed]
    experiment = Experiment(scenario, open_run(scenario, runs))
    if not finished(experiment):
        compared(experiment)
    found = {}
    for rounds in (2,) if small else ROUNDS:
        of = tuned(experiment, "gradmap", [], rounds).comparison.summary["methods"]
        found |= {"uncontrolled": of["idle"], "not met": of["gradmap"]}
        found[f"not met, then {rounds} rounds among them"] = of["gradmap" + TUNED]
    return found | {f"among them from the start, {scenario.learn.rounds} rounds": known(experiment)}


def known(experiment: Experiment) -> dict:
    """Figures of a flock that learned among the judge's homes from its first round."""
    who, days = experiment.parts.learner("gradmap"), experiment.days
    *_, last = train(experiment.among(met(experiment.built)).course("gradmap", who))
    if last.broken:
        raise SystemExit(f"gradmap among them from the start: {last.stopped}")
    policies = {"idle": experiment.parts.learner("idle").policy(()), "gradmap": who.policy(last.progress.state)}
    tables = [compare.judge_method(experiment.place(name), days, name, each) for name, each in policies.items()]
    return compare.figures(compare.collect(tables, {}, experiment.scenario.homes.count))["gradmap"]


def main() -> None:
    parser = argparse.ArgumentParser(description="A flock among homes that it has not met.")
    parser.add_argument("--seeds", default="0", help="seeds, with commas between")
    parser.add_argument("--runs", type=Path, help="folder of runs; the flock there is not trained again")
    parser.add_argument("--small", action="store_true", help="twelve homes, for testing")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/unseen.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs, seeds = given.runs or Path(folder), map(int, given.seeds.split(","))
        found = {seed: measured(seed, runs, given.small) for seed in seeds}
    last = [*found[min(found)]][-1]
    every = [
        figures_of("unseen-homes", flock, seed, figures, last)
        for seed, flocks in found.items()
        for flock, figures in flocks.items()
    ]
    body = text(every, HEADING)
    print(body)
    if given.write and not given.small:
        write(__file__, __doc__ or "", "A flock among homes that it has not met", body)


if __name__ == "__main__":
    main()
