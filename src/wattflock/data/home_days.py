"""Days of many homes as arrays, measured or made: input of the generator's fit and of the report card."""

import dataclasses
import datetime
from typing import cast

import numpy as np
import polars as pl

from wattflock.data.calendar import When, calendar

OWN = ("load_kw", "pv_kw", "ev_plugged", "ev_charging_need_kwh", "ev_driving_kwh", "heat_kw")


@dataclasses.dataclass(frozen=True)
class HomeDays:
    """Whole days in local clock time. Axes (homes, days, steps); NaN where a day of a home is left out.

    A column that was not measured is None.
    """

    homes: tuple[str, ...]
    first_day: datetime.date
    load_kw: np.ndarray | None = None
    pv_kw: np.ndarray | None = None  # [kW; kW per kW peak where `kwp` is None]
    ev_plugged: np.ndarray | None = None  # share of the step
    ev_charging_need_kwh: np.ndarray | None = None  # requested by the session that begins in this step
    ev_driving_kwh: np.ndarray | None = None
    heat_kw: np.ndarray | None = None  # demand for heat
    outdoor_c: np.ndarray | None = None  # (days, steps), common to all homes
    kwp: np.ndarray | None = None  # (homes,) size of each panel [kW peak]
    battery_kwh: np.ndarray | None = None  # (homes,) of the car, 0 where there is none

    def columns(self) -> dict[str, np.ndarray]:
        """The columns with a homes axis that are there, by name."""
        return {name: values for name in OWN if (values := getattr(self, name)) is not None}

    def shape(self) -> tuple[int, int, int]:
        """(homes, days, steps)."""
        return next(iter(self.columns().values())).shape

    def only(self, keep: tuple[str, ...]) -> "HomeDays":
        """The same days of these homes, in this order."""
        index = [self.homes.index(home) for home in keep]
        own = {name: values[index] for name, values in self.columns().items()}
        sizes = {
            name: None if (size := getattr(self, name)) is None else size[index] for name in ("kwp", "battery_kwh")
        }
        return dataclasses.replace(self, homes=tuple(keep), **own, **sizes)

    def hourly(self) -> "HomeDays":
        """The same in steps of an hour: power is averaged, energy of a step is added up."""
        each = self.shape()[2] // 24

        def mean(values: np.ndarray) -> np.ndarray:
            return values.reshape(*values.shape[:-1], 24, each).mean(-1)

        own = {n: mean(v) * (each if n.endswith("_kwh") else 1) for n, v in self.columns().items()}
        outdoor_c = None if self.outdoor_c is None else mean(self.outdoor_c)
        return dataclasses.replace(self, outdoor_c=outdoor_c, **own)

    def when(self) -> When:
        """The calendar of the days, without summer time."""
        return calendar(self.first_day, self.shape()[1])

    def table(self) -> pl.DataFrame:
        """Long form: home, time (local clock, beginning of the step), and a column for each quantity."""
        return to_table(self)

    def dates(self) -> list[datetime.date]:
        """The date of each day."""
        return [self.first_day + datetime.timedelta(days=k) for k in range(self.shape()[1])]


def from_table(table: pl.DataFrame) -> HomeDays:
    """A long table (home, time in local clock, a column each) as whole days; missing steps become NaN.

    The step is the commonest distance of two stamps of a home. Unknown columns are ignored.
    """
    times = table["time"].cast(pl.Datetime("us"))
    step = times.diff().filter(table["home"] == table["home"].shift()).drop_nulls().mode().min()
    if not isinstance(step, datetime.timedelta) or step <= datetime.timedelta(0):
        raise ValueError("at least two rows of a home, one after the other, are needed to know the step")
    steps = round(datetime.timedelta(days=1) / step)
    dates = times.dt.date()
    first, last = cast(datetime.date, dates.min()), cast(datetime.date, dates.max())
    names = tuple(table["home"].unique(maintain_order=True))
    days = (last - first).days + 1
    home = table["home"].replace_strict(dict(zip(names, range(len(names)), strict=True)), return_dtype=pl.Int64)
    place = (times - datetime.datetime.combine(first, datetime.time())) / step
    slot = place.cast(pl.Float64).round().cast(pl.Int64).to_numpy()

    def array(column: str) -> np.ndarray:
        values = np.full((len(names), days * steps), np.nan, np.float32)
        values[home.to_numpy(), slot] = table[column].cast(pl.Float32).to_numpy()
        return values.reshape(len(names), days, steps)

    own = {name: array(name) for name in OWN if name in table.columns}
    outdoor_c = np.nanmean(array("outdoor_c"), 0) if "outdoor_c" in table.columns else None
    return HomeDays(names, first, outdoor_c=outdoor_c, **own)


def to_table(flock: HomeDays, shared: dict[str, np.ndarray] | None = None) -> pl.DataFrame:
    """Long form, home after home: home, time (local clock), a column each, and the common columns (days, steps)."""
    homes, days, steps = flock.shape()
    if shared is None:
        shared = {} if flock.outdoor_c is None else {"outdoor_c": flock.outdoor_c}
    first = datetime.datetime.combine(flock.first_day, datetime.time())
    step = datetime.timedelta(days=1) / steps
    times = pl.datetime_range(first, first + (days * steps - 1) * step, step, eager=True, time_unit="us").to_numpy()
    own = {name: values.ravel() for name, values in flock.columns().items()}
    common = {name: np.tile(values.ravel(), homes) for name, values in shared.items()}
    names = pl.Series(flock.homes).gather(np.repeat(np.arange(homes, dtype=np.uint32), days * steps))
    return pl.DataFrame({"home": names, "time": np.tile(times, homes), **own, **common})
