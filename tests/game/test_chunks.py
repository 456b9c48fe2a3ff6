"""Chunks of coalitions: the same numbers whoever solves them, kept on disk, worked on again after an interruption."""

import dataclasses
import operator
import os

import numpy as np
import pytest

from tests.game.homes import flock
from wattflock.core.errors import RunError
from wattflock.game import chunks
from wattflock.game.chunks import Runner
from wattflock.game.coalition import costs as costs_of
from wattflock.game.game import coalitions
from wattflock.game.values import Flock
from wattflock.study.parallel import Lost, pool, serial


@pytest.fixture(scope="module")
def homes() -> Flock:
    """Two days of six homes."""
    return flock()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Seven coalitions a chunk."""
    monkeypatch.setattr(chunks, "CHUNK", 7)


def counting(calls: list, stop_after: int = 10**9):
    """An executor that notes its items and is interrupted after some."""

    def run(work, shared, items):
        for number, item in enumerate(items):
            if len(calls) >= stop_after:
                raise KeyboardInterrupt
            calls.append(item)
            yield number, work(shared, item)

    return run


def costs(homes: Flock, **runner) -> np.ndarray:
    """Of all coalitions but the empty one and that of all."""
    return dataclasses.replace(homes, runner=Runner(**runner)).costs(coalitions(6)[1:-1])


@pytest.mark.study
def test_processes_and_one_process_agree_bit_by_bit(homes):
    np.testing.assert_array_equal(costs(homes, executor=pool(2)), costs(homes, executor=serial))


def backwards(work, shared, items):
    """An executor that ends with the first item."""
    for number in reversed(range(len(items))):
        yield number, work(shared, items[number])


def test_the_order_in_which_chunks_end_does_not_matter(homes):
    np.testing.assert_array_equal(costs(homes, executor=backwards), costs(homes))


def test_what_was_interrupted_goes_on_where_it_stopped(homes, tmp_path):
    first: list = []
    with pytest.raises(KeyboardInterrupt):
        costs(homes, executor=counting(first, 5), cache=tmp_path)
    rest: list = []
    found = costs(homes, executor=counting(rest), cache=tmp_path)
    assert len(first) == 5 and len(rest) == 2 * -(-62 // 7) - 5
    np.testing.assert_array_equal(found, costs(homes))
    again: list = []
    np.testing.assert_array_equal(costs(homes, executor=counting(again), cache=tmp_path), found)
    assert not again


def test_the_optimum_of_all_is_kept_too(homes, tmp_path):
    calls: list = []
    found = Runner(counting(calls), tmp_path).grand(homes.days)
    again = Runner(counting(calls), tmp_path).grand(homes.days)
    assert len(calls) == len(homes.days) == 2
    for day, (cost, net_kw, price), kept in zip(homes.days, found, again, strict=True):
        assert cost == kept[0] == pytest.approx(costs_of(day, np.ones((1, 6), bool))[0], rel=1e-9)
        assert net_kw.shape == (day.steps, 6) and price.shape == (day.steps,)
        np.testing.assert_array_equal(net_kw, kept[1])
        np.testing.assert_array_equal(price, kept[2])


def test_a_broken_file_is_worked_out_again_with_a_word(homes, tmp_path, capsys):
    found = costs(homes, cache=tmp_path)
    broken = sorted(tmp_path.iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:-3])
    calls: list = []
    np.testing.assert_array_equal(costs(homes, executor=counting(calls), cache=tmp_path), found)
    assert len(calls) == 1 and "worked out again" in " ".join(capsys.readouterr().err.split())
    np.testing.assert_array_equal(costs(homes, executor=counting(calls), cache=tmp_path), found)
    assert len(calls) == 1


@pytest.mark.parametrize("field", ["cost", "lower", "upper", "row_lower", "bought", "sold", "limit_kw"])
def test_another_number_of_the_day_is_another_key(homes, field):
    day = homes.days[0]
    values = getattr(day, field).copy()
    values[-1] = 0.123
    assert dataclasses.replace(day, **{field: values}).digest() != day.digest()


def test_other_coefficients_are_another_key(homes):
    day = homes.days[0]
    power = day.power.copy()
    power.data[-1] += 1e-9
    assert dataclasses.replace(day, power=power).digest() != day.digest()


def test_a_process_that_ends_is_told_in_words():
    told = dict(pool(2)(operator.call, os._exit, [3, 3]))
    assert told == dict.fromkeys((0, 1), Lost("a process ended before its work"))
    runner = Runner(lambda work, shared, items: (each for each in told.items()))
    with pytest.raises(RunError, match="a process ended before its work; finished chunks are kept"):
        runner.all(operator.call, os._exit, [3, 3], (), ("coalitions", "chunks", 9))
