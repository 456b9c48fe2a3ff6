"""An equal part of the limit for every charger."""

import jax.numpy as jnp

from wattflock.world.sharing import Sharing


class Equal(Sharing):
    """x = min(asked, limit / chargers): what one does not take is left. Source: uniform split, a common baseline."""

    def share(self, asks, limit_kw, memory):
        here = (asks.claim.size_kwh > 0).sum()
        return jnp.minimum(asks.asked_kw, limit_kw / jnp.maximum(here, 1))
