"""What multi-agent learners share: rewards, replay, groups of networks, and actions around those without control."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.registry import part
from wattflock.learn.agents import Around, Played, bounded, of_homes, sizes
from wattflock.learn.learner import Learner, advance, begin, onward
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.maddpg import MADDPG
from wattflock.learn.nets import Separate, flock
from wattflock.learn.replay import Replay, members
from wattflock.learn.reward import extra
from wattflock.world.rollout import judge, rollout

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def played(world, profile):
    """A flock of fresh, wild networks on the days, and its verdict."""
    nets = flock((world.seen, 8, world.fleet.controls), world.homes, KEY)
    wild = dataclasses.replace(nets, weights=[8 * weight for weight in nets.weights])
    trajectory = eqx.filter_jit(rollout)(world, Separate(wild), profile, KEY, 2)
    return trajectory, eqx.filter_jit(judge)(world, trajectory, profile)


def rewards(world, profile, played, whose="own", early=False):
    learner = MADDPG()
    given = learner.lagrangian, learner.lagrangian.multiplier(world)
    return eqx.filter_jit(extra)(world, profile, played, given, whose, early)


@pytest.mark.study
def test_fresh_networks_do_what_homes_without_control_do(world, profile):
    learner = MADDPG()
    nets = learner.actors(world, KEY)
    nets = dataclasses.replace(nets, weights=[*nets.weights[:-1], 0 * nets.weights[-1]])
    mine = eqx.filter_jit(rollout)(world, Around(of_homes(nets, learner.group(world))), profile, KEY, 2)
    idle = eqx.filter_jit(rollout)(world, Uncontrolled(), profile, KEY, 2)
    assert jnp.allclose(mine.effect.power_kw, idle.effect.power_kw, atol=1e-5)


@pytest.mark.study
def test_paying_early_changes_no_sum_over_a_day(world, profile, played):
    late, early = (rewards(world, profile, played, early=each) for each in (False, True))
    assert jnp.allclose(late.sum(1), early.sum(1), rtol=1e-4, atol=1e-3)
    assert not jnp.allclose(late, early, atol=1e-2), "what is stored should count where it is stored"


def test_a_team_shares_the_mean(world, profile, played):
    own, team = (rewards(world, profile, played, each) for each in ("own", "team"))
    assert jnp.allclose(team, own.mean(-1, keepdims=True), rtol=1e-4, atol=1e-6)


def test_what_a_home_adds_to_the_bill_of_all_is_its_bill_where_each_pays_its_own(world, profile, played):
    """Under net metering at one price the bill of all is the sum of own ones and linear in each home's energy."""
    linear = dataclasses.replace(world, market=type(world.market)(exports_from="prices"))
    outcome = eqx.filter_jit(judge)(linear, played[0], profile)
    same = dataclasses.replace(profile, export_price_per_kwh=profile.import_price_per_kwh)
    outcome = eqx.filter_jit(judge)(linear, played[0], same)
    own, added = (rewards(linear, same, (played[0], outcome), each) for each in ("own", "marginal"))
    assert jnp.allclose(own, added, rtol=1e-3, atol=1e-3)


def test_clipping_lets_gradients_pass():
    value, slope = jax.value_and_grad(lambda x: bounded(x).sum())(jnp.asarray([-3.0, 0.5, 2.0]))
    assert value == 0.5
    assert (slope == 1).all()


def test_sizes_tell_homes_apart(world):
    rows = np.asarray(sizes(world.fleet))
    assert rows.shape[0] == world.homes
    assert len(np.unique(rows.round(4), axis=0)) > len(world.kinds)


def ring(steps: int = 3, homes: int = 2, capacity: int = 4) -> Replay:
    """An empty ring with room for `capacity` days."""
    each = (capacity, steps, homes)
    wide, none = jnp.zeros((*each, 1)), jnp.zeros((), jnp.int32)
    return Replay(Played(wide, wide, wide, jnp.zeros(each), jnp.zeros((capacity, steps, 3)), jnp.zeros(each[:2])), none)


