"""A community that trades within itself at the mid-market rate."""

from typing import Annotated, Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from pydantic import Field
from scipy import sparse

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import Profile
from wattflock.data.source import Readings
from wattflock.homes.program import Program
from wattflock.market.market import Meter, Prices, Settlement
from wattflock.market.plan import add_above, together
from wattflock.market.retail import Retail, fixed


class MidMarket(Retail):
    """Energy within the community has the middle of the grid's prices; what is missing or left over has the grid's.

    The gradient of the sum of all bills is that of the community's bill at the grid: learners of that sum cooperate.
    Source: Long et al. 2017, Peer-to-peer energy trading in a community microgrid (mid-market rate, eq. 3 to 8).
    """

    peak_per_kwh: Annotated[
        float,
        Field(ge=0, description="charge on what the community draws above `peak_kw_per_home`, shared by those who "
              "draw [currency per kWh]"),
    ] = fixed(0.0)  # fmt: skip
    peak_kw_per_home: Annotated[
        float, Field(ge=0, description="power of the community that is free of that charge, per home [kW]")
    ] = fixed(0.0)

    @classmethod
    def example(cls) -> Self:
        return cls()

    def priced(self, readings: Readings) -> Readings:
        """As the retailer says.

        Raises:
            ScenarioError: an export price above the import price: sellers would be worse off than alone.
        """
        readings = super().priced(readings)
        bought = readings.import_price_per_kwh
        above = np.argwhere(self.exported(readings.export_price_per_kwh) > bought + 1e-12)
        if len(above):
            day, step = above[0]
            said = f"at most the import price, {bought[day, step]:.4g}; so at {len(above)} of {bought.size} steps"
            value = float(self.export_share * readings.export_price_per_kwh[day, step])
            raise ScenarioError([Problem("market mid_market", f"export price, day {day} step {step}", value, said)])
        return readings

    def settle(self, meter: Meter) -> Settlement:
        bought, sold = meter.import_price_per_kwh, self.exported(meter.export_price_per_kwh)
        drawn, given = jnp.maximum(meter.net_kwh, 0), jnp.maximum(-meter.net_kwh, 0)
        buy, sell = rates(drawn.sum(-1), given.sum(-1), bought, sold)
        bill = drawn * buy[..., None] - given * sell[..., None]
        missing = drawn.sum(-1) - given.sum(-1)
        grid_bill = bought * jnp.maximum(missing, 0) + sold * jnp.minimum(missing, 0)
        peak = self.peaks(meter, drawn)
        return self.charged(meter, Settlement(bill + peak, -peak.sum(-1), grid_bill))

    def peaks(self, meter: Meter, drawn: Array) -> Array:
        """Each home's share of the charge on the community's peak, (…, steps, homes) [currency]."""
        free_kwh = self.peak_kw_per_home * meter.net_kwh.shape[-1] * meter.dt_h
        above_kwh = jnp.maximum(meter.net_kwh.sum(-1) - free_kwh, 0)
        total = drawn.sum(-1)
        return self.peak_per_kwh * (above_kwh / jnp.where(total > 0, total, 1))[..., None] * drawn

    def prices(self, given: Profile) -> Prices:
        """Those of a home alone, which are the grid's: what the community adds is not known in advance."""
        return super().prices(given)

    def plan(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """The community's bill: pooled at the grid's prices."""
        self.plan_pooled(program, power, day)
        if self.peak_per_kwh:
            cost = self.peak_per_kwh * np.asarray(day.dt_h)
            free_kw = self.peak_kw_per_home * day.load_kw.shape[1]
            add_above(program, together(power, day.load_kw.shape), 1.0, -free_kw, cost)


def rates(drawn: Array, given: Array, bought: Array, sold: Array) -> tuple[Array, Array]:
    """Price of a kWh within the community for those who draw and for those who feed in, (…, steps).

    Args:
        drawn, given: sums over homes [kWh].
        bought, sold: the grid's prices [currency per kWh].
    """
    middle = (bought + sold) / 2
    short, spare = drawn > given, given > drawn
    buy = jnp.where(short, (given * middle + (drawn - given) * bought) / jnp.where(short, drawn, 1), middle)
    sell = jnp.where(spare, (drawn * middle + (given - drawn) * sold) / jnp.where(spare, given, 1), middle)
    return buy, sell
