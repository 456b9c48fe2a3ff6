"""Episodes as pure functions of arrays: `reset` and `step` for all homes, to be compiled and mapped over days."""

import dataclasses
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.types import Profile
from wattflock.data.sample import Sampler
from wattflock.feeder.limits import Conditions
from wattflock.homes.device import Effect
from wattflock.learn.agents import sized, width
from wattflock.learn.lagrangian import Lagrangian
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.market.market import Market
from wattflock.world.world import Outcome, World

Split = Literal["train", "validation", "test"]
Reward = Literal["own", "team"]
FACED = ("import_price_per_kwh", "export_price_per_kwh", "price_ahead_per_kwh")  # what `World.faced` changes


class Metered(eqx.Module):
    """What a market that bills whole episodes needs to know at their end."""

    net_kwh: Array  # (steps, homes) until now
    paid: Array  # (homes,) sum of the bills until now [currency]


class Episode(eqx.Module):
    """An episode under way."""

    given: Profile  # (steps, homes), as the sampler drew it
    faced: dict[str, Array]  # (steps,) prices of the market: what homes observe in place of those in `given`
    state: dict  # of the devices, each (homes,)
    step: Array  # () of the coming step, its number
    metered: Metered | None  # None where the market bills every step by itself

    @property
    def steps(self) -> int:
        """Length of the episode."""
        return self.given.load_kw.shape[-2]

    def at(self, step: Array) -> tuple[Profile, Profile]:
        """What is given at a step, and the same with the prices that homes observe; (homes,)."""
        step = jnp.minimum(step, self.steps - 1)
        given, faced = jax.tree.map(lambda x: x[step], (self.given, self.faced))
        return given, dataclasses.replace(given, **faced)


