"""No limit is shared."""

from wattflock.world.sharing import Sharing


class Unlimited(Sharing):
    """Every charger takes what it asks for; a scenario that names it has no coordinator. Source: definition."""

    def share(self, asks, limit_kw, memory):
        return asks.asked_kw
