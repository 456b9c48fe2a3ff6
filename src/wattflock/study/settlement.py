"""Bills of metered homes under one market or several, and what each pays on its own tariff."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np
import polars as pl

from wattflock.market.market import ITEMS, Market, Meter
from wattflock.study.metered import Metered

AT_ONCE = 2**18  # home-steps that are settled in one call: they fit into a cache, and bound the memory
BETTER = 1e-9  # currency: what rounding may make of nothing
ENERGIES = ("import_kwh", "export_kwh", "bought_kwh", "sold_kwh")  # from and to the grid, of and to other homes


@dataclasses.dataclass(frozen=True)
class Settled:
    """Bills of all homes in one market."""

    market: str
    homes: pl.DataFrame  # home, energies [kWh], items of the bill, total and difference to the own tariff [currency]
    margin: float  # what the community pays on top of the bills, negative: keeps of them [currency]
    grid_bill: float  # what is owed to the grid [currency]

    @property
    def totals(self) -> dict[str, Any]:
        """Sums over homes, and how many pay less or more than on their own tariff."""
        more = self.homes["difference"]
        sums = {name: self.homes[name].sum() for name in (*ENERGIES, *ITEMS, "total", "own_tariff", "difference")}
        return {
            "market": self.market, **sums, "margin": self.margin, "grid_bill": self.grid_bill,
            "pay_less": int((more < -BETTER).sum()), "pay_more": int((more > BETTER).sum()),
        }  # fmt: skip


def settled(
    metered: Metered, markets: Mapping[str, Market], own: Market, own_total: np.ndarray | None = None
) -> list[Settled]:
    """Bills under each market, beside what each home pays on its own tariff.

    Args:
        metered: energies and prices; `wires` where a market needs them.
        markets: name → market.
        own: the tariff of each home by itself.
        own_total: what each home pays by itself where that is another tariff, (homes,) [currency].
    """
    pays = _total(sums(own, metered)[0]) if own_total is None else own_total
    return [_settled(name, market, metered, pays) for name, market in markets.items()]


def _settled(name: str, market: Market, metered: Metered, own: np.ndarray) -> Settled:
    found, margin, grid_bill = sums(market, metered)
    total = _total(found)
    columns = {"market": [name] * len(own), "home": metered.homes} | {each: found[each] for each in (*ENERGIES, *ITEMS)}
    columns |= {"total": total, "own_tariff": own, "difference": total - own}
    return Settled(name, pl.DataFrame(columns), margin, grid_bill)


def _total(found: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.sum([found[item] for item in ITEMS], axis=0)


def sums(market: Market, metered: Metered) -> tuple[dict[str, np.ndarray], float, float]:
    """Energies [kWh] and items [currency] of each home over all periods, (homes,); margin; grid bill [currency]."""
    periods, steps, homes = metered.net_kwh.shape
    width = max(1, AT_ONCE // max(1, steps * homes))
    with jax.enable_x64(True):
        parts = [_sums(market, metered.meter(slice(at, at + width))) for at in range(0, periods, width)]
    energy, margin, grid_bill = jax.tree.map(lambda *each: np.sum([np.asarray(x) for x in each], axis=0), *parts)
    return energy, float(margin), float(grid_bill)


@eqx.filter_jit
def _sums(market: Market, meter: Meter) -> tuple:
    found, settlement = market.items(meter), market.settle(meter)
    net, local = meter.net_kwh, market.local_kwh(meter)
    rest = net - local  # at the grid
    energies = (rest.clip(0), (-rest).clip(0), local.clip(0), (-local).clip(0))
    every = dict(zip(ENERGIES, energies, strict=True)) | {name: found[name] for name in ITEMS}
    return jax.tree.map(lambda x: x.sum((0, 1)), every), settlement.margin.sum(), settlement.grid_bill.sum()
