"""How fast a learner from rewards comes near perfect foresight: 30 homes, test days, beside rules and a fitted timer.

python benchmarks/agents.py ppo            # prints the tables
python benchmarks/agents.py ppo --write    # also writes benchmarks/agents-ppo.md
"""

import argparse
import time
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
from pages.head import head

from wattflock.core import compile_cache
from wattflock.core.scenario import bundled, load
from wattflock.core.types import on_device
from wattflock.learn.agents import Agents
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.idle import Idle
from wattflock.learn.learners.rules import Rules
from wattflock.learn.learners.timer import Timer
from wattflock.study.bound import bound
from wattflock.study.build import build, learner
from wattflock.study.train import score

WORLDS = {"flexibility": [], "portfolios": ["homes.count=30", 'feeder.part="none"']}
DAYS, SEEDS, MARKS = 7, 3, 10
ABOUT = f"""\
Share of the saving from homes without control to perfect foresight, of {DAYS} test days of each world, 30 homes, no
wires; with the learner's own settings. Wall-clock seconds of training after compilation, mean of {SEEDS} seeds, and
seconds of one core. Beside it rules, and a timer fitted on the same training days in as many rounds as it was tuned to.
"""


def captured(name: str):
    """World, training days, and a policy's share on the test days [%]."""
    built = build(load(bundled()[name], WORLDS[name]))
    world = on_device(built.world, "float32")
    days = eqx.filter_jit(lambda sampler: sampler.every(jax.random.key(1), "test", DAYS))(built.sampler)
    host = jax.tree.map(lambda x: np.asarray(x, np.float64) if x.dtype.kind == "f" else np.asarray(x), days)
    best = np.mean([outcome.cost for outcome in bound(built.world, host)]) / world.homes
    cost = eqx.filter_jit(lambda policy: score(world, policy, days)["cost"])
    idle = float(cost(Idle().policy(())))
    return world, built.sampler.train, lambda policy: 100 * (idle - float(cost(policy))) / (idle - best)


def curve(who, world, draw, share, seed: int) -> np.ndarray:
    """Rows (marks, 4): rounds, seconds, seconds of a core, share [%]."""
    progress, rounds = begin(who, world, seed), who.rounds() // MARKS
    jax.block_until_ready(jax.tree.leaves(advance(progress, who, world, draw, rounds)))
    found, spent = [], np.zeros(2)
    for _ in range(MARKS):
        before = np.asarray([time.perf_counter(), time.process_time()])
        progress, _ = advance(progress, who, world, draw, rounds)
        jax.block_until_ready(jax.tree.leaves(progress))
        spent += np.asarray([time.perf_counter(), time.process_time()]) - before
        found.append([int(progress.done), *spent, share(who.policy(progress.state))])
    return np.asarray(found)


def table(method: str, name: str) -> str:
    """One world's section."""
    world, draw, share = captured(name)
    who = learner(load(bundled()[name], WORLDS[name]), method)
    assert isinstance(who, Agents), f"{method} does not learn from rewards"
    curves = np.stack([curve(who, world, draw, share, seed) for seed in range(SEEDS)])
    pace = who.rounds() * who.days * world.steps * world.episode_days * world.homes / curves[:, -1, 2].mean()
    fitted = Timer()
    timers = [advance(begin(fitted, world, seed), fitted, world, draw, fitted.rounds())[0] for seed in range(SEEDS)]
    told = " / ".join(f"{share(fitted.policy(each.state)):.1f}" for each in timers)
    beside = f"Rules: {share(Rules().policy(())):.1f} %. Fitted timer, by seed: {told} %."
    columns = ["rounds", "seconds", "core-seconds", *(f"seed {seed} [%]" for seed in range(SEEDS))]
    lines = [f"## {name}", "", f"{beside} {pace:,.0f} home-steps per core-second of the learner.", ""]
    lines += [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    for row in curves.transpose(1, 0, 2):
        rounds, seconds, core, _ = row.mean(0)
        lines.append(f"| {rounds:.0f} | {seconds:.1f} | {core:.1f} | {' | '.join(f'{x:.1f}' for x in row[:, 3])} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="A learner from rewards beside perfect foresight.")
    parser.add_argument("method", help="a learner's name")
    parser.add_argument("--write", action="store_true", help="write benchmarks/agents-METHOD.md")
    told = parser.parse_args()
    compile_cache.enable()
    page = head(f"{told.method} beside perfect foresight") + ABOUT
    for name in WORLDS:
        page += "\n" + table(told.method, name)
    print(page)
    if told.write:
        Path(__file__).with_name(f"agents-{told.method}.md").write_text(page)


if __name__ == "__main__":
    main()
