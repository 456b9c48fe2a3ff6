"""How fast homes are made, and what it takes to stream very many of them to the disk."""

import datetime
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from judged.loads import Row, with_model

from wattflock.data.calendar import calendar
from wattflock.data.home_days import OWN
from wattflock.synth.bundle import load as bundled
from wattflock.synth.region import Mix, Region, RegionDays, begin, live, settle

HOMES, DAYS, REPEATS = 1000, 30, 12
STEPS = {"hourly": 24, "half-hourly": 48, "every quarter of an hour": 96}


def rows(gan: Any | None) -> Iterator[Row]:
    """Home-days per second of 1,000 homes on the device, compiled; all columns, which stay there."""
    region, _ = bundled("london")
    jobs = [(f"habits, {name}", region, steps) for name, steps in STEPS.items()]
    if gan is not None:
        jobs.append(("the paper's GANs in place of habits, hourly", with_model(region, gan), 24))
    for name, of, steps in jobs:
        busy = os.getloadavg()[0]
        best, middle = timed(of, steps)
        each, speed = f"{1e6 * best / HOMES / DAYS:.2f} (median {1e6 * middle / HOMES / DAYS:.2f})", HOMES * DAYS / best
        yield name, each, f"{speed:,.0f}", f"{busy:.1f}"
    yield "HEDGE, hourly, 10 / 100 / 1,000 homes (`field.md`)", "", "3,600 / 4,000 / 2,800", ""


def timed(region: Region, steps: int) -> tuple[float, float]:
    """Least and median seconds of a run of `DAYS` days."""
    when = jax.tree.map(jnp.asarray, calendar(datetime.date(2027, 1, 1), DAYS, "Europe/London"))

    @eqx.filter_jit
    def start(region: Region) -> Any:
        homes = settle(region, Mix(), 0, jnp.arange(HOMES))
        return homes, begin(region, homes, 0)

    @eqx.filter_jit
    def run(region: Region, homes: Any, state: Any, when: Any) -> Any:
        state, days = live(region, homes, state, (when, jnp.asarray(0), None), steps)
        assert isinstance(days, RegionDays)
        return state, {name: getattr(days, name) for name in OWN}

    homes, state = start(region)
    jax.block_until_ready(run(region, homes, state, when))
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        jax.block_until_ready(run(region, homes, state, when))
        took.append(time.perf_counter() - began)
    took.sort()
    return took[0], took[len(took) // 2]


def disk(homes: int, days: int, folder: Path | None) -> Iterator[Row]:
    """`wattflock generate` in a process of its own: most memory, wall time, size; the files are deleted again."""
    out = Path(tempfile.mkdtemp(dir=folder))
    command = [str(Path(sys.executable).with_name("wattflock")), "generate", "--homes", str(homes), "--days", str(days)]
    began = time.perf_counter()
    try:
        subprocess.run([*command, "--seed", "7", "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - began
        files = list(out.glob("*.parquet"))
        size = sum(path.stat().st_size for path in files)
    finally:
        shutil.rmtree(out)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    yield (
        f"{homes:,} × {days}",
        f"{homes * days * 24:,}",
        f"{took / 60:.1f} min; {size / 1e9:.2f} GB in {len(files)} files",
        f"{most:.2f} GiB",
    )
