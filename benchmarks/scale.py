"""Time and memory of a round of learning from 100 to 10,000 homes, against linear growth.

    python benchmarks/scale.py [--homes 100 300 1000 3000 10000] [--turns 7] [--devices 1] [--learner gradmap] [--write]

Every size has a process of its own, so that its peak memory is its own (world, days, compilation and training).
All sizes take turns; a turn is as many rounds as make about 2,000 homes. Wall and CPU time are medians over
turns; on a machine that others use, CPU time is what can be compared. The feeder carries 2,000 homes
whatever the number of agents. `--devices` shares the homes; on a CPU that many are made of its cores.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import time
from pathlib import Path

from pages.head import head

TURN_HOMES = 2000


def work(pipe, homes: int, method: str, devices: int) -> None:
    """One size: says its compile time, then the time of each turn it is asked for, then its peak memory [GiB]."""
    os.environ["JAX_NUM_CPU_DEVICES"] = str(devices)
    import jax

    from wattflock.core.scenario import load
    from wattflock.core.types import on_device
    from wattflock.learn.learner import advance
    from wattflock.study.build import build, learner
    from wattflock.study.train import Course, laid_out
    from wattflock.world.sharding import mesh_of

    sets = [f"homes.count={homes}", f"homes.homes_per_agent={2000 / homes}", f"learn.part={method}"]
    built, who = build(load(None, sets)), learner(load(None, sets), method)
    mesh = None if devices == 1 else mesh_of(homes, devices)
    course = Course(who, on_device(built.world, "float32"), built.sampler, 0, 1, mesh=mesh)
    progress, world, _, draw = laid_out(course, None)

    def turn(rounds: int) -> tuple[float, float]:
        nonlocal progress
        began, cpu = time.perf_counter(), time.process_time()
        progress = jax.block_until_ready(advance(progress, who, world, draw, rounds)[0])
        return (time.perf_counter() - began) / rounds, (time.process_time() - cpu) / rounds

    rounds = max(1, TURN_HOMES // homes)
    pipe.send(turn(rounds)[0] * rounds)
    while pipe.recv():
        pipe.send(turn(rounds))
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def measure(options: argparse.Namespace) -> list[dict]:
    """One row per size."""
    spawn, pipes, rows = multiprocessing.get_context("spawn"), [], []
    for homes in options.homes:  # compiled one after the other
        here, there = spawn.Pipe()
        spawn.Process(target=work, args=(there, homes, options.learner, options.devices), daemon=True).start()
        pipes.append(here)
        rows.append({"homes": homes, "first_s": here.recv(), "turns": []})
    for _ in range(options.turns):
        for pipe, row in zip(pipes, rows, strict=True):
            pipe.send(True)
            row["turns"].append(pipe.recv())
    for pipe, row in zip(pipes, rows, strict=True):
        pipe.send(False)
        row["peak_gib"] = pipe.recv()
    return rows


def table(rows: list[dict]) -> str:
    """Markdown; ratios are to the time of the smallest size times the homes."""
    lines = [
        "| homes | wall [ms a round] | against linear | CPU [ms a round] | against linear | peak memory [GiB] |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    least = None
    for row in rows:
        wall_s, cpu_s = (statistics.median(values) for values in zip(*row["turns"], strict=True))
        least = least or (wall_s / row["homes"], cpu_s / row["homes"])
        ratios = wall_s / row["homes"] / least[0], cpu_s / row["homes"] / least[1]
        times = f"{1000 * wall_s:.0f} | {ratios[0]:.2f} | {1000 * cpu_s:.0f} | {ratios[1]:.2f}"
        lines.append(f"| {row['homes']:,} | {times} | {row['peak_gib']:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", type=int, nargs="+", default=[100, 300, 1000, 3000, 10000])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--learner", default="gradmap")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/scale.md")
    options = parser.parse_args()
    text = table(measure(options))
    print(text)
    if options.write:
        about = (__doc__ or "").split("\n\n", 2)[2]
        what = f"`{options.learner}`, float32, devices: {options.devices}, turns: {options.turns}."
        title = head("A round of learning, by number of homes")
        Path(__file__).with_suffix(".md").write_text(f"{title}{about}\n{what}\n\n{text}\n")


if __name__ == "__main__":
    main()
