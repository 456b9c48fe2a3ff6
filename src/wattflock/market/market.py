"""What a market is: it is told what the meters measured and says what each home pays."""

import abc
from typing import Self

import equinox as eqx
from jaxtyping import Array


class Meter(eqx.Module):
    """What a market is told. Energies have axes (…, steps, homes), prices (…, steps)."""

    net_kwh: Array  # drawn from the grid; negative is fed in [kWh]
    import_price_per_kwh: Array
    export_price_per_kwh: Array


class Settlement(eqx.Module):
    """Who pays what: the sum of `bill` over homes + `margin` = `grid_bill`, always."""

    bill: Array  # (…, steps, homes) [currency]
    margin: Array  # (…, steps), what a community keeps (negative) or adds [currency]
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
