"""PPO: stochastic policies, improved on the days they have just played, within a trust region of the ratio."""

import dataclasses
from typing import Annotated, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field

from wattflock.homes.home import Home
from wattflock.learn.agents import COMMON, Agents, Around, Played, noise, of_homes, said, two_rates, width
from wattflock.learn.critic import Critic, fit, flat, fresh_critic, shuffled, to_go
from wattflock.learn.lagrangian import Days, Halvings, Hidden, Rate, Rounds, TrainState
from wattflock.learn.nets import Networks
from wattflock.world.rollout import Policy
from wattflock.world.world import World


class Gaussian(eqx.Module):
    """Policies that draw each action from a normal distribution around what a network says; leading axis groups."""

    nets: Networks
    log_sigma: Array  # (groups, controls) standard deviation [log of a share of half an action's range]


class ActorCritic(eqx.Module):
    """What each group of homes learns; leading axis groups."""

    actor: Gaussian
    critic: Critic


class PPO(Agents):
    """Proximal policy optimisation with continuous actions; values are costs to come, advantages are what is saved.

    Source: Schulman et al. 2017 (arXiv 1707.06347), eq. 7 for the clipped objective, eq. 11 for the advantages
    (Schulman et al. 2016, arXiv 1506.02438, eq. 16); Yu et al. 2022 (MAPPO, arXiv 2103.01955) for a central value.
    """

    days: Days = 16
    rate: Rate = 4e-3
    halvings: Halvings = 4.0
    hidden: Hidden = (32, 32)
    total_rounds: Rounds = 1000
    critic_rate: Annotated[float, Field(gt=0, le=1, description="Adam's step of the critics [1]")] = 6e-3
    critic_sees: Annotated[
        Literal["own", "common"], Field(description="beside its home: nothing, or the community's sums a step before")
    ] = "own"
    clip: Annotated[
        float, Field(gt=0, lt=1, description="by which a ratio may leave 1 before it counts no more [1]")
    ] = 0.2
    trace: Annotated[float, Field(ge=0, le=1, description="λ of the advantages [1]")] = 0.85
    discount: Annotated[float, Field(ge=0, le=1, description="weight of the next step's value: γ [1]")] = 1.0
    sigma: Annotated[float, Field(gt=0, description="first noise of actions [share of half their range]")] = 0.3
    entropy: Annotated[float, Field(ge=0, description="weight of the policies' entropy [1]")] = 0.02
    bound: Annotated[float, Field(ge=0, description="weight of the square by which a mean is beyond -1 or 1 [1]")] = 1.0
    epochs: Annotated[int, Field(ge=1, description="passes over a round's rows")] = 4
    rows: Annotated[int, Field(ge=1, description="rows (day, step) of all homes in a minibatch")] = 96

    def init(self, world, key):
        actor_key, critic_key = jax.random.split(key)
        sigma = jnp.full((self.groups(world), self.controls(world)), jnp.log(self.sigma), float)
        actor = Gaussian(self.actors(world, actor_key), sigma)
        nets: Any = ActorCritic(actor, self.critics(world, critic_key))
        adam, multiplier = self.optimiser().init(nets), self.lagrangian.multiplier(world)
        return TrainState(nets, nets.actor, adam, multiplier, jnp.zeros((), jnp.int32), self.group(world))

    def critics(self, world: World, key: Array) -> Any:
        """Fresh critics, which say zero."""
        inputs = width(world) + {"own": 0, "common": COMMON}[self.critic_sees]
        return fresh_critic((inputs, *self.hidden), self.groups(world), key)

    def policy(self, state) -> Policy:
        return Around(of_homes(state.mean.nets, state.beside))

    def optimiser(self, steps: int = 1) -> Any:
        """Adam, with `steps` of it in a round."""
        return two_rates(self.falling(self.rate, steps), self.falling(self.critic_rate, steps))

    def update(self, state, world, draw, key):
        draw_key, noise_key, order_key = jax.random.split(key, 3)
        profile = draw(draw_key, self.days)
        there, nets = self.present(world), of_homes(state.nets, state.beside)
        log_sigma = nets.actor.log_sigma[None, None]
        offset = noise(noise_key, jnp.exp(log_sigma), (*profile.load_kw.shape[:2], *there.shape))
        played, multiplier, log = self.play(world, nets.actor.nets, profile, offset, state.multiplier)

        judged = self.judged(played)
        value = nets.critic.days(judged)
        target = to_go(played.cost, value, self.trace, self.discount)
        saved = normalised(value - target, state.beside, self.groups(world))
        before = density(offset, log_sigma)
        own = (played.seen, played.idle, played.action, before, saved[..., None], judged, target[..., None])

        rows = [flat(x) for x in own]
        order = shuffled(len(rows[0]), self.rows, self.epochs, order_key)
        loss = self.loss(state.beside, there)
        better, adam = fit(loss, (state.nets, state.adam), self.optimiser(len(order)), rows, order)
        mean = self.averaged(state.mean, better.actor, state.done)
        after = dataclasses.replace(state, nets=better, mean=mean, adam=adam, multiplier=multiplier)
        return dataclasses.replace(after, done=state.done + 1), log

    def present(self, world: World) -> Array:
        """Which of the actions of each agent move something, (agents, controls) bool; agents are homes."""
        return present(world.fleet)

    def judged(self, played: Played) -> Array:
        """What the critics see, (days, steps, homes, …): nothing that the step's own action has changed."""
        if self.critic_sees == "own":
            return played.seen
        last = jnp.pad(played.common[:, :-1], ((0, 0), (1, 0), (0, 0)))[:, :, None]
        return jnp.concatenate([played.seen, jnp.broadcast_to(last, (*played.cost.shape, COMMON))], -1)

    def loss(self, group: Array, there: Array):
        """The loss of a minibatch, whose arrays are (homes, rows, k): the sum over homes of the mean over rows."""

        def loss(nets: ActorCritic, *rows: Array):
            seen, idle, action, before, saved, judged, target = rows
            nets = of_homes(nets, group)
            mean, log_sigma = said(nets.actor.nets, seen, idle), nets.actor.log_sigma[:, None]
            moved = jnp.where(there[:, None], density(action - mean, log_sigma) - before, 0.0).sum(-1)
            spread = jnp.where(there[:, None], jnp.minimum(log_sigma, 0.0), 0.0).sum(-1)  # entropy less a constant
            beyond = (jnp.maximum(jnp.abs(mean) - 1, 0) ** 2).sum(-1)
            missed = ((nets.critic(judged) - target) ** 2)[..., 0]
            each = clipped(moved, saved[..., 0], self.clip) + self.bound * beyond - self.entropy * spread + missed / 2
            return each.mean(1).sum()

        return loss


