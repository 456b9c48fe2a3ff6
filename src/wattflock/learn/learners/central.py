"""PPO of one agent: a control centre that sees all homes and decides for all of them."""

import dataclasses
from typing import Annotated, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field

from wattflock.homes.features import LEVEL
from wattflock.homes.home import Home
from wattflock.learn.agents import Played, community, idles, of_homes, said, sized, sizes, width
from wattflock.learn.critic import fresh_critic
from wattflock.learn.lagrangian import Days, Halvings, Rate, Rounds, per_home_day
from wattflock.learn.learners.ppo import PPO, present
from wattflock.learn.nets import flock
from wattflock.learn.reward import extras
from wattflock.learn.sets import Pool, set_critic, set_networks
from wattflock.world.coordinators.learned import Learned
from wattflock.world.rollout import Policy, judge, rollout
from wattflock.world.world import World, measures

Sees = Literal["levels", "all"]


class Together(Policy):
    """Actions of all homes from one network that sees all of them: preferences where a limit is shared."""

    nets: Any  # (1, rows, homes · seen) → (1, rows, homes · controls)
    sees: Sees = eqx.field(static=True)
    loose: bool = eqx.field(default=False, static=True)  # not clipped: while exploring

    def __call__(self, memory, seen, key):
        shared = "coordinator" in seen.state
        inputs = picked(sized(seen.features, seen.fleet), seen.fleet, shared, self.sees)
        action = said(self.nets, inputs.reshape(1, 1, -1), 0.0).reshape(len(inputs), -1)
        if not shared:
            action += jax.vmap(Home.idle, in_axes=(0, 0, seen.now.axes(0, None)))(seen.fleet, seen.state, seen.now)
        return memory, action if self.loose else jnp.clip(action, -1, 1)


def picked(features: Array, fleet: Home, shared: bool, sees: Sees) -> Array:
    """Of features with sizes (…, homes, seen), those that a network sees: all, or each level and the limit."""
    if sees == "all":
        return features
    names = [each.name for own in fleet.features.values() for each in own]
    limit = features.shape[-1] - sizes(fleet).shape[-1] - 1  # behind all others, before the sizes
    return features[..., [place for place, name in enumerate(names) if name == LEVEL] + [limit] * shared]


class Central(PPO):
    """The algorithm of `ppo` for one agent whose action is what all homes do; its reward is the coordinator's.

    Where no limit is shared, the reward is what all homes save. The network `set` is permutation-equivariant: one that
    was trained with ten homes decides for a thousand. Source: Schulman et al. 2017 (arXiv 1707.06347); Zaheer et
    al. 2017 (arXiv 1703.06114) for `set`. State, action and reward: docs/coordinator.md.
    """

    decentralised = False

    days: Days = 8
    rate: Rate = 2e-3
    critic_rate: Annotated[float, Field(gt=0, le=1, description="Adam's step of the critic [1]")] = 4e-3
    halvings: Halvings = 3.0
    total_rounds: Rounds = 200
    discount: Annotated[float, Field(ge=0, lt=1, description="weight of the next step's value: γ [1]")] = 0.97
    trace: Annotated[float, Field(ge=0, le=1, description="λ of the advantages [1]")] = 0.9
    rows: Annotated[int, Field(ge=1, description="rows (day, step) in a minibatch")] = 480
    network: Annotated[
        Literal["flat", "set"], Field(description="one network of all homes in their order, or one of a set of homes")
    ] = "set"
    sees: Annotated[
        Literal["levels", "all"],
        Field(description="of each home its level and the limit, as in the paper, or all that it observes"),
    ] = "all"
    pool: Annotated[
        Pool,
        Field(description="of `set`, over homes: the mean, or what three of ten false reports cannot move far"),
    ] = "mean"

    def lives_in(self, world):
        """Its preferences are shared by a softmax."""
        if world.coordinator is None or isinstance(world.coordinator.sharing, Learned):
            return world
        return dataclasses.replace(world, coordinator=dataclasses.replace(world.coordinator, sharing=Learned()))

    def groups(self, world):
        return 1

    def group(self, world):
        return jnp.zeros(1, int)

    def controls(self, world):
        return world.homes * world.fleet.controls

    def present(self, world):
        return present(world.fleet).reshape(1, -1)

    def width(self, world: World) -> int:
        """How many numbers of each home the network sees."""
        every = jax.ShapeDtypeStruct((world.homes, width(world)), float)
        return jax.eval_shape(lambda x: picked(x, world.fleet, world.coordinator is not None, self.sees), every).shape[
            1
        ]

    def actors(self, world, key) -> Any:
        seen = self.width(world)
        if self.network == "set":
            return set_networks(seen, self.hidden, world.fleet.controls, key, self.pool)
        return flock((world.homes * seen, *self.hidden, self.controls(world)), 1, key)

    def critics(self, world, key):
        seen = self.width(world)
        if self.network == "set":
            return set_critic(seen, self.hidden, key, self.pool)
        return fresh_critic((world.homes * seen, *self.hidden), 1, key)

    def policy(self, state) -> Policy:
        return Together(of_homes(state.mean.nets, state.beside), self.sees)

    def play(self, world, nets, profile, offset, multiplier):
        """As of homes, with one agent in place of the axis of homes."""
        shape = (*profile.load_kw.shape, -1)
        policy = Together(nets, self.sees, loose=True)
        trajectory = rollout(world, policy, profile, jax.random.key(0), self.days, offset[:, :, 0].reshape(shape))
        outcome = judge(world, trajectory, profile, self.margin_pu)
        shared = outcome.charging is not None
        if outcome.charging is not None:
            reward = outcome.charging.felt.total  # of the levels that are believed
            cost, idle = -(1 - self.discount) * reward, jnp.zeros(())
            log = {"objective": -reward.sum(1).mean()}
        else:
            found, priced = (trajectory, outcome), (self.lagrangian, multiplier)
            cost = extras(world, profile, found, priced, self.reward, True)[1] / world.fleet.reference_price_per_kwh
            idle = joined(idles(world, trajectory, profile))
            log = {"objective": per_home_day(outcome, self.lagrangian.wires(outcome, multiplier))}
        inputs = picked(sized(trajectory.features, world.fleet), world.fleet, shared, self.sees)
        action = joined(trajectory.action)
        idle = jnp.broadcast_to(idle, action.shape)
        played = Played(joined(inputs), idle, action, cost[..., None], community(outcome), cost)
        return played, self.lagrangian.ascend(outcome, multiplier), measures(world.limits, outcome) | log


def joined(x: Array) -> Array:
    """(days, steps, homes, k) → (days, steps, 1, homes · k)."""
    return x.reshape(*x.shape[:2], 1, -1)
