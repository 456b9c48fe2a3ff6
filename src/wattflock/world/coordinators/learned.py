"""Shares that a policy chooses."""

from typing import Annotated

import jax.numpy as jnp
from pydantic import Field

from wattflock.world.sharing import Sharing


class Learned(Sharing):
    """x = min(most, limit · exp(β a) / (n + Σ exp(β a))) of the n chargers' actions a; the rest stays idle.

    A softmax with an idle slot that weighs as much as all chargers at a = 0: half of the limit is used there, however
    many there are. Shares add up to less than 1 whatever a policy says, also while it explores. Actions are
    preferences here, so nothing is discharged. Source: softmax; its idle slot is our choice.
    """

    sharpness: Annotated[
        float, Field(gt=0, le=20, description="β: a charger at 1 gets exp(2 β) that of one at -1 [1]")
    ] = 4.0

    def asked_kw(self, action, most_kw):
        """All that each can take."""
        return most_kw

    def rest(self, action):
        """Nothing."""
        return jnp.zeros_like(action)

    def share(self, asks, limit_kw, memory):
        here = asks.claim.size_kwh > 0
        weight = jnp.where(here, jnp.exp(self.sharpness * asks.action), 0)
        share = weight / jnp.maximum(here.sum() + weight.sum(), 1)
        return jnp.minimum(asks.asked_kw, share * limit_kw)
