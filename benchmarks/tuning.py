"""Settings of every learner by random search: as many trials of as many seconds for each.

    python benchmarks/tuning.py [--methods gradmap through] [--trials 16] [--seconds 30] [--days 32] [--processor]

On fold 0 of the weeks: other weeks are for the judge there, and the study's test weeks are in no split. Trial 0 is the
class's defaults of then, the next eight are drawn over the whole space, the next three around the best so far, then
four guesses by hand, later ones around the best again. A trial trains for so many seconds (compilation not counted,
schedules stretched to them). Best is who captures most of the saving with a violation of at most 0.3 % of idle's on the
fold's test days; else who has the least common objective J (learners.py). The log of all trials is tuning.csv; a
search goes on from its log. With --processor seconds are the processor's, so that two searches can stand side by side,
pinned to a core each (taskset). Memory is shared all the same: beside other work a round takes up to twice as long,
which the log's columns round_ms and rounds show. With --days all trials have so many days a round and networks of
two layers of 16: what is compiled once then serves all trials of a learner.

What was searched: gradmap and through, 16 trials of 30 s of two cores each; penalty 16 of 50 processor seconds (those
from 7 on beside other work); large batch 11, pdl, shac and clipped 9 of 50 processor seconds, most of them beside
other work: all before Adam's betas and `normalise` were settings, so none of these trials tried them. Large batches
were given up when eleven trials had 30 to 160 rounds each and none came near. The race runs clipped as its trial 4
left it (0.33 % and the least J), which suits it better than the rule.
"""

import argparse
import ast
import time
from pathlib import Path

import jax
import numpy as np
import polars as pl
from learners import Clock, Judge, ahead, contender, paced
from pages.head import head

from wattflock.core.scenario import load
from wattflock.learn.learner import begin
from wattflock.study.build import Built, build

ANYWHERE = 9  # trials before the search stays around the best
FIRST = 12  # from this trial on what stands in GUESSES
KEPT = 0.003  # violation as a share of idle's
SHARED = {  # field: lowest and highest on a logarithmic scale, or a list to pick from
    "rate": (2e-3, 2e-2),
    "halvings": (1.5, 5.0),
    "margin_pu": (0.003, 0.010),
    "multiplier_init": (136.0, 1088.0),
    "average": (0.01, 0.06),
    "hidden": [(16, 16), (16, 16), (24, 24), (16,)],
    "b1": [0.8, 0.9, 0.9, 0.95],
    "b2": [0.95, 0.99, 0.999],
}
OWN = {
    "gradmap": {"days": [8, 12, 16], "trust": (0.1, 0.4), "trust_least": (0.005, 0.04)},
    "clipped": {"days": [8, 12, 16], "trust": (0.1, 0.4), "trust_least": (0.005, 0.04)},
    "through": {"days": [2, 4, 8], "normalise": [True, False]},
    "large batch": {"days": [16, 32], "normalise": [True, False]},
    "penalty": {"days": [2, 4, 8], "curvature": (8160.0, 81600.0), "growth": (1.2, 3.0)},
    "pdl": {"days": [2, 4, 8], "curvature": (2720.0, 27200.0), "growth": (1.2, 3.0), "dual_rate": (1e-3, 1e-2)},
    "shac": {"days": [4, 8], "horizon": [6, 12], "trace": (0.5, 0.99), "critic_rate": (3e-3, 3e-2)},
    "timer": {"days": [2, 4, 8]},
    "timer_droop": {"days": [2, 4, 8], "droop": (0.1, 2.0)},
}

LIMITS = {"trace": (0.0, 0.99), "growth": (1.0, np.inf)}  # what is drawn around others stays where learners take it
GUESSES = {  # tried by hand after the first dozen, as many for each
    "gradmap": [
        {"margin_pu": 0.006},
        {"margin_pu": 0.006, "hidden": (16,)},
        {"margin_pu": 0.006, "days": 12, "hidden": (16,)},
        {"margin_pu": 0.005, "rate": 0.008},
    ],
    "through": [
        {"margin_pu": 0.007},
        {"margin_pu": 0.007, "normalise": False, "b2": 0.999, "multiplier_init": 272.0},
        {"margin_pu": 0.006, "b2": 0.99},
        {"margin_pu": 0.006, "multiplier_init": 816.0, "average": 0.06},
    ],
    "large batch": [{"margin_pu": margin} for margin in (0.005, 0.006, 0.007, 0.008)],
    "penalty": [{"margin_pu": margin} for margin in (0.006, 0.007, 0.008, 0.009)],
    "pdl": [{"margin_pu": margin} for margin in (0.005, 0.006, 0.007, 0.008)],
    "shac": [{"margin_pu": margin} for margin in (0.005, 0.006, 0.007, 0.008)],
    "clipped": [{"margin_pu": margin} for margin in (0.004, 0.006, 0.007, 0.008)],
}


