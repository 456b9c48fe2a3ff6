"""What every bundled scenario keeps to: it builds homes of each of its kinds, and a day of them can be judged."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.scenario import bundled, fingerprint, load, run_id
from wattflock.core.types import on_device
from wattflock.learn.learners.rules import Installer
from wattflock.study.build import build
from wattflock.world.rollout import ZeroPolicy, judge, rollout

pytestmark = pytest.mark.usefixtures("small_blocks")
MADE = ("flexibility", "flexibility-lv", "p2p")  # takes a while: homes are made on the device
SMALLER = {"flexibility": ["data.settings.homes=20"]}
every_scenario = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.study) if name in MADE else name for name in bundled()]
)


@eqx.filter_jit
def judged(world, policy, days):
    return judge(world, rollout(world, policy, days, jax.random.key(0), together=2), days)


@every_scenario
def test_it_builds_and_its_days_are_judged(name):
    scenario = load(bundled()[name], ["homes.count=20", *SMALLER.get(name, [])])
    built = build(scenario)
    assert set(built.kinds) == {kind.name for kind in scenario.homes.kinds if kind.share >= 0.05}
    days = eqx.filter_jit(lambda draw: draw.every(jax.random.key(0), "test", 2))(built.sampler)
    world = on_device(built.world, "float32")
    for policy in (ZeroPolicy(), Installer()):
        outcome = judged(world, policy, days)
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


def test_the_flexible_home_is_that_of_the_work():
    """Its house: 3 kW of heat hold it 8.98 °C above the outdoors, of which 9.4 % fade in an hour (ISO 13790)."""
    (kind,) = load(bundled()["flexibility"]).homes.kinds
    house, car = kind.devices["heat_pump"], kind.devices["ev"]
    assert (car["size_kwh"], car["limit_kw"], car["give_kw"]) == (39.0, 6.6, 7.0)
    assert car["efficiency"] == pytest.approx(np.sqrt(0.87), abs=1e-4)
    assert house["cop_at_zero"] * house["resistance_c_per_kw"] == pytest.approx(8.98, rel=0.01)
    hours = house["resistance_c_per_kw"] * house["capacity_kwh_per_c"]
    assert np.exp(-1 / hours) == pytest.approx(0.9062, abs=2e-3)
