"""What multi-agent learners share: whose weights are whose, actions around those without control, and costs."""

from typing import Annotated, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from pydantic import Field

from wattflock.core.types import Profile
from wattflock.homes.home import Home
from wattflock.learn.lagrangian import (
    TINY,
    Amounts,
    Average,
    Curvature,
    Days,
    Halvings,
    Hidden,
    Priced,
    Rate,
    Rounds,
    per_home_day,
)
from wattflock.learn.nets import Networks, flock
from wattflock.learn.reward import Whose, extras
from wattflock.world.rollout import Policy, Trajectory, judge, rollout, states_before
from wattflock.world.world import Outcome, World, measures

REACH = 2.0  # a network's output of ±1 moves an action through its whole range


class Around(Policy):
    """The action without control plus what each home's network says, so that fresh networks do what idle homes do."""

    nets: Networks  # leading axis homes
    loose: bool = eqx.field(default=False, static=True)  # not clipped: while exploring

    def __call__(self, memory, seen, key):
        idle = jax.vmap(Home.idle, in_axes=(0, 0, seen.now.axes(0, None)))(seen.fleet, seen.state, seen.now)
        action = said(self.nets, sized(seen.features, seen.fleet)[:, None], idle[:, None])[:, 0]
        return memory, action if self.loose else jnp.clip(action, -1, 1)


class Played(eqx.Module):
    """Days that homes have played; axes (days, steps, homes)."""

    seen: Array  # (…, inputs) of networks
    idle: Array  # (…, controls) the action without control
    action: Array  # (…, controls) with exploration, not clipped
    cost: Array  # (…) beside idle homes, in units of the reference price [kWh]
    common: Array  # (days, steps, COMMON) what the community's meter shows
    team: Array  # (days, steps) cost of all beside idle homes, the mean over homes, in the unit of `cost`


COMMON = 3  # mean net load, mean of what is drawn, mean of what is fed in [kW per home]


class Agents(Priced):
    """Homes as agents that learn from rewards alone, from days that they have played.

    Weights are one network for each home, for each kind of homes, or for all.
    """

    days: Days = 8
    rate: Rate = 1e-3
    halvings: Halvings = 2.0
    average: Average = 0.1
    curvature: Curvature = 0.0
    total_rounds: Rounds = 400
    hidden: Hidden = (64, 64)
    weights: Annotated[
        Literal["separate", "kind", "shared"], Field(description="a network for each home, for each kind, or for all")
    ] = "kind"
    reward: Whose = "own"

    def groups(self, world: World) -> int:
        """How many networks there are."""
        return {"separate": world.homes, "kind": len(world.kinds), "shared": 1}[self.weights]

    def group(self, world: World) -> Array:
        """The network of each home, (homes,)."""
        every = jnp.arange(world.homes)
        return {"separate": every, "kind": jnp.asarray(world.kind), "shared": 0 * every}[self.weights]

    def controls(self, world: World) -> int:
        """How many actions an agent takes."""
        return world.fleet.controls

    def actors(self, world: World, key: Array) -> Networks:
        """Fresh networks, which say nearly zero."""
        return flock((width(world), *self.hidden, self.controls(world)), self.groups(world), key)

    def play(
        self, world: World, nets: Networks, profile: Profile, offset: Array, multiplier: Amounts
    ) -> tuple[Played, Amounts, dict[str, Array]]:
        """Days under networks of all homes (homes, …) and an `offset` of their actions; multipliers after; the log."""
        trajectory = rollout(world, Around(nets, loose=True), profile, jax.random.key(0), self.days, offset)
        outcome = judge(world, trajectory, profile, self.margin_pu)
        costs = extras(world, profile, (trajectory, outcome), (self.lagrangian, multiplier), self.reward, True)
        objective = per_home_day(outcome, self.lagrangian.wires(outcome, multiplier))
        log = measures(world.limits, outcome) | {"objective": objective}
        seen, idle = sized(trajectory.features, world.fleet), idles(world, trajectory, profile)
        own, team = (cost / world.fleet.reference_price_per_kwh for cost in costs)
        played = Played(seen, idle, trajectory.action, own, community(outcome), team)
        return played, self.lagrangian.ascend(outcome, multiplier), log


def idles(world: World, trajectory: Trajectory, profile: Profile) -> Array:
    """Actions without control in the states before each step, (days, steps, homes, controls)."""
    faced = world.faced(profile)

    def idle(state, now):
        return jax.vmap(Home.idle, in_axes=(0, 0, now.axes(0, None)))(world.fleet, state, now)

    return jax.vmap(jax.vmap(idle))(states_before(world, trajectory, faced), faced)


def width(world: World) -> int:
    """How many numbers a network sees."""
    return world.seen + sizes(world.fleet).shape[-1]


def said(nets: Networks, seen: Array, idle: Array | float) -> Array:
    """Actions (stack, rows, controls) of networks at (stack, rows, inputs), not clipped."""
    return idle + REACH * nets(seen)


def community(outcome: Outcome) -> Array:
    """What the community's meter shows, (days, steps, COMMON) [kW per home]."""
    kw = outcome.net_kwh / outcome.dt_h[..., None]
    return jnp.stack([kw.mean(-1), jnp.maximum(kw, 0).mean(-1), jnp.maximum(-kw, 0).mean(-1)], -1)


def of_homes(nets, group: Array):
    """Each home's own copy of its group's weights: (groups, …) → (homes, …)."""
    return jax.tree.map(lambda leaf: leaf[group], nets)


def sized(features: Array, fleet: Home) -> Array:
    """Features (…, homes, seen) with the sizes of each home's devices behind them, which tell homes apart."""
    own = sizes(fleet).astype(features.dtype)
    every = jnp.broadcast_to(jnp.expand_dims(own, range(features.ndim - 2)), (*features.shape[:-1], own.shape[-1]))
    return jnp.concatenate([features, every], -1)


def sizes(fleet: Home) -> Array:
    """Fields in which homes differ, (homes, fields), each as a share of the typical device's; 0 where it is absent."""
    found = []
    for device in fleet.devices.values():
        for name in dict.fromkeys((*device.sizes, *device.ranges)):
            with jax.ensure_compile_time_eval():
                usual = float(getattr(type(device).example(), name))
            found.append(jnp.asarray(getattr(device, name)) / (usual or 5.0))
    return jnp.stack(found, -1)


def noise(key: Array, size: Array | float, shape: tuple[int, ...]) -> Array:
    """Exploration: normal, of standard deviation `size` [share of half an action's range]."""
    return size * jax.random.normal(key, shape)


def bounded(action: Array) -> Array:
    """Actions clipped to [-1, 1], whose gradient passes as if they were not: what is beyond can come back."""
    return action + jax.lax.stop_gradient(jnp.clip(action, -1, 1) - action)


def two_rates(actor: optax.Schedule, critic: optax.Schedule) -> optax.GradientTransformation:
    """Adam with one rate for the field `actor` of a module and another for all its other fields."""

    def labels(nets: Any) -> Any:
        others = jax.tree.map(lambda _: "critic", nets)
        return eqx.tree_at(lambda tree: tree.actor, others, jax.tree.map(lambda _: "actor", nets.actor))

    each: dict[Any, Any] = {"actor": optax.adam(actor, eps=TINY), "critic": optax.adam(critic, eps=TINY)}
    return optax.multi_transform(each, labels)
