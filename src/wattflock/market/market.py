"""The interface of markets: from metered energy and prices to what each home pays."""

import abc
from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import Profile


class Meter(eqx.Module):
    """Input of a market. Energies have axes (…, steps, homes), prices (…, steps)."""

    net_kwh: Array  # drawn from the grid; negative is fed in [kWh]
    import_price_per_kwh: Array
    export_price_per_kwh: Array


class Prices(eqx.Module):
    """What a home pays for a kWh and what it gets for one, (…, steps) [currency per kWh]."""

    import_price_per_kwh: Array
    export_price_per_kwh: Array


class Settlement(eqx.Module):
    """Bills: the sum of `bill` over homes + `margin` = `grid_bill`, always."""

    bill: Array  # (…, steps, homes) [currency]
    margin: Array  # (…, steps), kept (negative) or added by a community [currency]
    grid_bill: Array  # (…, steps), what is owed to the retailer [currency]


class Market(eqx.Module):
    """Prices and rules of payment; pure and differentiable."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """The market with its usual settings."""

    @abc.abstractmethod
    def settle(self, meter: Meter) -> Settlement:
        """Bills of every home and step; never raises."""

    def prices(self, given: Profile) -> Prices:
        """Prices of a home at every step: the bill of a kWh that it draws, or feeds in, while no other home does.

        Controllers observe these prices; plans and tables use them. A market that publishes its prices in another way
        overrides this.

        Args:
            given: days whose prices are those of the readings, (…, steps).
        """
        alone = jnp.ones_like(given.import_price_per_kwh)[..., None]

        def bill(net_kwh: Array) -> Array:
            return self.settle(Meter(net_kwh, given.import_price_per_kwh, given.export_price_per_kwh)).bill[..., 0]

        return Prices(bill(alone), -bill(-alone))
