"""Homes made on the device → long tables, batch by batch, in memory that does not grow with their number."""

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from wattflock.synth.flock import Flock
from wattflock.synth.region import RUN_IN_DAYS, Mix, Region, begin, live, settle
from wattflock.synth.sky import Measured
from wattflock.synth.when import When, calendar

BATCH = 1000  # homes that live together on the device
MOST_ROWS = 9_000_000  # of a batch: a year of 1,000 homes by the hour, some 0.3 GB
COLUMNS = ("load_kw", "pv_kw", "ev_plugged", "ev_charging_need_kwh", "ev_driving_kwh", "heat_kw")
DIGITS = 3  # watts and watt-hours


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Which homes and which days; `weather` is the number of the weather year, the seed where None."""

    homes: int
    days: int
    start: datetime.date
    zone: str
    steps: int = 24  # of a day
    seed: int = 0
    weather: int | None = None
    mix: Mix = Mix()

    def batches(self) -> list[range]:
        """Numbers of the homes, so many at a time as fit."""
        size = max(1, min(BATCH, MOST_ROWS // (self.days * self.steps)))
        return [range(low, min(low + size, self.homes)) for low in range(0, self.homes, size)]


def made(region: Region, wanted: Wanted, numbers: range, outdoor_c: np.ndarray | None = None) -> Flock:
    """Homes with these numbers, all days, on the host.

    Args:
        region: what they are drawn from, on the device.
        wanted: which days, and what stands in the homes.
        numbers: of the homes.
        outdoor_c: measured weather (days, 24) to be used instead of a drawn one.
    """
    first = wanted.start - datetime.timedelta(days=RUN_IN_DAYS)
    when = calendar(first, wanted.days + RUN_IN_DAYS, wanted.zone)
    measured = None if outdoor_c is None else jnp.asarray(np.concatenate([outdoor_c[:RUN_IN_DAYS], outdoor_c]))
    weather = wanted.seed if wanted.weather is None else wanted.weather
    given = jax.tree.map(jnp.asarray, (when, weather, measured))
    # every batch has the same number of homes, or the whole would be compiled anew for the last one
    count = len(wanted.batches()[0])
    columns = _lived(region, wanted.mix, jnp.asarray(wanted.seed), jnp.arange(count) + numbers[0], given, wanted.steps)
    own = {name: np.asarray(columns[name])[: len(numbers)] for name in COLUMNS}
    return Flock(
        tuple(f"H{number:06d}" for number in numbers), wanted.start, outdoor_c=np.asarray(columns["outdoor_c"]), **own
    )


def table(flock: Flock) -> pl.DataFrame:
    """Long form, home after home: home, time (local clock), a column each."""
    homes, days, steps = flock.shape()
    first = datetime.datetime.combine(flock.first_day, datetime.time())
    step = datetime.timedelta(days=1) / steps
    times = pl.datetime_range(first, first + (days * steps - 1) * step, step, eager=True, time_unit="us").to_numpy()
    assert flock.outdoor_c is not None
    own = {name: values.ravel() for name, values in flock.columns().items()}
    names = pl.Series(np.repeat(np.arange(homes, dtype=np.uint32), days * steps)).cast(pl.Enum(flock.homes))
    return pl.DataFrame(
        {"home": names, "time": np.tile(times, homes), **own, "outdoor_c": np.tile(flock.outdoor_c.ravel(), homes)}
    )


def tables(region: Region, wanted: Wanted, done: set[int]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Number and table of each batch that is not done yet."""
    for place, numbers in enumerate(wanted.batches()):
        if place not in done:
            yield place, table(made(region, wanted, numbers))


@eqx.filter_jit
def _lived(region: Region, mix: Mix, seed: Any, numbers: Any, given: tuple[When, Any, Any], steps: int) -> dict:
    """Columns (homes, days, steps) and outdoor_c (days, steps), rounded."""
    when, weather, outdoor_c = given
    households = settle(region, mix, seed, numbers)
    measured = None if outdoor_c is None else Measured(outdoor_c)
    _, days = live(region, households, begin(region, households, weather), (when, weather, measured), steps)
    own = {name: jnp.swapaxes(getattr(days, name)[RUN_IN_DAYS:], 0, 1) for name in COLUMNS}
    return {
        name: jnp.round(values, DIGITS) for name, values in (own | {"outdoor_c": days.outdoor_c[RUN_IN_DAYS:]}).items()
    }
