"""Chargers that lie about their level: what they gain, and what an observer of their meters leaves of it."""

import dataclasses
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.homes.device import Claim
from wattflock.homes.features import LEVEL
from wattflock.learn.learners.share import Share
from wattflock.study.build import build
from wattflock.study.charging import charging_figures
from wattflock.world.charging_reward import rewarded
from wattflock.world.coordinator import Coordinator
from wattflock.world.false_reports import FalseReports, Observer, reports_of, restated
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
    told = FalseReports(jnp.array([True, False]), scale=0.5, offset=0.125).told(claim, None)
    assert told.level.tolist() == [0.25, 0.75]
    assert told.need_kwh.tolist() == [4 + 0.5 * 16, 4]
    assert told.most_kw.tolist() == [5, 5]
    assert float(restated(claim, jnp.ones(2)).need_kwh[0]) == 0


@pytest.mark.slow
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


@pytest.mark.study
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


LIES = ["coordinator.reports.kind=hostile", "coordinator.reports.share=0.3"]


def test_a_scenario_says_who_reports_what_and_what_is_believed():
    """Shares are of homes, whatever they own; hostile is 1 less the level; nothing is there that is not asked for."""
    kinds = 'homes.kinds=[{name="both", share=1.0, devices={ev={}, battery={}}}]'
    watch = ["coordinator.watch.kind=observer", "coordinator.watch.bound=3"]
    built = build(load(Path("fair-charging"), [*LIES, *watch, kinds, "homes.count=4", "data.episode_days=7"]))
    coordinator = built.world.coordinator
    assert isinstance(coordinator.reports, FalseReports) and coordinator.watch == Observer(bound=3.0)
    liars = np.asarray(coordinator.reports.liars).reshape(2, 4)  # devices × homes
    assert liars.sum(1).tolist() == [1, 1] and (liars[0] == liars[1]).all()
    claim = Claim(*(jnp.full(8, x) for x in (5.0, 4.0, 0.75, 24.0, 16.0)))
    told = coordinator.reports.told(claim, None).level
    np.testing.assert_array_equal(told, np.where(liars.ravel(), 0.25, 0.75))
    plain = build(load(Path("fair-charging"), ["homes.count=4", "data.episode_days=7"])).world.coordinator
    assert plain.reports is None and plain.watch is None


@pytest.mark.parametrize(
    ("kind", "amount", "told"),
    [("offset", 0.3, 0.45), ("scaled", 0.2, 0.6), ("adaptive", 0.3, 0.0), ("hostile", 0.3, 0.25)],
)
def test_false_levels_by_name(kind, amount, told):
    claim = Claim(*(jnp.full(2, x) for x in (5.0, 4.0, 0.75, 24.0, 16.0)))
    level = reports_of(kind, amount, jnp.array([True, False])).told(claim, None).level
    np.testing.assert_allclose(level, [told, 0.75], rtol=1e-6)


def test_random_levels_are_the_same_for_all_methods_and_change_with_the_step(scene):
    _, _, days = scene
    claim = Claim(*(jnp.full(10, x) for x in (5.0, 4.0, 0.75, 24.0, 16.0)))
    now = [jax.tree.map(lambda x, k=k: x[0, k], days) for k in (0, 1)]
    reports = reports_of("random", 0.0, LIARS)
    first, again, second = (reports.told(claim, each).level for each in (now[0], now[0], now[1]))
    np.testing.assert_array_equal(first, again)
    assert float(first[3]) != float(second[3]) and float(first[0]) == 0.75


def test_reports_that_cannot_be_used_are_told_all_at_once():
    sets = ["coordinator.reports.kind=liar", "coordinator.reports.share=1.5", "coordinator.watch.drift=-1"]
    with pytest.raises(ScenarioError) as found:
        load(Path("fair-charging"), sets)
    for said in ("coordinator.reports.kind", "adaptive", "coordinator.reports.share", "coordinator.watch.drift"):
        assert said in str(found.value)


@pytest.mark.slow
def test_a_learner_sees_and_is_paid_for_what_is_believed(scene):
    """Of a liar it sees the level that is told, of the others what is true; the reward that is judged stays true."""
    world, _, days = scene
    coordinator = dataclasses.replace(world.coordinator, reports=FalseReports(LIARS, -1.0, -1.0))
    lied = dataclasses.replace(world, coordinator=coordinator)
    now = jax.tree.map(lambda x: x[0, 0], days)
    true, told = (each.observe(each.reset(now), now).features for each in (world, lied))
    np.testing.assert_array_equal(true[~LIARS], told[~LIARS])
    names = [each.name for own in world.features.values() for each in own]
    place = names.index(LEVEL)
    np.testing.assert_allclose(told[LIARS, place], -true[LIARS, place], atol=1e-6)  # (level - 0.5) / 0.5
    np.testing.assert_array_equal(jnp.delete(true, place, axis=1), jnp.delete(told, place, axis=1))
    _, charging, _ = played(scene, FalseReports(LIARS, -1.0, -1.0))
    level = jnp.where(charging.false, 1 - charging.level, charging.level)
    felt = rewarded(coordinator.reward, level, charging.here, charging.granted_kw.sum(-1), charging.limit_kw)
    np.testing.assert_allclose(charging.felt.total, felt.total, atol=1e-4)
    assert float(jnp.abs(charging.felt.total - charging.reward.total).max()) > 0.1


@pytest.mark.study
def test_tables_say_what_honest_homes_have_left_and_what_liars_gain(scene):
    world, policy, days = scene

    @eqx.filter_jit
    def figures(reports):
        coordinator = dataclasses.replace(world.coordinator, reports=reports, watch=Observer())
        lied = dataclasses.replace(world, coordinator=coordinator)
        went = rollout(lied, policy, days, jax.random.key(0), days.days())
        return charging_figures(lied, judge(lied, went, days))

    found, honest = figures(ADAPTIVE), figures(FalseReports(LIARS))
    assert found["liar_level"].mean() > honest["liar_level"].mean()
    assert found["honest_reward_per_episode"].mean() < honest["honest_reward_per_episode"].mean()
    assert found["false_alarm_share"].max() <= 0.01
