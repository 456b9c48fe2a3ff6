"""The emptiest first, all that each asks for; who is charged keeps its turn for a while."""

from typing import Annotated

from pydantic import Field

from wattflock.world.sharing import Sharing, in_order


class Priority(Sharing):
    """In the order of the level, each all that it asks for, until the limit is spent.

    Who was charged in the step before counts as emptier by `hysteresis`, so that chargers do not switch at every step.
    Source: definition; hysteresis as in thermostats.
    """

    hysteresis: Annotated[
        float, Field(ge=0, le=1, description="by which who is charged counts as emptier [share of its size]")
    ] = 0.1

    def share(self, asks, limit_kw, memory):
        return in_order(asks.claim.level - self.hysteresis * memory, asks.asked_kw, limit_kw)

    def remember(self, asks, granted_kw, memory):
        return (granted_kw > 0).astype(memory.dtype)
