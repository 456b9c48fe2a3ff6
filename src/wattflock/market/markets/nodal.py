"""A price for each home and step: energy, what losses it causes on the wires, and what voltages it spoils."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field
from scipy import sparse

from wattflock.core.errors import WattflockError
from wattflock.core.types import Profile
from wattflock.homes.program import Program
from wattflock.market.market import Meter, Settlement
from wattflock.market.retail import Retail, fixed


class Nodal(Retail):
    """All homes have one price of energy; where they are on the feeder adds a part for losses and one for voltages.

    price = grid price x (1 + d loss / d power) + multiplier x d violation / d power.

    The grid price is the import price while all homes together draw, the export price while they feed in. A price may
    be below zero where a kWh more raises a voltage that is too low, or takes load off the wires. What homes pay beyond
    the grid's bill of their energy is the margin, negative: it buys the losses, and the rest is the surplus of a
    network that is scarce. `World` fills in `Meter.wires` from the power flow; without it only energy is billed.

    Source: Bai et al. 2018, Distribution locational marginal pricing (DLMP) for congestion management and voltage
    support, IEEE Trans. Power Systems, DOI 10.1109/TPWRS.2017.2767632.
    """

    needs_wires: ClassVar[bool] = True

    violation_per_pu_h: Annotated[
        float,
        Field(ge=0, description="multiplier of the voltage limits of nodes that are beyond theirs "
              "[currency per pu and h]"),
    ] = fixed(10.0)  # fmt: skip

    @classmethod
    def example(cls) -> Self:
        return cls()

    def settle(self, meter: Meter) -> Settlement:
        energy = self._energy(meter)
        bill = energy["import"] + energy["export"] + energy["network"]
        return self.charged(meter, Settlement(bill, -energy["network"].sum(-1), self.pooled(meter)))

    def items(self, meter: Meter) -> dict[str, Array]:
        return self.itemised(meter, self._energy(meter))

    def _energy(self, meter: Meter) -> dict[str, Array]:
        price = self._grid_price(meter)[..., None]
        drawn, given = jnp.maximum(meter.net_kwh, 0), jnp.minimum(meter.net_kwh, 0)
        more = jnp.zeros_like(meter.net_kwh)
        if meter.wires is not None:
            more = price * meter.wires.loss + self.violation_per_pu_h * meter.wires.voltage
        return {"import": price * drawn, "export": price * given, "network": more * meter.net_kwh}

    def _grid_price(self, meter: Meter) -> Array:
        bought, sold = meter.import_price_per_kwh, self.exported(meter.export_price_per_kwh)
        total = meter.net_kwh.sum(-1)
        return jnp.where(total > 0, bought, jnp.where(total < 0, sold, (bought + sold) / 2))

    def plan(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """Raises WattflockError: prices change with the flow that a plan would make."""
        raise WattflockError("bound: prices of the market nodal follow from the power flow; no linear program has them")
