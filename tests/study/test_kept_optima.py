"""Optima kept beside runs: the same numbers, found again for the same world and day alone."""

import dataclasses

import jax
import numpy as np
import pytest

from wattflock.study import kept_optima
from wattflock.study.kept_optima import keys, optima

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def given(world64, profile64):
    return dataclasses.replace(world64, feeder=None, judges=(), guard=None, voltmeter=None), profile64


@pytest.fixture
def solved(monkeypatch):
    """Days that were solved."""
    days, real = [], kept_optima.bound

    def counted(world, profile, settings):
        days.append(profile.days())
        return real(world, profile, settings)

    monkeypatch.setattr(kept_optima, "bound", counted)
    return days


def same(one, two) -> bool:
    pairs = zip(dataclasses.astuple(one), dataclasses.astuple(two), strict=True)
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)


def test_a_day_is_solved_once_and_read_to_the_bit(given, solved, tmp_path):
    world, profile = given
    first = list(optima(world, profile, tmp_path))
    again = list(optima(world, profile, tmp_path))
    assert solved == [profile.days()] and all(map(same, first, again))
    last = jax.tree.map(lambda x: x[-1:], profile)
    assert same(next(optima(world, last, tmp_path)), first[-1]) and solved == [profile.days()]


def test_a_broken_file_is_solved_anew_and_only_that(given, solved, tmp_path):
    world, profile = given
    first = list(optima(world, profile, tmp_path))
    paths = [tmp_path / f"{key}.safetensors" for key in keys(world, profile, kept_optima.USUAL)]
    paths[1].write_bytes(paths[1].read_bytes()[:-40])
    assert all(map(same, first, optima(world, profile, tmp_path))) and solved == [profile.days(), 1]


def test_whatever_an_optimum_follows_from_changes_its_name(given):
    world, profile = given
    usual = keys(world, profile, kept_optima.USUAL)
    assert len(set(usual)) == profile.days()
    dearer = dataclasses.replace(profile, import_price_per_kwh=1.001 * np.asarray(profile.import_price_per_kwh))
    other = dataclasses.replace(world, market=dataclasses.replace(world.market, export_share=0.9))
    narrower = dataclasses.replace(kept_optima.USUAL, near_pu=0.004)
    for changed in (
        keys(world, dearer, kept_optima.USUAL),
        keys(other, profile, kept_optima.USUAL),
        keys(world, profile, narrower),
    ):
        assert not set(changed) & set(usual)


def test_nothing_is_kept_without_a_folder(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    next(optima(*given))
    assert list(tmp_path.iterdir()) == []
