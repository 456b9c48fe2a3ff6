"""PPO: the clipped objective, advantages, what critics see, and that it learns."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.agents import Played
from wattflock.learn.critic import to_go
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.idle import Idle
from wattflock.learn.learners.ppo import PPO, clipped, density, normalised, present
from wattflock.learn.learners.rules import Rules
from wattflock.study.bound import bound
from wattflock.study.build import build
from wattflock.study.train import score

RANDOM = np.random.default_rng(0)


def test_the_clipped_objective_is_equation_7():
    """Schulman et al. 2017, figure 1: flat where a ratio has gone as far as it may in the direction that pays."""
    ratio, advantage = jnp.asarray([0.5, 1.0, 1.5, 0.5, 1.0, 1.5]), jnp.asarray([2.0, 2.0, 2.0, -2.0, -2.0, -2.0])
    value, slope = jax.vmap(jax.value_and_grad(clipped), (0, 0, None))(jnp.log(ratio), advantage, 0.2)
    assert jnp.allclose(value, jnp.asarray([-1.0, -2.0, -2.4, 1.6, 2.0, 3.0]), atol=1e-6)
    assert jnp.allclose(slope, jnp.asarray([-1.0, -2.0, 0.0, 0.0, 2.0, 3.0]), atol=1e-6)


def test_a_difference_of_densities_is_the_logarithm_of_a_ratio_of_normal_ones():
    offset, mean, sigma = jnp.asarray([0.3, -1.0]), jnp.asarray([0.1, 0.2]), jnp.asarray([0.5, 0.25])
    moved = density(offset - mean, jnp.log(sigma)) - density(offset, jnp.log(2 * sigma))
    ratio = norm.logpdf(offset, mean, sigma) - norm.logpdf(offset, 0, 2 * sigma)
    assert jnp.allclose(moved, ratio, atol=1e-5)


def test_advantages_follow_their_recursion():
    """A_t = δ_t + γλ A_{t+1}, δ_t = r_t + γ V_{t+1} - V_t (Schulman et al. 2017, eq. 11), in costs: the negative."""
    cost, value = RANDOM.standard_normal((2, 1, 6, 2))
    found, ahead = np.zeros((1, 7, 2)), np.concatenate([value, np.zeros((1, 1, 2))], 1)
    for t in reversed(range(6)):
        found[:, t] = cost[:, t] + 0.9 * ahead[:, t + 1] - value[:, t] + 0.9 * 0.7 * found[:, t + 1]
    assert np.allclose(to_go(jnp.asarray(cost), jnp.asarray(value), 0.7, 0.9) - value, found[:, :-1], atol=1e-5)


def test_advantages_of_every_group_have_mean_0_and_spread_1():
    group = jnp.asarray([0, 2, 2, 0, 2])  # nobody is in 1
    scaled = normalised(3 + 5 * jnp.asarray(RANDOM.standard_normal((4, 6, 5))) * (1 + group)[None, None], group, 3)
    for each in (0, 2):
        part = scaled[:, :, group == each]
        assert float(part.mean()) == pytest.approx(0, abs=1e-5)
        assert float(part.std()) == pytest.approx(1, abs=1e-4)


def test_controls_of_absent_devices_are_told(world):
    there = np.asarray(present(world.fleet))
    battery = np.asarray(world.fleet.devices["battery"].size_kwh) > 0
    assert there.shape == (world.homes, world.fleet.controls)
    assert battery.any()
    assert np.array_equal(there[:, list(world.fleet.devices).index("battery")], battery)


def test_a_critic_sees_nothing_that_the_step_s_own_action_has_changed():
    common = jnp.arange(10.0).reshape(1, 10, 1) * jnp.ones((1, 1, 3))
    none = jnp.zeros((1, 10, 2, 0))
    played = Played(jnp.ones((1, 10, 2, 4)), none, none, jnp.zeros((1, 10, 2)), common, jnp.zeros((1, 10)))
    assert PPO(critic_sees="own").judged(played).shape == (1, 10, 2, 4)
    judged = PPO(critic_sees="common").judged(played)
    assert judged.shape == (1, 10, 2, 7)
    assert judged[0, :, 1, -1].tolist() == [0, *range(9)]


@pytest.fixture(scope="module")
def cars():
    """A world of six cars that give back, without wires; training days, and `share(policy)` of the best saving."""
    kind = 'homes.kinds=[{name="car", share=1, devices={ev={give_kw=7.0}}}]'
    sets = ["homes.count=6", "homes.homes_per_agent=1", 'feeder.part="none"', kind]
    built = build(load(None, sets))
    world = on_device(built.world, "float32")
    days = eqx.filter_jit(lambda sampler: sampler.every(jax.random.key(1), "validation", 3))(built.sampler)
    host = jax.tree.map(lambda x: np.asarray(x, np.float64) if x.dtype.kind == "f" else np.asarray(x), days)
    best = np.mean([outcome.cost for outcome in bound(built.world, host)]) / world.homes
    cost = eqx.filter_jit(lambda policy: score(world, policy, days)["cost"])
    idle = float(cost(Idle().policy(())))
    return world, built.sampler.train, lambda policy: (idle - float(cost(policy))) / (idle - best)


@pytest.mark.slow
@pytest.mark.parametrize("sees", ["own", "common"])
def test_it_nearly_finds_the_optimum_within_60_rounds(cars, sees):
    world, draw, share = cars
    learner = PPO(hidden=(16, 16), days=16, rows=96, rate=8e-3, critic_rate=1e-2, critic_sees=sees, total_rounds=60)
    start = begin(learner, world, 0)
    end, _ = advance(start, learner, world, draw, 60)
    first, rules, last = map(share, (learner.policy(start.state), Rules().policy(()), learner.policy(end.state)))
    assert first == pytest.approx(0, abs=0.01)
    assert rules < 0.5
    assert last > 0.9
