"""GradMAP beside other learners by gradient: how soon each reaches the same bar, on unseen days.

    python benchmarks/learners.py [--methods gradmap through] [--seconds 60] [--seeds 5] [--days 32] [--log FILE]

All learners in one world, in turn, seed by seed; settings as the search of benchmarks/tuning.md left them (it says how
many trials each had), on weeks that are not test weeks. A race goes on from its log (learners.csv is the one of 60 s
on two cores). Schedules are stretched to the seconds. Seconds are of learning; marks on the test days and compilation
are not counted. `J` is a common objective (cost and penalty with λ = 544, ρ = 8160, margin 0.008 pu) on the test days;
λ and margin of each learner are its own. Marks are float32; the reported verdict of a study is float64.
"""

import argparse
import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from pages.head import head

from wattflock.core.registry import part
from wattflock.core.scenario import load
from wattflock.core.types import cast, on_device
from wattflock.feeder.limits import excess_pu
from wattflock.learn.lagrangian import Gradient, Lagrangian
from wattflock.learn.learner import Learner, Progress, advance, begin
from wattflock.learn.learners.idle import Idle
from wattflock.study.bound import bound
from wattflock.study.build import Built, build
from wattflock.study.compare import unseen
from wattflock.study.study_file import read
from wattflock.world.rollout import judge, rollout

CONTENDERS = {  # name: part and what differs from its defaults
    "gradmap": ("gradmap", {}),
    "clipped": (
        "gradmap",
        {"surrogate": "clipped", "hidden": (16,), "days": 12, "rate": 0.02, "halvings": 4.2, "multiplier_init": 199.0}
        | {"average": 0.011, "margin_pu": 0.0087, "trust": 0.12, "trust_least": 0.025},
    ),
    "through": ("through", {}),
    "large batch": (
        "through",
        {
            "days": 16,
            "hidden": (16,),
            "rate": 8.5e-3,
            "halvings": 1.7,
            "multiplier_init": 226.0,
            "average": 0.02,
            "margin_pu": 0.009,
        },
    ),
    "penalty": ("penalty", {}),
    "pdl": ("pdl", {}),
    "shac": ("shac", {}),
    "long": ("gradmap", read("gradmap").rows["long"]["learn"]["settings"]),
}
Clock = Callable[[], float]
CHUNK = 5  # rounds in one call; the time of a round is measured by two of them
MARKS = 30  # the least time between two marks is this part of all
COMMON = Lagrangian(544.0, 8160.0, 0.0, 0.008)
BOUND_DAYS = 10
COLOURS = ("#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#000000", "#004a73")
BARS = {  # name: (mark → reached)
    "80 % captured, violation ≤ 1 %": lambda m: m["captured"] >= 0.80 and m["violation"] <= 0.01,
    "85 % captured, violation ≤ 0.5 %": lambda m: m["captured"] >= 0.85 and m["violation"] <= 0.005,
}


class Judge:
    """Marks a policy on the unseen days."""

    def __init__(self, built: Built):
        self.world, self.days = on_device(built.world, "float32"), unseen(built, 0, 0, BOUND_DAYS)
        self.profile = cast(self.days.profile, np.float32)
        self.picked = self.days.planned
        optima = bound(built.world, self.days.of(self.picked).profile, workers=os.cpu_count() or 1)
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


def contender(name: str, settings: dict | None = None) -> Learner:
    """A learner of the contest, with other settings on top."""
    room, differs = CONTENDERS[name]
    return part("learn", Learner, room)(**differs | (settings or {}))


def paced(judge: Judge, built: Built, who: Gradient, seconds: float, clock: Clock = time.perf_counter) -> Gradient:
    """The same learner with as many rounds as fit into `seconds`, its settings traced."""
    who = traced(who)
    progress = ahead(begin(who, judge.world, 0), judge, built, who)
    began = clock()
    for _ in range(2):
        progress = ahead(progress, judge, built, who)
    each = (clock() - began) / (2 * CHUNK)
    return dataclasses.replace(who, total_rounds=jnp.float32(max(CHUNK, seconds / each)))


