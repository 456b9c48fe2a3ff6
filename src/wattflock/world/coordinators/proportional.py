"""In proportion to what each needs."""

import jax.numpy as jnp

from wattflock.homes.device import ratio
from wattflock.world.sharing import Sharing


class Proportional(Sharing):
    """x = min(asked, limit · need / Σ need): what one does not take is left.

    The need is what is missing until a device is full, not what it holds. Source: Aristotle, Nicomachean Ethics V;
    Thomson 2003, Axiomatic and game-theoretic analysis of bankruptcy and taxation problems, section 2.
    """

    def share(self, asks, limit_kw, memory):
        need = asks.claim.need_kwh
        return jnp.minimum(asks.asked_kw, limit_kw * ratio(need, need.sum()))
