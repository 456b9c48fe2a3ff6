"""The functional form: its rewards are the verdict's costs on the same days, under jit and vmap, for every market."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.gym.conftest import FLOCK
from wattflock.core.scenario import load
from wattflock.gym import functional_env
from wattflock.gym.functional import FunctionalEnv, bills_by_step
from wattflock.learn.agents import sizes
from wattflock.learn.lagrangian import Lagrangian
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.market.market import Market, Settlement
from wattflock.market.markets.tariff import Tariff
from wattflock.world.rollout import ZeroPolicy, judge, rollout


class Capped(Market):
    """Energy is free up to 100 kWh in an episode: a market that no one has thought of."""

    @classmethod
    def example(cls):
        return cls()

    def settle(self, meter):
        above = jnp.maximum(meter.net_kwh.sum(-2, keepdims=True) - 100, 0) / meter.net_kwh.shape[-2]
        bill = jnp.broadcast_to(above, meter.net_kwh.shape)
        return Settlement(bill, jnp.zeros_like(bill[..., 0]), bill.sum(-1))


CHARGES = "market.settings={standing_per_day=0.5, demand_per_kw_day=0.2, loss_per_kw=1e-3, export_share=0.3}"


def actions(env: FunctionalEnv, profile, seed=0):
    shape = (*profile.load_kw.shape, env.world.fleet.controls)
    return jax.random.uniform(jax.random.key(seed), shape, minval=-1.5, maxval=1.5)


@eqx.filter_jit
def played(env: FunctionalEnv, profile, action):
    """Rewards and all else of every step of days (days, steps, homes) under given actions."""

    def day(given, moves):
        def step(episode, move):
            episode, seen, reward, done, info = env.step(episode, move)
            return episode, (seen, reward, done, info)

        episode, first = env.begin(given)
        _, (seen, reward, done, info) = jax.lax.scan(step, episode, moves)
        return jnp.concatenate([first[None], seen]), reward, done, info

    return jax.vmap(day)(profile, action)


@eqx.filter_jit
def judged(env: FunctionalEnv, profile, action):
    """The same days as learners and judges step them."""
    trajectory = rollout(env.world, ZeroPolicy(), profile, jax.random.key(0), 10, action)
    return trajectory, judge(env.world, trajectory, profile)


def agree(env: FunctionalEnv):
    profile = eqx.filter_jit(FunctionalEnv.every)(env)
    profile = jax.tree.map(lambda x: x[:2], profile)
    moves = actions(env, profile)
    seen, reward, done, info = played(env, profile, moves)
    trajectory, outcome = judged(env, profile, moves)
    own = sizes(env.world.fleet)
    assert seen.shape[-1] == env.seen == env.world.seen + own.shape[-1]
    np.testing.assert_allclose(seen[:, :-1, :, : env.world.seen], trajectory.features, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(seen[..., env.world.seen :], jnp.broadcast_to(own, (*seen.shape[:-1], own.shape[-1])))
    np.testing.assert_allclose(-reward.sum(1), outcome.cost.sum(1), rtol=1e-4, atol=2e-3)
    np.testing.assert_allclose(info["bill"].sum(1), outcome.bill.sum(1), rtol=1e-4, atol=2e-3)
    np.testing.assert_allclose(info["net_kwh"], outcome.net_kwh, rtol=1e-4, atol=1e-4)
    assert done[:, -1].all() and not done[:, :-1].any()
    return reward, info, outcome


@pytest.mark.slow
def test_rewards_are_the_costs_of_the_verdict(bare):
    env = functional_env(bare, split="test")
    assert env.by_step
    reward, info, outcome = agree(env)
    np.testing.assert_allclose(-reward, outcome.cost, rtol=1e-3, atol=1e-4)  # step by step too
    assert info["violation"] == {}


@pytest.mark.slow
def test_with_voltmeters_the_flow_of_the_loop_is_judged(wired):
    _, info, outcome = agree(functional_env(wired, split="test"))
    assert set(info["violation"]) == set(outcome.excess) >= {"voltage"} and info["converged"].all()
    for name, excess in outcome.excess.items():
        want = excess.mean(-1) * outcome.dt_h
        np.testing.assert_allclose(info["violation"][name], want, rtol=1e-3, atol=1e-6)
    assert (info["violation"]["voltage"] > 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("market", ["tariff", "mid_market", "nodal"])
def test_charges_on_a_whole_episode_are_paid_by_its_end(market):
    wires = "ieee13" if market == "nodal" else "none"
    more = [f"feeder.part={wires}", "data.episode_days=2", f"market.part={market}", CHARGES]
    env = functional_env(load(None, [*FLOCK, *more]), split="test")
    assert not env.by_step
    agree(env)


@pytest.mark.slow
def test_a_market_without_such_charges_bills_by_step(bare):
    day = jax.tree.map(lambda x: x[0], bare.sampler.draw(jax.random.key(0), "test", 1))
    assert bills_by_step(Tariff(standing_per_day=0.5, loss_per_kw=1e-3), day)
    assert not bills_by_step(Tariff(demand_per_kw_day=0.01), day)
    assert not bills_by_step(Capped(), day)


@pytest.mark.slow
def test_a_team_shares_the_mean(bare):
    own, team = (functional_env(bare, reward=whose) for whose in ("own", "team"))
    profile = bare.sampler.draw(jax.random.key(1), "train", 1)
    moves = actions(own, profile)
    each, shared = played(own, profile, moves)[1], played(team, profile, moves)[1]
    np.testing.assert_allclose(shared, jnp.broadcast_to(each.mean(-1, keepdims=True), each.shape), rtol=1e-5, atol=1e-6)
    assert np.ptp(each, -1).min() > 0


@pytest.mark.slow
def test_violations_are_priced_as_in_learning(wired):
    profile = wired.sampler.draw(jax.random.key(1), "train", 2)
    env = functional_env(wired, wires_price=50.0)
    moves = actions(env, profile)
    _, reward, _, info = played(env, profile, moves)
    _, outcome = judged(env, profile, moves)
    price = Lagrangian(50.0, 0.0, 0.0, 0.0)
    want = price.wires(outcome, price.multiplier(env.world))
    paid = -reward - info["cost"]
    assert float(want) > 1
    np.testing.assert_allclose(paid.sum(), want, rtol=2e-3)
    np.testing.assert_allclose(paid, jnp.broadcast_to(paid[..., :1], paid.shape), atol=1e-4)  # every home the same


@pytest.mark.slow
def test_days_of_the_test_split_are_those_of_the_judge(bare):
    scenario = load(None, [*FLOCK, "feeder.part=none"])
    env = functional_env(scenario, split="test")
    want = eqx.filter_jit(bare.sampler.every)(jax.random.key(7), "test", 3)
    assert eqx.tree_equal(eqx.filter_jit(FunctionalEnv.every)(env), want)
    assert functional_env(bare, split="validation").every().days() == len(bare.sampler.split_days["validation"])


@pytest.mark.slow
def test_episodes_are_mapped_over_keys(bare):
    env, keys = functional_env(bare), jax.random.split(jax.random.key(3), 3)
    episodes, seen = jax.jit(jax.vmap(env.reset))(keys)
    move = actions(env, jax.tree.map(lambda x: x[:, 0], episodes.given))
    after, _, reward, done, _ = jax.jit(jax.vmap(env.step))(episodes, move)
    assert seen.shape == (3, 12, env.seen) and reward.shape == (3, 12) and done.shape == (3,)
    assert after.step.tolist() == [1, 1, 1]
    alone, first = jax.jit(env.reset)(keys[1])
    np.testing.assert_allclose(first, seen[1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(jax.jit(env.step)(alone, move[1])[2], reward[1], rtol=1e-4, atol=1e-5)
    assert len({float(episodes.given.load_kw[k].sum()) for k in range(3)}) == 3  # days differ


@pytest.mark.slow
def test_actions_without_control_are_those_of_uncontrolled_homes(bare):
    env = functional_env(bare)
    profile = bare.sampler.draw(jax.random.key(1), "train", 1)
    want = judge(env.world, rollout(env.world, Uncontrolled(), profile, jax.random.key(0)), profile)

    def step(episode, _):
        episode, _, reward, _, _ = env.step(episode, env.idle(episode))
        return episode, reward

    given = jax.tree.map(lambda x: x[0], profile)
    reward = jax.jit(lambda given: jax.lax.scan(step, env.begin(given)[0], length=24)[1])(given)
    np.testing.assert_allclose(-reward, want.cost[0], rtol=1e-3, atol=1e-4)


@pytest.mark.study
def test_gradients_pass_a_step(bare):
    env = functional_env(bare)
    episode, _ = jax.jit(env.reset)(jax.random.key(0))
    move = jnp.full((12, env.world.fleet.controls), 0.3)
    slope = jax.jit(jax.grad(lambda move: env.step(episode, move)[2].sum()))(move)
    assert np.isfinite(slope).all() and (slope != 0).any()


@pytest.mark.slow
def test_an_episode_of_one_step_is_whole(bare):
    env = functional_env(bare)
    given = jax.tree.map(lambda x: x[:1], jax.tree.map(lambda x: x[0], bare.sampler.draw(jax.random.key(0), "test", 1)))
    moves = actions(env, given)
    _, seen, reward, done, info = jax.jit(env.step)(env.begin(given)[0], moves[0])
    _, outcome = judged(env, jax.tree.map(lambda x: x[None], given), moves[None])
    assert done and np.isfinite(seen).all()
    np.testing.assert_allclose(-reward, outcome.cost[0, 0], rtol=1e-4, atol=1e-5)
    assert info["bill"].shape == (12,)


@pytest.mark.study
def test_no_number_is_no_power(bare):
    env = functional_env(bare)
    episode, _ = jax.jit(env.reset)(jax.random.key(0))
    step = jax.jit(env.step)
    shape = (12, env.world.fleet.controls)
    lost, zero = step(episode, jnp.full(shape, jnp.nan)), step(episode, jnp.zeros(shape))
    assert eqx.tree_equal(lost, zero)


@pytest.mark.slow
def test_one_home_alone():
    kinds = "homes.kinds=[{name='b', share=1.0, devices=['battery']}]"
    agree(functional_env(load(None, ["homes.count=1", "feeder.part=none", kinds]), split="test"))
