"""GradMAP beside other learners: how soon each reaches the same bar, on test days.

    python benchmarks/learners.py [--small] [--methods gradmap through] [--seconds 60] [--seeds 5] [--log FILE]

All methods in one world, in turn, seed by seed; settings as the search of benchmarks/tuning.md left them (it says how
many trials each had), on weeks that are not test weeks. A race goes on from its log (learners.csv is the one of 60 s
on two cores). Schedules of learners by gradient are stretched to the seconds; others end when they are done. Seconds
are of learning; marks on the test days and compilation are not counted. Seeds are of training alone: all meet the same
test days. `J` is a common objective (cost and penalty with λ = 544, ρ = 8160, margin 0.008 pu) on the test days; λ and
margin of each learner are its own. A bar's share captured is that of the days with a bound, its violation that of all
test days. Intervals are 95 %, Student's t of paired differences over seeds (of ratios: of their logarithms). Marks are
float32; the reported verdict of a study is float64.
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
from pages.race import draw, table

from wattflock.core.registry import part
from wattflock.core.scenario import load
from wattflock.core.types import cast, on_device
from wattflock.feeder.limits import excess_pu
from wattflock.learn.lagrangian import Lagrangian, Priced
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
    "through plain": ("through", {"normalise": False, "b2": 0.999, "multiplier_init": 272.0}),
    "large batch": (
        "through",
        {"days": 16, "hidden": (16,), "rate": 8.5e-3, "halvings": 1.7, "multiplier_init": 226.0, "average": 0.02}
        | {"margin_pu": 0.009, "normalise": False, "b2": 0.999},
    ),
    "penalty": ("penalty", {}),
    "pdl": ("pdl", {}),
    "shac": ("shac", {}),
    "rules": ("rules", {}),
    "timer": ("timer", {}),
    "timer_droop": ("timer_droop", {}),
    "ppo": ("ppo", {}),
    "ddpg": ("maddpg", {"critic_sees": "own", "weights": "separate"}),
    "maddpg-ps": ("maddpg", {"critic_sees": "common", "weights": "kind"}),
    "facmac": ("facmac", {}),
    "long": ("gradmap", read("gradmap").rows["long"]["learn"]["settings"]),
}
Clock = Callable[[], float]
CHUNK = 5  # rounds in one call; the time of a round is measured by two of them
MARKS = 30  # the least time between two marks is this part of all
COMMON = Lagrangian(544.0, 8160.0, 0.0, 0.008)
BOUND_DAYS = 10
FEW = ["gradmap", "through", "rules", "timer", "timer_droop"]  # that race in the small form
SMALL = ["homes.count=20", "homes.homes_per_agent=30", "feeder.part=ieee13", "judge.test_days=7"]


class Judge:
    """Marks a policy on the test days."""

    def __init__(self, built: Built, days: int = 0, bound_days: int = BOUND_DAYS):
        self.world, self.days = on_device(built.world, "float32"), unseen(built, days, 0, bound_days)
        self.profile, self.picked = cast(self.days.profile, np.float32), self.days.planned
        optima = bound(built.world, self.days.of(self.picked).profile, workers=os.cpu_count() or 1)
        self.optimum = np.array([optimum.cost for optimum in optima])
        self.idle = self.judged(Idle().policy(()))

    def judged(self, policy) -> dict[str, np.ndarray]:
        """Of each day: cost, violation [pu·h], violated share, worst excess [pu]; and the common objective."""
        return {name: np.asarray(each, float) for name, each in _days(self.world, policy, self.profile).items()}

    def mark(self, policy) -> dict[str, float]:
        """Figures on all test days; `captured` and `bound_violation_pu_h` are of the days with a bound."""
        now, idle, some = self.judged(policy), self.idle, self.picked
        saved = idle["cost"] - now["cost"]
        found = {
            "captured": saved[some].sum() / (idle["cost"][some] - self.optimum).sum(),
            "violation": now["violation_pu_h"].sum() / idle["violation_pu_h"].sum(),
            "J": now["J"],
            "saving": saved.mean() / self.world.homes,
            "violation_pu_h": now["violation_pu_h"].mean(),
            "steps": now["steps"].mean(),
            "days": (now["worst"] > 0).mean(),
            "worst": now["worst"].max(),
            "bound_violation_pu_h": now["violation_pu_h"][some].mean(),
        }
        return {name: float(value) for name, value in found.items()}


@eqx.filter_jit
def _days(world, policy, profile):
    outcome = judge(world, rollout(world, policy, profile, jax.random.key(0)), profile, COMMON.margin_pu)
    beyond = excess_pu(world.limits, outcome.voltage_pu)
    return {
        "cost": outcome.cost.sum((1, 2)),
        "violation_pu_h": (beyond * outcome.dt_h[..., None]).sum(1).mean(1),
        "steps": (beyond > 0).mean((1, 2)),
        "worst": beyond.max((1, 2)),
        "J": COMMON.value(outcome, COMMON.multiplier(world)),
    }


def contender(name: str, settings: dict | None = None) -> Learner:
    """A learner of the contest, with other settings on top."""
    room, differs = CONTENDERS[name]
    return part("learn", Learner, room)(**differs | (settings or {}))


def paced(judge: Judge, built: Built, who: Priced, seconds: float, clock: Clock = time.perf_counter) -> Priced:
    """The same learner with as many rounds as fit into `seconds`, its settings traced."""
    who = traced(who)
    progress = ahead(begin(who, judge.world, 0), judge, built, who)
    began = clock()
    for _ in range(2):
        progress = ahead(progress, judge, built, who)
    each = (clock() - began) / (2 * CHUNK)
    return dataclasses.replace(who, total_rounds=jnp.float32(max(CHUNK, seconds / each)))


def traced(who: Priced) -> Priced:
    """The same with its real settings and number of rounds as arrays: one compiled program serves any values."""
    names = [field.name for field in dataclasses.fields(who)]
    real = [name for name in names if isinstance(getattr(who, name), float)]
    return dataclasses.replace(who, **{name: jnp.float32(getattr(who, name)) for name in (*real, "total_rounds")})


def ahead(progress: Progress, judge: Judge, built: Built, who: Learner) -> Progress:
    """A chunk of rounds later."""
    return jax.block_until_ready(advance(progress, who, judge.world, built.sampler.train, CHUNK)[0])


def course(judge: Judge, built: Built, who: Learner, seed: int, seconds: float, clock: Clock) -> list[dict]:
    """Marks of one training run: at most 30 of them at first, later every tenth of the time so far.

    A learner has the seconds; a rule has one mark, at 0 s.
    """
    if isinstance(who, Priced):
        who, rounds = paced(judge, built, who, seconds, clock), np.inf
    else:
        rounds = who.rounds()
        if rounds:
            ahead(begin(who, judge.world, seed), judge, built, who)  # compiles
    progress, spent, marks, looked = begin(who, judge.world, seed), 0.0, [], 0.0
    while spent < seconds and int(progress.done) < rounds:
        began = clock()
        progress = ahead(progress, judge, built, who)
        spent += clock() - began
        over = spent >= seconds or int(progress.done) >= rounds
        if over or spent - looked >= max(seconds / MARKS, 0.1 * looked):
            looked = spent
            marks.append({"seconds": spent, "round": int(progress.done)} | judge.mark(who.policy(progress.state)))
    return marks or [{"seconds": 0.0, "round": 0} | judge.mark(who.policy(progress.state))]


def asked() -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description="GradMAP beside other learners.")
    parser.add_argument("--methods", nargs="+", choices=list(CONTENDERS), help="all but `long` by default")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--days", type=int, default=0, help="days a round for all, e.g. 32 on a GPU; 0: each its own")
    parser.add_argument("--fold", type=int, default=4, help="test weeks: 4 is the study's")
    parser.add_argument("--set", nargs="+", default=[], help="changes of the world, such as homes.count=200")
    parser.add_argument("--processor", action="store_true", help="seconds of the processor, not of the wall")
    parser.add_argument("--small", action="store_true", help="20 homes, 7 days, 2 s, 2 seeds: a minute, no meaning")
    parser.add_argument("--log", type=Path, help="csv of all marks, kept and gone on from; table and curves beside it")
    options = parser.parse_args()
    options.methods = options.methods or (FEW if options.small else [name for name in CONTENDERS if name != "long"])
    if options.small:
        options.seconds, options.seeds, options.set = 2.0, 2, [*SMALL, *options.set]
    return options


def raced(options: argparse.Namespace) -> pl.DataFrame:
    """All marks, those of the log included; a run that the log has is not made again."""
    file: Path | None = options.log
    log = pl.read_csv(file) if file and file.exists() else pl.DataFrame()
    known = set(log.select("method", "seed").iter_rows()) if len(log) else set()
    scenario = load(None, [f"data.fold={options.fold}", *options.set])
    built = build(scenario)
    judge_of = Judge(built, scenario.judge.test_days, 2 if options.small else BOUND_DAYS)
    clock = time.process_time if options.processor else time.perf_counter
    for seed in range(options.seeds):
        for method in options.methods:
            if (method, seed) in known:
                continue
            room, _ = CONTENDERS[method]
            learns = issubclass(part("learn", Learner, room), Priced)
            who = contender(method, {"days": options.days} if options.days and learns else {})
            run = course(judge_of, built, who, seed, options.seconds, clock)
            log = pl.concat([log, pl.DataFrame([{"method": method, "seed": seed} | mark for mark in run])])
            print(f"{method} seed {seed}: {run[-1]}", flush=True)
            if file:
                file.parent.mkdir(parents=True, exist_ok=True)
                log.write_csv(file, float_precision=7)
    return log


def main() -> None:
    options = asked()
    log = raced(options)
    text = table(log)
    print(text)
    if options.log:
        about = (__doc__ or "").split("\n\n", 2)[2]
        kind = "processor seconds" if options.processor else "s"
        what = (
            f"{options.seconds:g} {kind}, {options.days or 'their own'} days a round. {' '.join(options.set)}".strip()
        )
        title = head("GradMAP beside other learners")
        options.log.with_suffix(".md").write_text(f"{title}{about}\n{what}\n\n{text}\n")
        draw(log, options.log.with_suffix(".png"))


if __name__ == "__main__":
    main()
