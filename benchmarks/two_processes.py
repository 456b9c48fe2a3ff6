"""One training on two processes by jax.distributed, beside two devices of one process: the same numbers, what time?

python benchmarks/two_processes.py            # prints the table
python benchmarks/two_processes.py --write    # also writes benchmarks/two_processes.md
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pages.head import head
from pages.table import table

HOMES, ROUNDS, CHUNKS = 40, 4, 3  # rounds of a compiled piece, and how many pieces; the last is timed
SETS = [f"homes.count={HOMES}", "feeder.part=none", "learn.settings={days=4, hidden=[8], rate=3e-4}"]
TITLE = "One training on two processes (jax.distributed)"
ABOUT = f"""\
{HOMES} homes without wires, `gradmap`, {ROUNDS * CHUNKS} rounds of four days; each process or device has its share of
the homes. Both processes are on this machine and exchange by Gloo. One run of each; nothing of it is meant to be fast:
the task is tiny and the cores are shared. Apart: the largest difference from one device in any array of the trained
state, as a share of the largest number in it.

"""


def train(process: int, processes: int, devices: int, port: int, out: str) -> None:
    """In a process of its own: some rounds on a mesh over all devices; the whole state goes into a file."""
    import jax
    from jax.experimental import multihost_utils

    if processes > 1:
        jax.distributed.initialize(f"127.0.0.1:{port}", processes, process, initialization_timeout=100)
    from wattflock.core.scenario import load
    from wattflock.core.types import on_device
    from wattflock.learn.learner import advance, begin
    from wattflock.study.build import build, learner
    from wattflock.study.train import Course, laid_out
    from wattflock.world.sharding import mesh_of

    scenario = load(None, SETS)
    built, who = build(scenario), learner(scenario, "gradmap")
    course = Course(
        who, on_device(built.world, "float32"), built.sampler, seed=3, rounds=ROUNDS, mesh=mesh_of(HOMES, devices)
    )
    progress, world, _, draw = laid_out(course, begin(who, course.world, 3))
    began = time.perf_counter()
    step = advance.lower(progress, who, world, draw, ROUNDS).compile()
    compiled_s = time.perf_counter() - began
    for _ in range(CHUNKS):
        began = time.perf_counter()
        progress, _ = jax.block_until_ready(step(progress, who, world, draw, ROUNDS))
    round_s = (time.perf_counter() - began) / ROUNDS
    state = jax.tree.leaves(progress.state)
    whole = [x if x.is_fully_addressable else multihost_utils.process_allgather(x, tiled=True) for x in state]
    if process == 0:
        np.savez(out, *(np.asarray(x) for x in whole if x.dtype.kind == "f"))
        print(json.dumps({"compiled_s": compiled_s, "round_ms": round_s * 1e3}))


def measured(processes: int, devices: int, folder: Path) -> tuple[dict[str, float], list[np.ndarray]]:
    """Figures of the first process, and the state that it ends with."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = folder / f"{processes}-{devices}.npz"
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(devices // processes)}
    started = [
        subprocess.Popen(
            [sys.executable, __file__, "--one", *map(str, (process, processes, devices, port, out))],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for process in range(processes)
    ]
    said = [each.communicate(timeout=280)[0] for each in started]
    with np.load(out) as arrays:
        return json.loads(said[0].splitlines()[-1]), [arrays[name] for name in arrays.files]


def apart(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    """The largest difference in any array, as a share of its largest number."""
    return max(float(abs(a - b).max() / max(abs(a).max(), 1e-9)) for a, b in zip(one, other, strict=True))


def compared() -> str:
    """All three ways."""
    ways = {"one device": (1, 1), "two devices of one process": (1, 2), "two processes, a device each": (2, 2)}
    with tempfile.TemporaryDirectory() as folder:
        found = {name: measured(*way, Path(folder)) for name, way in ways.items()}
    first, both, split = (state for _, state in found.values())
    lines = [
        (name, f"{took['compiled_s']:.0f}", f"{took['round_ms']:.0f}", f"{apart(first, state):.1g}")
        for name, (took, state) in found.items()
    ]
    same = "the same to the bit" if apart(both, split) == 0 else f"{apart(both, split):.1g} apart"
    rows = table(("on", "compiling [s]", "a round [ms]", "apart"), lines, numbers=3)
    return f"{rows}\n\nTwo processes and two devices of one process end {same}."


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--one", nargs=5)
    asked = parser.parse_args()
    if asked.one:
        train(*map(int, asked.one[:4]), asked.one[4])
    else:
        page = compared()
        print(page)
        if asked.write:
            Path(__file__).with_suffix(".md").write_text(head(TITLE) + ABOUT + page + "\n")
