"""Each home on its own retail tariff: a price for what it draws, and one for what it exports."""

from typing import Self

import jax.numpy as jnp

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
        bought = jnp.maximum(meter.net_kwh, 0) * meter.import_price_per_kwh[..., None]
        sold = jnp.minimum(meter.net_kwh, 0) * self.exported(meter.export_price_per_kwh)[..., None]
        bill = bought + sold
        total = bill.sum(-1)
        return self.charged(meter, Settlement(bill, jnp.zeros_like(total), total))
