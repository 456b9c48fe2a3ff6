"""The same homes decide the same and pay in proportion whatever the currency of the prices is."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest

from tests.conftest import kinds_of
from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.data.source import DataSource, Readings
from wattflock.learn.lagrangian import Lagrangian, common, multipliers
from wattflock.learn.nets import Separate, flock
from wattflock.sources.california import California
from wattflock.study.build import build, parts_of
from wattflock.world.rollout import judge, rollout


class Dear(DataSource):
    """California in a currency of which ten make a dollar."""

    def raw(self):
        return California().raw()

    def read(self) -> Readings:
        held = California().read()
        prices = ("import_price_per_kwh", "export_price_per_kwh")
        return dataclasses.replace(held, **{name: 10 * getattr(held, name) for name in prices}, currency="10th")


def judged(source: DataSource):
    """Features, outcome, objective and what a dual network sees, of networks on two days."""
    scenario = load(
        None, ("homes.count=8", kinds_of(battery=0.25, ev=0.25, heat_pump=0.25, generator=0.25), "feeder.part=ieee13")
    )
    built = build(scenario, dataclasses.replace(parts_of(scenario), source=source))
    world = on_device(built.world, "float32")
    profile = built.sampler.every(jax.random.key(0), "test", 2)
    nets = flock((world.seen, 8, world.fleet.controls), world.homes, jax.random.key(3))
    policy = Separate(eqx.tree_at(lambda n: n.weights[-1], nets, 20 * nets.weights[-1]))

    @eqx.filter_jit
    def run(world, profile):
        days = rollout(world, policy, profile, jax.random.key(0))
        outcome = judge(world, days, profile, 0.03)
        lagrangian = Lagrangian(100.0, 3e4, 0.0, 0.03)
        return days.features, outcome, lagrangian.value(outcome, lagrangian.multiplier(world))

    seen = common(profile, multipliers((4,), world, jax.random.key(0)).reference_price_per_kwh)
    return *run(world, profile), seen


@pytest.mark.slow
def test_a_currency_of_smaller_units_changes_no_decision():
    features, outcome, value, seen = judged(California())
    dear_features, dear, dear_value, dear_seen = judged(Dear())
    assert np.allclose(features, dear_features, atol=1e-4)
    assert np.allclose(seen, dear_seen, atol=1e-5)
    for name in ("bill", "cost"):
        assert np.allclose(10 * getattr(outcome, name), getattr(dear, name), rtol=1e-3, atol=1e-3)
    assert float(dear_value) == pytest.approx(10 * float(value), rel=1e-4)
    assert float(value) > 1.01 * float(outcome.cost.sum() / 16), "the wires have a part in the objective"


@pytest.mark.parametrize(("mean", "reference"), [(0.2731, 0.3), (0.2199, 0.2), (2.0, 2.0), (-0.04, 0.04), (0.0, 0.3)])
def test_the_reference_price_is_the_mean_to_one_digit(mean, reference):
    held = California().read()
    price = np.full_like(held.import_price_per_kwh, mean)
    assert dataclasses.replace(held, import_price_per_kwh=price).reference_price_per_kwh == pytest.approx(reference)


def test_the_reference_price_of_california_is_what_devices_are_stated_for():
    assert California().read().reference_price_per_kwh == pytest.approx(0.3, abs=0)
