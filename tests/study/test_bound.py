"""The bound: never above any method, reachable in the world, within the limits where they can be kept."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import WattflockError
from wattflock.core.types import OWN, Profile
from wattflock.data.sample import recent
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.limits import Limits
from wattflock.homes.devices.appliance import Appliance
from wattflock.homes.devices.battery import Battery
from wattflock.homes.devices.deferrable import Deferrable
from wattflock.homes.devices.ev import EV
from wattflock.homes.devices.generator import Generator
from wattflock.homes.devices.heat_pump import HeatPump
from wattflock.homes.devices.house import House
from wattflock.homes.devices.inverter import Inverter
from wattflock.homes.devices.panel import Panel
from wattflock.homes.home import Home
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.rules import Installer
from wattflock.market.market import Market, Settlement
from wattflock.market.markets.tariff import Tariff
from wattflock.study.bound import Settings, bound
from wattflock.world.rollout import ZeroPolicy, judge, rollout
from wattflock.world.world import World

pytestmark = pytest.mark.study
KINDS = (Panel, Inverter, Battery, HeatPump, Generator, EV, Appliance, House, Deferrable)
FREE = Settings(rounds_most=0)
KEY = jax.random.key(0)


def flock(kinds, has, weight=1.0, market=None, **sizes) -> World:
    """Homes on IEEE 123; `has[home]` names its kinds; `sizes` replaces fields of single devices."""
    devices = {}
    for kind in kinds:
        mask = np.array([kind in some for some in has], float)
        values = {f.name: np.full(len(has), float(getattr(kind.example(), f.name))) for f in dataclasses.fields(kind)}
        values |= sizes.get(kind.__name__, {})
        devices[kind.__name__] = kind(**{k: v * mask if k in kind.sizes else v for k, v in values.items()})
    feeder = IEEE123().build()
    placement = np.zeros((len(has), len(feeder.terminals)))
    placement[np.arange(len(has)), np.linspace(5, 90, len(has)).astype(int)] = weight
    return World(Home(devices, np.full(len(has), 0.3)), feeder, market or Tariff(), Limits(), 24, placement)


def days(homes: int, steps: int = 24, export_share: float = 1.0, load_kw: float = 1.0) -> Profile:
    """Two days with sun at noon, dear evenings, a car that leaves at 8 h and is back at 17 h."""
    random = np.random.default_rng(0)
    hour = np.broadcast_to(np.arange(steps) * 24.0 / steps, (2, steps))
    own = {name: np.zeros((2, steps, homes)) for name in OWN}
    own["start"] += random.uniform(0, 1, (2, 1, homes))
    own["load_kw"] += load_kw * random.uniform(0.3, 1.7, (2, steps, homes))
    own["load_recent_kwh"] += recent(own["load_kw"], 24 / steps)
    own["sun_kw_per_kwp"] += 0.8 * np.maximum(np.sin(np.pi * (hour - 6) / 12), 0)[..., None]
    own["ev_plugged"] += ((hour < 8) | (hour >= 17))[..., None]
    own["ev_driving_kwh"] += (2.0 * ((hour >= 8) & (hour < 17)))[..., None]
    price = np.where((hour >= 16) & (hour < 21), 0.5, 0.2) + 0.01 * np.sin(hour)
    return Profile(
        **own,
        sun_error=0 * hour,
        outdoor_c=3 + 4 * np.sin(np.pi * (hour - 9) / 12),
        import_price_per_kwh=price,
        export_price_per_kwh=export_share * price,
        price_ahead_per_kwh=price,
        carbon_kg_per_kwh=0.2 + 0 * hour,
        hour=hour,
        weekend=0 * hour,
        dt_h=np.full((2, steps), 24.0 / steps),
    )


def one(profile: Profile) -> Profile:
    """The first of its days."""
    return jax.tree.map(lambda x: x[:1], profile)


def outcome(world, profile, policy, action_offset=None):
    """The verdict in float64."""
    with jax.enable_x64(True):
        world, profile = jax.tree.map(jnp.asarray, (world, profile))
        return jax.tree.map(np.asarray, judge(world, rollout(world, policy, profile, KEY, 1, action_offset), profile))


@pytest.fixture(scope="module")
def everything():
    """A home of each kind, one with all but a panel, one with nothing."""
    return flock(KINDS, [*((kind,) for kind in KINDS), KINDS[1:], ()])


@pytest.mark.slow
@pytest.mark.parametrize("export_share", [1.0, 0.3])
def test_no_method_is_cheaper(everything, export_share):
    profile = days(len(KINDS) + 2, export_share=export_share)
    best = list(bound(everything, profile, FREE))
    for policy in (Uncontrolled(), Installer(), ZeroPolicy()):
        cost = outcome(everything, profile, policy).cost.sum((1, 2))
        assert all(o.cost < c for o, c in zip(best, cost, strict=True))
    for o in best:
        assert o.free_cost - 1e-6 <= o.cost <= o.free_cost + 0.01  # the generators' tangents are below their cost


@pytest.mark.slow
@pytest.mark.parametrize("export_share", [1.0, 0.3])
def test_a_plan_can_be_had_in_the_world(everything, export_share):
    profile = days(len(KINDS) + 2, export_share=export_share)
    best = list(bound(everything, profile, FREE))
    replayed = outcome(everything, profile, ZeroPolicy(), np.stack([o.action for o in best]))
    np.testing.assert_allclose(replayed.cost.sum((1, 2)), [o.free_cost for o in best], rtol=1e-3)
    np.testing.assert_allclose(replayed.cost.sum((1, 2)), [o.cost for o in best], rtol=1e-9)
    np.testing.assert_allclose(replayed.net_kwh, np.stack([o.power_kw for o in best]), atol=1e-9)


def test_without_generators_the_program_is_exact():
    kinds = tuple(kind for kind in KINDS if kind is not Generator)
    for share in (1.0, 0.3):
        for o in bound(flock(kinds, [kinds, kinds[1:]]), days(2, export_share=share), FREE):
            np.testing.assert_allclose(o.cost, o.free_cost, rtol=1e-4)


@pytest.mark.slow
def test_a_search_goes_on_where_there_are_no_wires(everything):
    """Tangents of generators are too cheap for a gap of nothing: more rounds, in a world that has no levels."""
    profile = jax.tree.map(lambda x: x[:1], days(len(KINDS) + 2))
    homes = len(KINDS) + 2
    bare = dataclasses.replace(everything, feeder=None, placement=np.zeros((homes, 0)))
    (usual,), (best,) = (bound(bare, profile, each) for each in (FREE, Settings(gap_per_home=0.0)))
    assert best.rounds and best.converged and best.cost <= usual.cost


@pytest.mark.slow
@pytest.mark.parametrize(("short", "spare", "end_c"), [(0.0, 0.0, 19.0), (0.32, 0.20, 20.2), (0.4, 0.4, 22.0)])
def test_a_plan_leaves_as_much_heat_as_it_is_worth(short, spare, end_c):
    """A kWh costs 0.19, so none, the mean of the beginnings or all of the band, as its value is below or above that."""
    prices = {"short_per_kwh": np.full(2, short), "spare_per_kwh": np.full(2, spare), "limit_kw": np.full(2, 6.0)}
    world, profile = flock((HeatPump,), [(HeatPump,), ()], HeatPump=prices), days(2)
    for day, o in enumerate(bound(world, profile, FREE)):
        own = jax.tree.map(lambda x, day=day: x[day : day + 1], profile)
        with jax.enable_x64(True):
            w, own = jax.tree.map(jnp.asarray, (world, own))
            went = rollout(w, ZeroPolicy(), own, KEY, 1, jnp.asarray(o.action)[None])
            cost = np.asarray(judge(w, went, own).cost).sum()
        np.testing.assert_allclose(went.state["HeatPump"][0, -1, 0], end_c, atol=1e-4)
        np.testing.assert_allclose([cost, o.cost], o.free_cost, rtol=1e-6)


def test_half_hours_and_a_window_that_is_too_short():
    world = flock((Appliance, Battery), [(Appliance,), (Appliance, Battery)], Appliance={"need_kwh": np.full(2, 40.0)})
    for o in bound(world, days(2, 48), FREE):
        np.testing.assert_allclose(o.cost, o.free_cost, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("export_share", [1.0, 0.4])
def test_battery_against_every_plan_on_a_grid(export_share):
    world = dataclasses.replace(flock((Panel, Battery), [(Panel, Battery)]), steps=3)
    profile = one(days(1, 3, export_share))
    grid = np.array(list(itertools.product(np.linspace(-1, 1, 25), repeat=3)))
    many = jax.tree.map(lambda x: np.repeat(x, len(grid), 0), profile)
    with jax.enable_x64(True):
        world64, many = jax.tree.map(jnp.asarray, (world, many))
        went = rollout(world64, ZeroPolicy(), many, KEY, len(grid), jnp.asarray(grid)[..., None, None])
        cost = np.asarray(judge(world64, went, many).cost).sum((1, 2))
    (best,) = bound(world, profile, FREE)
    assert best.cost <= cost.min() + 1e-6
    assert best.cost >= cost.min() - 0.05


@pytest.mark.slow
def test_wires_are_kept_where_the_free_optimum_does_not():
    has = [(Battery,), (HeatPump,), (Generator, Battery), (EV,), (Panel, Battery), (HeatPump, Battery)]
    world = flock((Panel, Battery, HeatPump, Generator, EV), has, weight=60.0)
    profile = one(days(6, load_kw=0.3))
    assert outcome(world, profile, Uncontrolled()).converged.all()
    (best,) = bound(world, profile)
    assert best.free_violation_pu_h > 0.01
    assert best.converged and best.worst_pu <= 1e-4
    assert best.free_cost < best.cost
    np.testing.assert_allclose(best.cost, best.lower_bound, rtol=2e-3)


def test_what_a_narrow_trust_region_keeps_from_being_kept_is_not_called_impossible():
    has = [(Battery,), (HeatPump,), (Generator, Battery), (EV,), (Panel, Battery), (HeatPump, Battery)]
    world = flock((Panel, Battery, HeatPump, Generator, EV), has, weight=60.0)
    narrow = Settings(trust_kw=1.0, rounds_most=3)
    (best,) = bound(world, one(days(6, load_kw=0.3)), narrow)
    assert narrow.broken(best)["voltage"] > 0.01 and not best.converged


@pytest.mark.slow
def test_too_much_sun_is_not_burnt_in_batteries():
    """Charging and discharging at once would keep the voltage down in a linear program, not in a home."""
    has = [(Panel, Battery)] * 6
    world = flock((Panel, Battery), has, weight=70.0, Panel={"size_kwp": np.full(6, 9.0)})
    (best,) = bound(world, one(days(6, load_kw=0.3)))
    assert best.free_violation_pu_h > 0
    np.testing.assert_allclose(best.cost, best.lower_bound, atol=0.01)
    assert best.violation_pu_h < best.free_violation_pu_h


@pytest.mark.slow
def test_workers_do_not_change_the_result(everything):
    one, two = (list(bound(everything, days(len(KINDS) + 2), workers=workers)) for workers in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert a.cost == b.cost
        np.testing.assert_array_equal(a.action, b.action)


class Pool(Market):
    """Shares the total, so that a home's bill is not its own affair."""

    @classmethod
    def example(cls):
        return cls()

    def settle(self, meter):
        total = (meter.net_kwh.mean(-1) * meter.import_price_per_kwh)[..., None]
        bill = jnp.broadcast_to(total, meter.net_kwh.shape)
        return Settlement(bill, 0 * bill.sum(-1), bill.sum(-1))


def test_markets_without_a_bound_say_so():
    with pytest.raises(WattflockError, match="market Pool has no fixed prices"):
        next(bound(flock((Battery,), [(Battery,), ()], market=Pool()), days(2)))
    with pytest.raises(WattflockError, match="pays more for exports"):
        next(bound(flock((Battery,), [(Battery,)]), days(1, export_share=1.2)))


@pytest.mark.slow
def test_a_first_plan_that_would_collapse_the_feeder_is_no_dead_end():
    """Many cars that could all give at once: the cheapest plan has no flow, and still limits can be kept."""
    has = [(EV,)] * 12
    world = flock((EV,), has, weight=150.0, EV={"give_kw": np.full(12, 7.0), "short_per_kwh": np.full(12, 0.1)})
    profile = jax.tree.map(lambda x: x[:1], days(12, export_share=0.9, load_kw=0.3))
    found = next(bound(world, profile, workers=1))
    assert found.free_violation_pu_h > 10, "the cheapest plan should be far out, or have no flow"
    assert found.converged and found.worst_pu < 0.03
    assert found.cost < float(judged(world, ZeroPolicy(), profile))


def judged(world, policy, profile):
    return judge(world, rollout(world, policy, profile, KEY), profile).cost.sum()
