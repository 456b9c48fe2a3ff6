"""GradMAP beside self-supervised backpropagation: how soon each reaches the same bar, on unseen days.

    python benchmarks/learners.py [--seconds 60] [--seeds 3] [--write]

Both learners in one process and one world, in turn, seed by seed; settings as tuned on weeks that are not test weeks
(their class defaults). Seconds are of learning; marks on the test days are not counted.
Compilation counts where it happens, in seed 0; later seeds find the compiled code. `J` is a common
objective (cost and penalty with λ = 2000, ρ = 3e4, margin 0.008 pu) on the test days; λ and
margin of each learner are its own. Marks are float32;
the reported verdict of a study is float64.
"""

import argparse
import time
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import polars as pl

from wattflock.build import Built, build, learner
from wattflock.feeder.limits import excess_pu
from wattflock.learn.idle import Idle
from wattflock.learn.learner import advance, begin
from wattflock.learn.primal_dual import Lagrangian
from wattflock.scenario import load
from wattflock.study.bound import bound
from wattflock.study.compare import spread, unseen
from wattflock.types import cast, on_device
from wattflock.world.rollout import judge, rollout

METHODS = ("gradmap", "through")
COMMON = Lagrangian(2000.0, 3e4, 0.0, 0.008)
BOUND_DAYS = 10
BARS = {  # name: (mark → reached)
    "80 % captured, violation ≤ 1 %": lambda m: m["captured"] >= 0.80 and m["violation"] <= 0.01,
    "85 % captured, violation ≤ 0.5 %": lambda m: m["captured"] >= 0.85 and m["violation"] <= 0.005,
}


class Judge:
    """Marks a policy on the unseen days."""

    def __init__(self, built: Built):
        self.world, self.days = on_device(built.world, "float32"), unseen(built, 0, 0)
        self.profile = cast(self.days.profile, np.float32)
        self.picked = spread(len(self.days.dates), BOUND_DAYS)
        optima = bound(built.world, self.days.of(self.picked).profile)
        self.optimum = np.array([optimum.cost for optimum in optima])
        self.idle = self.costs(Idle().policy(()))

    def costs(self, policy) -> tuple[np.ndarray, float, float]:
        """Cost of each day, total violation, common objective."""
        cost, violation, objective = _days(self.world, policy, self.profile)
        return np.asarray(cost, float), float(violation), float(objective)

    def mark(self, policy) -> dict[str, float]:
        """Share of the saving captured, violation as a share of the uncontrolled flock's, J."""
        cost, violation, objective = self.costs(policy)
        some = self.picked
        captured = (self.idle[0][some] - cost[some]).sum() / (self.idle[0][some] - self.optimum).sum()
        return {"captured": captured, "violation": violation / self.idle[1], "J": objective}


@eqx.filter_jit
def _days(world, policy, profile):
    outcome = judge(world, rollout(world, policy, profile, jax.random.key(0)), profile, COMMON.margin_pu)
    beyond = excess_pu(world.limits, outcome.voltage_pu)
    objective = COMMON.value(outcome, COMMON.multiplier(world))
    return outcome.cost.sum((1, 2)), beyond.sum(), objective


def course(judge: Judge, built: Built, method: str, seed: int, seconds: float) -> list[dict]:
    """Marks of one training run, about every two seconds."""
    who = learner(load(None, [f"learn.part={method}"]), method)
    progress, spent, marks, looked = begin(who, judge.world, seed), 0.0, [], 0.0
    chunk = 5 if method == "gradmap" else 10
    while spent < seconds:
        began = time.perf_counter()
        progress, _ = advance(progress, who, judge.world, built.sampler.train, chunk)
        jax.block_until_ready(progress.done)
        spent += time.perf_counter() - began
        if spent - looked >= 2 or spent >= seconds:
            looked = spent
            place = {"method": method, "seed": seed, "seconds": spent, "round": int(progress.done)}
            marks.append(place | judge.mark(who.policy(progress.state)))
    print(f"{method} seed {seed}: {marks[-1]}", flush=True)
    return marks


def hits(marks: list[dict], reached) -> tuple[float, float]:
    """Seconds of the first mark that reaches a bar, and of the first from which all do; inf for never."""
    good = [reached(mark) for mark in marks]
    first = next((m["seconds"] for m, ok in zip(marks, good, strict=True) if ok), np.inf)
    last_bad = max((k for k, ok in enumerate(good) if not ok), default=-1)
    sustained = marks[last_bad + 1]["seconds"] if last_bad + 1 < len(marks) else np.inf
    return first, sustained


