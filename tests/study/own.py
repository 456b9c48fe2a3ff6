"""Parts of one's own that have no file: two markets and a learner."""

import jax
import jax.numpy as jnp

from wattflock.learn.learner import Learner
from wattflock.market.market import Market, Settlement
from wattflock.world.rollout import Policy, judge, rollout
from wattflock.world.world import measures

OWN, THEIRS = 0.30, 0.08


class Flat(Market):
    """One price to buy and one to sell, whatever the readings say. Source: definition."""

    @classmethod
    def example(cls):
        return cls()

    def settle(self, meter):
        bill = OWN * jnp.maximum(meter.net_kwh, 0) + THEIRS * jnp.minimum(meter.net_kwh, 0)
        return Settlement(bill, jnp.zeros_like(bill.sum(-1)), bill.sum(-1))


class Pool(Market):
    """Everybody pays the mean: no price per home. Source: definition."""

    @classmethod
    def example(cls):
        return cls()

    def settle(self, meter):
        total = (meter.net_kwh.mean(-1) * meter.import_price_per_kwh)[..., None]
        bill = jnp.broadcast_to(total, meter.net_kwh.shape)
        return Settlement(bill, jnp.zeros_like(bill.sum(-1)), bill.sum(-1))


class Still(Policy):
    """The same action at all times."""

    action: jax.Array

    def __call__(self, memory, seen, key):
        return memory, self.action


class Guess(Learner):
    """Keep a change if the day went better. Source: Rastrigin 1963."""

    size: float = 0.1

    @classmethod
    def example(cls):
        return cls()

    def init(self, world, key):
        return jnp.zeros((world.homes, world.fleet.controls)), jnp.array(jnp.inf, jnp.float32)

    def policy(self, state):
        return Still(state[0])

    def rounds(self):
        return 20

    def update(self, state, world, draw, key):
        action, best = state
        trial = action + self.size * jax.random.normal(key, action.shape)
        profile = draw(key, 1)
        found = measures(world.limits, judge(world, rollout(world, Still(trial), profile, key), profile))
        better = found["cost"] < best
        state = jnp.where(better, trial, action), jnp.where(better, found["cost"], best)
        return state, found | {"objective": found["cost"]}
