"""Work side by side: all is told, one that dies takes none with it, and cores are shared."""

import operator
import time

import pytest

from wattflock.study import parallel as module
from wattflock.study.parallel import Lost, cores, side_by_side

SHARE = "','.join(map(str, sorted(__import__('os').sched_getaffinity(0))))"


def test_every_item_is_told_whatever_becomes_of_the_others():
    items = ["'first'", "__import__('os')._exit(3)", "'third'", "1 / 0"]
    told = dict(side_by_side(2)(operator.call, eval, items))
    assert (told.pop(0), told.pop(2)) == ("first", "third")
    assert told == {1: Lost("its process ended with 3"), 3: Lost("ZeroDivisionError: division by zero")}
    assert str(told[1]) == "failed (its process ended with 3)"


@pytest.mark.skipif(len(cores()) < 2, reason="one core cannot be shared")
def test_cores_are_shared():
    shares = [told.split(",") for _, told in side_by_side(2)(operator.call, eval, [SHARE, SHARE])]
    assert sorted(int(core) for share in shares for core in share) == list(cores())


def test_left_early_it_leaves_nobody_behind(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.1)
    running = side_by_side(2)(operator.call, eval, ["'quick'", "__import__('time').sleep(60)"])
    assert next(running) == (0, "quick")
    began = time.monotonic()
    running.close()
    assert time.monotonic() - began < 20
