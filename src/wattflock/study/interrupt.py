"""Ctrl-C takes effect at once, also while native code (the compiler, a solver) does not return to Python."""

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar

EXIT_CODE = 130
NATIVE_S = 2.0  # after Ctrl-C; work that has not come back to Python by then is left where it is
STACK_BYTES = 64 << 20  # the compiler's recursion is deeper than a thread's usual stack
T = TypeVar("T")
_ASKED: list[Callable[[], None]] = []  # of work that has a way of its own to end, innermost last


@contextlib.contextmanager
def ends_by(stop: Callable[[], None]) -> Generator[None]:
    """Ctrl-C calls `stop` instead of raising in the work: for an event loop, where what is raised counts as the
    fault of a request. The work then returns and raises KeyboardInterrupt itself. A second Ctrl-C ends the process.
    """
    _ASKED.append(stop)
    try:
        yield
    finally:
        _ASKED.remove(stop)


def heard(work: Callable[[], T], last: Callable[[], None]) -> T:
    """The result of `work`, which runs in a thread while the main thread waits for signals.

    Ctrl-C is raised in the work as KeyboardInterrupt, so that it saves its state and raises it again. Work that is in a
    native call and does not come back, as while XLA compiles, is not waited for, nor is anything after a second Ctrl-C:
    the process ends with exit code 130. Files are written whole or not at all, so nothing is left half done.

    Args:
        work: the function to run; its exceptions are raised here.
        last: called before the process is ended.
    """
    outcome: list[Callable[[], T]] = []
    done = threading.Event()  # and not `join`: interrupted, it takes the thread for ended

    def run() -> None:
        try:
            outcome.append(_tried(work))
        finally:
            done.set()

    worker = threading.Thread(target=run, daemon=True)
    before = threading.stack_size(STACK_BYTES)
    try:
        worker.start()
        threading.stack_size(before)
        while not done.wait(0.5):
            pass
    except KeyboardInterrupt:
        _stop(worker, done, last)
    if not outcome:
        raise KeyboardInterrupt
    return outcome[0]()


def _tried(work: Callable[[], T]) -> Callable[[], T]:
    """A function that returns the result of the work, or raises its exception."""
    try:
        value = work()
    except BaseException as error:
        caught = error

        def fail() -> T:
            raise caught

        return fail
    return lambda: value


def _stop(worker: threading.Thread, done: threading.Event, last: Callable[[], None]) -> None:
    """Interrupt the work and wait for it; ends the process where it cannot be interrupted."""
    try:
        if _ASKED:
            _ASKED[-1]()
            done.wait()
        else:
            _raise_in(worker, done)
    except KeyboardInterrupt:
        pass
    if not done.is_set():
        last()
        os._exit(EXIT_CODE)


def _raise_in(worker: threading.Thread, done: threading.Event) -> None:
    """KeyboardInterrupt in the work; returns when the work has ended, or has not come back to Python in time."""
    reached = threading.Event()

    class Interrupt(KeyboardInterrupt):
        """Records that it was raised: the work is in Python code and is ending."""

        def __init__(self, *args: object):
            KeyboardInterrupt.__init__(self, *args)
            reached.set()

    lost, before = threading.Event(), sys.unraisablehook

    def ignored(told: Any) -> None:
        """Python drops what is raised in a finaliser or in a callback of the garbage collector."""
        if told.exc_type is Interrupt:
            lost.set()
        else:
            before(told)

    sys.unraisablehook = ignored
    try:
        again = True
        while again:
            reached.clear()
            lost.clear()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident or 0), ctypes.py_object(Interrupt))
            done.wait(NATIVE_S)
            while reached.is_set() and not lost.is_set() and not done.wait(0.2):
                pass
            again = lost.is_set()
    finally:
        sys.unraisablehook = before
