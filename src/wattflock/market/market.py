"""The interface of markets: from metered energy and prices to what each home pays."""

import abc
from typing import Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy import sparse

from wattflock.core.settings import refuse_settings
from wattflock.core.types import Profile
from wattflock.data.source import Readings
from wattflock.homes.program import Program
from wattflock.market.plan import add_bills, prices_of, refuse_arbitrage


class Meter(eqx.Module):
    """Input of a market. Energies have axes (…, steps, homes), prices (…, steps)."""

    net_kwh: Array  # drawn from the grid; negative is fed in [kWh]
    import_price_per_kwh: Array
    export_price_per_kwh: Array
    dt_h: Array | float = 1.0  # length of a step, () or (…, steps) [h]


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

    def __check_init__(self):
        """Refuses settings that no scenario could have, also where a market is made in Python.

        Raises:
            ScenarioError: lists every such setting.
        """
        refuse_settings(self)

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """The market with its usual settings."""

    @abc.abstractmethod
    def settle(self, meter: Meter) -> Settlement:
        """Bills of every home and step; never raises."""

    def meter(self, net_kwh: Array, given: Profile) -> Meter:
        """What a market is told of days `given` (…, steps) at these energies (…, steps, homes) [kWh]."""
        return Meter(net_kwh, given.import_price_per_kwh, given.export_price_per_kwh, given.dt_h)

    def parts(self, meter: Meter, carbon_kg_per_kwh: Array) -> dict[str, Array]:
        """What the grid bill is made of: `energy`, `carbon` and `network`, (…, steps) [currency]; they add up to it.

        Args:
            meter: what is billed.
            carbon_kg_per_kwh: of the grid, (…, steps).
        """
        grid_bill = self.settle(meter).grid_bill
        return {"energy": grid_bill, "carbon": jnp.zeros_like(grid_bill), "network": jnp.zeros_like(grid_bill)}

    def priced(self, readings: Readings) -> Readings:
        """Readings with the prices that this market takes for those of the grid; before any work, in `build`.

        Raises:
            ScenarioError: prices that this market cannot be run with.
        """
        return readings

    def plan(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """Adds the sum of all homes' bills of a day to the objective of a linear program.

        The default is for markets whose bills are import and export prices of each home by itself. A market without
        such prices overrides it, or has no perfect-foresight optimum; this is told before any work.

        Args:
            program: has the devices' columns.
            power: net power of each home from the program's columns, (steps · homes, columns) [kW].
            day: (steps, homes), with the prices of the readings.

        Raises:
            WattflockError: there is no plan.
        """
        add_bills(program, power, day.dt_h[:, None], *prices_of(self, day))

    def plan_alone(self, program: Program, power: sparse.csr_matrix, day: Profile, past: Meter | None = None) -> None:
        """As `plan`, for homes that know of no other: each plans with the prices that it faces alone.

        Args:
            program: has the devices' columns.
            power: as in `plan`.
            day: (steps, homes), or what is left of an episode.
            past: what was metered in the episode before that, (steps, homes); charges on a whole episode need it.

        Raises:
            WattflockError: there is no plan.
        """
        prices = self.prices(day)
        shape = day.load_kw.shape
        each = (np.asarray(price)[:, None] for price in (prices.import_price_per_kwh, prices.export_price_per_kwh))
        bought, sold = (np.broadcast_to(price, shape) for price in each)
        refuse_arbitrage(type(self).__name__, bought, sold)
        add_bills(program, power, day.dt_h[:, None], bought, sold)

    def prices(self, given: Profile) -> Prices:
        """Prices of a home at every step: the bill of a kWh that it draws, or feeds in, while no other home does.

        Controllers observe these prices; plans and tables use them. A market that publishes its prices in another way
        overrides this.

        Args:
            given: days whose prices are those of the readings, (…, steps).
        """
        alone = jnp.ones_like(given.import_price_per_kwh)[..., None]

        def bill(net_kwh: Array) -> Array:
            return self.settle(self.meter(net_kwh, given)).bill[..., 0]

        return Prices(bill(alone), -bill(-alone))