def spaces(name: str) -> dict:
    """What is searched for a learner; a timer has no network."""
    return {field: space for field, space in (SHARED | OWN[name]).items() if field != "hidden" or "timer" not in name}


def drawn(wanted: dict, random: np.random.Generator, around: dict) -> dict:
    """Settings of one trial: anywhere in the spaces of `wanted` fields, or within a factor of about 1.4 of others."""
    found = {}
    for field, space in wanted.items():
        if isinstance(space, list):
            stay = field in around and random.random() < 0.7
            found[field] = around[field] if stay else space[random.integers(len(space))]
        else:
            wide = np.exp(random.uniform(*np.log(space)))
            near = around.get(field, 0) * np.exp(random.normal(0, 0.35))
            near = np.clip(near, *LIMITS.get(field, (0, np.inf)))
            found[field] = float(f"{near if field in around else wide:.3g}")
    return found


def best_of(log: list[dict], name: str) -> dict:
    """The best trial so far of one learner."""
    mine = [row for row in log if row["method"] == name]
    kept = [row for row in mine if row["violation"] <= KEPT]
    return max(kept, key=lambda row: row["captured"]) if kept else min(mine, key=lambda row: row["J"])


def whole(name: str, settings: dict) -> dict:
    """All settings of a trial, those of the defaults of now included: the log means the same when defaults change."""
    own = contender(name)
    return {field: getattr(own, field) for field in spaces(name)} | settings


def trial(judge: Judge, built: Built, name: str, settings: dict, seconds: float, clock: Clock) -> dict[str, float]:
    """What a learner with these settings reaches in so many seconds."""
    who = paced(judge, built, contender(name, settings), seconds, clock)
    progress, spent = begin(who, judge.world, 0), 0.0
    while int(progress.done) < who.rounds() and spent < 1.2 * seconds:
        began = clock()
        progress = ahead(progress, judge, built, who)
        spent += clock() - began
    done = int(progress.done)
    return {"round_ms": 1e3 * spent / done, "rounds": done, "seconds": spent} | judge.mark(who.policy(progress.state))


def text_of(log: list[dict]) -> str:
    """The best trials of each learner."""
    lines = ["| method | trials | captured [%] | violation [% of idle] | J | first trial's | settings of the best |"]
    lines.append("|---|---:|---:|---:|---:|---|---|")
    for name in dict.fromkeys(row["method"] for row in log):
        best, mine = best_of(log, name), [row for row in log if row["method"] == name]
        cells = [each for row in (best, mine[0]) for each in (100 * row["captured"], 100 * row["violation"], row["J"])]
        lines.append(
            f"| {name} | {len(mine)} | {cells[0]:.1f} | {cells[1]:.2f} | {cells[2]:.3f} "
            f"| {cells[3]:.1f} %, {cells[4]:.2f} %, {cells[5]:.3f} | {best['settings']} |"
        )
    about = (__doc__ or "").split("\n\n", 2)[2]
    return f"{head('Settings by search')}{about}\n" + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Random search over the settings of learners.")
    parser.add_argument("--methods", nargs="+", default=list(OWN), choices=list(OWN))
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--days", type=int, default=0, help="days a round of every trial, e.g. 32 on a GPU")
    parser.add_argument("--processor", action="store_true", help="seconds of the processor, not of the wall")
    parser.add_argument("--log", type=Path, default=Path(__file__).with_suffix(".csv"), help="goes on from there")
    options = parser.parse_args()
    built, file = build(load(None, ["data.fold=0"])), options.log
    log = pl.read_csv(file).to_dicts() if file.exists() else []
    judge, clock = Judge(built), time.process_time if options.processor else time.perf_counter
    batch = {"days": options.days, "hidden": (16, 16)} if options.days else {}
    for number in range(options.trials):
        for name in options.methods:
            if any((row["method"], row["trial"]) == (name, number) for row in log):
                continue
            fixed = {field: value for field, value in batch.items() if field in spaces(name)}
            random = np.random.default_rng([0, number, list(OWN).index(name)])
            around = ast.literal_eval(best_of(log, name)["settings"]) if number >= ANYWHERE else {}
            guesses = [] if fixed else GUESSES.get(name, [])
            wanted = {field: space for field, space in spaces(name).items() if field not in fixed}
            settings = fixed | (drawn(wanted, random, around) if number else {})
            if 0 <= number - FIRST < len(guesses):
                settings = guesses[number - FIRST]
            if not fixed:
                jax.clear_caches()  # hundreds of compiled programs are more than a process may hold
            settings = whole(name, settings)
            found = trial(judge, built, name, settings, options.seconds, clock)
            log.append({"method": name, "trial": number, "settings": str(settings)} | found)
            print(log[-1], flush=True)
            pl.DataFrame(log, infer_schema_length=None).write_csv(file, float_precision=7)
    file.with_suffix(".md").write_text(text_of(log))
    print(text_of(log))


if __name__ == "__main__":
    main()
