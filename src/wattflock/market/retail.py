"""What all markets of homes with a retail contract share: where prices come from, and charges beside energy."""

import dataclasses
from typing import Annotated, Any, ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from pydantic import Field
from scipy import sparse

from wattflock.core.types import Profile
from wattflock.data.price_table import Bands, priced
from wattflock.data.source import Readings
from wattflock.homes.device import ratio
from wattflock.homes.program import Program
from wattflock.market.market import ITEMS, Market, Meter, Prices, Settlement
from wattflock.market.plan import add_above, add_square, keep_above, together

CHARGES = ("standing_per_day", "demand_per_kw_day", "export_charge_per_kwh", "loss_per_kw")


def fixed(value: Any) -> Any:
    """A field that is a constant of the compiled program, and no array."""
    return eqx.field(default=value, static=True)


class Retail(Market):
    """Prices at the grid, and charges that each home pays in addition to its energy.

    Charges are owed to the grid as well: they raise bills and grid bill alike.
    """

    prices_from: Annotated[
        Literal["data", "flat", "bands", "file"],
        Field(description="where import prices come from: the readings, one price, a table by hour, or a file"),
    ] = fixed("data")
    flat_per_kwh: Annotated[float, Field(description="import price with prices_from flat [currency per kWh]")] = fixed(
        0.3
    )
    bands: Annotated[
        Bands, Field(description="time of use, as [[0, 7, 0.15], [7, 24, 0.35]] [h, h, currency per kWh]")
    ] = fixed(())
    bands_free: Annotated[
        Bands, Field(description="the same on free days; empty: as bands [h, h, currency per kWh]")
    ] = fixed(())
    file: Annotated[
        str, Field(description="CSV or Parquet: time, import_per_kwh, export_per_kwh (optional) [currency per kWh]")
    ] = fixed("")
    exports_from: Annotated[
        Literal["prices", "fixed", "imports"],
        Field(description="export prices: as prices_from says, one feed-in price, or the import price (net metering)"),
    ] = fixed("prices")
    export_per_kwh: Annotated[float, Field(description="feed-in price with exports_from fixed [currency per kWh]")] = (
        fixed(0.08)
    )
    export_share: Annotated[float, Field(ge=0, le=1, description="share of the export price paid out [share]")] = 1.0
    carbon_per_t: Annotated[
        float, Field(ge=0, description="price of the grid's carbon, added to the import price [currency per tonne]")
    ] = fixed(0.0)
    carbon_on_exports: Annotated[
        bool, Field(description="whether feeding in earns the price of carbon that it avoids")
    ] = fixed(False)
    standing_per_day: Annotated[float, Field(ge=0, description="standing charge [currency per day]")] = fixed(0.0)
    demand_per_kw_day: Annotated[
        float,
        Field(ge=0, description="charge on a home's highest import within an episode [currency per kW and day]"),
    ] = fixed(0.0)
    export_charge_per_kwh: Annotated[
        float, Field(ge=0, description="network charge on energy fed in [currency per kWh]")
    ] = fixed(0.0)
    loss_per_kw: Annotated[
        float,
        Field(ge=0, description="losses of the shared line as a share of all homes' net power, per kW of it; they are "
              "paid at the import price, by each home in proportion to what it moves [1 per kW]"),
    ] = fixed(0.0)  # fmt: skip

    beside_energy: ClassVar[tuple[str, ...]] = CHARGES  # settings that are charges of the network

    def priced(self, readings: Readings) -> Readings:
        readings = priced(self, readings)
        self.refuse_prices(readings.import_price_per_kwh, readings.export_price_per_kwh)
        return readings

    def exported(self, price_per_kwh: Any) -> Any:
        """What a retailer pays for a kWh, before the network's charge [currency per kWh]."""
        return self.export_share * price_per_kwh

    def prices(self, given: Profile) -> Prices:
        """Energy, carbon and the charge on exports; losses, standing and demand charges are no price of a kWh."""
        sold = self.exported(given.export_price_per_kwh) - self.export_charge_per_kwh
        return Prices(given.import_price_per_kwh, sold)

    def charges(self, meter: Meter) -> dict[str, Array]:
        """Charges beside energy by `ITEMS`, each (…, steps, homes) [currency]."""
        dt_h = jnp.broadcast_to(jnp.asarray(meter.dt_h, meter.net_kwh.dtype), meter.import_price_per_kwh.shape)
        network, peak = self.export_charge_per_kwh * jnp.maximum(-meter.net_kwh, 0), jnp.zeros_like(meter.net_kwh)
        if self.loss_per_kw:
            network = network + self.losses(meter, dt_h)
        if self.demand_per_kw_day:
            peak = self.demand_per_kw_day / 24 * dt_h[..., None] * peaks_kw(meter.net_kwh, dt_h)
        fixed = jnp.broadcast_to((self.standing_per_day / 24 * dt_h)[..., None], network.shape)
        return {"network": network, "peak": peak, "fixed": fixed}

    def charged(self, meter: Meter, energy: Settlement) -> Settlement:
        """A settlement of energy with all charges on top."""
        charge = sum(self.charges(meter).values(), jnp.zeros_like(meter.net_kwh))
        return Settlement(energy.bill + charge, energy.margin, energy.grid_bill + charge.sum(-1))

    def at_grid(self, meter: Meter) -> dict[str, Array]:
        """`import` and `export` of each home's own energy at the grid's prices, (…, steps, homes) [currency]."""
        sold = self.exported(meter.export_price_per_kwh)
        return {
            "import": jnp.maximum(meter.net_kwh, 0) * meter.import_price_per_kwh[..., None],
            "export": jnp.minimum(meter.net_kwh, 0) * sold[..., None],
        }

    def energy_alone(self, meter: Meter) -> Settlement:
        """What homes pay for their energy that each settle with the grid by themselves, without charges."""
        bill = sum(self.at_grid(meter).values(), jnp.zeros_like(meter.net_kwh))
        total = bill.sum(-1)
        return Settlement(bill, jnp.zeros_like(total), total)

    def pooled(self, meter: Meter) -> Array:
        """What the grid bills all homes as one for their energy, (…, steps) [currency]."""
        total, sold = meter.net_kwh.sum(-1), self.exported(meter.export_price_per_kwh)
        return meter.import_price_per_kwh * jnp.maximum(total, 0) + sold * jnp.minimum(total, 0)

    def itemised(self, meter: Meter, energy: dict[str, Array]) -> dict[str, Array]:
        """Items of energy with those of all charges, which add to those of the same name."""
        charges, nothing = self.charges(meter), jnp.zeros_like(meter.net_kwh)
        return {name: energy.get(name, nothing) + charges.get(name, nothing) for name in ITEMS}

    def parts(self, meter: Meter, carbon_kg_per_kwh: Array) -> dict[str, Array]:
        """Energy at prices without carbon, what the price of carbon adds, and all charges beside energy."""
        carbon = self.carbon_per_t / 1000 * carbon_kg_per_kwh
        sold = meter.export_price_per_kwh - carbon * self.carbon_on_exports
        free = dataclasses.replace(
            meter, import_price_per_kwh=meter.import_price_per_kwh - carbon, export_price_per_kwh=sold
        )
        bare = dataclasses.replace(self, **dict.fromkeys(self.beside_energy, 0.0))
        energy, charged, all_of = (
            market.settle(each).grid_bill for market, each in ((bare, free), (self, free), (self, meter))
        )
        return {"energy": energy, "carbon": all_of - charged, "network": charged - energy}

    def losses(self, meter: Meter, dt_h: Array) -> Array:
        """What losses of the shared line cost each home: loss_per_kw · P² dt at the import price, P of all homes.

        Source: Charbonnier et al. 2023 (arXiv 2305.18875), with R / V² in the units of `loss_per_kw`: 1000 R / V² for
        ohm and volt.
        """
        total_kw = meter.net_kwh.sum(-1) / dt_h
        cost = self.loss_per_kw * total_kw**2 * dt_h * jnp.maximum(meter.import_price_per_kwh, 0)
        moved = jnp.abs(meter.net_kwh)
        return cost[..., None] * ratio(moved, moved.sum(-1, keepdims=True))

    def plan_alone(self, program: Program, power: sparse.csr_matrix, day: Profile, past: Meter | None = None) -> None:
        """Energy at a home's own prices, its standing and demand charge; losses, which it cannot know, are left out."""
        super().plan_alone(program, power, day, past)
        self.plan_days(program, power, day, past)

    def plan(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """Bills of homes that settle each by itself, with all charges."""
        self.plan_alone(program, power, day)
        self.plan_losses(program, power, day)

    def plan_charges(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """All charges beside energy."""
        self.plan_own(program, power, day)
        self.plan_losses(program, power, day)

    def plan_own(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """What each home of such a community pays by itself: its charge on exports, standing and demand charge."""
        if self.export_charge_per_kwh:
            cost = np.repeat(self.export_charge_per_kwh * np.asarray(day.dt_h), day.load_kw.shape[1])
            add_above(program, power, -1.0, 0.0, cost)
        self.plan_days(program, power, day)

    def plan_days(self, program: Program, power: sparse.csr_matrix, day: Profile, past: Meter | None = None) -> None:
        """The standing charge, and a column for each home's highest import of the episode: the past's at least.

        Both are charges on the whole episode, of which `day` is what is left.
        """
        steps, homes = day.load_kw.shape
        days, reached_kw = float(np.asarray(day.dt_h).sum()) / 24, np.zeros(homes)
        if past is not None:
            days += float(np.asarray(past.dt_h).sum()) / 24
            reached_kw = np.asarray(peaks_kw(past.net_kwh, jnp.asarray(past.dt_h)))[0]
        program.columns(1.0, 1.0, np.array([self.standing_per_day * days * homes]))
        if self.demand_per_kw_day:
            peak = program.columns(reached_kw, np.inf, np.full(homes, self.demand_per_kw_day * days))
            keep_above(program, power, 1.0, 0.0, np.tile(peak, steps))

    def plan_losses(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """Losses by tangents."""
        if self.loss_per_kw:
            price = np.maximum(np.asarray(day.import_price_per_kwh), 0) * np.asarray(day.dt_h)
            add_square(program, together(power, day.load_kw.shape), self.loss_per_kw * price)


def peaks_kw(net_kwh: Array, dt_h: Array) -> Array:
    """The highest import of each home over all steps, (…, 1, homes) [kW]; 0 where there are no steps."""
    return jnp.maximum(net_kwh / dt_h[..., None], 0).max(-2, keepdims=True, initial=0)
