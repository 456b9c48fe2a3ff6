"""What machine a figure was measured on, in one line."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """Cores that this process may use, processor, Python and JAX."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return f"{cores} cores, {_processor()}, Python {platform.python_version()}, jax {version('jax')}"


def _processor() -> str:
    """Its model, or at least its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(models), platform.processor() or platform.machine())
