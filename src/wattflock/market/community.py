"""What markets within communities share: who belongs where, network charges on local trade, the rest at the grid."""

import abc
from collections.abc import Iterator
from typing import Annotated, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from pydantic import Field
from scipy import sparse

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import Profile
from wattflock.homes.device import ratio
from wattflock.homes.program import Program
from wattflock.market.market import Meter, Settlement
from wattflock.market.plan import add_bills, dearer, refuse_arbitrage, together
from wattflock.market.retail import CHARGES, Retail, fixed

FEW = 3  # steps that a message names


class Trade(eqx.Module):
    """Energy that changes hands within a community; what is left of each home's energy is the grid's."""

    local_kwh: Array  # (…, steps, homes) bought of others; negative is sold; the sum over homes is 0
    cost: Array  # (…, steps, homes) paid for it; negative is earned [currency]
    peak: Array  # (…, steps, homes) charges beside it that the community keeps [currency]


class Deal(eqx.Module):
    """Energy of all homes, traded and from the grid: what it costs and who keeps what is left over."""

    items: dict[str, Array]  # by `ITEMS`, (…, steps, homes) [currency]
    local_kwh: Array  # (…, steps, homes)
    margin: Array  # (…, steps) [currency]
    grid_bill: Array  # (…, steps) [currency]


