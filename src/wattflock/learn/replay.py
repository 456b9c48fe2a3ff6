"""Replay on the device, and what learners share that learn from it: exploration, targets that follow, minibatches."""

import abc
import dataclasses
from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from pydantic import Field

from wattflock.core.types import Profile
from wattflock.learn.agents import COMMON, Agents, Around, Played, noise, of_homes, two_rates, width
from wattflock.learn.lagrangian import Amounts, Halvings, Rate, Rounds
from wattflock.world.world import World


class Replay(eqx.Module):
    """A ring of whole episodes, so that the row after a step is the next step of the same homes."""

    days: Played  # (capacity, steps, …)
    added: Array  # episodes since the beginning

    def add(self, more: Played) -> "Replay":
        """The same with episodes in place of the oldest; the capacity is a multiple of how many they are."""
        at = self.added % self.days.cost.shape[0]

        def put(ring, new):
            return jax.lax.dynamic_update_slice_in_dim(ring, new.astype(ring.dtype), at, 0)

        return Replay(jax.tree.map(put, self.days, more), self.added + more.cost.shape[0])

    def rows(self, key: Array, count: int) -> tuple[Array, Array]:
        """Episodes and steps of random rows, with replacement, each (count,)."""
        capacity, steps = self.days.cost.shape[:2]
        day, step = jax.random.split(key)
        filled = jnp.minimum(self.added, capacity)
        return jax.random.randint(day, (count,), 0, filled), jax.random.randint(step, (count,), 0, steps)

    def at(self, day: Array, step: Array, home: Array) -> Played:
        """Rows (groups, count, …) of homes (groups, count); `common` and `team` are (count, …)."""
        every = self.days
        own = (x[day[None], step[None], home] for x in (every.seen, every.idle, every.action, every.cost))
        return Played(*own, common=every.common[day, step], team=every.team[day, step])

    def joint(self, day: Array, step: Array) -> Played:
        """Rows (count, homes, …) of all homes."""
        return jax.tree.map(lambda x: x[day, step], self.days)

    def paid(self, rows: tuple[Array, Array, Array], steps: int, discount: float) -> tuple[Array, Array, Array, Array]:
        """Costs of a row's next `steps` steps, discounted; the step after them, and what its value weighs.

        Args:
            rows: episode (count,), step (count,) and home (groups, count).

        Returns:
            cost (groups, count) and that of all (count,); step (count,), the last one where the episode ends before;
            weight (count,), then 0.
        """
        day, step, home = rows
        last = self.days.cost.shape[1] - 1
        ahead = jnp.arange(steps)[:, None]
        when = step[None] + ahead  # (steps, count)
        weight, at = discount**ahead * (when <= last), jnp.minimum(when, last)
        own = weight[None] * self.days.cost[day[None, None], at[None], home[:, None]]  # (groups, steps, count)
        team = weight * self.days.team[day[None], at]
        goes_on = (step + steps <= last) * discount**steps
        return own.sum(1), team.sum(0), jnp.minimum(step + steps, last), goes_on


def members(group: Array, groups: int, key: Array, count: int) -> Array:
    """Random homes of each group, with replacement, (groups, count); for a group without homes any."""
    order = jnp.argsort(group)
    sizes = jnp.zeros(groups, int).at[group].add(1)
    first = jnp.cumsum(sizes) - sizes
    within = jnp.floor(jax.random.uniform(key, (groups, count)) * sizes[:, None]).astype(int)
    return order[jnp.clip(first[:, None] + within, 0, len(group) - 1)]


class ReplayState(eqx.Module):
    """State of a learner with replay."""

    nets: Any  # has `actor`, a stack of networks
    target: Any  # follows `nets` slowly
    mean: Any  # running mean of the actors over rounds: the policy after training
    adam: Any
    multiplier: Amounts
    group: Array  # (homes,) the network of each home
    done: Array  # rounds
    replay: Replay
    lesson: Any = ()  # what a learner was shown before its first round


