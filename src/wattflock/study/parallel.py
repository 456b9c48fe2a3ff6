"""Parallel work on this machine: who works on a list of items. `study.cluster` does the same on many machines."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from wattflock.core import compile_cache
from wattflock.study.interrupt import heard

LOOK_S = 0.5  # between two looks at who is done: Ctrl-C is heard there
PATIENCE_S = 60.0  # for interrupted work to save its state
Work = Callable[[Any, Any], Any]  # work(shared, item), of a module; it begins by importing what it needs


@dataclass(frozen=True)
class Lost:
    """In place of a result: who worked on the item ended before the work did."""

    why: str

    def __str__(self) -> str:
        return f"failed ({self.why})"


# executor(work, shared, items) yields (number of the item, result or Lost) in the order in which items are done; closed
# early, as by Ctrl-C, it ends what is running
Results = Generator[tuple[int, Any], None, None]
Executor = Callable[[Work, Any, Iterable], Results]


def cores() -> tuple[int, ...]:
    """The cores that this process may use; where the system does not list them, their numbers."""
    ask = getattr(os, "sched_getaffinity", None)
    return tuple(sorted(ask(0))) if ask else tuple(range(os.cpu_count() or 1))


def serial(work: Work, shared: Any, items: Iterable) -> Results:
    """Every item in turn, in this process."""
    for number, item in enumerate(items):
        yield number, work(shared, item)


def pool(workers: int) -> Executor:
    """An executor of so many processes that each work on one item after another: for many short ones."""

    def run(work: Work, shared: Any, items: Iterable) -> Results:
        items = list(items)
        if workers <= 1 or len(items) <= 1:
            yield from serial(work, shared, items)
            return
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(items)), context, _begin, (shared,)) as processes:
            asked = {processes.submit(_work, work, item): number for number, item in enumerate(items)}
            try:
                for done in as_completed(asked):
                    lost = isinstance(done.exception(), BrokenProcessPool)
                    yield asked[done], Lost("a process ended before its work") if lost else done.result()
            finally:
                processes.shutdown(wait=True, cancel_futures=True)

    return run


_shared: Any = None  # of a process of the pool


def _begin(shared: Any) -> None:
    global _shared
    _shared = shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C; a running item is finished


def _work(work: Work, item: Any) -> Any:
    return work(_shared, item)


def side_by_side(workers: int) -> Executor:
    """An executor of so many processes, each on its share of the cores: for long work that compiles.

    Every item has a process of its own, so that memory is freed after each item and a crash ends one item only. Left
    early, as by Ctrl-C, it waits for the running items, which are interrupted too.

    Args:
        workers: 1 or more; a share is at least one core, whatever it is.
    """

    def run(work: Work, shared: Any, items: Iterable) -> Results:
        context, every = multiprocessing.get_context("spawn"), cores()
        shares, waiting = deque(every[k::workers] or every for k in range(workers)), enumerate(items)
        live: dict[Connection, tuple[int, BaseProcess, tuple[int, ...]]] = {}
        try:
            while True:
                while shares and (more := next(waiting, None)):
                    here, there = context.Pipe(duplex=False)
                    arguments = there, (share := shares.popleft()), work, (shared, more[1])
                    process = context.Process(target=_one, args=arguments, daemon=True)
                    process.start()
                    there.close()  # ours is closed, so that the worker's end is the end of the pipe
                    live[here] = more[0], process, share
                if not live:
                    return
                for ready in wait(list(live), LOOK_S):
                    place, process, share = live.pop(ready)  # type: ignore[arg-type]
                    yield place, _said(ready, process)
                    shares.append(share)
        finally:
            for _, process, _ in live.values():
                process.join(PATIENCE_S)
                process.terminate()

    return run


def prepare_process() -> None:
    """In a process of its own: programs are kept for its cores, and nobody sees its bars."""
    compile_cache.enable()
    from wattflock.core.progress import console

    console.quiet = True


def _one(pipe: Connection, share: tuple[int, ...], work: Work, given: tuple[Any, Any]) -> None:
    """In the process of an item."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share)
    prepare_process()
    stopped = Lost("interrupted")
    try:
        pipe.send(heard(lambda: work(*given), lambda: pipe.send(stopped)))
    except KeyboardInterrupt:
        pipe.send(stopped)
    except Exception as error:  # whatever it is: the others go on
        pipe.send(Lost(f"{type(error).__name__}: {error}"))


def _said(pipe: Any, process: BaseProcess) -> Any:
    try:
        said = pipe.recv()
    except EOFError:
        process.join()
        return Lost(f"its process ended with {process.exitcode}")
    process.join()
    return said
