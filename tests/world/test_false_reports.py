"""Chargers that lie about their level: what they gain, and what an observer of their meters leaves of it."""

import dataclasses
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.homes.device import Claim
from wattflock.learn.learners.share import Share
from wattflock.study.build import build
from wattflock.world.charging_reward import rewarded
from wattflock.world.coordinator import Coordinator
from wattflock.world.false_reports import FalseReports, Observer, restated
from wattflock.world.rollout import judge, rollout

LIARS = jnp.arange(10) == 3
ADAPTIVE = FalseReports(LIARS, scale=0.0)


@pytest.fixture(scope="module")
def scene():
    """A rule that grants in proportion to need, in its world of ten homes, and two episodes of 30 days."""
    built = build(load(Path("fair-charging"), ["data.fold=3"]))
    days = eqx.filter_jit(lambda sampler: sampler.every(jax.random.key(0), "test", 2))(built.sampler)
    rule = Share("proportional")
    return rule.lives_in(on_device(built.world, "float32")), rule.policy(()), days


@eqx.filter_jit
def _played(world, policy, days):
    went = rollout(world, policy, days, jax.random.key(0), days.days())
    charging = judge(world, went, days).charging
    honest = jnp.broadcast_to(~LIARS, charging.level.shape)
    of_honest = rewarded(
        world.coordinator.reward, charging.level, honest, charging.granted_kw.sum(-1), charging.limit_kw
    )
    return went.state["coordinator"], charging, of_honest.total.sum(1).mean()


def played(scene, reports=None, watch=None):
    world, policy, days = scene
    coordinator: Coordinator = dataclasses.replace(world.coordinator, reports=reports, watch=watch)
    return _played(dataclasses.replace(world, coordinator=coordinator), policy, days)


def test_a_liar_s_need_goes_with_its_level():
    claim = Claim(*(jnp.full(2, x) for x in (5.0, 4.0, 0.75, 24.0, 16.0)))
    told = FalseReports(jnp.array([True, False]), scale=0.5, offset=0.125).told(claim, None)  # pyright: ignore
    assert told.level.tolist() == [0.25, 0.75]
    assert told.need_kwh.tolist() == [4 + 0.5 * 16, 4]
    assert told.most_kw.tolist() == [5, 5]
    assert float(restated(claim, jnp.ones(2)).need_kwh[0]) == 0


def test_what_an_observer_holds_possible_has_the_true_level(scene):
    kept, charging, _ = played(scene, ADAPTIVE, Observer())
    before = np.asarray(charging.level)[:, :-1]  # the observer hears of a step's end in the next one
    low, high = (np.asarray(kept[name]["reserve"])[:, 1:] for name in ("low", "high"))
    assert (low <= before + 0.011).all()
    assert (before <= high + 0.011).all()
    assert np.median(high - low) < 0.5


def test_honest_chargers_raise_no_alarm_and_are_believed(scene):
    kept, watched, _ = played(scene, None, Observer())
    alarm = np.asarray(kept["alarm"]["reserve"])
    assert alarm.mean() <= 0.01
    _, trusted, _ = played(scene)
    np.testing.assert_allclose(watched.reward.total.sum(1), trusted.reward.total.sum(1), rtol=2e-3)


@pytest.mark.parametrize("reports", [ADAPTIVE, FalseReports(LIARS, scale=0.5), FalseReports(LIARS, offset=0.3)])
def test_an_observer_takes_from_liars_what_they_gain(scene, reports):
    _, trusted, honest = played(scene)
    _, gained, alone = played(scene, reports)
    kept, caught, guarded = played(scene, reports, Observer())
    level = [float(each.level[..., 3].mean()) for each in (trusted, gained, caught)]
    assert level[1] > level[0] + 0.05
    assert level[2] < level[0] + 0.03
    assert float(alone) < 0.97 * float(honest)
    assert float(guarded) >= 0.98 * float(honest)
    alarm = np.asarray(kept["alarm"]["reserve"])
    assert alarm[..., 3].mean() > 0.5
    assert alarm[..., :3].mean() <= 0.01
