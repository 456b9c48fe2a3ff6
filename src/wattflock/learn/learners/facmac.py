"""FACMAC: a policy per home, improved through one critic of all homes that is made of one utility per home."""

import dataclasses
from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field

from wattflock.learn.agents import bounded, idles, noise, of_homes, said, sized, width
from wattflock.learn.critic import Critic, fresh_critic, values
from wattflock.learn.lagrangian import Halvings, Rate, Rounds
from wattflock.learn.nets import Networks, flock
from wattflock.learn.replay import ReplayLearner, ReplayState
from wattflock.world.rollout import ZeroPolicy, rollout
from wattflock.world.world import World

STEEP = 4.0  # mixing weights are softplus(±STEEP): between 0.02 and 4


class Mixing(eqx.Module):
    """Monotonic mixing of all homes' utilities; the weights of a home are said by one small network, of all homes.

    Every layer is a mean over homes, so that it costs as much as there are homes and does not know their order.
    """

    homes: Networks  # (1, …) what a home sees, and the mean of all: its weights
    community: Networks  # (1, …) the mean of what all see: offsets and weights of the hidden layer
    level: Critic  # (1, …) the mean of what all see: what no action changes

    def __call__(self, seen: Array, utility: Array) -> Array:
        """What all homes (homes, rows, inputs) and utilities (homes, rows, utilities) add up to, (rows,)."""
        homes, rows, utilities = utility.shape
        mean = seen.mean(0, keepdims=True)
        both = jnp.concatenate([seen, jnp.broadcast_to(mean, seen.shape)], -1)
        weight = positive(self.homes(both.reshape(1, homes * rows, -1))).reshape(homes, rows, utilities, -1)
        offset, share = jnp.split(self.community(mean)[0], 2, -1)
        hidden = jax.nn.elu((weight * utility[..., None]).sum(2).mean(0) + offset) - jax.nn.elu(offset)
        return (positive(share) * hidden).mean(-1) + self.level(mean)[0, :, 0]


class Factored(eqx.Module):
    """What FACMAC learns."""

    actor: Networks  # (groups, …)
    own: Critic  # (twins, groups, …) a home's own cost to come
    shared: Critic  # (groups, …) utilities through which a home's action changes what others pay
    mixing: Mixing


