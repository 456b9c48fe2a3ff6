"""The rule of the Talmud: equal awards of halves of what is asked for, then equal losses of the other halves."""

import jax.numpy as jnp

from wattflock.world.sharing import Sharing, fill


class Talmud(Sharing):
    """x = awards(limit, asked / 2) up to half of Σ asked, beyond it asked - awards(Σ asked - limit, asked / 2).

    The nucleolus of the game of claims. Source: Aumann & Maschler 1985, Game theoretic analysis of a bankruptcy problem
    from the Talmud.
    """

    def share(self, asks, limit_kw, memory):
        asked, half = asks.asked_kw, asks.asked_kw / 2
        little = limit_kw <= half.sum()
        amount = jnp.where(little, limit_kw, jnp.maximum(asked.sum() - limit_kw, 0))
        given = fill(jnp.zeros_like(half), jnp.ones_like(half), half, amount)
        return jnp.where(little, given, asked - given)
