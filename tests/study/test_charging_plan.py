"""Planners of a shared limit, and the bound of the reward from above."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.learners.share import Share
from wattflock.study.build import build
from wattflock.study.charging_bound import bounded, majorant, reward_bounds
from wattflock.study.charging_plan import asked, foresight, receding, served
from wattflock.study.charging_yardsticks import plans
from wattflock.study.forecast import forecast, perfect
from wattflock.world.charging_reward import Reward, worth
from wattflock.world.rollout import ZeroPolicy, judge, rollout

FEW = ["homes.count=3", "data.episode_days=2"]


@pytest.fixture(scope="module")
def built():
    return build(load(Path("fair-charging"), FEW))


@pytest.fixture(scope="module")
def world(built):
    return on_device(built.world, "float32")


@pytest.fixture(scope="module")
def days(built):
    return eqx.filter_jit(lambda sampler: sampler.every(jax.random.key(0), "test", 3))(built.sampler)


@pytest.fixture(scope="module")
def host(days):
    return jax.tree.map(np.asarray, days)


@eqx.filter_jit
def played(world, policy, days, offset=None):
    went = rollout(world, policy, days, jax.random.key(0), days.days(), offset)
    return went, judge(world, went, days).charging


@pytest.fixture(scope="module")
def rule(world, days):
    """Where Talmud's rule lives, what it did, and the same as actions in `served`."""
    own = Share("talmud").lives_in(world)
    went, charging = played(own, Share("talmud").policy(()), days)
    return charging, asked(own, went, days)


@pytest.mark.slow
def test_a_rule_s_grants_are_what_its_actions_ask_for(world, days, rule):
    charging, action = rule
    _, again = played(served(world), ZeroPolicy(), days, action)
    np.testing.assert_allclose(again.granted_kw, charging.granted_kw, atol=2e-4)
    np.testing.assert_allclose(again.reward.total, charging.reward.total, atol=2e-3)


@pytest.mark.study
def test_foresight_is_no_worse_than_its_starts_and_below_the_bound(built, world, days, host, rule):
    charging, action = rule
    start = np.asarray(charging.reward.total.sum(1))
    found, reward = foresight(built.world, host, [action], 60)
    _, again = played(served(world), ZeroPolicy(), days, jnp.asarray(found))
    bounds = np.array(list(reward_bounds(built.world, host)))
    np.testing.assert_allclose(again.reward.total.sum(1), reward, rtol=1e-4)
    assert (reward >= start - 0.05).all()
    assert reward.mean() > start.mean() + 1
    assert (bounds > reward).all()
    assert (bounds <= 3 * days.load_kw.shape[1]).all()


@pytest.mark.slow
def test_no_rule_is_above_the_bound(built, world, days, host):
    bounds = np.array(list(reward_bounds(built.world, host)))
    for by in ("equal", "round_robin", "proportional", "priority"):
        _, charging = played(Share(by).lives_in(world), Share(by).policy(()), days)
        assert (np.asarray(charging.reward.total.sum(1)) < bounds).all()


@pytest.mark.slow
def test_the_bound_is_reached_where_nothing_is_needed():
    """Full batteries without load or sun keep their levels: each step's reward is 3, less 1e-4 of the CV's ε."""
    kinds = 'homes.kinds=[{name="full",share=1,devices={reserve={size_kwp=0,start_low=1,start_high=1}}}]'
    built = build(load(Path("fair-charging"), [*FEW, kinds]))
    days = jax.tree.map(np.asarray, built.sampler.every(jax.random.key(0), "test", 1))
    days = eqx.tree_at(lambda day: day.load_kw, days, 0 * days.load_kw)
    (found,) = reward_bounds(built.world, days)
    assert found == pytest.approx(3 * 48, abs=1e-3)


def test_the_majorant_is_concave_and_nowhere_below_the_worth():
    lines = majorant(Reward())
    at = jnp.linspace(0, 1, 999)
    above = jnp.stack([slope * at + offset for slope, offset in lines]).min(0)
    assert (above >= worth(Reward(), at) - 1e-5).all()
    assert float(above[0]) == pytest.approx(-1, abs=1e-5)
    assert float(above[-1]) == pytest.approx(1, abs=1e-5)
    assert sorted((slope for slope, _ in lines), reverse=True) == [slope for slope, _ in lines]


def test_a_world_of_other_devices_has_no_bound(host):
    kinds = 'homes.kinds=[{name="car",share=1,devices={ev={}}}]'
    other = build(load(Path("fair-charging"), [*FEW, kinds]))
    assert not bounded(other.world)
    with pytest.raises(ScenarioError, match="a reserve alone"):
        next(reward_bounds(other.world, host))


def test_one_step_ahead_is_the_best_next_step(built, world, host, days):
    """Where the step is known: no other first step, the same share of what each can take for all, is rewarded more."""
    action = jnp.asarray(receding(built.world, host, perfect(host), 1, 60))
    _, best = played(served(world), ZeroPolicy(), days, action)
    for share in (0.0, 0.05, 0.1, 0.3, 0.7, 1.0):
        _, other = played(served(world), ZeroPolicy(), days, action.at[:, 0].set(share))
        assert (other.reward.total[:, 0] <= best.reward.total[:, 0] + 0.02).all()


@pytest.mark.slow
def test_hours_ahead_are_rewarded_more_than_one_step(built, world, host, days):
    expected = forecast(built.sampler, host)
    rewards = []
    for horizon in (1, 8):
        action = jnp.asarray(receding(built.world, host, expected, horizon, 15))
        rewards.append(float(played(served(world), ZeroPolicy(), days, action)[1].reward.total.sum(1).mean()))
    assert rewards[1] > rewards[0]


@pytest.mark.slow
def test_foresight_climbs_from_the_other_plans_and_methods(built, world, host, days, monkeypatch):
    monkeypatch.setattr("wattflock.study.charging_yardsticks.ROUNDS", 5)
    monkeypatch.setattr("wattflock.study.charging_yardsticks.AHEAD_ROUNDS", 3)
    rule = Share("talmud")
    methods = {"talmud": (rule.lives_in(built.world), rule.policy(()))}
    found = dict(plans(("one_step", "foresight"), (built.world, host, built.sampler), methods))
    assert list(found) == ["one_step", "foresight"]
    reward = {
        name: np.asarray(
            played(served(world), ZeroPolicy(), days, jnp.asarray(each, jnp.float32))[1].reward.total.sum(1)
        )
        for name, each in found.items()
    }
    _, own = played(rule.lives_in(world), rule.policy(()), days)
    assert (reward["foresight"] >= np.maximum(reward["one_step"], own.reward.total.sum(1)) - 0.05).all()
