"""What a round of MADDPG with weights by kind costs at 30 and at 300 homes, in the peer-to-peer world.

python benchmarks/rounds.py --write     # also writes benchmarks/rounds.md
"""

import argparse
import time
from pathlib import Path

import jax
import numpy as np
from pages.head import head

from wattflock.core import compile_cache
from wattflock.core.scenario import bundled, load
from wattflock.core.types import on_device
from wattflock.learn.learner import begin, onward
from wattflock.study.build import build, learner

COUNTS, CALLS, CHUNK = (30, 300), 5, 10
SHARED = 'learn.others.maddpg-ps={ part = "maddpg", settings = { critic_sees = "common", weights = "kind" } }'
ABOUT = """\
Seconds of one core for a round of training (`maddpg-ps`: play eight days, then sixteen minibatches of each of the
clusters), after compilation, median of five calls of ten rounds. The critic sees its own home and three sums of the
community, whatever the number of homes.

| homes | core-seconds a round | home-steps per core-second | of 30 homes |
|---|---|---|---|
"""


def measured(homes: int) -> tuple[float, float]:
    """Core-seconds of a round, and home-steps played in it."""
    scenario = load(bundled()["p2p"], [f"homes.count={homes}", SHARED])
    built = build(scenario)
    world, who = on_device(built.world, "float32"), learner(scenario, "maddpg-ps")
    progress, spent = begin(who, world, 0), []
    for _ in range(CALLS + 1):
        before = time.process_time()
        progress, _ = onward(progress, who, world, built.sampler.train, CHUNK)
        jax.block_until_ready(jax.tree.leaves(progress))
        spent.append(time.process_time() - before)
    return float(np.median(spent[1:])) / CHUNK, who.days * world.steps * homes


def main() -> None:
    parser = argparse.ArgumentParser(description="What a round costs at 30 and at 300 homes.")
    parser.add_argument("--write", action="store_true", help="write benchmarks/rounds.md")
    told = parser.parse_args()
    compile_cache.enable()
    page, first = head("Rounds of 30 and of 300 homes") + ABOUT, 0.0
    for homes in COUNTS:
        seconds, steps = measured(homes)
        first = first or seconds
        page += f"| {homes} | {seconds:.4f} | {steps / seconds:,.0f} | {seconds / first:.2f} |\n"
    print(page)
    if told.write:
        Path(__file__).with_name("rounds.md").write_text(page)


if __name__ == "__main__":
    main()