def clipped(log_ratio: Array, advantage: Array, clip: float) -> Array:
    """The negative of the clipped objective: Schulman et al. 2017, eq. 7; all of one shape."""
    ratio = jnp.exp(log_ratio)
    return -jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


def density(offset: Array, log_sigma: Array) -> Array:
    """Logarithm of the normal density of each control at `offset` from the mean, less a constant; (…, controls)."""
    return -0.5 * (offset * jnp.exp(-log_sigma)) ** 2 - log_sigma


def normalised(x: Array, group: Array, groups: int) -> Array:
    """Values (days, steps, homes) less the mean of their group, in units of the group's standard deviation."""

    def mean(x):
        homes = jnp.zeros(groups).at[group].add(1.0)
        return (jnp.zeros(groups).at[group].add(x.mean((0, 1))) / jnp.maximum(homes, 1))[group][None, None]

    centred = x - mean(x)
    return centred / (jnp.sqrt(mean(centred**2)) + 1e-6)


def present(fleet: Home) -> Array:
    """Whether a home has the device that each action moves, (homes, controls) bool."""
    each = []
    for device in fleet.devices.values():
        there = sum(jnp.abs(jnp.asarray(getattr(device, name))) for name in device.sizes) > 0
        each += device.controls * [there]
    return jnp.stack(each, -1)
