"""Cost against the wires: a Lagrangian with one multiplier per hour and node."""

from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from pydantic import Field

from wattflock.feeder.limits import penalty
from wattflock.learn.nets import flock
from wattflock.world.world import Outcome, World

Slope = Annotated[float, Field(ge=0, description="first multiplier λ [currency per pu and node-hour]")]
Curvature = Annotated[float, Field(ge=0, description="ρ [currency per pu² and node-hour]")]
Ascent = Annotated[float, Field(ge=0, description="rise of λ per pu of mean violation and round; 0 keeps it")]
Margin = Annotated[float, Field(ge=0, lt=0.05, description="limits are tightened by this while learning [pu]")]
Average = Annotated[float, Field(ge=0, lt=1, description="running mean of the networks; 0 is the last round's")]


class Trained(eqx.Module):
    """State of a gradient learner."""

    nets: Any  # Flock
    mean: Any  # running mean of `nets` over rounds: what acts once training is over
    adam: optax.OptState
    multiplier: Array  # (steps, nodes)
    done: Array  # rounds


class Lagrangian(eqx.Module):
    """What both gradient learners minimise: cost + λ·e + ρ/2·e² per home and day, with e beyond tightened limits.

    Source: the primal-dual method of multipliers, Bertsekas 1982, eq. 2.1; works.md 1.3.
    """

    slope: Slope
    curvature: Curvature
    ascent: Ascent
    margin_pu: Margin

    def multiplier(self, world: World) -> Array:
        """λ before the first round, (steps, nodes)."""
        return jnp.full((world.steps, len(world.feeder.nodes)), self.slope, float)

    def value(self, outcome: Outcome, multiplier: Array) -> Array:
        """The objective J, shape () [currency per home and day]."""
        days, _, homes = outcome.cost.shape
        network = penalty(outcome.excess_pu, multiplier[None], self.curvature)
        return (outcome.cost.sum() + (network * outcome.dt_h[..., None]).sum()) / (days * homes)

    def ascend(self, outcome: Outcome, multiplier: Array) -> Array:
        """λ after a round: up where the limits were passed; never down."""
        return multiplier + self.ascent * outcome.excess_pu.mean(0)


def start(world: World, hidden: tuple[int, ...], adam: Any, lagrangian: Lagrangian, key: Array) -> Trained:
    """The state of a gradient learner before the first round: a network for each home, `hidden` layers wide."""
    nets = flock((world.seen, *hidden, world.fleet.controls), world.homes, key)
    return Trained(nets, nets, adam.init(nets), lagrangian.multiplier(world), jnp.zeros((), jnp.int32))


def mean_of(state: Trained, nets: Any, average: float) -> Any:
    """The running mean of networks after a round; rounds count alike until 1 / (1 - average) of them are done."""
    keep = jnp.minimum(average, state.done / (state.done + 4.0))
    return jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, state.mean, nets)
