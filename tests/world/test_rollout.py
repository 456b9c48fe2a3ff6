"""The one loop over time: differentiable through homes, wires and market; compiled once; replayed exactly."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.learn.lagrangian import Lagrangian
from wattflock.learn.nets import Separate, flock
from wattflock.world.rollout import ZeroPolicy, judge, rollout

LAGRANGIAN = Lagrangian(multiplier_init=2000.0, curvature=3e4, ascent=0.0, margin_pu=0.008)


def networks(world):
    nets = flock((world.seen, 8, world.fleet.controls), world.homes, jax.random.key(3))
    louder = eqx.tree_at(lambda n: n.weights[-1], nets, 5 * nets.weights[-1])
    return Separate(louder)


def roll(world, policy, profile, action_offset=None, together=1):
    return rollout(world, policy, profile, jax.random.key(0), together, action_offset)


# The plain emitters, which most tests use, round the same sums of two programs differently.
run = eqx.filter_jit(roll, compiler_options={"xla_cpu_use_fusion_emitters": True})


@pytest.fixture(scope="module")
def objective(world64, profile64):
    """J of networks and of what is added to their actions, with its gradient; float64."""

    def value(moving):
        nets, action_offset = moving
        outcome = judge(
            world64, roll(world64, Separate(nets), profile64, action_offset), profile64, LAGRANGIAN.margin_pu
        )
        return LAGRANGIAN.value(outcome, LAGRANGIAN.multiplier(world64))

    return jax.jit(jax.value_and_grad(value))


@pytest.fixture(scope="module")
def at(world64, profile64, objective):
    with jax.enable_x64(True):
        nets = networks(world64).nets
        shape = (*profile64.load_kw.shape, world64.fleet.controls)
        place = nets, jnp.asarray(0.1 * np.random.default_rng(0).standard_normal(shape))
        return place, objective(place)[1]


@pytest.mark.study
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("part", ["weights", "actions"])
def test_the_gradient_through_the_whole_day_is_that_of_central_differences(part, seed, at, objective, float64):
    place, slope = at
    random = np.random.default_rng(seed)
    kept = [part == "weights", part == "actions"]
    way = tuple(
        jax.tree.map(lambda leaf, keep=keep: keep * jnp.asarray(random.standard_normal(leaf.shape)), tree)
        for tree, keep in zip(place, kept, strict=True)
    )
    size = 1e-6

    def moved(by):
        return float(objective(jax.tree.map(lambda leaf, move: leaf + by * move, place, way))[0])

    expected = (moved(size) - moved(-size)) / (2 * size)
    products = jax.tree.map(lambda a, b: (a * b).sum(), slope, way)
    assert float(sum(jax.tree.leaves(products))) == pytest.approx(expected, rel=1e-5)


def test_it_is_traced_once(world, profile):
    traces = []

    @eqx.filter_jit
    def counted(world, policy, profile):
        traces.append(1)
        return roll(world, policy, profile)

    policy = networks(world)
    louder = jax.tree.map(lambda leaf: 2 * leaf, policy)
    other = jax.tree.map(lambda leaf: leaf[::-1], profile)
    for each, days in ((policy, profile), (louder, profile), (policy, other)):
        counted(world, each, days)
    assert len(traces) == 1


@pytest.mark.slow
def test_days_side_by_side_are_days_one_by_one(world, profile):
    policy = networks(world)
    one_by_one, side_by_side = (run(world, policy, profile, None, together) for together in (1, 2))
    for here, there in zip(jax.tree.leaves(one_by_one), jax.tree.leaves(side_by_side), strict=True):
        assert jnp.allclose(here, there, rtol=1e-4, atol=1e-4)


def test_a_day_does_not_depend_on_the_days_beside_it(world, profile):
    policy = networks(world)
    alone = run(world, policy, jax.tree.map(lambda leaf: leaf[1:], profile))
    both = run(world, policy, profile)
    assert jnp.allclose(alone.action[0], both.action[1], atol=1e-5)


@pytest.mark.parametrize("size", [1.0, 3.0])
def test_zero_and_an_offset_replay_a_day_exactly(world, profile, size):
    shape = (*profile.load_kw.shape, world.fleet.controls)
    pushed = size * jnp.asarray(np.random.default_rng(1).standard_normal(shape), jnp.float32)
    first = run(world, networks(world), profile, pushed)
    again = run(world, ZeroPolicy(), profile, first.action)
    assert jnp.array_equal(again.action, first.action)
    for here, there in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True):
        assert jnp.array_equal(here, there)


def test_rest_is_no_action(world, profile):
    assert jnp.abs(run(world, ZeroPolicy(), profile).action).max() == 0


def test_the_verdict_is_the_sum_of_its_parts(world, profile):
    result = run(world, networks(world), profile)
    outcome = judge(world, result, profile)
    last = jnp.zeros_like(outcome.cost).at[:, -1].set(result.end)
    assert jnp.allclose(outcome.cost, outcome.bill + result.effect.cost + last, atol=1e-5)
    assert jnp.allclose(outcome.net_kwh, result.effect.power_kw * profile.dt_h[..., None])
    weight = world.placement.sum(1)[None, None]
    assert jnp.allclose(outcome.net_kw, (result.effect.power_kw * weight).sum(-1), rtol=1e-4, atol=1e-2)
    assert bool(outcome.converged.all())


def test_a_margin_narrows_the_limits(world, profile):
    result = run(world, networks(world), profile)
    wide, narrow = (judge(world, result, profile, margin).excess["voltage"] for margin in (0.0, 0.01))
    assert bool((narrow >= wide).all())
    assert jnp.allclose(narrow[wide > 0], wide[wide > 0] + 0.01, atol=1e-5)
