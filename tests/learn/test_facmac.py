"""FACMAC: what homes do to each other is learned by a mixing that is monotonic and knows no order of homes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.learn.agents import COMMON, Played, idles, of_homes, said
from wattflock.learn.critic import fresh_critic
from wattflock.learn.lagrangian import per_home_day
from wattflock.learn.learners.facmac import FACMAC, Factored, Mixing
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.rules import Installer
from wattflock.learn.learners.through import Through
from wattflock.learn.nets import flock
from wattflock.learn.replay import Replay, ReplayState
from wattflock.learn.reward import extras
from wattflock.world.rollout import judge, rollout

KEY = jax.random.key(0)
HOMES, ROWS, INPUTS, UTILITIES, DAYS = 6, 8, 3, 4, 64


@pytest.fixture(scope="module")
def mixing() -> Mixing:
    """Weights far from fresh ones."""
    fresh = FACMAC(hidden=(8, 8), utilities=UTILITIES, embed=5).mixing(INPUTS, KEY)
    leaves, tree = jax.tree.flatten(fresh)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    return jax.tree.unflatten(tree, [2 * jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)])


@pytest.fixture(scope="module")
def said_by_homes():
    """What homes see, and their utilities, (homes, rows, …)."""
    seen, utility = jax.random.split(jax.random.key(2))
    return jax.random.normal(seen, (HOMES, ROWS, INPUTS)), 3 * jax.random.normal(utility, (HOMES, ROWS, UTILITIES))


@pytest.mark.slow
def test_a_dearer_utility_never_makes_all_cheaper(mixing, said_by_homes):
    seen, utility = said_by_homes
    slope = jax.grad(lambda u: mixing(seen, u).sum())(utility)
    assert (slope > 0).all(), "∂Q/∂C of every home, row and utility"
    higher = utility.at[2, 3, 1].add(5.0)
    moved = mixing(seen, higher) - mixing(seen, utility)
    assert moved[3] > 0
    assert jnp.allclose(jnp.delete(moved, 3), 0, atol=1e-5), "rows are apart"


@pytest.mark.study
def test_own_utilities_count_alike(mixing, said_by_homes):
    seen, action = said_by_homes[0], jnp.zeros((HOMES, ROWS, 1))
    fresh = [fresh_critic((INPUTS + 1, 8), HOMES, KEY, outputs) for outputs in (1, UTILITIES)]

    def team(bias):
        own = dataclasses.replace(fresh[0], bias=bias)
        nets = Factored(flock((INPUTS, 1), HOMES, KEY), jax.tree.map(lambda x: x[None], own), fresh[1], mixing)
        return FACMAC(utilities=UTILITIES, twins=1).judged(nets, seen, action)[1]

    assert jnp.allclose(jax.jacobian(team)(jnp.zeros((HOMES, 1))), 1 / HOMES, atol=1e-6)


def test_the_order_of_homes_does_not_matter(mixing, said_by_homes):
    seen, utility = said_by_homes
    order = np.random.default_rng(0).permutation(HOMES)
    assert jnp.allclose(mixing(seen[order], utility[order]), mixing(seen, utility), rtol=1e-5, atol=1e-5)
    slope = jax.grad(lambda u, s: mixing(s, u).sum())
    assert jnp.allclose(slope(utility[order], seen[order]), slope(utility, seen)[order], rtol=1e-4, atol=1e-6)


def test_homes_see_and_weigh_differently(mixing, said_by_homes):
    seen, utility = said_by_homes
    slope = jax.grad(lambda u: mixing(seen, u).sum())(utility)
    assert float((slope.std(0) / slope.mean(0)).mean()) > 0.1


def test_hysteresis_makes_light_of_what_was_dearer_than_expected_row_by_row():
    error = jnp.asarray([2.0, -1.0, 0.5, -3.0])
    assert jnp.allclose(FACMAC(hysteresis=0.1).missed(error), jnp.asarray([0.4, 1.0, 0.025, 9.0]))
    assert jnp.allclose(FACMAC().missed(error), error**2)
    slope = jax.grad(lambda e: FACMAC(hysteresis=0.1).missed(e).mean())(error)
    assert jnp.allclose(slope, jnp.asarray([0.1, -0.5, 0.025, -1.5])), "not the sign of the mean, which would weigh all"


def state_of(who: FACMAC, groups: int = 1) -> ReplayState:
    """A learner of homes that see three numbers and have one action, without a world."""
    keys, sizes = jax.random.split(KEY, 4), (INPUTS + 1, *who.hidden)
    own = jax.vmap(lambda key: fresh_critic(sizes, groups, key))(jax.random.split(keys[0], who.twins))
    shared = fresh_critic(sizes, groups, keys[1], who.utilities)
    nets = Factored(flock((INPUTS, *who.hidden, 1), groups, keys[2]), own, shared, who.mixing(INPUTS, keys[3]))
    none = jnp.zeros((), jnp.int32)
    group = jnp.arange(HOMES) % groups
    return ReplayState(nets, nets, nets.actor, who.optimiser().init(nets), {}, group, none, Replay(days(KEY), none))


def days(key, state: ReplayState | None = None) -> Played:
    """Days of two steps: own cost (a - 1/2)², and of all the mean of that plus (mean of a)²."""
    see, move = jax.random.split(key)
    seen = jax.random.uniform(see, (DAYS, 2, HOMES, INPUTS), minval=-1)
    action = 0.3 * jax.random.normal(move, (DAYS, 2, HOMES, 1))
    if state is not None:
        rows = jnp.moveaxis(seen.reshape(-1, HOMES, INPUTS), 1, 0)
        action = action + jnp.moveaxis(said(of_homes(state.nets.actor, state.group), rows, 0.0), 0, 1).reshape(
            action.shape
        )
    done = jnp.clip(action[..., 0], -1, 1)
    own = (done - 0.5) ** 2
    common = jnp.zeros((DAYS, 2, COMMON))
    return Played(seen, jnp.zeros_like(action), action, own, common, own.mean(-1) + done.mean(-1) ** 2)


@pytest.mark.slow
@pytest.mark.parametrize(("utilities", "own", "right"), [(4, 1.0, 0.25), (0, 100.0, 0.5)])
def test_homes_learn_what_is_best_for_all_and_from_own_costs_what_is_best_for_each(utilities, own, right):
    """All at a: (a - 1/2)² + a² is least at 1/4; each by itself: (a - 1/2)² at 1/2."""
    who = FACMAC(utilities=utilities, own=own, hidden=(16, 16), rate=3e-3, critic_rate=1e-2, twins=1, discount=0.0)
    who = who.lasting(120)

    @jax.jit
    def one(state, key):
        play, learn = jax.random.split(key)
        replay = Replay(days(play, state), jnp.asarray(DAYS, jnp.int32))
        nets, target, adam = who.learned(dataclasses.replace(state, replay=replay), learn)
        return dataclasses.replace(state, nets=nets, target=target, adam=adam, replay=replay), None

    state = jax.lax.scan(one, state_of(who), jax.random.split(KEY, 120))[0]
    seen = jax.random.uniform(KEY, (HOMES, 50, INPUTS), minval=-1)
    action = said(of_homes(state.nets.actor, state.group), seen, 0.0)
    assert abs(float(action.mean()) - right) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("early", [False, True])
def test_the_cost_of_all_is_the_objective_beside_idle_homes(early, world, profile):
    """Bills, devices and the price of violations, summed over a day; violations are there in both."""
    lagrangian = Through(margin_pu=0.04).lagrangian
    multiplier = lagrangian.multiplier(world)

    @jax.jit
    def run(policy):
        trajectory = rollout(world, policy, profile, KEY, 2)
        outcome = judge(world, trajectory, profile, lagrangian.margin_pu)
        wires = lagrangian.wires(outcome, multiplier)
        return (trajectory, outcome), per_home_day(outcome, wires), wires

    (_, idle, idle_wires), (found, controlled, wires) = run(Uncontrolled()), run(Installer())
    own, team = jax.jit(lambda found: extras(world, profile, found, (lagrangian, multiplier), "own", early))(found)
    assert team.shape == own.shape[:2] == (2, world.steps)
    assert min(float(wires), float(idle_wires)) > 0
    assert jnp.allclose(team.sum() / 2, controlled - idle, rtol=1e-3, atol=1e-3)


@pytest.mark.study
def test_actions_without_control_are_those_of_idle_homes(world, profile):
    trajectory = jax.jit(lambda: rollout(world, Uncontrolled(), profile, KEY, 2))()
    assert jnp.allclose(jax.jit(idles)(world, trajectory, profile), trajectory.action, atol=1e-6)


@pytest.mark.slow
def test_what_it_was_shown_draws_policies_to_the_optimum(world, profile):
    """Only the lesson has a weight: from each row's distance to an action that is shown, here a constant."""
    shown = jnp.full((2, world.steps, world.homes, world.fleet.controls), 0.3)
    who = FACMAC(demonstrations=2, hidden=(8,), embed=2, utilities=1, days=1, kept_rounds=1)
    before, pupil = who.init(world, KEY), who.taught(profile, shown)
    state = jax.jit(lambda: pupil.init(world, KEY))()
    shapes = [[(x.shape, x.dtype) for x in jax.tree.leaves(tree)] for tree in (before, state)]
    assert shapes[0] == shapes[1], "a checkpoint of one is loaded into the other"
    _, idle, action = state.lesson
    assert jnp.array_equal(action, shown)
    silent = jax.tree.map(jnp.zeros_like, of_homes(state.nets.actor, state.group))
    far = ((jnp.clip(idle, -1, 1) - 0.3) ** 2).sum(-1)
    found = pupil.unlike(silent, state.lesson, KEY)
    assert float(far.min()) <= float(found) <= float(far.max())
    slope = jax.grad(lambda actor: pupil.unlike(actor, state.lesson, KEY))(silent).biases[-1]
    assert float(jnp.abs(slope).sum()) > 0
    assert who.unlike(silent, before.lesson, KEY) == 0.0
    assert pupil.saved(state).lesson is None
    assert jnp.array_equal(pupil.restored(pupil.saved(state), state).lesson[2], shown)
