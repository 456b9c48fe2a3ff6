"""Wattflock's solver as a contender, what it computes and how much memory it takes."""

import ctypes
import gc
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from contest.race import Contender

from wattflock.core.types import cast
from wattflock.feeder.limits import Limits, excess_pu
from wattflock.feeder.operator import Impedance
from wattflock.feeder.solve import Feeder, solve

TOLERANCE = 1e-6
DTYPES = np.float32, np.float64


def ours(feeder: Feeder, load_kw, load_kvar, truth=None, dtypes: Sequence = DTYPES) -> list[Contender]:
    """Forward and gradient in each precision; all results are ready on the device when the clock stops.

    Args:
        feeder: float64 numpy arrays.
        load_kw: shape (batch, terminals).
        load_kvar: the same.
        truth: |V| of the first snapshots and the numbers of the watched voltages it tells; None: not known.
        dtypes: of the work.
    """
    return [one for dtype in dtypes for one in _both(cast(feeder, dtype), load_kw, load_kvar, truth)]


def _both(feeder: Feeder, load_kw, load_kvar, truth) -> list[Contender]:
    wide = feeder.terminal.no_load.dtype == np.float64
    with jax.enable_x64(wide):
        feeder = jax.tree.map(jnp.asarray, feeder)
        kw, kvar = (jnp.asarray(load, feeder.terminal.no_load.dtype) for load in (load_kw, load_kvar))
        flow = solve(feeder, kw, kvar, TOLERANCE)
        if not flow.converged.all():
            raise SystemExit(f"{int((~flow.converged).sum())} snapshots have no solution; the benchmark means nothing")
        compiled = [function.lower(kw, kvar).compile() for function in _functions(feeder)]
    once = int(flow.iterations) * flops(feeder.terminal.impedance) + flops(feeder.voltage.impedance)
    name = f"wattflock {kw.dtype}"
    return [
        Contender(
            name=title,
            run=partial(_run, function, kw, kvar, wide),
            solves=len(kw),
            iterations=str(int(flow.iterations)),
            error_pu=None if truth is None else error(flow.voltage_pu, truth),
            work=work,
            buffers_mib=_buffers_mib(function),
        )
        for title, work, function in zip((name, f"{name} with gradient"), (once, 2 * once), compiled, strict=True)
    ]


def _buffers_mib(compiled) -> float:
    plan = compiled.memory_analysis()
    sizes = plan.argument_size_in_bytes, plan.output_size_in_bytes, plan.temp_size_in_bytes
    return sum(sizes) / 2**20


def voltages(feeder: Feeder, load_kw, load_kvar, dtype) -> np.ndarray:
    """|V| of all snapshots."""
    with jax.enable_x64(dtype is np.float64):
        return np.asarray(solve(cast(feeder, dtype), load_kw, load_kvar, TOLERANCE).voltage_pu)


def _functions(feeder: Feeder):
    @jax.jit
    def forward(kw, kvar):
        return solve(feeder, kw, kvar, TOLERANCE).voltage_pu

    def goal(kw, kvar):
        voltage_pu = solve(feeder, kw, kvar, TOLERANCE).voltage_pu
        return jnp.sum(excess_pu(Limits(), voltage_pu) ** 2) + jnp.sum(voltage_pu)

    return forward, jax.jit(jax.grad(goal, argnums=(0, 1)))


def _run(function, kw, kvar, wide: bool) -> None:
    with jax.enable_x64(wide):
        jax.block_until_ready(function(kw, kvar))


def error(voltage_pu, truth) -> float:
    """Largest difference in |V| over the snapshots and voltages that the truth tells."""
    true_pu, places = truth
    return float(np.abs(np.asarray(voltage_pu)[: len(true_pu), places] - true_pu).max())


def flops(impedance: Impedance) -> int:
    """Multiplications and additions of one snapshot, padding included."""
    return 2 * sum(part.size for part in (impedance.local, impedance.up, impedance.across, impedance.down))


def sizes(feeder: Feeder) -> str:
    """The work of one snapshot in words."""
    blocks, width, _ = feeder.terminal.impedance.local.shape
    rim = feeder.terminal.impedance.up.shape[-1]
    each, read = flops(feeder.terminal.impedance), flops(feeder.voltage.impedance)
    shape = f"{blocks} blocks of {width // 2} and rims of {rim // 2}" if rim else "one block"
    return (
        f"{len(feeder.terminals)} terminals in {shape}, {len(feeder.nodes)} voltages: one iteration is "
        f"{each / 1e3:,.0f} kFLOP, reading all voltages {read / 1e3:,.0f} kFLOP"
    )


def peak_mib(run) -> tuple[float, float]:
    """Resident memory of the process before and at the peak of `run` [MiB]; nan where the system does not tell."""
    try:
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what earlier work has left
        before = _status_mib("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        run()
        return before, _status_mib("VmHWM")
    except (OSError, AttributeError):
        return float("nan"), float("nan")


def _status_mib(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(key + ":")) / 1024
