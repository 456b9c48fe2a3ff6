"""Steps of the standard environments per core-second: PettingZoo's dicts, Gymnasium's arrays, pure functions.

python benchmarks/doors.py            # prints the tables
python benchmarks/doors.py --write    # also writes benchmarks/doors.md
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import jax
from pages.head import head

import wattflock as wf
from wattflock import gym
from wattflock.study.build import Built

HOMES, DAYS, REPEATS = 30, 64, 7
SECONDS = 0.5  # of one measurement, at least
TITLE = "The speed of the standard environments"
ABOUT = f"""\
{HOMES} homes of the scenario `portfolios` (batteries, cars, heat pumps, flexible loads, panels), random actions,
episodes of one day, beginnings of episodes counted. A core-second is one of processor time of all threads;
compilation is not counted. Median of {REPEATS}, with the least and the most. One day at a time: a step is one of all
homes. Many days: {DAYS} side by side, a home-step is one step of one home. "Wires" is the power flow of IEEE 13 at
every step, which the homes' voltmeters see."""


def rates(call: Callable[[], int]) -> list[float]:
    """Steps per core-second, sorted; `call` says how many steps it took."""
    call()
    found = []
    for _ in range(REPEATS):
        began, steps = time.process_time(), 0
        while time.process_time() - began < SECONDS:
            steps += call()
        found.append(steps / (time.process_time() - began))
    return sorted(found)


def dicts(built: Built) -> Callable[[], int]:
    """A day of PettingZoo's interface."""
    env = gym.parallel_env(built)
    moves = {agent: env.action_space(agent).sample() for agent in env.possible_agents}

    def day() -> int:
        env.reset()
        steps = 0
        while env.agents:
            env.step(moves)
            steps += 1
        return steps

    return day


def single(built: Built) -> Callable[[], int]:
    """A day of Gymnasium's interface, all homes as one agent."""
    env = gym.single_env(built)
    move = env.action_space.sample()

    def day() -> int:
        env.reset()
        steps, over = 0, False
        while not over:
            over, steps = env.step(move)[3], steps + 1
        return steps

    return day


def vector(built: Built) -> Callable[[], int]:
    """A day of Gymnasium's vector interface, a row for each home and day."""
    env = gym.vector_env(built, days=DAYS)
    env.reset(seed=0)
    moves = env.action_space.sample()

    def day() -> int:
        for _ in range(built.world.steps + 1):
            env.step(moves)
        return built.world.steps * env.num_envs

    return day


def functional(built: Built, loop: bool) -> Callable[[], int]:
    """A day of the pure functions under `vmap`: a compiled call for each step, or one for the day."""
    env = gym.functional_env(built)
    begin, step = jax.jit(jax.vmap(env.reset)), jax.vmap(env.step)
    keys = jax.random.split(jax.random.key(0), DAYS)
    shape = DAYS, built.world.homes, built.world.fleet.controls
    moves = jax.random.uniform(jax.random.key(1), shape, minval=-1.0)

    @jax.jit
    def one(episodes):
        episodes, seen, reward, _, _ = step(episodes, moves)
        return episodes, (seen, reward)

    whole = jax.jit(lambda episodes: jax.lax.scan(lambda each, _: one(each), episodes, length=built.world.steps))

    def day() -> int:
        episodes, _ = begin(keys)
        if loop:
            jax.block_until_ready(whole(episodes))
        else:
            for _ in range(built.world.steps):
                episodes, out = one(episodes)
            jax.block_until_ready(out)
        return built.world.steps * DAYS * built.world.homes

    return day


def table(name: str, unit: str, rows: dict[str, Callable[[], int]]) -> str:
    """A section with a row for each interface."""
    lines = [f"## {name}", "", f"| what | {unit} per core-second | least | most |", "|---|---:|---:|---:|"]
    for what, call in rows.items():
        found = rates(call)
        lines.append(f"| {what} | {statistics.median(found):,.0f} | {found[0]:,.0f} | {found[-1]:,.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Steps of the standard environments per core-second.")
    parser.add_argument("--write", action="store_true", help="write benchmarks/doors.md")
    write = parser.parse_args().write
    flock = {"homes.count": HOMES, "homes.homes_per_agent": 1}
    bare = wf.build(wf.load("portfolios", changes=flock | {"feeder.part": "none"}))
    wired = wf.build(wf.load("portfolios", changes=flock | {"feeder.part": "ieee13", "homes.homes_per_agent": 20}))
    one = {
        "PettingZoo `parallel_env`, dicts": dicts(bare),
        "the same with wires": dicts(wired),
        "Gymnasium `single_env`, all homes as one agent": single(bare),
    }
    many = {
        "Gymnasium `vector_env`, numpy arrays": vector(bare),
        "`functional_env` under vmap, a call for each step": functional(bare, loop=False),
        "`functional_env` under vmap, a day in one scan": functional(bare, loop=True),
        "the same with wires": functional(wired, loop=True),
    }
    text = f"{ABOUT}\n\n{table('One day at a time', 'steps', one)}\n{table('Many days', 'home-steps', many)}"
    print(text)
    if write:
        Path(__file__).with_suffix(".md").write_text(head(TITLE) + text)


if __name__ == "__main__":
    main()
