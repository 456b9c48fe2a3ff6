"""Rows with stamps → arrays of steps on the clock of the homes, and the log of what was done to them."""

import dataclasses
import datetime
from datetime import timedelta

import numpy as np
import polars as pl

from wattflock.data.check_clock import twice
from wattflock.data.raw import Raw
from wattflock.data.steps import behind, grid_step, ordered, steps_of

LOGGED = {
    "home": pl.String, "time": pl.Datetime("us"), "column": pl.String, "what": pl.String, "before": pl.Float64,
    "after": pl.Float64,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Grid:
    """Which homes, days and steps there are."""

    homes: tuple[str, ...]
    first: datetime.date
    days: int
    step: timedelta
    rows: pl.DataFrame  # home, slot, each, off, row: where every row of the table belongs
    zone: str

    @property
    def steps(self) -> int:
        """Steps of a day."""
        return round(timedelta(days=1) / self.step)

    def times(self, slot: pl.Series) -> pl.Series:
        """Stamps of steps counted from the first."""
        micro = round(self.step / timedelta(microseconds=1))
        first = datetime.datetime.combine(self.first, datetime.time())
        return (slot.cast(pl.Int64) * micro).cast(pl.Duration("us")) + first


class Log:
    """Collects repairs; filled while cleaning, then made a table."""

    def __init__(self) -> None:
        self.parts: list[pl.DataFrame] = []
        self.told: list[pl.DataFrame] = []

    def add(self, what: str, column: str, where: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
        """Readings that were changed: booleans (homes, steps) and the values before and after."""
        home, slot = np.nonzero(where)
        values = {"before": before[home, slot], "after": after[home, slot]}
        self.slots({"home": home, "slot": slot} | values, column, what)

    def days(self, what: str, column: str, where: np.ndarray, steps: int) -> None:
        """Days (homes, days) that were left out, told at their first step."""
        home, day = np.nonzero(where)
        none = np.full(len(home), np.nan)
        self.slots({"home": home, "slot": day * steps, "before": none, "after": none}, column, what)

    def slots(self, values: dict[str, np.ndarray], column: str, what: str) -> None:
        """Repairs as columns home, slot, before, after."""
        if len(values["home"]):
            frame = pl.DataFrame(values).with_columns(pl.col("before", "after").cast(pl.Float64).fill_nan(None))
            self.parts.append(frame.with_columns(column=pl.lit(column), what=pl.lit(what)))

    def shared(self, column: str, count: int) -> None:
        """Readings common to all homes that were bridged: told once, with their number."""
        if count:
            row = {
                "home": "",
                "time": None,
                "column": column,
                "what": f"{count:,} bridged",
                "before": None,
                "after": None,
            }
            self.told.append(pl.DataFrame([row], schema=LOGGED))

    def table(self, grid: Grid) -> pl.DataFrame:
        """All repairs in the order of homes and time: home, time, column, what, before, after."""
        if not self.parts:
            return pl.concat([pl.DataFrame(schema=LOGGED), *self.told])
        every = pl.concat(self.parts).sort("home", "slot", maintain_order=True)
        names = pl.Series(np.array(grid.homes, dtype=object)[every["home"].to_numpy()], dtype=pl.String)
        named = every.with_columns(home=names, time=grid.times(every["slot"])).select(list(LOGGED))
        return pl.concat([named, *self.told])


def grid_of(raw: Raw, table: pl.DataFrame) -> Grid:
    """The grid that holds all rows of a table: stamps off the steps go to the nearest one."""
    steps = steps_of(ordered(table.select("home", "time")))
    step = grid_step(steps)
    rows = behind(table.select("home", "time"), steps).with_row_index("row")
    each = pl.col("step").dt.total_microseconds()
    back = pl.when(pl.col("off") * 2 > each).then(pl.col("off") - each).otherwise(pl.col("off"))
    moved = pl.col("time") - pl.duration(microseconds=back + pl.col("offset"))
    rows = rows.with_columns(time=moved)
    rows = rows.with_columns(local=raw.local("time"))
    first, last = span(rows["local"])
    homes = tuple(table["home"].unique(maintain_order=True).cast(pl.String))
    codes = pl.col("home").cast(pl.String).replace_strict(list(homes), list(range(len(homes))), return_dtype=pl.Int64)
    since = (pl.col("local") - pl.lit(datetime.datetime.combine(first, datetime.time()))).dt.total_microseconds()
    micro = round(step / timedelta(microseconds=1))
    found = rows.select(
        "row", "off", home=codes, slot=since // micro, each=(micro / each).round().cast(pl.Int64).clip(1)
    )
    return Grid(homes, first, (last - first).days + 1, step, found, raw.zone if raw.clock != "whole" else "")


def span(stamps: pl.Series) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of stamps."""
    dates = stamps.dt.date().unique().sort()
    return dates[0], dates[-1]


def placed(table: pl.DataFrame, columns: list[str], grid: Grid, log: Log) -> dict[str, np.ndarray]:
    """Each column as (homes, steps), NaN where missing; several readings of a step are averaged and logged."""
    rows = grid.rows.with_columns(table.select(columns))
    aside = rows.filter(pl.col("off") > 0)
    if aside.height:
        there = rows.filter((pl.col("off") == 0) & pl.any_horizontal(pl.col(columns).is_not_null()))
        aside = aside.join(there, on=["home", "slot"], how="semi")
        rows = rows.join(aside, on="row", how="anti")
    inside = pl.col("slot").is_between(0, grid.days * grid.steps - 1)
    rows = rows.filter(inside)
    expected = np.ones(len(grid.homes), np.int64)
    expected[rows["home"].to_numpy()] = rows["each"].to_numpy()
    return {column: _mean(rows, column, (grid, expected), log) for column in columns}


def _mean(rows: pl.DataFrame, column: str, size: tuple[Grid, np.ndarray], log: Log) -> np.ndarray:
    grid, expected = size
    known = rows.filter(pl.col(column).is_not_null())
    home, slot, values = (known[name].to_numpy() for name in ("home", "slot", column))
    shape = len(grid.homes), grid.days * grid.steps
    flat, cells = home * shape[1] + slot, shape[0] * shape[1]
    count = np.bincount(flat, minlength=cells).reshape(shape)
    total = np.bincount(flat, weights=values, minlength=cells).reshape(shape)
    enough = (count > 0) & (2 * count >= expected[:, None])
    mean = np.where(enough, total / np.maximum(count, 1), np.nan)
    if column.endswith("_kwh"):
        mean = mean * expected[:, None]
    _log_repeated(count > expected[:, None], mean, (grid, column), log)
    off = known.filter(pl.col("off") > 0)
    if off.height:
        index = off["home"].to_numpy(), off["slot"].to_numpy()
        moved = {"home": index[0], "slot": index[1], "before": off[column].to_numpy(), "after": mean[index]}
        log.slots(moved, column, "moved to its step")
    return mean


def _log_repeated(where: np.ndarray, mean: np.ndarray, said: tuple[Grid, str], log: Log) -> None:
    grid, column = said
    home, slot = np.nonzero(where)
    if not len(home):
        return
    autumn = np.zeros(len(home), bool)
    if grid.zone:
        times = grid.times(pl.Series("time", slot)).to_frame("time")
        autumn = times.select(twice(grid.zone)).to_series().to_numpy()
    none = np.full(len(home), np.nan)
    for what, mask in (("the two hours of autumn averaged", autumn), ("repeated readings averaged", ~autumn)):
        kept = {"home": home[mask], "slot": slot[mask], "before": none[mask], "after": mean[home[mask], slot[mask]]}
        log.slots(kept, column, what)
