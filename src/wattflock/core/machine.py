"""What machine a figure was measured on, in one line; and whether its address space is large enough."""

import math
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from wattflock.core.compiler import FLAG

LEAST_GB = 3  # of address space: below it a library ends the process while it is loaded, in words of its own
PICTURES_GB = 70  # what the engine that draws pictures reserves, whatever it uses


def small_space(needed_gb: float, what: str) -> str:
    """Why a limit of this process (`ulimit -v`) is too small for something, in words; nothing where it is not."""
    try:
        import resource
    except ImportError:  # Windows
        return ""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    allowed_gb = math.inf if limit == resource.RLIM_INFINITY else limit / 1e9
    if allowed_gb >= needed_gb:
        return ""
    return f"{what} needs {needed_gb} GB of address space; ulimit -v allows {allowed_gb:.3g} GB: raise it"


def machine() -> str:
    """Cores that this process may use, processor, Python and JAX, and the user's own flags of the compiler."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    many = f"{cores} core" if cores == 1 else f"{cores} cores"
    flags = [each for each in os.environ.get("XLA_FLAGS", "").split() if not each.startswith(FLAG)]
    own = f", XLA_FLAGS {' '.join(flags)}" if flags else ""  # some make programs several times slower
    return f"{many}, {_processor()}, Python {platform.python_version()}, jax {version('jax')}{own}"


def _processor() -> str:
    """Its model, or at least its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(models), platform.processor() or platform.machine())
