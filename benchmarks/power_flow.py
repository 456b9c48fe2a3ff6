"""Power-flow solves per second, ours beside OpenDSS, in one process.

    python benchmarks/power_flow.py [--write] [--batch 1000] [--repeats 15]

Loads are the IEEE 123 spot loads times 0.35 to 1.95, drawn per terminal. Ours returns |V| of the 272
watched nodes; the gradient is that of Σ excess² + Σ|V| with respect to kW and kvar. OpenDSS sets 95 loads,
solves and reads all |V| from Python, as a program does that trains against it.
"""

import argparse
import os
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from wattflock.feeder.crosscheck import OpenDSS
from wattflock.feeder.feeder import solve
from wattflock.feeder.ieee123 import IEEE123
from wattflock.feeder.limits import Limits, excess_pu
from wattflock.types import cast

PEER_SNAPSHOTS = 200
TOLERANCE = 1e-6


def main() -> None:
    parser = argparse.ArgumentParser(description="Power-flow solves per second, ours beside OpenDSS.")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/power_flow.md")
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    text = report(options.batch, options.repeats)
    print(text)
    if options.write:
        Path(__file__).with_suffix(".md").write_text(text + "\n")


def report(batch: int, repeats: int) -> str:
    wiring = IEEE123()
    feeder = wiring.build()
    factor = np.random.default_rng(123).uniform(0.35, 1.95, (batch, len(feeder.terminals)))
    load_kw, load_kvar = feeder.nominal_kw * factor, feeder.nominal_kvar * factor
    truth, seconds = time_opendss(wiring, load_kw, load_kvar, repeats, feeder.nodes)
    rows = []
    if truth is not None:
        rows.append(("OpenDSS: set, solve, read", *seconds, "", ""))
    for dtype in (np.float32, np.float64):
        with jax.enable_x64(dtype is np.float64):
            rows += time_ours(cast(feeder, dtype), load_kw, load_kvar, repeats, truth)
    peer = seconds[1] if truth is not None else float("nan")
    return "\n".join([*header(batch, repeats), *(line(row, peer, flops(feeder)) for row in rows), *footer(feeder)])


def header(batch: int, repeats: int) -> list[str]:
    machine = jax.devices()[0]
    return [
        "# Power flow: IEEE 123, constant power",
        "",
        f"Batch {batch}, {repeats} repeats after two warm-ups, jax {jax.__version__} on {machine.platform} "
        f"({machine.device_kind}), {os.cpu_count()} cores, tolerance {TOLERANCE:g} pu.",
        "Written by `python benchmarks/power_flow.py --write`.",
        "",
        "| what | solves/s best | solves/s median | times OpenDSS | iterations | max error [pu] | GFLOP/s |",
        "|---|---|---|---|---|---|---|",
    ]


def footer(feeder) -> list[str]:
    each, read = flops(feeder)
    return [
        "",
        f"Cost floor: one iteration is {each / 1e3:.0f} kFLOP and the node voltages are {read / 1e3:.0f}",
        "kFLOP per snapshot; the adjoint costs the same again (transposed). GFLOP/s is that count over the",
        "median time; ratios are of median times; the error is against OpenDSS at a tolerance of 1e-10.",
        "Shared cores: other work on the machine slows single rows by up to a half.",
    ]


def flops(feeder) -> tuple[int, int]:
    """Multiplications and additions of one iteration and of reading the node voltages, per snapshot."""
    terminals, nodes = len(feeder.terminals), len(feeder.nodes)
    return 2 * (2 * terminals) ** 2, 2 * (2 * terminals) * (2 * nodes)


def line(row, peer: float, cost: tuple[int, int]) -> str:
    name, best, median, iterations, error = row
    work = "" if iterations == "" else (iterations * cost[0] + cost[1]) * (2 if "gradient" in name else 1)
    rate = "" if work == "" else f"{work / median / 1e9:.0f}"
    wrong = "" if error == "" else f"{error:.1e}"
    cells = (name, f"{1 / best:,.0f}", f"{1 / median:,.0f}", f"{peer / median:.0f}", iterations, wrong, rate)
    return f"| {' | '.join(map(str, cells))} |"


def time_ours(feeder, load_kw, load_kvar, repeats: int, truth) -> list[tuple]:
    """Rows of (name, best, median seconds per solve, iterations, largest error)."""
    kw, kvar = (jnp.asarray(load, feeder.impedance.dtype) for load in (load_kw, load_kvar))
    feeder = jax.tree.map(jnp.asarray, feeder)
    name = f"wattflock {kw.dtype}"

    @jax.jit
    def forward(kw, kvar):
        return solve(feeder, kw, kvar, TOLERANCE).voltage_pu

    def goal(kw, kvar):
        voltage_pu = solve(feeder, kw, kvar, TOLERANCE).voltage_pu
        return jnp.sum(excess_pu(Limits(), voltage_pu) ** 2) + jnp.sum(voltage_pu)

    gradient = jax.jit(jax.grad(goal, argnums=(0, 1)))
    flow = solve(feeder, kw, kvar, TOLERANCE)
    error = "" if truth is None else float(np.abs(np.asarray(flow.voltage_pu)[: len(truth)] - truth).max())
    each = [measure(lambda f=f: jax.block_until_ready(f(kw, kvar)), repeats, len(kw)) for f in (forward, gradient)]
    iterations = int(flow.iterations)
    return [(name, *each[0], iterations, error), (f"{name} with gradient", *each[1], iterations, error)]


def time_opendss(wiring, load_kw, load_kvar, repeats: int, watched):
    """OpenDSS's voltages of the first snapshots, and (best, median) seconds per solve; None without it."""
    try:
        engine = OpenDSS(wiring.network())
    except ImportError:
        return None, (0.0, 0.0)
    watch = [engine.nodes.index(node) for node in watched]
    pairs = list(zip(load_kw[:PEER_SNAPSHOTS], load_kvar[:PEER_SNAPSHOTS], strict=True))
    truth = np.array([engine.solve(*pair)[0][watch] for pair in pairs])
    engine.command(f"set tolerance={TOLERANCE:g}")
    seconds = measure(lambda: [engine.solve(*pair) for pair in pairs], repeats, len(pairs))
    return truth, seconds


def measure(run, repeats: int, solves: int) -> tuple[float, float]:
    """Best and median seconds per solve, after two warm-ups."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) / solves)
    return min(times[2:]), statistics.median(times[2:])


if __name__ == "__main__":
    main()
