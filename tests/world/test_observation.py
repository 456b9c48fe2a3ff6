"""What a home observes is what the table of features says: as many numbers, in its units and scales."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conftest import FEWER_MADE
from wattflock.core.scenario import bundled, load
from wattflock.core.types import on_device
from wattflock.homes.devices.battery import Battery
from wattflock.homes.devices.panel import Panel
from wattflock.homes.features import METER, VOLTAGE, see_price
from wattflock.homes.home import Home
from wattflock.study.build import build
from wattflock.verbs.explain import observation
from wattflock.world.rollout import ZeroPolicy, rollout
from wattflock.world.world import whole_days

ROOT = np.sqrt(0.5)


@pytest.fixture
def home():
    return Home({"panel": Panel(jnp.asarray(4.0)), "battery": Battery.example()}, jnp.zeros(()), 0.2)


def test_numbers_are_those_of_the_table(home, moment):
    now = moment(hour=3.0, outdoor_c=-5.0, weekend=1.0, import_price_per_kwh=0.4, price_ahead_per_kwh=0.2)
    state = {"panel": jnp.zeros(()), "battery": home.devices["battery"].size_kwh}
    wanted = [0.3, 2.4, 0.0, ROOT, ROOT, 1.0, 0.0, -1.5, 0.5, 0.4, 1.0]
    panel, battery = [4 * 0.6 / 5, 4 * 0.5 / 5, 4 * 2.0 / 25], [1.0]
    np.testing.assert_allclose(home.observe(state, now), wanted + panel + battery, atol=1e-6)
    assert len(wanted) == len(METER) == home.seen - 4


def test_the_coming_load_is_observed_only_where_it_is_known(home, moment):
    known = dataclasses.replace(home, load_known=True)
    state = home.init(moment())
    one, other = (home.observe(state, moment(load_kw=kw)) for kw in (0.7, 5.0))
    np.testing.assert_array_equal(one, other)
    with_load = known.observe(state, moment(load_kw=5.0))
    assert with_load[len(METER)] == 2.5
    np.testing.assert_array_equal(np.delete(with_load, len(METER)), one)
    assert with_load.shape == (known.seen,) == (home.seen + 1,)


def test_a_day_ahead_homes_observe_the_prices_of_all_steps_of_the_day(home, moment):
    """At every step those of its own day, also in episodes of several days; as the market states them."""
    ahead = dataclasses.replace(home, day_prices=24)
    prices = jnp.linspace(0.1, 0.4, 24)
    now = dataclasses.replace(moment(), day_prices_per_kwh=prices)
    seen, without = ahead.observe(ahead.init(now), now), home.observe(home.init(now), now)
    assert seen.shape == (ahead.seen,) == (home.seen + 24,)
    np.testing.assert_allclose(seen[len(METER) : len(METER) + 24], (prices / 0.2 - 1) * 2.4, atol=1e-6)
    np.testing.assert_array_equal(np.delete(seen, slice(len(METER), len(METER) + 24)), without)


def test_the_world_tells_the_prices_of_the_day():
    two_days = jnp.arange(48.0)
    told = whole_days(jnp.stack([two_days, two_days + 100]), 24)
    assert told.shape == (2, 48, 24)
    np.testing.assert_array_equal(told[0, 3], two_days[:24])
    np.testing.assert_array_equal(told[1, 30], two_days[24:] + 100)


@pytest.mark.slow
def test_a_day_ahead_world_runs():
    """Built, faced, observed: the first of the day's features is the price at midnight, at every step of the day."""
    scenario = load(None, ["homes.count=20", "data.day_ahead=true", "market.settings.carbon_per_t=100"])
    built = build(scenario)
    world = on_device(built.world, "float32")
    days = eqx.filter_jit(built.sampler.train)(jax.random.key(5), 2)
    seen = eqx.filter_jit(rollout)(world, ZeroPolicy(), days, jax.random.key(0)).features
    assert seen.shape[-1] == world.seen
    midnight = days.import_price_per_kwh[:, :1, None] / world.fleet.reference_price_per_kwh
    wanted = jnp.broadcast_to((midnight - 1) * 2.4, seen.shape[:3])
    np.testing.assert_allclose(seen[..., len(METER)], wanted, atol=1e-5)


def test_prices_are_relative_and_five_per_cent_of_voltage_are_one():
    assert see_price(jnp.asarray(2.0), 2.0) == 0
    assert see_price(jnp.asarray(4.0), 2.0) == pytest.approx(2.4)
    assert VOLTAGE.of(1.05) == pytest.approx(1)


def explained(groups) -> list[tuple[str, str]]:
    """(group, feature) as `wattflock explain observation` lists them, of these groups alone."""
    found, group = [], ""
    for line in observation().splitlines()[2:]:
        if line.startswith("  "):
            found.append((group, line.strip().split(" [")[0]))
        else:
            group = line.removesuffix(":")
    return [each for each in found if each[0] in groups]


@eqx.filter_jit
def in_a_program(world, now):
    state = world.reset(now)
    devices = {name: jax.vmap(type(d).observe, (0, 0, now.axes(0, None)))(d, state[name], now)
               for name, d in world.fleet.devices.items()}  # fmt: skip
    return world.observe(state, now).features, devices


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", sorted(bundled()))
def test_explain_lists_features_in_the_order_of_the_array(name):
    """Compiled programs have devices in the order of their names, whatever the order in the scenario."""
    built = build(load(bundled()[name], ["homes.count=20", "feeder.part=ieee13", *FEWER_MADE.get(name, [])]))
    world = on_device(built.world, "float32")
    profile = eqx.filter_jit(lambda sampler: sampler.every(jax.random.key(0), "test", 1))(built.sampler)
    features, devices = in_a_program(world, jax.tree.map(lambda x: x[0, 13], profile))
    groups = world.features
    shared = {"coordinator"} if world.coordinator else set()
    assert set(groups) == {"meter", "voltmeter", *devices} | shared
    table = [(group, f.name) for group, own in groups.items() for f in own]
    listed = explained(groups)
    assert table == [each for each in listed if not each[1].endswith(("data.load_known", "data.day_ahead"))]
    assert len(table) == features.shape[1] == world.seen
    for device, values in devices.items():
        at = [k for k, (group, _) in enumerate(table) if group == device]
        np.testing.assert_array_equal(features[:, at], values)
