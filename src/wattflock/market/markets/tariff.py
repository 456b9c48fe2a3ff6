"""Each home on its own retail tariff: a price for what it draws, and one for what it exports."""

from typing import Self

from jaxtyping import Array

from wattflock.market.market import Meter, Settlement
from wattflock.market.retail import Retail


class Tariff(Retail):
    """Every home has a contract of its own: import price, export price, and charges.

    Source: net metering (California NEM) where `export_share` is 1 and both prices are equal.
    """

    @classmethod
    def example(cls) -> Self:
        return cls()

    def settle(self, meter: Meter) -> Settlement:
        return self.charged(meter, self.energy_alone(meter))

    def items(self, meter: Meter) -> dict[str, Array]:
        return self.itemised(meter, self.at_grid(meter))
