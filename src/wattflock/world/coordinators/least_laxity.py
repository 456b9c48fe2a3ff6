"""Least laxity first: who has least time to spare before it must be charged at full power."""

from jaxtyping import Array

from wattflock.homes.device import Claim, ratio
from wattflock.world.sharing import Sharing, in_order


class LeastLaxity(Sharing):
    """In the order of laxity = hours left - need / most power, each all that it asks for, until the limit is spent.

    Source: Dertouzos & Mok 1989, Multiprocessor on-line scheduling of hard-real-time tasks.
    """

    def share(self, asks, limit_kw, memory):
        return in_order(laxity_h(asks.claim), asks.asked_kw, limit_kw)


def laxity_h(claim: Claim) -> Array:
    """Hours to spare before a device must be charged at full power to be full in time; below 0 it cannot be."""
    return claim.hours_left - ratio(claim.need_kwh, claim.most_kw)
