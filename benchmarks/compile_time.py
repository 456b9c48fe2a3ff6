"""Processor seconds of compiling what a demo compiles, each program fresh.

    python benchmarks/compile_time.py [--homes 1000] [--beside SRC] [--write]

Each row is a program of a study as it is: a GradMAP round, judging, what a bound counts with. No compile cache, LLVM's
own level; seconds of all threads of the process, which other work on the machine does not lengthen much. `--beside`
measures the same programs of another source tree first, e.g. of an earlier commit, in a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pages.head import head

HERE = Path(__file__).resolve().parents[1] / "src"


def programs(homes: int) -> list[tuple]:
    """Name, lines and loops of StableHLO, fusions that are left, seconds to trace and lower, seconds to compile."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    from wattflock.core.scenario import load
    from wattflock.core.types import on_device
    from wattflock.learn.learner import advance, begin
    from wattflock.study import bound, evaluate, train
    from wattflock.study.build import build, learner

    scenario = load(None, [f"homes.count={homes}", f"homes.homes_per_agent={2000 / homes}"])
    built = build(scenario)
    who, world, draw = learner(scenario, "gradmap"), on_device(built.world, "float32"), built.sampler.train
    jax.block_until_ready(jnp.zeros(1) + 1)  # the compiler's own start
    began = time.process_time()
    progress = jax.block_until_ready(begin(who, world, 0))
    found = [("the beginning of a training run, executed", "", "", "", "", time.process_time() - began)]
    policy, key = who.policy(progress.state), jax.random.key(0)
    every = eqx.filter_jit(built.sampler.every)
    found += [
        measured("ten GradMAP rounds", advance, progress, who, world, draw, 10),
        measured("days of the validation", train.validation_days, built.sampler),
        measured("days of the test", every, key, "test", 0),
    ]
    days = train.validation_days(built.sampler)
    found.append(measured("score on the validation days", train.score, world, policy, days))
    with jax.enable_x64(True):
        world, policy, days = on_device((built.world, policy, days), jnp.float64)
        day = jax.tree.map(lambda x: x[0], days)
        plan = {name: jnp.zeros(day.load_kw.shape) for name in world.fleet.devices}
        load_kw = jnp.zeros((world.steps, len(world.feeder.terminals)))
        chunk = jax.tree.map(lambda x: x[: evaluate.DAYS_AT_ONCE], days)
        found += [
            measured("judging GradMAP, float64", evaluate._evaluate, world, policy, chunk, None, jnp.arange(4)),
            measured("replay of a plan, float64", bound.replay, world.bare(), day, plan),
            measured(
                "slopes of voltages, float64",
                *(bound.sensitivity, world.bare(), load_kw, load_kw, "voltage", np.arange(64)),
            ),
        ]
    return found


def measured(name: str, program: Callable, *inputs) -> tuple:
    """One line of the table."""
    began = time.process_time()
    lowered = program.lower(*inputs)
    between = time.process_time()
    text = lowered.as_text()
    compiling = time.process_time()
    compiled = lowered.compile()
    seconds = between - began, time.process_time() - compiling
    fusions = compiled.compiled.as_text().count(" fusion(")
    return name, text.count("\n"), text.count("stablehlo.while"), fusions, *seconds


def fresh(source: Path, homes: int) -> list[list]:
    """The programs of a source tree, compiled in a process of their own."""
    off = {"WATTFLOCK_COMPILE_CACHE": "off", "JAX_ENABLE_COMPILATION_CACHE": "false", "OMP_NUM_THREADS": "1"}
    env = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"} | off
    command = [sys.executable, __file__, "--child", "--homes", str(homes)]
    ran = subprocess.run(command, env=env | {"PYTHONPATH": str(source)}, stdout=-1, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


def commit_of(source: Path) -> str:
    """What git says of a source tree."""
    ran = subprocess.run(["git", "-C", source, "describe", "--always", "--dirty"], stdout=-1, stderr=-1, text=True)
    return ran.stdout.strip() or source.parent.name


def heading(homes: int) -> list[str]:
    """How the page begins."""
    return [
        f"{head('Compilation')}{homes:,} homes. Processor seconds without a compile cache, "
        "each tree in a process of its own.",
        "",
        "| commit | program | StableHLO lines | loops | fusions | trace and lower [s] | compile [s] |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]


def line(commit: str, row: list) -> str:
    name, *counts, lowering, compiling = row
    cells = commit, name, *counts, f"{lowering:.2f}" if lowering != "" else "", f"{compiling:.2f}"
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description="Processor seconds of compilation.")
    parser.add_argument("--homes", type=int, default=1000)
    parser.add_argument("--beside", type=Path, help="another source tree (…/src) to measure before this one")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/compile_time.md")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(programs(options.homes)))
        return
    sources = [*([options.beside.resolve()] if options.beside else []), HERE]
    rows = [line(commit_of(source), row) for source in sources for row in fresh(source, options.homes)]
    text = "\n".join([*heading(options.homes), *rows])
    print(text)
    if options.write:
        Path(__file__).with_suffix(".md").write_text(text + "\n")


if __name__ == "__main__":
    main()
