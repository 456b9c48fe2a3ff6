"""A tariff of each home's own, and on top a price of the network that depends on place, hour and kind of day."""

import dataclasses
from typing import Annotated, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from pydantic import Field
from scipy import sparse

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import DAY_KINDS, Profile
from wattflock.data.network_table import table_of_homes
from wattflock.homes.program import Program
from wattflock.market.market import Meter, Settlement
from wattflock.market.markets.tariff import Tariff
from wattflock.market.retail import fixed


class NetworkTariff(Tariff):
    """What a kWh costs the network is added to its price where it is drawn, and paid where it is fed in.

    The price is known in advance: by terminal, hour and kind of day (cold, mild, warm). What homes pay is handed back
    in equal parts at every step, so that the sum of bills is that of the tariff; a home that minds its own bill takes
    what it gets back as given, and so does a gradient.

    Source: expected nodal prices, Bai et al. 2018 (DOI 10.1109/TPWRS.2017.2767632); `wattflock tariff` finds them.
    """

    needs_places: ClassVar[bool] = True

    network_file: Annotated[
        str, Field(description="CSV or Parquet of `wattflock tariff`: terminal, day, hour, network_per_kwh")
    ] = fixed("")
    network_per_kwh: Array = eqx.field(
        default_factory=lambda: np.zeros((len(DAY_KINDS), 1, 1))
    )  # (kinds, steps, homes)

    def placed(self, terminals: tuple[str, ...]) -> "NetworkTariff":
        if not self.network_file:
            allowed = "the file that `wattflock tariff` wrote, or one of the same columns"
            raise ScenarioError([Problem("scenario", "market.settings.network_file", "", allowed)])
        return dataclasses.replace(self, network_per_kwh=table_of_homes(self.network_file, terminals))

    def meter(self, net_kwh: Array, given: Profile) -> Meter:
        return dataclasses.replace(super().meter(net_kwh, given), network_per_kwh=self.network(given))

    def network(self, given: Profile) -> Array:
        """The network's price at days (…, steps), (…, steps, homes); a day whose kind is not told is a mild one."""
        kind = jnp.ones_like(given.hour) if given.day_kind is None else given.day_kind
        step = given.hour / 24 * self.network_per_kwh.shape[1]
        return jnp.asarray(self.network_per_kwh)[kind.astype(int), step.astype(int)]

    def settle(self, meter: Meter) -> Settlement:
        settled = super().settle(meter)
        return dataclasses.replace(settled, bill=settled.bill + self._network(meter))

    def items(self, meter: Meter) -> dict[str, Array]:
        items = super().items(meter)
        return items | {"network": items["network"] + self._network(meter)}

    def _network(self, meter: Meter) -> Array:
        """What each home pays the network less what it gets back, (…, steps, homes) [currency]."""
        if meter.network_per_kwh is None:
            return jnp.zeros_like(meter.net_kwh)
        paid = meter.network_per_kwh * meter.net_kwh
        return paid - jax.lax.stop_gradient(paid.mean(-1, keepdims=True))

    def prices_of_homes(self, day: Profile) -> tuple[np.ndarray, np.ndarray]:
        (bought, sold), more = super().prices_of_homes(day), np.asarray(self.network(day), float)
        return bought + more, sold + more

    def plan(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """The tariff alone: what all homes together pay the network they get back."""
        free = dataclasses.replace(self, network_per_kwh=np.zeros_like(self.network_per_kwh))
        super(NetworkTariff, free).plan(program, power, day)
