"""New homes join a trained flock, or one home is fitted anew, while nobody else is retrained.

    python benchmarks/joining.py [--seeds 3] [--new 50] [--write]

The study's world and its test days. First all homes but `--new` of them learn; the new ones keep the networks they
began with, which hold every device near the middle of its range. Then only the new ones learn, from the beginning, for
so many rounds; beside it all learn together from the beginning. Last, of the flock that learned together, one home at a
time begins anew and learns alone: what it pays afterwards, beside what it paid before and uncontrolled.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from learners import CHUNK, Judge, ahead, traced
from pages.head import head

from wattflock.core.scenario import load
from wattflock.learn.learner import Progress, begin
from wattflock.learn.learners.gradmap import GradMAP
from wattflock.learn.learners.idle import Idle
from wattflock.study.build import build
from wattflock.study.fine_tune import FineTune
from wattflock.world.rollout import rollout

JOINING = (30, 100, 300)  # rounds of fine-tuning
ALONE = 100
ALONE_HOMES = 3  # fitted anew, one at a time


class Bench:
    """The study's world, its judge, and the learner."""

    def __init__(self, sets: tuple[str, ...] = ()):
        self.built = build(load(None, list(sets)))
        self.judge = Judge(self.built)
        self.learner, self.all_rounds = traced(GradMAP()), GradMAP().rounds()
        self.world, self.homes = self.judge.world, self.judge.world.homes
        self.pays = jax.jit(lambda policy: rollout_cost(self.world, policy, self.judge.profile))

    def learn(self, moving: np.ndarray, rounds: int, seed: int, old=None) -> tuple[object, float]:
        """So many rounds of the homes `moving`, from the beginning; and their seconds, compilation not counted.

        Args:
            moving: (homes,) who learns; one compiled program serves any.
            rounds: schedules are stretched to them.
            seed: of networks and days.
            old: state of a trained flock that they join; None: all begin.
        """
        who = FineTune(dataclasses.replace(self.learner, total_rounds=jnp.float32(rounds)), jnp.asarray(moving))
        first = begin(who, self.world, seed).state if old is None else who.begin(old, self.world, jax.random.key(seed))
        progress = Progress(first, jnp.zeros((), jnp.int32), jax.random.key_data(jax.random.key(seed)))
        ahead(progress, self.judge, self.built, who)  # compiled before the clock
        began = time.perf_counter()
        for _ in range(0, rounds, CHUNK):
            progress = ahead(progress, self.judge, self.built, who)
        return progress.state, time.perf_counter() - began

    def row(self, what: str, state, rounds: int, seconds: float) -> dict:
        """What a flock reaches."""
        return {"what": what, "rounds": rounds, "s": seconds} | self.judge.mark(self.learner.policy(state))


def rollout_cost(world, policy, profile):
    """What every home pays on the test days, (homes,) [currency per day]."""
    went = rollout(world, policy, profile, jax.random.key(0), 1)
    outcome = world.verdict(went.effect, went.end, profile)
    return outcome.cost.sum(1).mean(0)


def joined(bench: Bench, seed: int, new: int) -> tuple[list[dict], object]:
    """Marks before and after `new` homes join, and of all together; the state of the last."""
    homes, most = np.arange(bench.homes), bench.all_rounds
    moving = np.isin(homes, np.random.default_rng(seed).choice(bench.homes, new, replace=False))
    old, seconds = bench.learn(~moving, most, seed)
    rows = [bench.row(f"all but {new} homes learn", old, most, seconds)]
    for rounds in JOINING:
        after, seconds = bench.learn(moving, rounds, seed, old)
        rows.append(bench.row("… then these alone", after, rounds, seconds))
    every, seconds = bench.learn(homes >= 0, most, seed)
    rows.append(bench.row("all learn together", every, most, seconds))
    return rows, every


def alone(bench: Bench, every, seed: int) -> list[dict]:
    """What single homes pay that begin anew, beside before and uncontrolled."""
    idle, before = bench.pays(Idle().policy(())), bench.pays(bench.learner.policy(every))
    rows = []
    for home in np.random.default_rng(seed).choice(bench.homes, ALONE_HOMES, replace=False):
        after, seconds = bench.learn(np.arange(bench.homes) == home, ALONE, seed, every)
        paid = bench.pays(bench.learner.policy(after))
        costs = {"idle": float(idle[home]), "before": float(before[home]), "after": float(paid[home])}
        rows.append({"home": int(home), "seed": seed, "s": seconds} | costs)
    return rows


def text(flock: list[dict], single: list[dict]) -> str:
    """Two tables."""
    lines = ["| | rounds | s | captured [%] | violation [% of idle] |", "|---|---:|---:|---:|---:|"]
    for key in dict.fromkeys((row["what"], row["rounds"]) for row in flock):
        rows = [row for row in flock if (row["what"], row["rounds"]) == key]
        cells = [(np.mean(x), min(x), max(x)) for x in ([100 * r[n] for r in rows] for n in ("captured", "violation"))]
        shown = f"{cells[0][0]:.1f} ({cells[0][1]:.1f}–{cells[0][2]:.1f})"
        beyond = f"{cells[1][0]:.2f} ({cells[1][1]:.2f}–{cells[1][2]:.2f})"
        seconds = np.mean([row["s"] for row in rows])
        lines.append(f"| {key[0]} | {key[1]} | {seconds:.1f} | {shown} | {beyond} |")
    lines += [
        "",
        "| home (seed) | s | uncontrolled [currency/day] | before | fitted anew |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r['home']} ({r['seed']}) | {r['s']:.1f} | {r['idle']:.3f} | {r['before']:.3f} | {r['after']:.3f} |"
        for r in single
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="New homes join a trained flock.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--new", type=int, default=50)
    parser.add_argument("--write", action="store_true", help="also write benchmarks/joining.md")
    options = parser.parse_args()
    bench, flock, single = Bench(), [], []
    for seed in range(options.seeds):
        rows, every = joined(bench, seed, options.new)
        flock += rows
        single += alone(bench, every, seed)
        print(text(flock, single), flush=True)
    if options.write:
        about = (__doc__ or "").split("\n\n", 2)[2]
        here = Path(__file__).with_suffix(".md")
        here.write_text(f"{head('New homes join')}{about}\n{text(flock, single)}\n")


if __name__ == "__main__":
    main()
