"""Parallel work: a process for each item, on its share of the processor's cores."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from wattflock.study.interrupt import heard

LOOK_S = 0.5  # between two looks at who is done: Ctrl-C is heard there
PATIENCE_S = 60.0  # for interrupted work to save its state


def cores() -> tuple[int, ...]:
    """The cores that this process may use; where the system does not list them, their numbers."""
    ask = getattr(os, "sched_getaffinity", None)
    return tuple(sorted(ask(0))) if ask else tuple(range(os.cpu_count() or 1))


def side_by_side(work: Callable[..., str], items: Sequence[tuple], workers: int) -> Iterator[tuple[int, str]]:
    """`work(*item)` for every item, `workers` at a time; yields an item's number and the result of `work`.

    Every item has a process of its own, so that memory is freed after each item and a crash ends one item only. Left
    early, as by Ctrl-C, it waits for the running items, which are interrupted too.

    Args:
        work: of a module (it is looked up by name in the process); it begins by importing what it needs.
        workers: 1 or more; a share is at least one core, whatever it is.
    """
    context, every = multiprocessing.get_context("spawn"), cores()
    shares = [every[k::workers] or every for k in range(workers)]
    waiting = deque(enumerate(items))
    live: dict[Connection, tuple[int, BaseProcess, tuple[int, ...]]] = {}
    try:
        while waiting or live:
            while waiting and shares:
                (place, item), share = waiting.popleft(), shares.pop(0)
                here, there = context.Pipe(duplex=False)
                process = context.Process(target=_one, args=(there, share, work, item), daemon=True)
                process.start()
                there.close()  # ours is closed, so that the worker's end is the end of the pipe
                live[here] = place, process, share
            for ready in wait(list(live), LOOK_S):
                place, process, share = live.pop(ready)  # type: ignore[arg-type]
                yield place, _said(ready, process)
                shares.append(share)
    finally:
        for _, process, _ in live.values():
            process.join(PATIENCE_S)
            process.terminate()


def _one(pipe: Connection, share: tuple[int, ...], work: Callable[..., str], item: tuple) -> None:
    """In the process of an item."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share)
    try:
        pipe.send(heard(lambda: work(*item), lambda: pipe.send("interrupted")))
    except KeyboardInterrupt:
        pipe.send("interrupted")


def _said(pipe: Any, process: BaseProcess) -> str:
    try:
        said = pipe.recv()
    except EOFError:
        process.join()
        return f"failed (its process ended with {process.exitcode})"
    process.join()
    return said