class Community(Retail):
    """Homes that trade with each other and are billed as one by the grid; `trade` says at what prices.

    A network charge on local trade is paid half by the buyer and half by the seller. A trade is worth at most the gap
    of the grid's prices: where the charge is more, each home buys and sells at the grid, which costs the same as a
    charge of that gap.
    """

    beside_energy: ClassVar[tuple[str, ...]] = (*CHARGES, "wheeling_per_kwh")

    communities: Annotated[
        tuple[tuple[int, str, float], ...],
        Field(description="[home, community, share of its energy]: homes count from 0 and may be in several "
              "communities; what no community has is settled on the own tariff. Empty: one community of all homes"),
    ] = fixed(())  # fmt: skip
    wheeling_per_kwh: Annotated[
        float, Field(ge=0, description="network charge on energy traded within a community [currency per kWh]")
    ] = fixed(0.0)

    def __check_init__(self):
        """Raises ScenarioError for homes that share more than all, or twice in one community."""
        said: dict[int, dict[str, float]] = {}
        problems = []

        def refuse(row: tuple, allowed: str) -> None:
            problems.append(Problem("scenario", "market.settings.communities", list(row), allowed))

        for row in self.communities:
            home, name, share = row
            if home < 0 or not 0 < share <= 1:
                refuse(row, "[home from 0, community, share above 0 and at most 1]")
            elif name in said.setdefault(home, {}):
                refuse(row, "each home once in a community")
            else:
                said[home][name] = share
                if (total := sum(said[home].values())) > 1 + 1e-9:
                    refuse(row, f"shares of a home that add up to at most 1; those of home {home} make {total:g}")
        if problems:
            raise ScenarioError(problems)

    @abc.abstractmethod
    def trade(self, meter: Meter, members: float) -> Trade:
        """The trade within one community of so many members, whose energies `meter` has; never raises."""

    def refuse_world(self, homes: int, wires: bool, places: bool = True) -> None:
        super().refuse_world(homes, wires, places)
        unknown = [row for row in self.communities if row[0] >= homes]
        said = f"homes 0 to {homes - 1}"
        if unknown:
            raise ScenarioError([Problem("scenario", "market.settings.communities", list(x), said) for x in unknown])

    def refuse_prices(self, bought: np.ndarray, sold: np.ndarray) -> None:
        if problem := dear_exports(self.name, bought, np.asarray(self.exported(sold))):
            raise ScenarioError([problem])

    def shares(self, homes: int) -> np.ndarray:
        """What share of each home's energy each community has, (communities, homes)."""
        if not self.communities:
            return np.ones((1, homes))
        names = list(dict.fromkeys(name for _, name, _ in self.communities))
        found = np.zeros((len(names), homes))
        for home, name, share in self.communities:
            if home < homes:
                found[names.index(name), home] = share
        return found

    def wedge(self, meter: Meter) -> Array:
        """Network charge on a traded kWh: at most the gap of the grid's prices, (…, steps) [currency per kWh]."""
        gap = meter.import_price_per_kwh - self.exported(meter.export_price_per_kwh)
        return jnp.minimum(self.wheeling_per_kwh, jnp.maximum(gap, 0))

    def settle(self, meter: Meter) -> Settlement:
        deal = self.deal(meter)
        bill = sum(deal.items.values(), jnp.zeros_like(meter.net_kwh))
        return self.charged(meter, Settlement(bill, deal.margin, deal.grid_bill))

    def items(self, meter: Meter) -> dict[str, Array]:
        return self.itemised(meter, self.deal(meter).items)

    def local_kwh(self, meter: Meter) -> Array:
        return self.deal(meter).local_kwh

    def deal(self, meter: Meter) -> Deal:
        """Energy of all homes, without charges on metered energy."""
        return jax.tree.map(lambda *each: sum(each), *self._deals(meter))

    def _deals(self, meter: Meter) -> Iterator[Deal]:
        shares = self.shares(meter.net_kwh.shape[-1])
        for share in shares:
            yield self._within(part_of(meter, share) if self.communities else meter, float(share.sum()))
        if (alone := 1 - shares.sum(0)).any():
            yield self._alone(part_of(meter, alone))

    def _within(self, meter: Meter, members: float) -> Deal:
        trade, wedge = self.trade(meter, members), self.wedge(meter)
        wheeling = wedge[..., None] / 2 * jnp.abs(trade.local_kwh)
        items = self.at_grid(eqx.tree_at(lambda m: m.net_kwh, meter, meter.net_kwh - trade.local_kwh))
        kept = (trade.cost + trade.peak).sum(-1) + self._netted(meter, meter.net_kwh - trade.local_kwh)
        items |= {"local": trade.cost, "network": wheeling, "peak": trade.peak}
        return Deal(items, trade.local_kwh, -kept, self.pooled(meter) + wheeling.sum(-1))

    def _netted(self, meter: Meter, rest_kwh: Array) -> Array:
        """What is kept where some draw from the grid while others feed in, which the grid bills as one, (…, steps)."""
        both = jnp.minimum(jnp.maximum(rest_kwh, 0).sum(-1), jnp.maximum(-rest_kwh, 0).sum(-1))
        return both * (meter.import_price_per_kwh - self.exported(meter.export_price_per_kwh))

    def _alone(self, meter: Meter) -> Deal:
        nothing, energy = jnp.zeros_like(meter.net_kwh), self.energy_alone(meter)
        items = self.at_grid(meter) | dict.fromkeys(("local", "network", "peak"), nothing)
        return Deal(items, nothing, energy.margin, energy.grid_bill)

    def plan(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """The bills of communities, each pooled at the grid's prices, and the charge on what is traded in them.

        A community of draws D and exports S trades min(D, S), which costs each kWh the gap of prices less than without
        trade: with a charge of a share c of the gap, bills are (1 - c) of the pooled ones and c of those without trade.
        """
        shape, dt_h = day.load_kw.shape, np.asarray(day.dt_h)[:, None]
        bought = np.asarray(day.import_price_per_kwh)[:, None]
        sold = np.asarray(self.exported(day.export_price_per_kwh))[:, None]
        refuse_arbitrage(type(self).__name__, bought, sold)
        gap = bought - sold
        charge = np.minimum(self.wheeling_per_kwh, gap) / np.where(gap > 0, gap, 1)
        shares = self.shares(shape[1])
        for share in shares:
            add_bills(program, together(power, shape, share), dt_h, bought * (1 - charge), sold * (1 - charge))
        own = (1 - shares.sum(0)) + charge * shares.sum(0)
        if own.any():
            add_bills(program, power, dt_h, bought * own, sold * own)
        self.plan_charges(program, power, day)


def in_proportion(drawn: Array, given: Array) -> Array:
    """The most that can be traded: all who draw get the same share of it, all who feed in bring the same.

    Args:
        drawn, given: (…, homes) [kWh].

    Returns:
        Bought of others (positive) or sold to them, (…, homes) [kWh].
    """
    most = jnp.minimum(drawn.sum(-1), given.sum(-1))[..., None]
    return drawn * share_of(most, drawn) - given * share_of(most, given)


def share_of(part: Array, energy: Array) -> Array:
    """`part` (…, 1) of the sum of energies over homes (…, homes); 0 where there is none."""
    return ratio(part, energy.sum(-1, keepdims=True))


def part_of(meter: Meter, share: np.ndarray) -> Meter:
    """A share (homes,) of each home's energy."""
    weight = jnp.asarray(share, meter.net_kwh.dtype)
    net_kwh = meter.net_kwh * jnp.broadcast_to(weight, meter.net_kwh.shape)
    return eqx.tree_at(lambda m: m.net_kwh, meter, net_kwh)


def dear_exports(name: str, bought: np.ndarray, sold: np.ndarray) -> Problem | None:
    """What is wrong where exports earn more than imports cost, (steps,) or (days, steps): sellers would lose."""
    above = np.argwhere(dearer(bought, sold))
    if not len(above):
        return None
    axes = ("day", "step")[-bought.ndim :]
    steps = [" ".join(f"{axis} {place}" for axis, place in zip(axes, each, strict=True)) for each in above[:FEW]]
    more = ", …" if len(above) > FEW else ""
    at = tuple(above[0])
    said = f"at most the import price, {bought[at]:.4g}; so at {len(above)} of {bought.size} steps: {', '.join(steps)}"
    return Problem(f"market {name}", f"export price, {steps[0]}", float(sold[at]), said + more)
