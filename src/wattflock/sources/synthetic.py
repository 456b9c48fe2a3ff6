"""Made homes: any number, all different, under one sky."""

import datetime
from typing import Annotated, Literal

import equinox as eqx
import jax
import numpy as np
import polars as pl
from pydantic import Field

from wattflock.data.calendar import calendar
from wattflock.data.home_days import HomeDays, to_table
from wattflock.data.raw import Raw
from wattflock.data.source import DataSource, Readings
from wattflock.synth import bundle
from wattflock.synth.generate import Wanted, made
from wattflock.synth.market import NAMES, dynamic, typical
from wattflock.synth.region import Mix, Region

FIRST_DAY = datetime.date(2027, 1, 4)  # a Monday
WEEKS = 52
NEWEST: dict[tuple, HomeDays] = {}  # at most one entry


class Synthetic(DataSource):
    """Load, sun, cars and weather of new homes, made on the device from a fitted region, with its prices.

    Where there are at least as many homes as agents, each agent is a home of its own. A composite: load, sun and car of
    a home were learned from different homes. Source: the region's card (`wattflock generate` writes it next to the
    homes).
    """

    region: Annotated[str, Field(description="london, california, or a file that `wattflock data fit` wrote")] = (
        eqx.field(default="london", static=True)
    )
    homes: Annotated[int, Field(ge=1, le=20_000, description="homes that are made [homes]")] = 1000
    years: Annotated[int, Field(ge=1, le=10, description="how many years of 52 weeks, each with its weather")] = 1
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="which homes and which weather")] = 0
    prices: Annotated[
        Literal["typical", "dynamic"], Field(description="those of a typical month, or other ones each day")
    ] = eqx.field(default="typical", static=True)
    step_min: Annotated[Literal[5, 15, 30, 60], Field(description="length of a step as made [min]")] = eqx.field(
        default=60, static=True
    )

    def raw(self) -> Raw:
        """The homes as a table, without findings."""
        region, card = bundle.load(self.region)
        flock = self._flock(region, card)
        rows = to_table(flock).with_columns(
            pl.lit(0, pl.UInt16).alias("file"), pl.int_range(pl.len(), dtype=pl.UInt32).alias("row")
        )
        shared = ("file", "row", "time", "outdoor_c")
        return Raw(
            files=(f"synthetic {self.region}",),
            zone=card["zone"],
            clock="whole",
            currency=card["currency"],
            card=self._card(card),
            homes=rows.drop("outdoor_c"),
            common=rows.filter(pl.col("home") == flock.homes[0]).select(shared),
            kwp=dict.fromkeys(flock.homes, 1.0),
        )

    def read(self) -> Readings:
        """52 whole weeks for each year, from Monday, 4 January 2027."""
        region, card = bundle.load(self.region)
        flock = self._flock(region, card)
        days, steps = flock.shape()[1:]
        when = calendar(FIRST_DAY, days, card["zone"])
        month = np.asarray(region.sky.northern(when).month)
        if self.prices == "dynamic":
            prices = dynamic(region.market, when, month, steps, self.seed)
        else:
            prices = {name: typical(region.market, name, when, month, steps) for name in NAMES}
        own = {name: values.transpose(1, 2, 0) for name, values in flock.columns().items()}
        assert flock.outdoor_c is not None
        return Readings(
            load_kw=own["load_kw"],
            sun_kw_per_kwp=own["pv_kw"],
            outdoor_c=flock.outdoor_c,
            weekend=np.asarray(when.weekend),
            month=np.asarray(when.month),
            first_day=FIRST_DAY,
            homes=flock.homes,
            currency=card["currency"],
            card=self._card(card),
            ev_plugged=own["ev_plugged"],
            ev_driving_kw=own["ev_driving_kwh"] * (steps / 24),
            **prices,
        )

    def _flock(self, region: Region, card: dict) -> HomeDays:
        mix = Mix(panel_share=1.0, car_share=1.0, panel_kwp=(1.0, 1.0))
        days = WEEKS * 7 * self.years
        return _made_once(
            region, Wanted(self.homes, days, FIRST_DAY, card["zone"], 1440 // self.step_min, self.seed, None, mix)
        )

    def _card(self, card: dict) -> dict:
        days = WEEKS * 7 * self.years
        return {
            "source": f"{self.homes} homes made from the region {card['name']}, seed {self.seed}",
            "owner": "Wattflock; learned from: " + "; ".join(_owners(card)),
            "licence": "fitted statistics; the data behind them are their owners'",
            "period": f"{FIRST_DAY} to {FIRST_DAY + datetime.timedelta(days=days - 1)} (made)",
            "composite": card["composite"],
        }


def _made_once(region: Region, wanted: Wanted) -> HomeDays:
    """Homes as `made` gives them, read-only; the newest are kept, since all runs of a study ask for the same."""
    key = (wanted, *(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(region)))
    if key not in NEWEST:
        NEWEST.clear()
        NEWEST[key] = made(region, wanted)
        for values in NEWEST[key].columns().values():
            values.setflags(write=False)
    return NEWEST[key]


def _owners(card: dict) -> list[str]:
    """Owners of the data of each piece."""
    found = [card[piece] for piece in ("load_data", "cars_data", "sky_data") if card.get(piece)]
    return [f"{each['source']} ({each['owner']})" for each in found]
