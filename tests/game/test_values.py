"""Values of coalitions: those of programs made afresh, and the laws of a game of pooled bills."""

import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.game.homes import EVERY, flock, fresh, pooled, world_of
from tests.study.test_bound import days
from wattflock.core.errors import ScenarioError
from wattflock.game.days import at, day_of
from wattflock.game.game import coalitions
from wattflock.game.values import Flock, flock_of
from wattflock.homes.devices.battery import Battery
from wattflock.homes.devices.panel import Panel
from wattflock.market.markets.tariff import Tariff
from wattflock.study.lp import draft, minimise

CHARGED = Tariff(export_charge_per_kwh=0.02, standing_per_day=0.4, demand_per_kw_day=0.05)


@pytest.fixture(scope="module")
def every() -> Flock:
    """Two days of six homes with all devices among them."""
    return flock()


@pytest.mark.slow
@pytest.mark.parametrize("market", [None, CHARGED], ids=["energy", "charges"])
def test_costs_are_those_of_a_program_of_the_members_alone(market):
    homes = flock(market=market)
    members = coalitions(6)[1:]
    np.testing.assert_allclose(homes.costs(members), [fresh(homes, each) for each in members], rtol=1e-7)
    np.testing.assert_allclose(homes.alone, [fresh(homes, each) for each in np.eye(6, dtype=bool)], rtol=1e-7)


def test_half_hours_and_net_metering():
    homes = flock(steps=48)
    some = coalitions(6)[[11, 37, 63]]
    np.testing.assert_allclose(homes.costs(some), [fresh(homes, each) for each in some], rtol=1e-7)
    equal = flock_of(world_of(), days(6))  # exports earn what imports cost
    np.testing.assert_allclose(equal.values(coalitions(6)), 0, atol=1e-7)


def test_the_grand_coalition_is_the_bound_of_a_pooled_market(every):
    cost = 0.0
    for number, state in enumerate(every.state):
        made = draft(every.fleet, at(every.profile, number), state, pooled(every.market).plan)
        cost += minimise(made.program).cost
    assert every.grand.cost == pytest.approx(cost, rel=1e-7)
    for day, net_kw, price in zip(every.days, every.grand.net_kw, every.grand.price_per_kwh, strict=True):
        total = net_kw.sum(1)
        bill = np.maximum(total, 0) @ day.bought + np.minimum(total, 0) @ day.sold
        assert bill == pytest.approx(price @ total, abs=1e-7)  # dt is 1 h: prices are the grid's where it is used
    price = every.grand.price_per_kwh
    bought, sold = every.profile.import_price_per_kwh, 0.3 * every.profile.import_price_per_kwh
    assert (price >= sold - 1e-9).all() and (price <= bought + 1e-9).all()


def test_days_add_up(every):
    members = coalitions(6)[[21, 63]]
    single = [
        dataclasses.replace(every, days=(day,), state=(state,))
        for day, state in zip(every.days, every.state, strict=True)
    ]
    np.testing.assert_allclose(every.values(members), sum(each.values(members) for each in single), rtol=1e-9)


def test_the_order_and_the_company_of_a_coalition_do_not_matter(every):
    members = coalitions(6)[1:]
    shuffled = np.random.default_rng(0).permutation(len(members))
    found = every.costs(members)
    np.testing.assert_allclose(every.costs(members[shuffled]), found[shuffled], rtol=1e-9)
    np.testing.assert_allclose(every.costs(members[[40]]), found[[40]], rtol=1e-9)
    np.testing.assert_array_equal(every.costs(np.concatenate([members, members[:5]]))[-5:], found[:5])


def redrawn(every: Flock, seed: int, order: np.ndarray | None = None) -> Flock:
    """The same homes on a day with other loads, sun and prices, in another order."""
    random = np.random.default_rng(seed)
    day, bought = at(every.profile, 0), random.uniform(-0.1, 0.5, 24)
    day = dataclasses.replace(
        day,
        load_kw=random.exponential(1.0, (24, 6)),
        sun_kw_per_kwp=day.sun_kw_per_kwp * random.uniform(0, 1, (24, 1)),
        import_price_per_kwh=bought,
        export_price_per_kwh=bought - random.uniform(0, 0.3, 24),
    )
    fleet, state = every.fleet, every.state[0]
    if order is not None:
        day = jax.tree.map(lambda x: x[:, order] if x.ndim == 2 else x, day)
        fleet, state = jax.tree.map(lambda x: x[order] if np.ndim(x) else x, (fleet, state))
    made = day_of(fleet, day, state, Tariff(), np.full(6, np.inf))
    return dataclasses.replace(every, days=(made,), state=(state,), fleet=fleet)


