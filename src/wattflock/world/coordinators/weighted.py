"""Proportionally fair, each charger with its need as a weight."""

import jax.numpy as jnp

from wattflock.world.sharing import Sharing, fill


class Weighted(Sharing):
    """x = min(asked, λ · need) with Σ x = limit, or all that is asked for: it maximises Σ need · log x.

    Source: Kelly, Maulloo & Tan 1998, Rate control for communication networks, one link with caps.
    """

    def share(self, asks, limit_kw, memory):
        return fill(jnp.zeros_like(asks.asked_kw), asks.claim.need_kwh, asks.asked_kw, limit_kw)
