"""New homes join a trained flock, or one home is fitted anew, while nobody else is retrained.

    python benchmarks/joining.py [--seeds 3] [--new 50] [--write]

The study's world and its unseen days. First all homes but `--new` of them learn; the new ones keep the networks they
began with, which do next to nothing. Then only the new ones learn, from the beginning, for so many rounds; beside it
all learn together from the beginning. Last, of the flock that learned together, one home at a time begins anew and
learns alone: what it pays afterwards, beside what it paid before and uncontrolled.
"""

import argparse
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from learners import Judge

from wattflock.build import build
from wattflock.learn.gradmap import GradMAP
from wattflock.learn.idle import Idle
from wattflock.learn.learner import Progress, advance, begin
from wattflock.scenario import load
from wattflock.study.fine_tune import FineTune
from wattflock.world.rollout import rollout

CHUNK = 10  # rounds in a compiled call
JOINING = (30, 100, 300)  # rounds of fine-tuning
ALONE = 100
ALONE_HOMES = 3  # fitted anew, one at a time


class Bench:
    """The study's world, its judge, and the learner."""

    def __init__(self, sets: tuple[str, ...] = ()):
        self.built = build(load(None, list(sets)))
        self.judge = Judge(self.built)
        self.world, self.homes = self.judge.world, self.judge.world.homes
        self.pays = jax.jit(lambda policy: rollout_cost(self.world, policy, self.judge.profile))

    def learn(self, who, state, seed: int) -> tuple[object, float]:
        """All rounds of a learner from a state, and the seconds of them, compilation not counted."""
        progress = Progress(state, jnp.zeros((), jnp.int32), jax.random.key_data(jax.random.key(seed)))
        draw = self.built.sampler.train
        jax.block_until_ready(advance(progress, who, self.world, draw, CHUNK)[0].done)  # compiled before the clock
        began = time.perf_counter()
        for _ in range(0, who.rounds(), CHUNK):
            progress, _ = advance(progress, who, self.world, draw, CHUNK)
        jax.block_until_ready(progress.done)
        return progress.state, time.perf_counter() - began

    def row(self, what: str, learner: GradMAP, state, rounds: int, seconds: float) -> dict:
        """What a flock reaches."""
        return {"what": what, "rounds": rounds, "s": seconds} | self.judge.mark(learner.policy(state))


def rollout_cost(world, policy, profile):
    """What every home pays on the unseen days, (homes,) [currency per day]."""
    went = rollout(world, policy, profile, jax.random.key(0), 1)
    outcome = world.verdict(went.effect, went.end, profile)
    return outcome.cost.sum(1).mean(0)


def joined(bench: Bench, seed: int, new: int) -> tuple[list[dict], object]:
    """Marks before and after `new` homes join, and of all together; the state of the last."""
    learner, homes = GradMAP(), bench.homes
    moving = np.isin(np.arange(homes), np.random.default_rng(seed).choice(homes, new, replace=False))
    start = begin(learner, bench.world, seed).state
    old, seconds = bench.learn(FineTune(learner, jnp.asarray(~moving)), start, seed)
    rows = [bench.row(f"all but {new} homes learn", learner, old, learner.rounds(), seconds)]
    for rounds in JOINING:
        short = learner.lasting(rounds)
        fine = FineTune(short, jnp.asarray(moving))
        after, seconds = bench.learn(fine, fine.begin(old, bench.world, jax.random.key(seed)), seed)
        rows.append(bench.row("… then these alone", short, after, rounds, seconds))
    every, seconds = bench.learn(learner, start, seed)
    rows.append(bench.row("all learn together", learner, every, learner.rounds(), seconds))
    return rows, every


def alone(bench: Bench, every, seed: int) -> list[dict]:
    """What single homes pay that begin anew, beside before and uncontrolled."""
    learner, short = GradMAP(), GradMAP().lasting(ALONE)
    idle, before = bench.pays(Idle().policy(())), bench.pays(learner.policy(every))
    rows = []
    for home in np.random.default_rng(seed).choice(bench.homes, ALONE_HOMES, replace=False):
        fine = FineTune(short, jnp.arange(bench.homes) == home)
        after, seconds = bench.learn(fine, fine.begin(every, bench.world, jax.random.key(seed)), seed)
        paid = bench.pays(short.policy(after))
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
        here.write_text(f"# New homes join\n\n{about}\n{text(flock, single)}\n")


if __name__ == "__main__":
    main()
