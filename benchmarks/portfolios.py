"""What limits and portfolios cost: worlds with and without limits beside voltages, and one without absent devices.

python benchmarks/portfolios.py            # prints the table
python benchmarks/portfolios.py --write    # also writes benchmarks/portfolios.md
"""

import argparse
import time
from pathlib import Path

import equinox as eqx
import jax
from pages.head import head

from wattflock.core.scenario import bundled, load
from wattflock.core.types import on_device
from wattflock.learn.learner import advance, begin
from wattflock.study.build import build, learner
from wattflock.world.rollout import judge, rollout

DAYS = 40
REPEATS = 9
TITLE = "What portfolios cost"
TWO = 'homes.kinds=[{name="two devices", share=1, devices={ev={give_kw=7}, panel={}}}]'
ALONE = ["feeder.loading=0", "feeder.unbalance=0"]
WORLDS = {
    "the paper's: six kinds, 1.6 devices a home; voltages alone": ("gradmap", ALONE),
    "the same, all limits": ("gradmap", []),
    "portfolios: seven kinds, 2.0 devices a home; all limits": ("portfolios", []),
    "one kind, 2 devices a home: car and panel": ("portfolios", [TWO]),
}


def programs(name: str, sets: list[str]) -> tuple[int, int, list]:
    """Devices of the fleet, its controls, and two compiled calls: days under networks, and a GradMAP round."""
    scenario = load(bundled()[name], ["homes.count=1000", "homes.homes_per_agent=1.2", *sets])
    built, who = build(scenario), learner(scenario, "gradmap")
    world = on_device(built.world, "float32")
    days = jax.jit(lambda: built.sampler.draw(jax.random.key(0), "train", DAYS))()
    progress = begin(who, world, 0)
    policy = who.policy(progress.state)

    @eqx.filter_jit
    def judged(world, policy, days):
        return judge(world, rollout(world, policy, days, jax.random.key(0), DAYS), days).cost

    def round_():
        return advance(progress, who, world, built.sampler.train, 1)[0].done

    return len(world.fleet.devices), world.fleet.controls, [lambda: judged(world, policy, days), round_]


def main() -> None:
    """Measures the worlds in turn, so that what else the machine does meets all of them, and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write benchmarks/portfolios.md")
    write = parser.parse_args().write
    made = {title: programs(*world) for title, world in WORLDS.items()}
    best: dict[tuple[str, int], float] = {}
    for _ in range(REPEATS + 1):  # the first compiles
        for title, (_, _, calls) in made.items():
            for place, call in enumerate(calls):
                began = time.perf_counter()
                jax.block_until_ready(call())
                took = time.perf_counter() - began
                best[title, place] = min(took, best.get((title, place), took))
    lines = [
        "| world | devices in the fleet | controls | home-steps per second | GradMAP round [ms] |",
        "|---|---:|---:|---:|---:|",
    ]
    for title, (devices, controls, _) in made.items():
        speed = DAYS * 24 * 1000 / best[title, 0]
        lines.append(f"| {title} | {devices} | {controls} | {speed:,.0f} | {1000 * best[title, 1]:.0f} |")
    text = "\n".join(lines)
    print(text)
    if write:
        about = f"Best of {REPEATS}, float32, 1,000 homes on IEEE 123, days under 1,000 networks with voltmeters."
        Path(__file__).with_suffix(".md").write_text(f"{head(TITLE)}{about}\n\n{text}\n")


if __name__ == "__main__":
    main()
