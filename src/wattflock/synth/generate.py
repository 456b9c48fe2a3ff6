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

from wattflock.data.calendar import When, calendar
from wattflock.data.home_days import OWN, HomeDays
from wattflock.synth.region import RUN_IN_DAYS, Mix, Region, begin, live, settle
from wattflock.synth.sky import MeasuredWeather

BLOCK = 1000  # homes of a table
TILE = 40  # homes that live together on a processor; always so many, so that rounding is the same for any number
MOST_ROWS = 9_000_000  # of a table: a year of a block by the hour, some 0.3 GB
DIGITS = 3  # watts and watt-hours
SIZES = "sizes.csv"  # next to the tables of a folder
SIZES_OF = {"kwp": "panel_kwp", "battery_kwh": "ev_battery_kwh"}  # field of `HomeDays` → column of that file


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
    mix: Mix = dataclasses.field(default_factory=Mix)

    def parts(self) -> list[tuple[int, int]]:
        """First home and first day of each table."""
        return [(home, day) for home in range(0, self.homes, BLOCK) for day in range(0, self.days, self.days_each())]

    def days_each(self) -> int:
        """Days of a table."""
        return max(1, min(self.days, MOST_ROWS // (BLOCK * self.steps)))


def made(region: Region, wanted: Wanted, outdoor_c: np.ndarray | None = None) -> HomeDays:
    """All homes and days at once, on the host; see `flocks`."""
    found = list(flocks(region, wanted, set(), outdoor_c))
    blocks = [[flock for (home, _), flock in found if home == first] for first in range(0, wanted.homes, BLOCK)]
    joined = {name: _joined(name, blocks) for name in OWN}
    joined |= {name: np.concatenate([getattr(block[0], name) for block in blocks]) for name in SIZES_OF}
    names = tuple(name for block in blocks for name in block[0].homes)
    shared = np.concatenate([flock.outdoor_c for flock in blocks[0] if flock.outdoor_c is not None])
    return HomeDays(names, wanted.start, outdoor_c=shared, **joined)


def flocks(
    region: Region, wanted: Wanted, done: set[tuple[int, int]], outdoor_c: np.ndarray | None = None
) -> Iterator[tuple[tuple[int, int], HomeDays]]:
    """Homes block by block, and a block's days chunk by chunk; memory does not grow with homes or days.

    Args:
        region: what they are drawn from, on the device.
        wanted: which homes and days.
        done: parts that are skipped; a block that is done entirely is not made again.
        outdoor_c: measured weather (days, 24) to be used instead of a drawn one.
    """
    each, weather = wanted.days_each(), jnp.asarray(wanted.seed if wanted.weather is None else wanted.weather)
    first = wanted.start - datetime.timedelta(days=RUN_IN_DAYS)
    when = calendar(first, wanted.days + RUN_IN_DAYS, wanted.zone)
    measured = (
        None
        if outdoor_c is None
        else MeasuredWeather(jnp.asarray(np.concatenate([outdoor_c[:RUN_IN_DAYS], outdoor_c])))
    )
    for home in range(0, wanted.homes, BLOCK):
        chunks = range(0, wanted.days, each)
        if all((home, day) in done for day in chunks):
            continue
        numbers = range(home, min(home + BLOCK, wanted.homes))
        tiles = list(_tiles(region, wanted, numbers, weather))
        given = jax.tree.map(jnp.asarray, (when, measured))
        for day in chunks:
            skipped = 0 if day else RUN_IN_DAYS  # lived with the first chunk, so that there is one program to compile
            some = _days(given, RUN_IN_DAYS + day - skipped, skipped + min(each, wanted.days - day))
            lived = [_lived(region, *tile, (*some, weather), wanted.steps) for tile in tiles]
            tiles = [(homes, state) for (homes, _), (state, _) in zip(tiles, lived, strict=True)]
            if (home, day) not in done:
                own = {name: _first(numbers, [columns[name] for _, columns in lived])[:, skipped:] for name in OWN}
                standing = [_standing(homes) for homes, _ in tiles]
                own |= {name: _first(numbers, [each[of] for each in standing]) for name, of in SIZES_OF.items()}
                outdoor = np.asarray(lived[0][1]["outdoor_c"])[skipped:]
                names = tuple(f"H{number:06d}" for number in numbers)
                begins = wanted.start + datetime.timedelta(days=day)
                yield (home, day), HomeDays(names, begins, outdoor_c=outdoor, **own)


def sizes(region: Region, wanted: Wanted) -> pl.DataFrame:
    """Sizes of what each home has, 0 where it has none: panel_kwp, ev_battery_kwh, ev_power_kw, heat_loss_kw_per_c."""
    numbers = range(wanted.homes)
    standing = [_standing(homes) for homes, _ in _tiles(region, wanted, numbers, jnp.asarray(0))]
    rounded = {name: _first(numbers, [each[name] for each in standing]).round(DIGITS) for name in standing[0]}
    return pl.DataFrame({"home": [f"H{number:06d}" for number in numbers]} | rounded)


def _tiles(region: Region, wanted: Wanted, numbers: range, weather: Any) -> Iterator[tuple[Any, Any]]:
    """Homes and their state before the first day, as many at a time as live together; the last may be too many."""
    size = TILE if jax.default_backend() == "cpu" else BLOCK
    for first in range(numbers.start, numbers.stop, size):
        yield _settled(region, wanted.mix, jnp.asarray(wanted.seed), jnp.arange(size) + first, weather)


def _first(numbers: range, tiles: list[Any]) -> np.ndarray:
    """Rows of the tiles' arrays that are asked for."""
    return np.concatenate([np.asarray(each) for each in tiles])[: len(numbers)]


def _standing(homes: Any) -> dict[str, np.ndarray]:
    columns = {
        "panel_kwp": homes.panel_kwp,
        "ev_battery_kwh": homes.has_car * homes.car["battery_kwh"],
        "ev_power_kw": homes.has_car * homes.car["power_kw"],
        "heat_loss_kw_per_c": homes.has_heat * homes.heat.loss_kw_per_c,
    }
    return {name: np.asarray(values) for name, values in columns.items()}


@eqx.filter_jit
def _settled(region: Region, mix: Mix, seed: Any, numbers: Any, weather: Any) -> tuple[Any, Any]:
    households = settle(region, mix, seed, numbers)
    return households, begin(region, households, weather)


@eqx.filter_jit
def _lived(region: Region, homes: Any, state: Any, given: tuple[When, Any, Any], steps: int) -> tuple[Any, dict]:
    """The state after, and columns (homes, days, steps) and outdoor_c (days, steps), rounded."""
    when, measured, weather = given
    state, days = live(region, homes, state, (when, weather, measured), steps)
    own = {name: jnp.swapaxes(getattr(days, name), 0, 1) for name in OWN} | {"outdoor_c": days.outdoor_c}
    rounded = {name: jnp.round(values, DIGITS) for name, values in own.items()}
    begins = rounded["ev_charging_need_kwh"] > 0  # a session of the last seconds of a step is still plugged in there
    rounded["ev_plugged"] = jnp.maximum(rounded["ev_plugged"], jnp.where(begins, 10.0**-DIGITS, 0.0))
    return state, rounded


def _days(given: Any, first: int, count: int) -> Any:
    return jax.tree.map(lambda x: x[first : first + count], given)


def _joined(name: str, blocks: list[list[HomeDays]]) -> np.ndarray:
    return np.concatenate([np.concatenate([getattr(flock, name) for flock in block], 1) for block in blocks])