class ReplayLearner(Agents):
    """Plays with noise, keeps what it played, and improves on random rows of it."""

    rate: Rate = 3e-4
    halvings: Halvings = 4.0
    total_rounds: Rounds = 1000
    critic_rate: Annotated[float, Field(gt=0, le=1, description="Adam's step of the critics [1]")] = 2e-3
    follow: Annotated[float, Field(gt=0, le=1, description="by which targets approach the networks: τ [share]")] = 0.02
    ahead: Annotated[int, Field(ge=1, description="steps whose costs are counted before a value is trusted")] = 1
    discount: Annotated[float, Field(ge=0, le=1, description="weight of the next step's value: γ [1]")] = 0.97
    explore: Annotated[float, Field(ge=0, description="noise of actions at first [share of half their range]")] = 0.5
    explore_least: Annotated[
        float, Field(ge=0, description="noise of actions at the end [share of half their range]")
    ] = 0.2
    first_rounds: Annotated[int, Field(ge=0, description="rounds of noise alone before anything is learned")] = 4
    updates: Annotated[int, Field(ge=1, description="minibatches in a round")] = 16
    rows: Annotated[int, Field(ge=1, description="rows (home, step) of each network in a minibatch")] = 64
    kept_rounds: Annotated[int, Field(ge=1, description="rounds whose days are kept for replay")] = 64

    def optimiser(self) -> Any:
        """Adam for the actors and for all else, each with its rate."""
        return two_rates(self.falling(self.rate, self.updates), self.falling(self.critic_rate, self.updates))

    def fresh(self, world: World, nets: Any) -> ReplayState:
        """The state before the first round, of `nets` that has a field `actor`."""
        steps, kept = world.steps * world.episode_days, self.kept_rounds * self.days
        each, controls = (kept, steps, world.homes), world.fleet.controls
        seen, action = jnp.zeros((*each, width(world))), jnp.zeros((*each, controls))
        common, team = jnp.zeros((kept, steps, COMMON)), jnp.zeros((kept, steps))
        days = Played(seen, action, action, jnp.zeros(each), common, team)
        none = jnp.zeros((), jnp.int32)
        adam, multiplier = self.optimiser().init(nets), self.lagrangian.multiplier(world)
        return ReplayState(nets, nets, nets.actor, adam, multiplier, self.group(world), none, Replay(days, none))

    def policy(self, state):
        return Around(of_homes(state.mean, state.group))

    def saved(self, state):
        """All but the replay and the lesson: a resumed run fills it anew."""
        return dataclasses.replace(state, replay=None, lesson=None)

    def restored(self, saved, fresh):
        return dataclasses.replace(saved, replay=fresh.replay, lesson=fresh.lesson)

    def noise_size(self, done: Array) -> Array:
        """Standard deviation of exploration after so many rounds."""
        share = jnp.minimum(done / self.total_rounds, 1.0)
        return jnp.where(done < self.first_rounds, 1.0, self.explore + share * (self.explore_least - self.explore))

    @abc.abstractmethod
    def loss(self, nets: Any, state: ReplayState, key: Array) -> Array:
        """What one minibatch says of the networks, shape (); less is better."""

    def update(self, state, world, draw, key):
        draw_key, noise_key, learn_key = jax.random.split(key, 3)
        profile: Profile = draw(draw_key, self.days)
        shape = (*profile.load_kw.shape, world.fleet.controls)
        offset = noise(noise_key, self.noise_size(state.done), shape)
        nets = of_homes(state.nets.actor, state.group)
        played, multiplier, log = self.play(world, nets, profile, offset, state.multiplier)
        state = dataclasses.replace(state, replay=state.replay.add(played), multiplier=multiplier)
        start = state.nets, state.target, state.adam
        nets, target, adam = jax.lax.cond(
            state.done < self.first_rounds, lambda: start, lambda: self.learned(state, learn_key)
        )
        mean = self.averaged(state.mean, nets.actor, state.done)
        return dataclasses.replace(state, nets=nets, target=target, adam=adam, mean=mean, done=state.done + 1), log

    def learned(self, state: ReplayState, key: Array) -> tuple[Any, Any, Any]:
        """Networks, targets and Adam's moments after the minibatches of a round; the replay is not passed on."""
        optimiser = self.optimiser()

        def minibatch(carry, key):
            nets, target, adam = carry
            at = dataclasses.replace(state, nets=nets, target=target)
            step, adam = optimiser.update(jax.grad(self.loss)(nets, at, key), adam)
            nets = optax.apply_updates(nets, step)
            target = jax.tree.map(lambda old, new: old + self.follow * (new - old), target, nets)
            return (nets, target, adam), None

        keys = jax.random.split(key, self.updates)
        return jax.lax.scan(minibatch, (state.nets, state.target, state.adam), keys)[0]
