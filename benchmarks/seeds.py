"""Several seeds of a learner in one program (vmap), beside one after the other: 30 homes, `flexibility`.

python benchmarks/seeds.py            # prints the table
python benchmarks/seeds.py --write    # also writes benchmarks/seeds.md
"""

import argparse
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
from pages.head import head

from wattflock.core.scenario import bundled, load
from wattflock.core.types import on_device
from wattflock.learn.learner import advance, begin
from wattflock.study.build import build, learner

LEARNERS, SEEDS, ROUNDS, REPEATS = ("ppo", "maddpg", "facmac", "gradmap"), 5, 10, 4
ABOUT = f"""\
Milliseconds of a core for a round of all {SEEDS} seeds after compilation, least of {REPEATS} calls of {ROUNDS} rounds.
"""


def milliseconds(call) -> float:
    """Of a core, for one round."""
    jax.block_until_ready(jax.tree.leaves(call()))
    least = float("inf")
    for _ in range(REPEATS):
        began = time.process_time()
        jax.block_until_ready(jax.tree.leaves(call()))
        least = min(least, time.process_time() - began)
    return 1000 * least / ROUNDS


def row(name: str) -> str:
    """A line of the table."""
    scenario = load(bundled()["flexibility"], [f"learn.part={name}"])
    built, who = build(scenario), learner(scenario, name)
    world, draw = on_device(built.world, "float32"), built.sampler.train
    ones = [begin(who, world, seed) for seed in range(SEEDS)]
    all_of = eqx.filter_vmap(lambda seed: begin(who, world, seed))(jnp.arange(SEEDS))
    together = eqx.filter_jit(eqx.filter_vmap(lambda progress: advance(progress, who, world, draw, ROUNDS)))
    apart = milliseconds(lambda: [advance(one, who, world, draw, ROUNDS) for one in ones])
    joined = milliseconds(lambda: together(all_of))
    return f"| {name} | {apart:.0f} | {joined:.0f} | {joined / apart:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write benchmarks/seeds.md")
    write = parser.parse_args().write
    lines = ["| learner | one after the other [ms] | in one program [ms] | ratio |", "|---|---:|---:|---:|"]
    for name in LEARNERS:
        lines.append(row(name))
        print(lines[-1], flush=True)
    if write:
        text = "\n".join(lines)
        Path(__file__).with_suffix(".md").write_text(f"{head('Seeds in one program')}{ABOUT}\n{text}\n")


if __name__ == "__main__":
    main()