def traced(who: Gradient) -> Gradient:
    """The same with its real settings and number of rounds as arrays: one compiled program serves any values."""
    names = [field.name for field in dataclasses.fields(who)]
    real = [name for name in names if isinstance(getattr(who, name), float)]
    return dataclasses.replace(who, **{name: jnp.float32(getattr(who, name)) for name in (*real, "total_rounds")})


def ahead(progress: Progress, judge: Judge, built: Built, who: Gradient) -> Progress:
    """A chunk of rounds later."""
    return jax.block_until_ready(advance(progress, who, judge.world, built.sampler.train, CHUNK)[0])


def course(judge: Judge, built: Built, name: str, who: Gradient, seed: int, seconds: float) -> list[dict]:
    """Marks of one training run, 30 of them at first, later every tenth of the time so far."""
    who = paced(judge, built, who, seconds)
    progress, spent, marks, looked = begin(who, judge.world, seed), 0.0, [], 0.0
    while spent < seconds:
        began = time.perf_counter()
        progress = ahead(progress, judge, built, who)
        spent += time.perf_counter() - began
        if spent - looked >= max(seconds / MARKS, 0.1 * looked) or spent >= seconds:
            looked = spent
            place = {"method": name, "seed": seed, "seconds": spent, "round": int(progress.done)}
            marks.append(place | judge.mark(who.policy(progress.state)))
    print(f"{name} seed {seed}: {marks[-1]}", flush=True)
    return marks


def hits(marks: list[dict], reached) -> tuple[float, float]:
    """Seconds of the first mark that reaches a bar, and of the first from which all do; inf for never."""
    good = [reached(mark) for mark in marks]
    first = next((m["seconds"] for m, ok in zip(marks, good, strict=True) if ok), np.inf)
    last_bad = max((k for k, ok in enumerate(good) if not ok), default=-1)
    sustained = marks[last_bad + 1]["seconds"] if last_bad + 1 < len(marks) else np.inf
    return first, sustained


def table(marks: pl.DataFrame, seconds: float) -> str:
    """For every bar and method the seconds to it, seed by seed, and the ratio to gradmap's on the same seed."""
    runs = {key: part.to_dicts() for key, part in marks.partition_by("method", "seed", as_dict=True).items()}
    methods = list(dict.fromkeys(method for method, _ in runs))
    levels = {f"J ≤ {level:.2f}": (lambda m, level=level: m["J"] <= level) for level in objective_levels(marks)}
    lines = ["| bar | method | seconds, seed by seed (from which on all marks do) | method / gradmap, seed by seed |"]
    lines.append("|---|---|---|---|")
    for bar, reached in (BARS | levels).items():
        found = {key: hits(run, reached) for key, run in runs.items()}
        for method in methods:
            mine = {seed: each for (name, seed), each in found.items() if name == method}
            cells = ", ".join(f"{say(first)} ({say(later)})" for first, later in mine.values())
            others = {seed: first for seed, (first, _) in mine.items() if method != "gradmap"}
            ratios = [
                ratio(first, found["gradmap", seed][0], seconds)
                for seed, first in others.items()
                if ("gradmap", seed) in found
            ]
            lines.append(f"| {bar} | {method} | {cells} | {' / '.join(ratios)} |")
    lines += ["", "| at the end | captured [%] | violation [% of idle] | J |", "|---|---|---|---|"]
    for method in methods:
        ends = [run[-1] for (name, _), run in runs.items() if name == method]
        cells = (f"{100 * np.mean([e['captured'] for e in ends]):.1f} ({spread_of(ends, 'captured', 100, 1)})",
                 f"{100 * np.mean([e['violation'] for e in ends]):.2f} ({spread_of(ends, 'violation', 100, 2)})",
                 f"{np.mean([e['J'] for e in ends]):.3f} ({spread_of(ends, 'J', 1, 3)})")  # fmt: skip
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread_of(ends: list[dict], column: str, factor: float, digits: int) -> str:
    """Lowest to highest of the seeds."""
    values = [factor * end[column] for end in ends]
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def draw(marks: pl.DataFrame, path: Path) -> None:
    """Curves of all runs: share captured, violation and J against seconds."""
    import altair as alt

    from wattflock.report.theme import save, themed

    least = float(marks["J"].to_numpy().min())
    shown = {
        "captured": ("saving captured [%]", 100, (60, 96), "linear"),
        "violation": ("violation [% of uncontrolled]", 100, (0.02, 10), "log"),
        "J": ("objective J [USD per home and day]", 1, (least - 0.05, least + 0.8), "linear"),
    }
    colour = alt.Color("method:N", title=None, scale=alt.Scale(domain=list(CONTENDERS), range=list(COLOURS)))
    x = alt.X("seconds:Q", title="training [s]", scale=alt.Scale(type="log", nice=False))
    panels = [
        alt.Chart(marks.select("method", "seed", "seconds", pl.col(column) * factor))
        .mark_line(clip=True, strokeWidth=1)
        .encode(
            x=x,
            y=alt.Y(f"{column}:Q", title=title, scale=alt.Scale(type=scale, domain=limits)),
            color=colour,
            detail="seed:N",
        )
        .properties(width=280, height=260)
        for column, (title, factor, limits, scale) in shown.items()
    ]
    save(themed(alt.hconcat(*panels), "Curves of all runs against seconds of training."), path)


