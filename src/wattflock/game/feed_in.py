"""What homes pay that decide nothing and feed their surplus in: what a share of a saving is also held against."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.types import Profile
from wattflock.feeder.limits import Limits
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.market.retail import Retail
from wattflock.world.rollout import rollout
from wattflock.world.world import World

if TYPE_CHECKING:
    from wattflock.game.values import Flock


def plain_feed_in(flock: "Flock") -> np.ndarray:
    """Cost of each home over the period without control, on its own tariff, (homes,) [currency]."""
    steps, homes = flock.profile.load_kw.shape[1:]
    world = World(flock.fleet, None, flock.market, Limits(), steps, jnp.ones((homes, 1)))
    with jax.enable_x64(True):
        return np.asarray(_costs(world, flock.profile, flock.market))


@eqx.filter_jit
def _costs(world: World, profile: Profile, market: Retail) -> Array:
    went = rollout(world, Uncontrolled(), profile, jax.random.key(0), profile.days())
    meter = market.meter(went.effect.power_kw * profile.dt_h[..., None], profile)
    bill = market.charged(meter, market.energy_alone(meter)).bill
    return (bill + went.effect.cost).sum((0, 1)) + went.end.sum(0)