@given(st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_two_coalitions_together_save_at_least_what_they_save_apart(every, seed):
    value = redrawn(every, seed).game().worth
    masks = np.arange(64)
    one, other = np.meshgrid(masks, masks)
    apart = (one & other) == 0
    assert (value[(one | other)[apart]] >= value[one[apart]] + value[other[apart]] - 1e-7).all()
    assert (value >= -1e-7).all()
    np.testing.assert_array_equal(value[1 << np.arange(6)], 0)


@given(st.integers(0, 10**6))
@settings(max_examples=5, deadline=None)
def test_permuting_homes_permutes_values(every, seed):
    order = np.random.default_rng(seed).permutation(6)
    members = coalitions(6)
    there = redrawn(every, seed, order).values(members[:, order])
    np.testing.assert_allclose(there, redrawn(every, seed).values(members), atol=1e-7)


def test_two_identical_homes_are_symmetric():
    homes = flock(((Battery, Panel), (Battery, Panel), (), (Panel,)))
    own = {name: getattr(homes.profile, name)[..., [0, 0, 2, 3]] for name in ("start", "load_kw", "load_recent_kwh")}
    profile = dataclasses.replace(homes.profile, **own)
    value = flock_of(world_of(((Battery, Panel), (Battery, Panel), (), (Panel,))), profile).game().worth
    for rest in (0b0000, 0b0100, 0b1000, 0b1100):
        assert value[rest | 1] == pytest.approx(value[rest | 2], abs=1e-8)


def test_homes_that_are_alike_on_a_day_without_sun_save_nothing_together():
    profile = days(3, export_share=0.3)
    dark = dataclasses.replace(profile, sun_kw_per_kwp=0 * profile.sun_kw_per_kwp)
    np.testing.assert_allclose(flock_of(world_of(((), (Panel,), ())), dark).values(coalitions(3)), 0, atol=1e-9)


def test_a_pooled_connection_costs_no_less_than_none_and_no_more_than_apart(every):
    limited = flock(connection_kw=6.0)
    members = coalitions(6)[1:]
    assert (limited.costs(members) >= every.costs(members) - 1e-7).all()
    assert limited.alone.sum() > every.alone.sum() + 1e-6
    value = limited.game().worth
    assert value[-1] >= value[0b111] + value[0b111000] - 1e-7
    np.testing.assert_allclose(flock(connection_kw=1e4).costs(members), every.costs(members), rtol=1e-7)
    net_kw = limited.grand.net_kw.sum(-1)
    assert abs(net_kw).max() <= 36 + 1e-6


def problems(asked) -> str:
    with pytest.raises(ScenarioError) as found:
        asked()
    return str(found.value)


def test_an_export_price_above_the_import_price_is_refused_with_its_steps():
    profile = days(6, export_share=0.3)
    profile.export_price_per_kwh[1, [3, 7]] = 1.0
    said = problems(lambda: flock_of(world_of(), profile))
    assert "day 1" in said and "steps 3, 7" in said and "not balanced" in said and "day 0" not in said


def test_missing_numbers_and_steps_are_named():
    profile = days(6, export_share=0.3)
    profile.load_kw[0, 5, 2] = np.nan
    hour = profile.hour.copy()
    hour[1, 9:] = (hour[1, 9:] + 2) % 24
    profile = dataclasses.replace(profile, hour=hour)
    said = problems(lambda: flock_of(world_of(), profile))
    assert "day 0: load_kw = 'missing at step 5'" in said and "day 1: hour = 'a gap after step 8'" in said


@pytest.mark.study
def test_a_device_without_a_plan_is_named():
    never = {"low_share": np.full(6, 0.95), "limit_kw": np.full(6, 0.01)}  # begins at 70 % or less
    said = problems(lambda: flock(Battery=never).alone)
    assert "home 0, day 0: Battery" in said and "home 3, day 1: Battery" in said and "home 2" not in said
    assert "connection_kw = 0.5" in problems(lambda: flock(connection_kw=0.5).alone)


def test_markets_and_sizes_that_are_no_such_game_are_refused(every):
    assert "loss_per_kw" in problems(lambda: flock(market=Tariff(loss_per_kw=1e-3)))
    many = dataclasses.replace(every, names=tuple(f"home {k}" for k in range(21)))
    assert "at most 20" in problems(many.game)


def test_six_homes_have_all_devices():
    assert {kind for some in EVERY for kind in some} == {*map(type, world_of().fleet.devices.values())}
