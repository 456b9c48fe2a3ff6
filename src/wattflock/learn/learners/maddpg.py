"""MADDPG: deterministic policies, each improved by a critic that may see more than its home while training."""

from typing import Annotated, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field

from wattflock.learn.agents import COMMON, bounded, noise, said, width
from wattflock.learn.critic import Critic, fresh_critic, values
from wattflock.learn.nets import Networks
from wattflock.learn.replay import ReplayLearner, ReplayState, members


class ActorCritics(eqx.Module):
    """What each group of homes learns; leading axis groups."""

    actor: Networks
    critics: Critic  # leading axes twins, groups


class MADDPG(ReplayLearner):
    """Actors that see their own home only, and critics that see, while training, what `critic_sees` says.

    `own` is independent DDPG, `all` is MADDPG, `common` with weights by `kind` is MADDPG-PS: the sums that a trading
    platform publishes stand in place of all others' observations and actions, so that a critic's input does not grow
    with the number of homes. Values are costs to come, so that the larger of twins is the cautious one.
    Source: Lowe et al. 2017 (arXiv 1706.02275), eq. 6; Qiu et al. 2021 (Applied Energy 292, 116940) for shared weights
    and sums; Fujimoto et al. 2018 (TD3, arXiv 1802.09477), eq. 10, for twin critics and smoothed targets.
    """

    critic_sees: Annotated[
        Literal["own", "all", "common"],
        Field(description="beside its home: nothing, all others' observations and actions, or the community's sums"),
    ] = "common"
    twins: Annotated[int, Field(ge=1, le=2, description="critics, of which the dearer makes the targets")] = 2
    smooth: Annotated[float, Field(ge=0, description="noise of target actions [share of half their range]")] = 0.1

    def init(self, world, key):
        actor_key, critic_key = jax.random.split(key)
        homes, own = world.homes, width(world) + world.fleet.controls
        beside = {"own": 0, "common": COMMON, "all": homes * own}[self.critic_sees]
        sizes = (own + beside, *self.hidden)
        keys = jax.random.split(critic_key, self.twins)
        critics = jax.vmap(lambda key: fresh_critic(sizes, self.groups(world), key))(keys)
        return self.fresh(world, ActorCritics(self.actors(world, actor_key), critics))

    def loss(self, nets, state, key):
        row_key, home_key, noise_key = jax.random.split(key, 3)
        replay, groups = state.replay, nets.actor.biases[0].shape[0]
        day, step = replay.rows(row_key, self.rows)
        home = members(state.group, groups, home_key, self.rows)
        paid, _, later, goes_on = replay.paid((day, step, home), self.ahead, self.discount)
        now, after = replay.at(day, step, home), replay.at(day, later, home)
        beside, beside_after = self.beside(state, day, step, home), self.beside(state, day, later, home)

        moved = said(state.target.actor, after.seen, after.idle)
        moved = jnp.clip(jnp.clip(moved, -1, 1) + noise(noise_key, self.smooth, moved.shape), -1, 1)
        ahead = values(state.target.critics, after.seen, moved, beside_after).max(0)
        target = jax.lax.stop_gradient(paid + goes_on[None] * ahead)
        missed = (values(nets.critics, now.seen, jnp.clip(now.action, -1, 1), beside) - target[None]) ** 2

        action = said(nets.actor, now.seen, now.idle)
        judges = jax.lax.stop_gradient(nets.critics)
        dear = values(judges, now.seen, bounded(action), beside)[0]
        beyond = (jnp.maximum(jnp.abs(action) - 1, 0) ** 2).sum(-1)
        return (missed.sum((0, 1)) + (dear + beyond).sum(0)).mean()

    def beside(self, state: ReplayState, day: Array, step: Array, home: Array) -> Array:
        """What critics see beside their own home, (groups, rows, …); others' actions are those that they took."""
        if self.critic_sees == "own":
            return jnp.zeros((*home.shape, 0))
        if self.critic_sees == "common":
            shown = state.replay.days.common[day, step]
            return jnp.broadcast_to(shown[None], (*home.shape, COMMON))
        every = state.replay.joint(day, step)
        each = jnp.concatenate([every.seen, jnp.clip(every.action, -1, 1)], -1)  # (rows, homes, …)
        others = jnp.arange(each.shape[1])[None, None] != home[..., None]
        return (others[..., None] * each[None]).reshape(*home.shape, -1)
