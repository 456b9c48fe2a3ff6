"""Values of coalitions of clusters: brackets of the values of their members, whatever the devices and limits are."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.game.homes import EVERY, flock
from wattflock.game import chunks
from wattflock.game.chunks import Runner, serial
from wattflock.game.game import coalitions
from wattflock.game.pooled import _bracket, pooled
from wattflock.game.values import Flock
from wattflock.homes.devices.battery import Battery
from wattflock.homes.devices.panel import Panel
from wattflock.market.markets.tariff import Tariff


@pytest.fixture(scope="module")
def every() -> Flock:
    """Two days of six homes with all devices among them."""
    return flock()


def check(homes: Flock, label: np.ndarray, accuracy: float) -> None:
    """Inner ≤ truth ≤ outer, and as narrow as asked for."""
    found = pooled(homes, label, accuracy)
    truth = homes.values(coalitions(label.max() + 1)[:, label])
    rounding = 1e-6 * max(homes.grand.cost, found.game.total, 1.0)
    assert (found.game.worth <= truth + rounding).all()
    assert (found.outer >= truth - rounding).all()
    assert found.game.total == pytest.approx(truth[-1], abs=rounding)
    assert (found.outer - found.game.worth).max() <= max(accuracy * found.game.total, rounding) + rounding


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=6, max_size=6), st.sampled_from([0.2, 0.02, 1e-4]))
def test_any_clusters_are_bracketed(every, label, accuracy):
    check(every, np.unique(label, return_inverse=True)[1], accuracy)


@pytest.mark.slow
def test_limits_of_the_connection_and_charges_are_bracketed():
    label = np.array([0, 1, 2, 0, 1, 2])
    check(flock(connection_kw=np.array([4.0, 5.0, 12.0, 9.0, 9.0, 3.0])), label, 0.01)
    check(flock(market=Tariff(export_charge_per_kwh=0.02, standing_per_day=0.4, demand_per_kw_day=0.05)), label, 0.01)


def test_batteries_of_unlike_power_and_energy():
    sizes = {"size_kwh": np.array([2.0, 13.5, 6.0, 9.0]), "limit_kw": np.array([5.0, 1.0, 3.0, 0.5])}
    check(
        flock(((Battery, Panel), (Battery,), (Battery, Panel), (Battery,)), Battery=sizes), np.array([0, 0, 1, 1]), 1e-3
    )


@pytest.mark.slow
def test_each_home_a_cluster_gives_the_homes_own_game(every):
    found = pooled(every, np.arange(6), 1e-4)
    np.testing.assert_allclose(found.game.worth, every.game().worth, atol=1e-4 * found.game.total)
    assert found.bracket <= 1e-4


def test_one_cluster_and_homes_that_save_nothing():
    assert pooled(flock(EVERY[:2]), np.zeros(2, int)).game.players == 1
    bare = pooled(flock(((), ())), np.arange(2))
    assert bare.game.total == pytest.approx(0, abs=1e-9) and bare.bracket <= 1e-9


def test_a_day_is_found_again_in_the_cache_and_one_that_is_broken_is_worked_out_again(every, tmp_path):
    label, worked = np.array([0, 0, 1, 1, 2, 2]), []

    def noting(work, shared, items):
        worked.extend(items if work is _bracket else ())
        return serial(work, shared, items)

    kept = dataclasses.replace(every, runner=Runner(noting, tmp_path))
    first, before = pooled(kept, label, 0.01), set(tmp_path.iterdir())
    for broken, days in (([], []), (before, [0, 1])):
        for path in broken:
            path.write_bytes(path.read_bytes()[:-3])
        worked.clear()
        again = pooled(kept, label, 0.01)
        assert worked == days
        np.testing.assert_array_equal(again.game.worth, first.game.worth)
        np.testing.assert_array_equal(again.outer, first.outer)
    assert set(tmp_path.iterdir()) == before


def test_what_is_kept_is_named_by_the_code_that_found_it(every, tmp_path, monkeypatch):
    kept = dataclasses.replace(every, runner=Runner(cache=tmp_path))
    pooled(kept, np.arange(6) % 2, 0.1)
    before = len(list(tmp_path.iterdir()))
    monkeypatch.setattr(chunks, "CODE", "another version of HiGHS")
    pooled(kept, np.arange(6) % 2, 0.1)
    assert len(list(tmp_path.iterdir())) == before + len(every.days)
