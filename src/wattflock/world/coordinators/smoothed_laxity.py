"""Smoothed least laxity: laxities after the step are levelled, so that no charger switches between all and nothing."""

from wattflock.world.coordinators.least_laxity import laxity_h
from wattflock.world.sharing import Sharing, fill


class SmoothedLaxity(Sharing):
    """x = clip(most · (λ - laxity) / dt, 0, asked) with Σ x = limit, or all that is asked for.

    Source: Nakahira, Chen, Chen & Low 2017, Smoothed least-laxity-first algorithm for EV charging, eq. 4.
    """

    def share(self, asks, limit_kw, memory):
        return fill(laxity_h(asks.claim), asks.claim.most_kw / asks.dt_h, asks.asked_kw, limit_kw)