def table(marks: pl.DataFrame) -> str:
    """Hits of every run, and the ratio through / gradmap seed by seed."""
    runs = {key: part.to_dicts() for key, part in marks.partition_by("method", "seed", as_dict=True).items()}
    levels = {f"J ≤ {level:.2f}": (lambda m, level=level: m["J"] <= level) for level in objective_levels(marks)}
    lines = ["| bar | " + " | ".join(f"{m} seed {s}" for m, s in runs) + " | ratio per seed (first) |"]
    lines.append("|---|" + "---:|" * len(runs) + "---:|")
    for name, reached in (BARS | levels).items():
        found = {key: hits(run, reached) for key, run in runs.items()}
        cells = [f"{say(first)} ({say(sustained)})" for first, sustained in found.values()]
        seeds = sorted({seed for _, seed in runs})
        ratios = [ratio(found["through", seed][0], found["gradmap", seed][0]) for seed in seeds]
        lines.append(f"| {name} | " + " | ".join(cells) + " | " + " / ".join(ratios) + " |")
    ends = [
        f"{100 * r[-1]['captured']:.1f} %, {100 * r[-1]['violation']:.2f} %, {r[-1]['J']:.3f}" for r in runs.values()
    ]
    lines.append("| at the end: captured, violation, J | " + " | ".join(ends) + " | |")
    return "\n".join(lines)


def draw(marks: pl.DataFrame, path: Path) -> None:
    """Curves of all runs: share captured, violation and J against seconds."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    shown = {
        "captured": ("saving captured [%]", 100, (60, 92), "linear"),
        "violation": ("violation [% of uncontrolled]", 100, (0.1, 10), "log"),
        "J": ("objective J [USD per home and day]", 1, (4.3, 5.2), "linear"),
    }
    for axis, (column, (title, factor, limits, scale)) in zip(axes, shown.items(), strict=True):
        for (method, seed), run in marks.partition_by("method", "seed", as_dict=True).items():
            colour, dash = ("#0072b2", "-") if method == "gradmap" else ("#d55e00", "--")
            label = str(method) if seed == 0 else None
            axis.plot(run["seconds"], factor * run[column], color=colour, linestyle=dash, label=label)
        axis.set(xlabel="training [s]", ylabel=title, ylim=limits, yscale=scale)
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=150)


def objective_levels(marks: pl.DataFrame) -> list[float]:
    """Two levels of J: what the worst run of `through` reaches at its end, and halfway there from 5 s on."""
    rows = marks.filter(pl.col("method") == "through").group_by("seed").agg(pl.col("J").min())
    end = float(rows["J"].to_numpy().max())
    return [round(1.03 * end, 2), round(end + 0.005, 2)]


def say(seconds: float) -> str:
    return "never" if np.isinf(seconds) else f"{seconds:.0f}"


def ratio(slow: float, quick: float) -> str:
    if np.isinf(quick):
        return "–"
    return f"> {marks_end / quick:.1f}" if np.isinf(slow) else f"{slow / quick:.1f}"


marks_end = 60.0


def main() -> None:
    global marks_end
    parser = argparse.ArgumentParser(description="GradMAP beside self-supervised backpropagation.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="also write benchmarks/learners.md and .csv")
    options = parser.parse_args()
    marks_end = options.seconds
    built = build(load())
    judge_of = Judge(built)
    rows = [
        mark
        for seed in range(options.seeds)
        for method in METHODS
        for mark in course(judge_of, built, method, seed, options.seconds)
    ]
    marks = pl.DataFrame(rows)
    text = table(marks)
    print(text)
    if options.write:
        here = Path(__file__)
        about = (__doc__ or "").split("\n\n", 2)[2]
        here.with_suffix(".md").write_text(
            f"# GradMAP beside self-supervised backpropagation\n\n{about}\nSeconds to the first mark that reaches a "
            f"bar (in brackets: from which on all do).\n\n{text}\n"
        )
        marks.write_csv(here.with_suffix(".csv"), float_precision=5)
        draw(marks, here.parents[1] / "docs" / "pictures" / "learners.png")


if __name__ == "__main__":
    main()