def days_of(first: int, count: int, like: Replay) -> Played:
    """Days whose cost is 100 · day + 10 · step + home."""
    _, steps, homes = like.days.cost.shape
    day, step, home = jnp.meshgrid(first + jnp.arange(count), jnp.arange(steps), jnp.arange(homes), indexing="ij")
    cost = (100.0 * day + 10 * step + home).astype(float)
    fill = jax.tree.map(lambda x: jnp.zeros((count, *x.shape[1:])), like.days)
    return dataclasses.replace(fill, cost=cost)


def test_a_ring_keeps_the_newest_days():
    replay = ring()
    for first in (0, 2, 4):
        replay = replay.add(days_of(first, 2, replay))
    assert sorted(replay.days.cost[:, 0, 0].tolist()) == [200, 300, 400, 500]
    assert int(replay.added) == 6


def test_rows_of_a_ring_that_is_not_full_are_of_days_that_were_played():
    replay = ring().add(days_of(0, 2, ring()))
    day, step = replay.rows(KEY, 200)
    assert set(day.tolist()) == {0, 1}
    assert set(step.tolist()) == {0, 1, 2}


def test_costs_ahead_end_with_the_day():
    replay = ring().add(days_of(0, 4, ring()))
    day, step, home = jnp.asarray([1, 1]), jnp.asarray([0, 2]), jnp.asarray([[0, 1]])
    cost, _, later, weight = replay.paid((day, step, home), 2, 0.5)
    assert cost.tolist() == [[100 + 0.5 * 110, 121]], "the second row's day is over after one step"
    assert later.tolist() == [2, 2]
    assert weight.tolist() == [0.25, 0]


def test_members_are_of_their_group():
    group = jnp.asarray([2, 0, 2, 0, 0])
    found = np.asarray(members(group, 3, KEY, 300))
    assert set(found[0]) == {1, 3, 4}
    assert set(found[2]) == {0, 2}
    assert set(found[1]) <= set(range(5)), "a group without homes gets any, whose weights nobody uses"


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "sees"), [("separate", "all"), ("kind", "common"), ("shared", "own")])
def test_every_kind_of_weights_and_critics_learns_finite_numbers(world, profile, weights, sees):
    learner = MADDPG(weights=weights, critic_sees=sees, hidden=(8,), days=2, rows=8, updates=2, first_rounds=0)

    def draw(key, days):
        return jax.tree.map(lambda x: jnp.repeat(x[:1], days, 0), profile)

    first = begin(learner, world, 0)
    after, log = advance(first, learner, world, draw, 2)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves((after.state, log)))
    count = {"separate": world.homes, "kind": len(world.kinds), "shared": 1}[weights]
    assert after.state.nets.actor.weights[0].shape[0] == count
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), first.state.nets.actor, after.state.nets.actor)
    assert all(jax.tree.leaves(moved)), "every layer of every actor learns"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["maddpg", "ppo", "facmac"])
def test_multipliers_rise_where_limits_are_beyond(world, profile, name):
    learner = part("learn", Learner, name)(days=2, ascent=10.0, hidden=(8,), total_rounds=2)

    def draw(key, days):
        return jax.tree.map(lambda x: jnp.repeat(x[:1], days, 0), profile)

    first = begin(learner, world, 0)
    after, log = advance(first, learner, world, draw, 1)
    assert float(log["violation_pu_h"][0]) > 0, "the days of this test should violate"
    assert float((after.state.multiplier["voltage"] - first.state.multiplier["voltage"]).sum()) > 0


@pytest.mark.slow
def test_writing_in_place_changes_no_number_and_keeps_what_a_checkpoint_holds(world, profile):
    learner = MADDPG(hidden=(8,), days=2, rows=8, updates=2, first_rounds=0)

    def draw(key, days):
        return jax.tree.map(lambda x: jnp.repeat(x[:1], days, 0), profile)

    copied, log = advance(begin(learner, world, 0), learner, world, draw, 2)
    first = begin(learner, world, 0)
    after, same_log = onward(first, learner, world, draw, 2)
    same = jax.tree.map(lambda a, b: bool((a == b).all()), (copied, log), (after, same_log))
    assert all(jax.tree.leaves(same))
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(learner.saved(first.state)))
    assert first.state.replay.days.seen.is_deleted() and not first.done.is_deleted()
