"""Settings of every learner by random search: the same number of trials, seconds and dimensions for each.

    python benchmarks/tuning.py [--methods gradmap through] [--trials 10] [--seconds 30] [--write]

On fold 0 of the weeks: other weeks are unseen there, and the study's unseen weeks are in no split. Trial 0 is the
class's defaults. A trial trains for so many seconds (compilation not counted, schedules stretched to them) and is
scored by the common objective J (learners.py) on the fold's unseen days. The log of all trials is tuning.csv.
"""

import argparse
import time
from pathlib import Path

import jax
import numpy as np
import polars as pl
from learners import CONTENDERS, Judge, contender, paced

from wattflock.build import Built, build
from wattflock.learn.learner import advance, begin
from wattflock.scenario import load

CHUNK = 10
SHARED = {  # field: lowest and highest on a logarithmic scale, or a list to pick from
    "rate": (2e-3, 2e-2),
    "halvings": (1.5, 5.0),
    "margin_pu": (0.003, 0.010),
    "slope": (500.0, 4000.0),
    "average": (0.01, 0.06),
    "hidden": [(16, 16), (16, 16), (24, 24), (16,)],
}
OWN = {
    "gradmap": {"days": [8, 12, 16], "trust": (0.1, 0.4), "trust_least": (0.005, 0.04)},
    "clipped": {"days": [8, 12, 16], "trust": (0.1, 0.4), "trust_least": (0.005, 0.04)},
    "through": {"days": [2, 4, 8]},
    "large batch": {"days": [16, 32]},
    "penalty": {"days": [2, 4, 8], "curvature": (3e4, 3e5), "growth": (1.2, 3.0)},
    "pdl": {"days": [2, 4, 8], "curvature": (1e4, 1e5), "growth": (1.2, 3.0), "dual_rate": (1e-3, 1e-2)},
    "shac": {"days": [4, 8], "horizon": [6, 12], "trace": (0.5, 0.99), "critic_rate": (3e-3, 3e-2)},
}


def drawn(name: str, random: np.random.Generator) -> dict:
    """Settings of one trial."""
    found = {}
    for field, space in (SHARED | OWN[name]).items():
        if isinstance(space, list):
            found[field] = space[random.integers(len(space))]
        else:
            found[field] = float(f"{np.exp(random.uniform(*np.log(space))):.3g}")
    return found


def trial(judge: Judge, built: Built, name: str, settings: dict, seconds: float) -> dict[str, float]:
    """What a learner with these settings reaches in so many seconds."""
    who, each = paced(judge, built, contender(name, settings), seconds)
    progress, spent = begin(who, judge.world, 0), 0.0
    advance(progress, who, judge.world, built.sampler.train, CHUNK)  # compiled before the clock
    while int(progress.done) < who.rounds() and spent < 1.2 * seconds:
        began = time.perf_counter()
        progress, _ = advance(progress, who, judge.world, built.sampler.train, CHUNK)
        jax.block_until_ready(progress.done)
        spent += time.perf_counter() - began
    return {"round_ms": 1e3 * each, "rounds": int(progress.done), "seconds": spent} | judge.mark(
        who.policy(progress.state)
    )


def text_of(log: pl.DataFrame, seconds: float) -> str:
    """The best trials of each learner."""
    lines = ["| method | trials | best J | captured [%] | violation [% of idle] | J of the defaults | settings |"]
    lines.append("|---|---:|---:|---:|---:|---:|---|")
    for (name,), mine in log.partition_by("method", as_dict=True, maintain_order=True).items():
        best, first = mine.sort("J").row(0, named=True), mine.filter(pl.col("trial") == 0)["J"].to_list()
        cells = [f"{best['J']:.3f}", f"{100 * best['captured']:.1f}", f"{100 * best['violation']:.2f}"]
        cells += [f"{first[0]:.3f}" if first else "–", best["settings"]]
        lines.append(f"| {name} | {mine.height} | " + " | ".join(cells) + " |")
    about = (__doc__ or "").split("\n\n", 2)[2]
    return f"# Settings by search, {seconds:.0f} s a trial\n\n{about}\n" + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Random search over the settings of learners.")
    parser.add_argument("--methods", nargs="+", default=list(CONTENDERS), choices=list(CONTENDERS))
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="also write benchmarks/tuning.md and .csv")
    options = parser.parse_args()
    built = build(load(None, ["data.fold=0"]))
    judge, rows = Judge(built), []
    for number in range(options.trials):
        for name in options.methods:
            random = np.random.default_rng([options.seed, number, list(CONTENDERS).index(name)])
            settings = drawn(name, random) if number else {}
            found = trial(judge, built, name, settings, options.seconds)
            rows.append({"method": name, "trial": number, "settings": str(settings)} | found)
            print(rows[-1], flush=True)
            log = pl.DataFrame(rows)
            if options.write:
                here = Path(__file__)
                log.write_csv(here.with_suffix(".csv"), float_precision=5)
                here.with_suffix(".md").write_text(text_of(log, options.seconds))
    print(text_of(pl.DataFrame(rows), options.seconds))


if __name__ == "__main__":
    main()
