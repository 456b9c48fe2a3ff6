"""Equal losses: what devices still need after the step is levelled."""

import jax.numpy as jnp

from wattflock.world.sharing import Sharing, fill


class EqualLosses(Sharing):
    """x = clip(need / dt - μ, 0, asked) with Σ x = limit, or all that is asked for.

    The emptiest are filled first, until what is missing is equal: of batteries of one size the levels.
    Source: constrained equal losses, Thomson 2003, section 2, with what fits into a step as a cap.
    """

    def share(self, asks, limit_kw, memory):
        need_kw = asks.claim.need_kwh / asks.dt_h
        return fill(-need_kw, jnp.ones_like(need_kw), asks.asked_kw, limit_kw)
