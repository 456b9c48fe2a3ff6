"""What every bundled scenario keeps to: it builds homes of each of its kinds, and a day of them can be judged."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conftest import FEWER_MADE
from wattflock.core.registry import parts
from wattflock.core.scenario import bundled, fingerprint, load, run_id
from wattflock.core.types import on_device
from wattflock.homes.device import Device
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.rules import Installer
from wattflock.study.bound import bound
from wattflock.study.build import build
from wattflock.study.forecast import perfect
from wattflock.study.mpc import mpc
from wattflock.world.rollout import ZeroPolicy, judge, rollout

pytestmark = pytest.mark.usefixtures("small_blocks")
MADE = ("flexibility", "flexibility-lv", "p2p", "thousand")  # takes a while: homes are made on the device
every_scenario = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.study) if name in MADE else name for name in bundled()]
)


@eqx.filter_jit
def judged(world, policy, days):
    return judge(world, rollout(world, policy, days, jax.random.key(0), together=2), days)


@pytest.mark.slow
@every_scenario
def test_it_builds_and_its_days_are_judged(name):
    scenario = load(bundled()[name], ["homes.count=20", *FEWER_MADE.get(name, [])])
    built = build(scenario)
    assert set(built.kinds) == {kind.name for kind in scenario.homes.kinds if kind.share >= 0.05}
    days = eqx.filter_jit(lambda draw: draw.every(jax.random.key(0), "test", 2))(built.sampler)
    world = on_device(built.world, "float32")
    outcome = judged(world, Installer(), days)
    assert outcome.cost.shape[-1] == 20
    assert bool(outcome.converged.all())
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(outcome))


@every_scenario
def test_its_name_is_that_of_its_file(name):
    scenario = load(bundled()[name])
    assert scenario.name == name
    assert sum(kind.share for kind in scenario.homes.kinds) == pytest.approx(1)


def test_the_name_of_a_run_says_which_bundled_scenario_it_is():
    scenario = load(bundled()["portfolios"], ["homes.count=20"])
    assert run_id(scenario) == "portfolios-gradmap-20homes-" + fingerprint(scenario)


def test_the_seven_portfolios_are_those_of_the_work():
    kinds = load(bundled()["portfolios"]).homes.kinds
    assert [frozenset(kind.devices) for kind in kinds] == [
        {"appliance"}, {"panel"}, {"battery", "panel"}, {"ev"}, {"ev", "panel"}, {"battery", "ev", "panel"},
        {"battery", "ev", "heat_pump", "panel"},
    ]  # fmt: skip
    assert {kind.devices["ev"]["give_kw"] for kind in kinds if "ev" in kind.devices} == {7.0}


@pytest.mark.parametrize("name", ["flexibility", "flexibility-lv"])
def test_the_flexible_home_is_that_of_the_work(name):
    """Car, floor, comfort hours and share that waits; wear is 0.0152 GBP per kWh at readings of 0.09 GBP per kWh."""
    scenario = load(bundled()[name])
    (kind,) = scenario.homes.kinds
    car, house = kind.devices["ev"], parts("homes", Device)["house"].example()
    assert (car["size_kwh"], car["limit_kw"], car["give_kw"], car["low_share"]) == (39.0, 6.6, 7.0, 0.1)
    assert car["efficiency"] == pytest.approx(np.sqrt(0.87), abs=1e-4)
    assert car["wear_per_kwh"] * 0.09 / 0.3 == pytest.approx(0.0152, rel=1e-2)
    assert (kind.devices["house"]["floor_m2"], kind.devices["deferrable"]["share"]) == (96.0, 0.1)
    assert [float(h) for h in (house.morning_h, house.leave_h, house.return_h, house.night_h)] == [7, 10, 17, 22]
    assert scenario.market.settings["loss_per_kw"] == pytest.approx(1000 * 0.084 / 415**2, rel=1e-3)
    charge = scenario.market.settings.get("export_charge_per_kwh", 0.0)
    assert charge == (0.01 if scenario.feeder.part == "none" else 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flexibility", "p2p"])
def test_no_method_beats_the_optimum_of_a_world_without_wires(name):
    """Within 1e-3 of a home's day the plan is what its program says, so that its cost is the least there is."""
    built = build(load(bundled()[name], ["homes.count=14", *FEWER_MADE.get(name, [])]))
    days = eqx.filter_jit(lambda draw: draw.every(jax.random.key(0), "test", 2))(built.sampler)
    world = on_device(built.world, "float32")
    best = list(bound(built.world, days))
    for each in best:
        assert each.cost == pytest.approx(each.free_cost, abs=14e-3)
    for policy in (ZeroPolicy(), Installer(), Uncontrolled()):
        cost = judged(world, policy, days).cost.sum((1, 2))
        assert all(each.cost < float(other) for each, other in zip(best, cost, strict=True))


@pytest.mark.slow
def test_planning_anew_at_every_hour_with_perfect_forecasts_is_the_optimum_of_the_flexible_home():
    """Plans of the rest of a day are right about houses and loads that wait; losses, which no home knows, are off."""
    sets = ["homes.count=4", "market.settings.loss_per_kw=0", *FEWER_MADE["flexibility"]]
    built = build(load(bundled()["flexibility"], sets))
    days = eqx.filter_jit(lambda draw: draw.every(jax.random.key(0), "test", 2))(built.sampler)
    days = jax.tree.map(np.asarray, days)
    for best, went in zip(bound(built.world, days), mpc(built.world, days, perfect(days)), strict=True):
        assert went.cost == pytest.approx(best.free_cost, rel=1e-5)


def test_a_community_of_any_size_is_charged_at_the_same_power_a_home():
    """What all homes but those held out are is the same with 30 homes; unseen ones are judged alone."""
    scenario = load(bundled()["p2p"], ["homes.count=30"])
    assert scenario.market.settings["peak_kw_per_home"] == 0.5
    assert scenario.data.homes_held_out == tuple(f"H{number:06d}" for number in range(300, 340))
    assert [kind.devices for kind in scenario.homes.kinds] == [
        kind.devices for kind in load(bundled()["portfolios"]).homes.kinds
    ]
