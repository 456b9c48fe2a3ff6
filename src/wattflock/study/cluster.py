"""Work on more than one machine, by Ray: the same executors as in `study.parallel`.

Items are tried again where a process or machine is lost. Nothing but the driver writes results: what is finished is in
its cache or folder of runs, and the same command goes on from there.
"""

import functools
import hashlib
import itertools
import logging
import os
import platform
import secrets
import socket
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from wattflock.core.errors import RunError, WattflockError
from wattflock.core.progress import say
from wattflock.study.carried import carried
from wattflock.study.parallel import (
    LOOK_S,
    Executor,
    Lost,
    Results,
    Work,
    cores,
    pool,
    prepare_process,
    serial,
    side_by_side,
)

INSTALL = "pip install 'wattflock[ray]'"
LOCAL = "local"  # an address: a cluster of this machine alone, which ends with the process
RETRIES = 3  # of an item whose process or machine was lost
CONNECT_S = 5.0
AHEAD = 2  # items that are sent, for each that can be worked on at once
STORE_BYTES = 256 << 20  # of shared memory on this machine
SENT = ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_ENABLE_X64", "WATTFLOCK_PARTS")  # of the environment: bits depend on them
# Ray is told by its environment: no reports to its makers; `local` is on 127.0.0.1, as always on macOS and Windows, and
# asks for a token.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
ENCLOSED = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


def on_ray(address: str, workers: int = 0) -> Executor:
    """An executor on a Ray cluster.

    Args:
        address: `local`, or `host:port` of a cluster that this machine is part of (`ray start --address=…`).
        workers: items at a time on each machine, each with its share of the cores in a process of its own; 0: as many
            as there are cores, and a process works on one item after another.

    Raises:
        WattflockError: Ray is not installed, or there is no such cluster.
    """
    ray = _connected(address)

    def run(work: Work, shared: Any, items: Iterable) -> Results:
        if not workers and len(items := list(items)) <= 1:  # not worth the way; it may use all cores here
            yield from serial(work, shared, items)
            return
        machines = [int(each["Resources"].get("CPU", 0)) for each in ray.nodes() if each["Alive"]]
        threads = max(min(filter(None, machines), default=1) // workers, 1) if workers else 1
        most = AHEAD * max(sum(count // threads for count in machines), 1)
        piece = ray.remote(
            num_cpus=threads, max_calls=1 if workers else 0, max_retries=RETRIES, scheduling_strategy="SPREAD"
        )(_piece)
        same = {name: os.environ[name] for name in SENT if name in os.environ} | {"NPROC": str(threads)}
        given, waiting, asked = ray.put((code(), same, work, shared)), enumerate(items), {}
        try:
            while True:
                for number, item in itertools.islice(waiting, most - len(asked)):
                    asked[piece.remote(given, item)] = number
                if not asked:
                    return
                for done in ray.wait(list(asked), timeout=LOOK_S)[0]:
                    yield asked.pop(done), _result(ray, done)
        finally:
            live = asked if ray.is_initialized() else {}  # not where the process ends
            if live:
                say(f"Ray: {len(live)} unfinished items are cancelled; what is finished is kept.")
            for each in live:
                ray.cancel(each)

    return run


def for_short(workers: int, address: str) -> Executor:
    """Who works on many short items: this process, so many, or the Ray cluster of an address."""
    return on_ray(address) if address else pool(workers)


def for_long(workers: int, address: str) -> Executor:
    """Who works on long items, `workers` at a time here or, where there is an address, on each machine of a cluster."""
    if address:
        return on_ray(address, workers)
    return side_by_side(workers) if workers > 1 else serial


def for_folders(workers: int, address: str, folder: Callable[[Any], Path]) -> Executor:
    """The same for work whose `shared` begins with a folder, into `folder(item)` of which it writes."""
    who = for_long(workers, address)
    return carried(who, folder) if address else who


@functools.cache
def code() -> str:
    """sha256 of this package's files: all machines have the same, or their results are not those of one program."""
    root, made = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        made.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return made.hexdigest()


def _connected(address: str) -> Any:
    """Ray, connected to the cluster; a connection that there is already is used."""
    alone = {"RAY_AUTH_TOKEN": secrets.token_hex(32)} | ENCLOSED if address == LOCAL else {}
    for name, value in (QUIET | alone).items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise WattflockError(f"Ray is not installed; allowed: {INSTALL}") from None
    logging.getLogger("ray").setLevel(logging.ERROR)
    if not ray.is_initialized():
        own: dict[str, Any] = {"num_cpus": len(cores()), "object_store_memory": STORE_BYTES, "include_dashboard": False}
        try:
            if address != LOCAL:  # Ray itself would try for more than a minute
                host, _, port = address.removeprefix("ray://").rpartition(":")
                socket.create_connection((host, int(port)), CONNECT_S).close()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", r"os\.fork", RuntimeWarning)  # Ray's processes are other programs
                ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **(own if address == LOCAL else {}))
        except (OSError, ValueError, RuntimeError) as error:
            said = str(error).splitlines()[0]
            raise WattflockError(f"--ray {address}: {said}; allowed: local, or host:port of a cluster") from error
    return ray


def _piece(given: tuple[str, dict[str, str], Work, Any], item: Any) -> Any:
    """On a machine of the cluster: one item. JAX is imported here at the earliest, with as many threads as cores."""
    made_by, same, work, shared = given
    os.environ.update(same)
    if code() != made_by:
        raise RunError(f"Ray: the wattflock on {platform.node()} is another one; install the same on every machine")
    prepare_process()
    return work(shared, item)


def _result(ray: Any, done: Any) -> Any:
    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        return Lost(f"its process or machine was lost, {RETRIES + 1} times: {type(error).__name__}")
