"""Work side by side: all is told, one that dies takes none with it, and cores are shared."""

import time

import pytest

from wattflock.study import parallel as module
from wattflock.study.parallel import cores, side_by_side

SHARE = "','.join(map(str, sorted(__import__('os').sched_getaffinity(0))))"


def test_every_item_is_told_whatever_becomes_of_the_others():
    items = [("'first'",), ("__import__('os')._exit(3)",), ("'third'",)]
    told = dict(side_by_side(eval, items, 2))
    assert told == {0: "first", 1: "failed (its process ended with 3)", 2: "third"}


@pytest.mark.skipif(len(cores()) < 2, reason="one core cannot be shared")
def test_cores_are_shared():
    shares = [told.split(",") for _, told in side_by_side(eval, [(SHARE,), (SHARE,)], 2)]
    assert sorted(int(core) for share in shares for core in share) == list(cores())


def test_left_early_it_leaves_nobody_behind(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.1)
    running = side_by_side(eval, [("'quick'",), ("__import__('time').sleep(60)",)], 2)
    assert next(running) == (0, "quick")
    began = time.monotonic()
    running.close()
    assert time.monotonic() - began < 20
