"""A community that trades within itself at the mid-market rate."""

from typing import Annotated, Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from pydantic import Field
from scipy import sparse

from wattflock.core.types import Profile
from wattflock.homes.program import Program
from wattflock.market.community import Community, Trade, in_proportion, share_of
from wattflock.market.market import Meter
from wattflock.market.plan import add_above, together
from wattflock.market.retail import fixed


class MidMarket(Community):
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

    def trade(self, meter: Meter, members: float) -> Trade:
        """Each who draws gets the same share of what is fed in, and the other way round."""
        drawn, given = jnp.maximum(meter.net_kwh, 0), jnp.maximum(-meter.net_kwh, 0)
        local_kwh = in_proportion(drawn, given)
        middle = (meter.import_price_per_kwh + self.exported(meter.export_price_per_kwh)) / 2
        return Trade(local_kwh, middle[..., None] * local_kwh, self.peaks(meter, drawn, members))

    def peaks(self, meter: Meter, drawn: Array, members: float) -> Array:
        """Each home's share of the charge on the community's peak, (…, steps, homes) [currency]."""
        if not self.peak_per_kwh:
            return jnp.zeros_like(drawn)
        free_kwh = self.peak_kw_per_home * members * meter.dt_h
        above_kwh = jnp.maximum(meter.net_kwh.sum(-1) - free_kwh, 0)
        return self.peak_per_kwh * share_of(above_kwh[..., None], drawn) * drawn

    def plan(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """The communities' bills, and the charge on their peaks."""
        super().plan(program, power, day)
        if self.peak_per_kwh:
            for share in self.shares(day.load_kw.shape[1]):
                cost = self.peak_per_kwh * np.asarray(day.dt_h)
                some, free_kw = together(power, day.load_kw.shape, share), self.peak_kw_per_home * share.sum()
                add_above(program, some, 1.0, -free_kw, cost)