def objective_levels(marks: pl.DataFrame) -> list[float]:
    """Two levels of J: what the worst run of `through` reaches, and 3 % above it; none where it did not race."""
    rows = marks.filter(pl.col("method") == "through").group_by("seed").agg(pl.col("J").min())
    if not len(rows):
        return []
    end = float(rows["J"].to_numpy().max())
    return [round(1.03 * end, 2), round(end + 0.005, 2)]


def say(seconds: float) -> str:
    return "never" if np.isinf(seconds) else f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"


def ratio(slow: float, quick: float, most: float) -> str:
    if np.isinf(quick):
        return "–"
    return f"> {most / quick:.1f}" if np.isinf(slow) else f"{slow / quick:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="GradMAP beside other learners by gradient.")
    racing = [name for name in CONTENDERS if name != "long"]
    parser.add_argument("--methods", nargs="+", default=racing, choices=list(CONTENDERS))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--days", type=int, default=0, help="days a round for all, e.g. 32 on a GPU; 0: each its own")
    parser.add_argument("--fold", type=int, default=4, help="unseen weeks: 4 is the study's")
    parser.add_argument("--log", type=Path, help="csv of all marks, kept and gone on from; table and curves beside it")
    options = parser.parse_args()
    file: Path | None = options.log
    log = pl.read_csv(file) if file and file.exists() else pl.DataFrame()
    known = set(log.select("method", "seed").iter_rows()) if len(log) else set()
    built = build(load(None, [f"data.fold={options.fold}"]))
    judge_of = Judge(built)
    batch = {"days": options.days} if options.days else {}
    for seed in range(options.seeds):
        for method in options.methods:
            if (method, seed) in known:
                continue
            run = course(judge_of, built, method, contender(method, batch), seed, options.seconds)
            log = pl.concat([log, pl.DataFrame(run)])
            if file:
                log.write_csv(file, float_precision=5)
    text = table(log, options.seconds)
    print(text)
    if file:
        about = (__doc__ or "").split("\n\n", 2)[2]
        what = f"{options.seconds:g} s, {options.days or 'their own'} days a round."
        title = head("GradMAP beside other learners by gradient")
        file.with_suffix(".md").write_text(f"{title}{about}\n{what}\n\n{text}\n")
        draw(log, file.with_suffix(".png"))


if __name__ == "__main__":
    main()
