"""Equal awards: nobody gets more while another who asks gets less."""

import jax.numpy as jnp

from wattflock.world.sharing import Sharing, fill


class WaterFilling(Sharing):
    """x = min(asked, λ) with Σ x = limit, or all that is asked for. Max-min fair in power.

    Source: constrained equal awards, Thomson 2003, section 2; Bertsekas & Gallager 1992, Data Networks, section 6.5.2.
    """

    def share(self, asks, limit_kw, memory):
        return fill(jnp.zeros_like(asks.asked_kw), jnp.ones_like(asks.asked_kw), asks.asked_kw, limit_kw)
