"""Compiled programs are kept on disk, so that the next process does not compile them again.

`WATTFLOCK_COMPILE_CACHE=off` turns this off; a path there is another place. `JAX_COMPILATION_CACHE_DIR` wins over it.
"""

import hashlib
import os
import platform
import re
import sys
import warnings
from functools import cache
from importlib.metadata import version
from pathlib import Path

LARGEST_BYTES = 1_000_000_000
DAMAGED = re.compile(r"Error (?:reading|writing) persistent compilation cache entry for '(\S+)'")
PROCESSOR = ("vendor_id", "cpu family", "model", "flags", "Features", "CPU implementer", "CPU part")


def enable() -> Path | None:
    """Make JAX keep compiled programs in the user's cache folder; the folder, or None where nothing is kept.

    Changes nothing where JAX already has a cache folder of the user's. Can be called before `import jax` and after it,
    and as often as you like.
    """
    root, given = _root(), _given()
    if root is None or (given and Path(given).parent != root):
        return None
    folder = root / _kind_of_machine()
    if not _prepared(folder):
        return None
    _configure({"jax_compilation_cache_dir": str(folder), "jax_persistent_cache_min_compile_time_secs": 0.0})
    return folder


def disable() -> None:
    """Compile everything in this process from now on, so that seconds with compilation can be compared."""
    _configure({"jax_enable_compilation_cache": False})
    from jax.experimental.compilation_cache import compilation_cache

    compilation_cache.reset_cache()


def _root() -> Path | None:
    """The folder of all versions and machines."""
    said = os.environ.get("WATTFLOCK_COMPILE_CACHE", "")
    if said:
        return None if said.lower() == "off" else Path(said).absolute()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "wattflock" / "compiled"


def _given() -> str | None:
    """JAX's cache folder, if it has one."""
    if "jax" in sys.modules:
        return sys.modules["jax"].config.jax_compilation_cache_dir
    return os.environ.get("JAX_COMPILATION_CACHE_DIR")


def _configure(settings: dict[str, object]) -> None:
    for name, value in settings.items():
        if "jax" in sys.modules:
            sys.modules["jax"].config.update(name, value)
        else:
            os.environ[name.upper()] = str(value)


def _kind_of_machine() -> str:
    """A folder's name: versions, and a hash of the processor and of how many cores a program is compiled for.

    A program that was compiled for another processor may hold instructions that this one lacks.
    """
    here = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    cores = os.environ.get("NPROC", here)  # which XLA reads too
    digest = hashlib.sha256("\n".join([*_processor(), platform.machine(), str(cores)]).encode()).hexdigest()
    return f"jax{version('jax')}-jaxlib{version('jaxlib')}-python{platform.python_version()}-{digest[:12]}"


def _processor() -> list[str]:
    """Properties of the processor that decide its instructions."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return [platform.version(), platform.processor()]
    return [line for line in first if line.split(":")[0].strip() in PROCESSOR]


@cache
def _prepared(folder: Path) -> bool:
    """Make the folder, and room in it; False where nothing can be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _prune(folder.parent)
    except OSError:
        return False
    _drop_damaged(folder)
    return True


def _prune(root: Path) -> None:
    """Keep the cache under its largest size: the least recently used entries are deleted first."""
    stats = [(path, path.stat()) for path in root.glob("*/*-cache")]
    total = sum(stat.st_size for _, stat in stats)
    for path, stat in sorted(stats, key=lambda each: max(each[1].st_atime, each[1].st_mtime)):
        if total <= LARGEST_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= stat.st_size


def _drop_damaged(folder: Path) -> None:
    """Delete an entry that JAX warns of instead of showing the warning: JAX would never write it again."""
    show = warnings.showwarning

    def drop(message, category, filename, lineno, file=None, line=None):
        found = DAMAGED.match(str(message))
        if not found:
            show(message, category, filename, lineno, file, line)
        for path in folder.glob(f"{found[1]}-*-cache") if found else ():
            path.unlink(missing_ok=True)

    warnings.filterwarnings("always", DAMAGED.pattern)
    warnings.showwarning = drop
