"""One agent for all homes: order and number of homes, what it sees, what it is rewarded for, and that it learns."""

import dataclasses
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.agents import noise, sized
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.central import Central, picked
from wattflock.learn.learners.share import Share
from wattflock.learn.sets import pooled, set_critic, set_networks
from wattflock.study.build import build
from wattflock.world.coordinators.learned import Learned
from wattflock.world.coordinators.talmud import Talmud
from wattflock.world.rollout import judge, rollout

FEW = ["homes.count=4", "data.episode_days=3"]
NETWORKS = {"set": Central(network="set", hidden=(8, 8)), "flat": Central(network="flat", hidden=(8, 8))}


@pytest.fixture(scope="module")
def built():
    return build(load(Path("fair-charging"), FEW))


@pytest.fixture(scope="module")
def world(built):
    return on_device(built.world, "float32")


@pytest.fixture(scope="module")
def days(built):
    return some_days(built.sampler, 4)


@eqx.filter_jit
def some_days(sampler, count):
    return sampler.every(jax.random.key(0), "test", count)


@eqx.filter_jit
def rewarded(world, policy, days):
    return judge(world, rollout(world, policy, days, jax.random.key(0), days.days()), days).charging.reward.total.sum(1)


def drawn(shape) -> jax.Array:
    return jax.random.normal(jax.random.key(5), shape)


@pytest.mark.study
def test_actions_of_a_set_change_places_with_homes_and_its_value_does_not():
    nets, critic = set_networks(3, (8,), 2, jax.random.key(0)), set_critic(3, (8,), jax.random.key(1))
    critic = eqx.tree_at(lambda net: net.head.weight, critic, drawn((1, 8, 1)))
    seen, order = drawn((1, 6, 5, 3)), np.array([3, 0, 4, 1, 2])
    flat, moved = (x.reshape(1, 6, -1) for x in (seen, seen[:, :, order]))
    of_homes = nets(flat).reshape(1, 6, 5, 2)
    assert jnp.allclose(nets(moved).reshape(1, 6, 5, 2), of_homes[:, :, order], atol=1e-6)
    assert not jnp.allclose(nets(moved).reshape(1, 6, 5, 2), of_homes, atol=1e-3)
    assert jnp.allclose(critic(moved), critic(flat), atol=1e-6)
    assert critic.days(flat.reshape(2, 3, 1, -1)).shape == (2, 3, 1)


def test_a_home_of_a_set_is_told_what_the_others_are_like():
    nets = set_networks(3, (8,), 1, jax.random.key(0))
    seen = drawn((1, 1, 2, 3))
    other = seen.at[:, :, 1].add(1.0)
    assert abs(float((nets(seen.reshape(1, 1, 6)) - nets(other.reshape(1, 1, 6)))[0, 0, 0])) > 1e-5


def test_robust_means_of_a_set_do_not_follow_three_of_ten():
    """Three homes that say anything move the mean without bound, the median and the trimmed mean within the others."""
    own = jnp.linspace(0.0, 0.9, 10).reshape(1, 1, 10, 1)
    wild = own.at[0, 0, 7:].set(1e6)
    found = {pool: float(pooled(wild, pool)[0, 0, 0]) for pool in ("mean", "median", "trimmed")}
    np.testing.assert_allclose([found["median"], found["trimmed"]], [0.45, 0.45], rtol=1e-6)
    assert found["mean"] > 1e5
    for pool in ("mean", "median", "trimmed"):
        np.testing.assert_allclose(pooled(own, pool), 0.45, rtol=1e-6)
        shuffled = pooled(own[:, :, ::-1], pool)
        np.testing.assert_allclose(shuffled, pooled(own, pool), rtol=1e-6)


@pytest.mark.slow
def test_weights_of_a_set_are_the_same_for_any_number_of_homes(world, built):
    nine = build(load(Path("fair-charging"), [*FEW, "homes.count=9"]))
    more = on_device(nine.world, "float32")
    shapes = [jax.tree.map(jnp.shape, NETWORKS["set"].actors(each, jax.random.key(0))) for each in (world, more)]
    assert shapes[0] == shapes[1]
    policy = NETWORKS["set"].policy(NETWORKS["set"].init(world, jax.random.key(0)))
    now = jax.tree.map(lambda x: x[0, 0], some_days(nine.sampler, 1))
    _, action = policy((), more.observe(more.reset(now), now), jax.random.key(0))
    assert action.shape == (9, 1)


@pytest.mark.study
def test_the_paper_s_state_is_each_level_and_the_limit(world, days):
    now = jax.tree.map(lambda x: x[0, 0], days)
    seen = world.observe(world.reset(now), now)
    inputs = picked(sized(seen.features, seen.fleet), world.fleet, True, "levels")
    level = world.reset(now)["reserve"] / 13.5
    np.testing.assert_allclose(inputs[:, 0], (level - 0.5) / 0.5, rtol=1e-5)
    np.testing.assert_allclose(inputs[:, 1], now.limit_kw / 4 / 2, rtol=1e-5)
    assert Central(sees="levels").width(world) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_rewarded_by_the_coordinator(name, world, days):
    learner = dataclasses.replace(NETWORKS[name], days=4)
    world = learner.lives_in(world)
    state = learner.init(world, jax.random.key(0))
    offset = noise(jax.random.key(1), 0.5, (*days.load_kw.shape[:2], 1, 4))
    played, _, log = eqx.filter_jit(learner.play)(world, state.nets.actor.nets, days, offset, state.multiplier)
    went = rollout(world, learner.policy(state), days, jax.random.key(0), 4, offset.reshape(*days.load_kw.shape, 1))
    reward = judge(world, went, days).charging.reward.total
    np.testing.assert_allclose(played.cost[..., 0], -(1 - learner.discount) * reward, atol=2e-5)
    np.testing.assert_allclose(-log["objective"], reward.sum(1).mean(), rtol=1e-4)
    assert played.action.shape == offset.shape


def test_methods_bring_their_own_way_to_share(world):
    assert isinstance(Central().lives_in(world).coordinator.sharing, Learned)
    assert isinstance(Share("talmud").lives_in(world).coordinator.sharing, Talmud)
    bare = dataclasses.replace(world, coordinator=None)
    assert Central().lives_in(bare) is bare
    assert Share().lives_in(bare) is bare


def test_a_rule_is_what_the_scenario_does_that_names_it(world, days):
    other = on_device(build(load(Path("fair-charging"), [*FEW, "coordinator.part=talmud"])).world, "float32")
    rule = Share("talmud")
    found = rewarded(rule.lives_in(world), rule.policy(()), days)
    np.testing.assert_allclose(found, rewarded(other, Share("talmud").policy(()), days), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_it_learns(name, world, days, built):
    learner = dataclasses.replace(NETWORKS[name], days=8, rows=96, rate=1e-2, critic_rate=1e-2, total_rounds=80)
    world = learner.lives_in(world)
    start = begin(learner, world, 0)
    end, _ = advance(start, learner, world, built.sampler.train, 80)
    first, last = (float(rewarded(world, learner.policy(each.state), days).mean()) for each in (start, end))
    assert last > first + 10
