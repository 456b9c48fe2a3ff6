"""Each home on its own retail tariff: time-of-use import, and a price for what it exports."""

from typing import Annotated, Self

import jax.numpy as jnp
from pydantic import Field

from wattflock.market.market import Market, Meter, Settlement


class Tariff(Market):
    """Import at the retail price, export at a share of the export price in the data.

    Source: net metering (California NEM) where `export_share` is 1 and both prices are equal.
    """

    export_share: Annotated[float, Field(ge=0, le=1, description="share of the export price paid out [share]")] = 1.0

    @classmethod
    def example(cls) -> Self:
        return cls()

    def settle(self, meter: Meter) -> Settlement:
        bought = jnp.maximum(meter.net_kwh, 0) * meter.import_price_per_kwh[..., None]
        sold = jnp.minimum(meter.net_kwh, 0) * (self.export_share * meter.export_price_per_kwh)[..., None]
        bill = bought + sold
        total = bill.sum(-1)
        return Settlement(bill, jnp.zeros_like(total), total)
