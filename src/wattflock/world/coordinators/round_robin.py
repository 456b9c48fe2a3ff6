"""In turn: who has waited longest comes first."""

import jax.numpy as jnp

from wattflock.world.sharing import Sharing, in_order


class RoundRobin(Sharing):
    """In the order of the steps waited, each all that it asks for, until the limit is spent.

    Who got less than it asked for has waited a step longer. Source: Nagle 1987, On packet switches with infinite
    storage.
    """

    def share(self, asks, limit_kw, memory):
        return in_order(-memory, asks.asked_kw, limit_kw)

    def remember(self, asks, granted_kw, memory):
        return jnp.where(granted_kw < (1 - 1e-5) * asks.asked_kw, memory + 1, 0)
