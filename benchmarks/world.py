"""Home-steps per second of the whole world on one machine, and the memory of a training round.

python benchmarks/world.py            # prints the table
python benchmarks/world.py --write    # also writes benchmarks/world.md
"""

import argparse
import resource
import statistics
import time
from pathlib import Path

import equinox as eqx
import jax
from pages.head import head

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.learner import advance, begin
from wattflock.study.build import build, learner
from wattflock.world.rollout import ZeroPolicy, judge, rollout

DAYS = 40  # 960 snapshots
REPEATS = 15
TITLE = "The world's speed"


def median_s(call, *arguments) -> float:
    """Median wall-clock time of a compiled call."""
    jax.block_until_ready(call(*arguments))
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        jax.block_until_ready(call(*arguments))
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write benchmarks/world.md")
    write = parser.parse_args().write
    scenario = load()
    built = build(scenario)
    world = on_device(built.world, "float32")
    profile = jax.jit(lambda: built.sampler.draw(jax.random.key(0), "train", DAYS))()
    who = learner(scenario, "gradmap")
    nets = who.policy(begin(who, world, 0).state)

    shape = (DAYS, world.steps, world.homes, world.fleet.controls)
    actions = jax.random.uniform(jax.random.key(1), shape, minval=-1.0)

    @eqx.filter_jit
    def homes(world, profile, actions):
        found = rollout(world, ZeroPolicy(), profile, jax.random.key(0), DAYS, actions)
        return found.effect, found.end

    @eqx.filter_jit
    def feeder(world, profile, actions):
        found = rollout(world, ZeroPolicy(), profile, jax.random.key(0), DAYS, actions)
        return judge(world, found, profile)

    @eqx.filter_jit
    def flock(world, profile, policy):
        found = rollout(world, policy, profile, jax.random.key(0))
        return judge(world, found, profile)

    steps = DAYS * world.steps * world.homes
    rows = [
        ("homes alone, random actions", steps / median_s(homes, world, profile, actions)),
        ("homes, feeder and bills, random actions", steps / median_s(feeder, world, profile, actions)),
        ("the same under 1,000 networks", steps / median_s(flock, world, profile, nets)),
    ]
    table = ["| what | home-steps per second |", "|---|---:|"]
    table += [f"| {name} | {value:,.0f} |" for name, value in rows]
    table += round_rows(built, world, who)
    text = "\n".join(table)
    print(text)
    if write:
        about = "Median of 15, float32, 1,000 homes on IEEE 123."
        Path(__file__).with_suffix(".md").write_text(f"{head(TITLE)}{about}\n\n{text}\n")


def round_rows(built, world, who) -> list[str]:
    """A training round of GradMAP, and the most memory that this process has held."""
    progress = begin(who, world, 0)
    seconds = median_s(lambda: advance(progress, who, world, built.sampler.train, 1)[0].done)
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    trained = who.days * world.steps * world.homes / seconds
    return [
        f"| a GradMAP round of {who.days} days, learning included | {trained:,.0f} |",
        "",
        f"One round takes {1000 * seconds:.0f} ms. Most memory held by the process: {peak_gib:.2f} GiB.",
    ]


if __name__ == "__main__":
    main()
