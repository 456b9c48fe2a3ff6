"""Prices are those of the market: what homes see, what tables say and what is billed are one thing."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.study.own import OWN, THEIRS, Flat, Pool
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.market.market import Settlement
from wattflock.market.markets.tariff import Tariff
from wattflock.study.bound import why_no_bound
from wattflock.study.compare import judge_method, unseen
from wattflock.world.rollout import rollout

IMPORT, AHEAD = 1, 2  # places of the prices in what a home sees of its meter


@pytest.fixture(scope="module")
def days(built):
    return unseen(built, 2, 0)


def under(built, market):
    return dataclasses.replace(built, world=dataclasses.replace(built.world, market=market))


@pytest.mark.slow
def test_a_market_of_one_s_own_is_in_the_tables(built, days):
    table = judge_method(under(built, Flat()), days, "idle", Uncontrolled())["steps"]
    assert table["import_price_per_kwh"].unique().to_list() == [OWN]
    assert table["export_price_per_kwh"].unique().to_list() == [THEIRS]
    assert table.height == 2 * 24


def test_the_tariff_s_tables_hold_the_readings_prices_and_what_is_paid_out(built, days):
    table = judge_method(under(built, Tariff(export_share=0.5)), days, "idle", Uncontrolled())["steps"]
    np.testing.assert_array_equal(table["import_price_per_kwh"], days.profile.import_price_per_kwh.ravel())
    np.testing.assert_array_equal(table["export_price_per_kwh"], 0.5 * days.profile.export_price_per_kwh.ravel())


@eqx.filter_jit
def seen(world, profile):
    return rollout(world, Uncontrolled(), profile, jax.random.key(0)).features


@pytest.mark.study
def test_homes_see_the_price_that_they_pay(world, profile):
    flat = dataclasses.replace(world, market=Flat())
    one, other = seen(world, profile), seen(flat, profile)
    assert jnp.ptp(one[..., IMPORT]) > 0.1
    assert jnp.ptp(other[..., IMPORT]) == 0
    np.testing.assert_allclose(other[..., AHEAD], other[..., IMPORT], atol=1e-6)


def test_under_the_tariff_nothing_of_a_day_changes_to_the_bit(world, profile):
    met = world.faced(profile)
    assert all(map(jnp.array_equal, jax.tree.leaves(met), jax.tree.leaves(profile)))


def test_the_price_ahead_is_the_mean_of_the_market_s_own(world, profile):
    class Late(Flat):
        """A price that rises from noon on. Source: definition."""

        def settle(self, meter):
            price = jnp.where(jnp.arange(24) >= 12, 1.0, 0.0)[:, None]
            return Settlement(price * meter.net_kwh, jnp.zeros(24), jnp.zeros(24))

    met = dataclasses.replace(world, market=Late()).faced(jax.tree.map(lambda x: x[0], profile))
    wanted = np.clip((np.arange(24) - 7) / 4, 0, 1)  # of the next four hours, those from noon on
    np.testing.assert_allclose(met.price_ahead_per_kwh, wanted, atol=1e-5)


@pytest.mark.slow
def test_no_bound_is_known_before_any_work(built, days):
    assert why_no_bound(built.world, days.profile) == ""
    assert why_no_bound(under(built, Flat()).world, days.profile) == ""
    assert "Pool has no fixed prices" in why_no_bound(under(built, Pool()).world, days.profile)