class FACMAC(ReplayLearner):
    """Factored critic: Q(s, a) = mean of own utilities U_i + a monotonic mixing of further utilities C_i.

    U and C see one home only. U is fitted to the home's own cost and, with C and the mixing, to the cost of all; where
    that is the sum of own costs, nothing is left to the mixing and each home learns by itself (DDPG). The policies of
    all homes follow the gradient of Q at once, each action being that of the present policy. Values are costs to
    come, so a cost above what was expected is the error that hysteresis makes light of.
    Source: Peng et al. 2021 (FACMAC, arXiv 2003.06709), eq. 6 and 7; Charbonnier et al. 2023 (arXiv 2305.18875) for
    homes; Matignon et al. 2007 for hysteresis, here a weight of each row's error. docs/learn-facmac.md says in what it
    differs.
    """

    rate: Rate = 1e-3
    critic_rate: Annotated[float, Field(gt=0, le=1, description="Adam's step of utilities and mixing [1]")] = 5e-3
    halvings: Halvings = 2.0
    total_rounds: Rounds = 500
    explore_least: Annotated[
        float, Field(ge=0, description="noise of actions at the end [share of half their range]")
    ] = 0.1
    rows: Annotated[int, Field(ge=1, description="rows (a step of all homes) in a minibatch")] = 16
    own: Annotated[float, Field(ge=0, description="weight of own costs beside that of all [1]")] = 1.0
    hysteresis: Annotated[
        float, Field(ge=0, le=1, description="weight of errors where the cost is above what was expected [1]")
    ] = 1.0
    utilities: Annotated[int, Field(ge=0, description="further utilities of a home; 0: own ones are all")] = 4
    embed: Annotated[int, Field(ge=1, description="hidden units of the mixing")] = 16
    twins: Annotated[int, Field(ge=1, le=2, description="own utilities, of which the dearer makes the targets")] = 2
    smooth: Annotated[float, Field(ge=0, description="noise of target actions [share of half their range]")] = 0.1
    demonstrations: Annotated[int, Field(ge=0, description="training episodes of which it is shown the optimum")] = 0
    imitate: Annotated[float, Field(ge=0, description="weight of squared distances to the optimum's actions [1]")] = 1.0
    shown: Any = None  # training episodes and their optimal actions

    def taught(self, profile, action):
        return dataclasses.replace(self, shown=(profile, action))

    def init(self, world, key):
        actor_key, own_key, shared_key, mixing_key = jax.random.split(key, 4)
        seen, groups = width(world), self.groups(world)
        sizes = (seen + world.fleet.controls, *self.hidden)
        own = jax.vmap(lambda key: fresh_critic(sizes, groups, key))(jax.random.split(own_key, self.twins))
        shared = fresh_critic(sizes, groups, shared_key, self.utilities)
        nets = Factored(self.actors(world, actor_key), own, shared, self.mixing(seen, mixing_key))
        return dataclasses.replace(self.fresh(world, nets), lesson=self.lesson(world))

    def mixing(self, seen: int, key: Array) -> Mixing:
        """A fresh mixing of what is seen; together with fresh utilities it says zero."""
        keys, narrow = jax.random.split(key, 3), self.hidden[-1] // 2
        homes = flock((2 * seen, narrow, self.utilities * self.embed), 1, keys[0])
        community = flock((seen, narrow, 2 * self.embed), 1, keys[1])
        return Mixing(homes, community, fresh_critic((seen, narrow), 1, keys[2]))

    def lesson(self, world: World) -> tuple[Array, ...]:
        """What the optimum's homes saw, their actions without control and their own; (episodes, steps, homes, …)."""
        if self.shown is None:
            each = (self.demonstrations, world.steps * world.episode_days, world.homes)
            return tuple(jnp.zeros((*each, k)) for k in (width(world), world.fleet.controls, world.fleet.controls))
        profile, action = self.shown
        trajectory = rollout(world, ZeroPolicy(), profile, jax.random.key(0), profile.days(), action)
        return sized(trajectory.features, world.fleet), idles(world, trajectory, profile), trajectory.action

    def loss(self, nets, state, key):
        row_key, noise_key, lesson_key = jax.random.split(key, 3)
        day, step = state.replay.rows(row_key, self.rows)
        home = jnp.broadcast_to(jnp.arange(state.group.shape[0])[:, None], (state.group.shape[0], self.rows))
        paid, paid_by_all, later, goes_on = state.replay.paid((day, step, home), self.ahead, self.discount)
        now, after = state.replay.at(day, step, home), state.replay.at(day, later, home)

        target = mine(state.target, state)
        moved = jnp.clip(said(target.actor, after.seen, after.idle), -1, 1)
        moved = jnp.clip(moved + noise(noise_key, self.smooth, moved.shape), -1, 1)
        own_ahead, ahead = self.judged(target, after.seen, moved)
        own_target = jax.lax.stop_gradient(paid + goes_on[None] * own_ahead.max(0))
        team_target = jax.lax.stop_gradient(paid_by_all + goes_on * ahead)

        nets = mine(nets, state)
        own, team = self.judged(nets, now.seen, jnp.clip(now.action, -1, 1))
        missed_own = self.missed(own_target[None] - own).mean((1, 2)).sum()
        missed = self.own * missed_own + self.missed(team_target - team).mean()

        action = said(nets.actor, now.seen, now.idle)
        _, dear = self.judged(jax.lax.stop_gradient(nets), now.seen, bounded(action))
        beyond = (jnp.maximum(jnp.abs(action) - 1, 0) ** 2).sum(-1)
        return missed + dear.mean() + beyond.mean() + self.imitate * self.unlike(nets.actor, state.lesson, lesson_key)

    def unlike(self, actor: Networks, lesson: tuple[Array, ...], key: Array) -> Array | float:
        """Mean over random steps and homes of squared distances to the optimum's actions; 0 where it was not shown."""
        if self.shown is None:
            return 0.0
        rows = [x.reshape(-1, *x.shape[2:]) for x in lesson]
        picked = jax.random.randint(key, (self.rows,), 0, rows[0].shape[0])
        seen, idle, action = (jnp.moveaxis(x[picked], 1, 0) for x in rows)
        return ((said(actor, seen, idle) - action) ** 2).sum(-1).mean()

    def judged(self, nets: Factored, seen: Array, action: Array) -> tuple[Array, Array]:
        """Own costs to come (twins, homes, rows), and that of all (rows,), in units of the reference price [kWh]."""
        own = values(nets.own, seen, action)
        team = own.max(0).mean(0)
        if self.utilities:
            team = team + nets.mixing(seen, nets.shared(jnp.concatenate([seen, action], -1)))
        return own, team

    def missed(self, error: Array) -> Array:
        """Squared errors, each with its weight."""
        return jnp.where(error > 0, self.hysteresis, 1.0) * error**2


def positive(said: Array) -> Array:
    """Weights > 0 of what a network says in (-1, 1)."""
    return jax.nn.softplus(STEEP * said)


def mine(nets: Factored, state: ReplayState) -> Factored:
    """Each home's own copy of its group's networks; the mixing is that of all."""
    each = of_homes((nets.actor, nets.shared), state.group)
    own = jax.tree.map(lambda leaf: leaf[:, state.group], nets.own)
    return Factored(each[0], own, each[1], nets.mixing)