class FunctionalEnv(eqx.Module):
    """All homes of a scenario as pure functions; `jax.jit` and `jax.vmap` apply to every method.

    Observations (homes, seen), actions (homes, controls) in [-1, 1], rewards (homes,) [currency].
    """

    world: World  # float32 on the device
    sampler: Sampler
    split: Split = eqx.field(static=True, default="train")
    reward: Reward = eqx.field(static=True, default="own")
    wires_price: float = 0.0  # of violations [currency per home and pu·h, at a mean import price of 0.3 per kWh]
    judged: tuple[int, int] = eqx.field(static=True, default=(0, 0))  # seed and number of the days of `every`
    by_step: bool = eqx.field(static=True, default=True)  # whether the market bills every step by itself

    @property
    def seen(self) -> int:
        """How many numbers each home observes."""
        return width(self.world)

    def __hash__(self) -> int:
        return id(self)  # so that `jax.jit(env.step)` is a function like any other; equinox hashes no dict

    def every(self) -> Profile:
        """The days of the split in order, (days, steps, homes): of "test" those that the judge has."""
        seed, days = self.judged
        return self.sampler.every(jax.random.key(seed), self.split, days if self.split == "test" else 0)

    def reset(self, key: Array) -> tuple[Episode, Array]:
        """A random episode of the split, and its first observation (homes, seen)."""
        return self.begin(jax.tree.map(lambda x: x[0], self.sampler.draw(key, self.split, 1)))

    def begin(self, given: Profile) -> tuple[Episode, Array]:
        """The episode of given days (steps, homes), and its first observation (homes, seen)."""
        faced = self.world.faced(given)
        now = jax.tree.map(lambda x: x[0], faced)
        homes, zero = given.load_kw.shape[-1:], jnp.zeros((), jnp.int32)
        metered = None if self.by_step else Metered(jnp.zeros_like(given.load_kw), jnp.zeros(homes))
        prices = {name: getattr(faced, name) for name in FACED}
        episode = Episode(given, prices, self.world.reset(now), zero, metered)
        return episode, self.observe(episode)

    def observe(self, episode: Episode) -> Array:
        """What homes observe, (homes, seen), as agents that learn here do: features, and sizes of their devices.

        After the end the outside values are those of the last step.
        """
        features = self.world.observe(episode.state, episode.at(episode.step)[1]).features
        return sized(features, self.world.fleet)

    def idle(self, episode: Episode) -> Array:
        """The actions without control, (homes, controls)."""
        seen = self.world.observe(episode.state, episode.at(episode.step)[1])
        return Uncontrolled()((), seen, jax.random.key(0))[1]

    def step(self, episode: Episode, action: Array) -> tuple[Episode, Array, Array, Array, dict]:
        """One step of all homes.

        Args:
            episode: not past its end.
            action: (homes, controls), clipped to [-1, 1]; NaN is 0.

        Returns:
            Episode, observation (homes, seen), reward (homes,) [currency], whether the episode is at its end (), and
            `bill` and `cost` (homes,) [currency], `net_kwh` (homes,), `violation` limit → () mean over its rows
            [pu·h or share·h], `converged` (). `cost` has all of the reward but the price of violations.
        """
        given, now = episode.at(episode.step)
        state, effect, found = self.world.act(episode.state, action, now)
        done = episode.step == episode.steps - 1
        end = jnp.where(done, self.world.end(state), 0)
        outcome = self._verdict(effect, end, given, found)
        bill, metered = self._settled(episode, outcome, given, done)
        cost = bill + (outcome.cost - outcome.bill)[0, 0]
        after = Episode(episode.given, episode.faced, state, episode.step + 1, metered)
        info = {
            "bill": bill,
            "cost": cost,
            "net_kwh": outcome.net_kwh[0, 0],
            "violation": {name: e.mean() * given.dt_h for name, e in outcome.excess.items()},
            "converged": outcome.converged[0, 0],
        }
        reward = -cost - self._wires(outcome)
        reward = jnp.full_like(reward, reward.mean()) if self.reward == "team" else reward
        return after, self.observe(after), reward, done, info

    def _verdict(self, effect: Effect, end: Array, given: Profile, found: Conditions | None) -> Outcome:
        """One step as one day of one step, (1, 1, homes)."""
        effect, given, found = jax.tree.map(lambda x: x[None, None], (effect, given, found))
        return dataclasses.replace(self.world.verdict(effect, end[None], given, found=found), steps=1)

    def _settled(self, episode: Episode, outcome: Outcome, given: Profile, done: Array) -> tuple[Array, Metered | None]:
        """The bill of a step (homes,); in the last one also what is owed for the episode as a whole.

        What the power flow adds to bills is of each step by itself: the rest is settled anew in the end.
        """
        bill = outcome.bill[0, 0]
        if episode.metered is None:
            return bill, None
        net_kwh = episode.metered.net_kwh.at[episode.step].set(outcome.net_kwh[0, 0])
        paid = (
            episode.metered.paid
            + bills(self.world.market, outcome.net_kwh[0], jax.tree.map(lambda x: x[None], given))[0]
        )
        owed = bills(self.world.market, net_kwh, episode.given).sum(0) - paid
        return bill + jnp.where(done, owed, 0), Metered(net_kwh, paid)

    def _wires(self, outcome: Outcome) -> Array:
        """The price of violations of one step, the same for every home, () [currency]."""
        price = Lagrangian(self.wires_price, 0.0, 0.0, 0.0)
        multiplier = {name: jnp.full(e.shape[1:], self.wires_price) for name, e in outcome.excess.items()}
        return price.wires(outcome, multiplier) / self.world.homes


def bills(market: Market, net_kwh: Array, given: Profile) -> Array:
    """Bills (steps, homes) of an episode at these energies (steps, homes) [currency]."""
    return market.settle(market.meter(net_kwh, given)).bill


def bills_by_step(market: Market, given: Profile) -> bool:
    """Whether a market bills every step by itself, found by trial on days (steps, homes); else some charge does not."""
    each = jax.tree.map(lambda x: x[:, None], given)
    for size_kwh in (0.1, 1.0, 30.0):
        net_kwh = size_kwh * np.random.default_rng(0).normal(size=given.load_kw.shape).astype(given.load_kw.dtype)
        alone = jax.vmap(lambda net, now: bills(market, net, now))(net_kwh[:, None], each)[:, 0]
        if not jnp.allclose(bills(market, jnp.asarray(net_kwh), given), alone, rtol=1e-4, atol=1e-5):
            return False
    return True
