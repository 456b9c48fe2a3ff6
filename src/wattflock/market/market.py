"""The interface of markets: from metered energy and prices to what each home pays."""

import abc
from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy import sparse

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.settings import refuse_settings
from wattflock.core.types import Profile
from wattflock.data.source import Readings
from wattflock.feeder.marginal import Marginal
from wattflock.homes.program import Program
from wattflock.market.plan import add_bills, prices_of, refuse_arbitrage


class Meter(eqx.Module):
    """Input of a market. Energies have axes (…, steps, homes), prices (…, steps)."""

    net_kwh: Array  # drawn from the grid; negative is fed in [kWh]
    import_price_per_kwh: Array
    export_price_per_kwh: Array
    dt_h: Array | float = 1.0  # length of a step, () or (…, steps) [h]
    bid_per_kwh: Array | None = None  # most that a home pays for a kWh, or least that it asks, (…, steps, homes)
    wires: Marginal | None = None  # what a kW more at each home does to the feeder, (…, steps, homes)
    network_per_kwh: Array | None = None  # what the network adds to a kWh of each home, (…, steps, homes)


class Prices(eqx.Module):
    """What a home pays for a kWh and what it gets for one, (…, steps) [currency per kWh]."""

    import_price_per_kwh: Array
    export_price_per_kwh: Array


class Settlement(eqx.Module):
    """Bills: the sum of `bill` over homes + `margin` = `grid_bill`, always."""

    bill: Array  # (…, steps, homes) [currency]
    margin: Array  # (…, steps), kept (negative) or added by a community [currency]
    grid_bill: Array  # (…, steps), what is owed to the retailer [currency]


ITEMS = ("import", "export", "local", "network", "peak", "fixed")  # of a bill


class Market(eqx.Module):
    """Prices and rules of payment; pure and differentiable."""

    needs_wires: ClassVar[bool] = False  # whether its prices come from the power flow: `Meter.wires`

    needs_places: ClassVar[bool] = False  # whether its prices depend on where homes are: `placed`

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

    def items(self, meter: Meter) -> dict[str, Array]:
        """What bills are made of, by `ITEMS`, (…, steps, homes) [currency]; they add up to them.

        The default counts a bill as `import` where a home draws, as `export` where it feeds in.
        """
        bill = self.settle(meter).bill
        drawn, nothing = meter.net_kwh > 0, jnp.zeros_like(bill)
        split = {"import": jnp.where(drawn, bill, 0), "export": jnp.where(drawn, 0, bill)}
        return dict.fromkeys(ITEMS, nothing) | split

    def local_kwh(self, meter: Meter) -> Array:
        """What each home buys of others, negative where it sells, (…, steps, homes) [kWh]; the default is nothing."""
        return jnp.zeros_like(meter.net_kwh)

    def parts(self, meter: Meter, carbon_kg_per_kwh: Array) -> dict[str, Array]:
        """What the grid bill is made of: `energy`, `carbon` and `network`, (…, steps) [currency]; they add up to it.

        Args:
            meter: what is billed.
            carbon_kg_per_kwh: of the grid, (…, steps).
        """
        grid_bill = self.settle(meter).grid_bill
        return {"energy": grid_bill, "carbon": jnp.zeros_like(grid_bill), "network": jnp.zeros_like(grid_bill)}

    def refuse_world(self, homes: int, wires: bool, places: bool = True) -> None:
        """Refuses homes that this market cannot bill; before any work, in `build`.

        Args:
            homes: how many there are.
            wires: whether they are on a feeder.
            places: whether it is known at which terminal each is.

        Raises:
            ScenarioError: lists what is missing.
        """
        if self.needs_wires and not wires:
            said = "a market without wires, such as tariff; or a feeder, whose power flow makes the prices"
            raise ScenarioError([Problem("scenario", "market.part", self.name, said)])
        if self.needs_places and not places:
            said = "a market without places: meters do not say at which terminal a home is"
            raise ScenarioError([Problem("scenario", "market.part", self.name, said)])

    def refuse_prices(self, bought: np.ndarray, sold: np.ndarray) -> None:
        """Refuses prices of the grid that nobody could trade at, (steps,) or (days, steps); before any work.

        Raises:
            ScenarioError: such as an export price above the import price, with the steps where it is.
        """

    def placed(self, terminals: tuple[str, ...]) -> Self:
        """The market of homes at these terminals, (homes,); in `build`. Most do not care where homes are.

        Raises:
            ScenarioError: a place that this market has nothing for.
        """
        del terminals
        return self

    @property
    def name(self) -> str:
        """What a scenario calls it: the name of its file."""
        return type(self).__module__.rpartition(".")[2]

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
        bought, sold = self.prices_of_homes(day)
        refuse_arbitrage(type(self).__name__, bought, sold)
        add_bills(program, power, day.dt_h[:, None], bought, sold)

    def prices_of_homes(self, day: Profile) -> tuple[np.ndarray, np.ndarray]:
        """What each home alone pays for a kWh and gets for one, (steps, homes) each; by default `prices` for all."""
        prices = self.prices(day)
        each = (np.asarray(price)[:, None] for price in (prices.import_price_per_kwh, prices.export_price_per_kwh))
        bought, sold = (np.broadcast_to(price, day.load_kw.shape) for price in each)
        return bought, sold

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
