"""The time grid: steps between stamps, stamps on clocks with daylight saving, rows placed on whole days of steps."""

import dataclasses
import datetime
from datetime import timedelta

import numpy as np
import polars as pl

from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.raw import Raw

HOUR = timedelta(hours=1)


def ordered(table: pl.DataFrame) -> pl.DataFrame:
    """Sorted by home and time, as the other functions of this file need it."""
    return table.sort("home", "time", maintain_order=True)


def same_home() -> pl.Expr:
    """Rows whose home is that of the row before."""
    return pl.col("home") == pl.col("home").shift()


def steps_of(table: pl.DataFrame) -> pl.DataFrame:
    """The commonest distance of stamps of each home: columns home, step."""
    return (
        apart(table)
        .group_by("home", "step")
        .len()
        .sort("len", "step", descending=[True, False])
        .unique("home", keep="first", maintain_order=True)
        .select("home", "step")
        .sort("home")
    )


def grid_step(steps: pl.DataFrame) -> timedelta:
    """The longest step of a home, at most an hour: all homes are converted to it; an hour where nothing is known."""
    found = steps.filter(pl.col("step") <= HOUR)["step"].max()
    return found if isinstance(found, timedelta) else HOUR


def with_steps(table: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """The table with its home's `step`; a home of a single stamp has the common one."""
    return table.join(steps, on="home", how="left").with_columns(pl.col("step").fill_null(grid_step(steps)))


def behind(table: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """With `step`, with `offset`, where the home's steps usually begin after the full one, and `off`, beyond that."""
    table = with_steps(table, steps)
    after = pl.col("time").dt.epoch("us") % pl.col("step").dt.total_microseconds()
    table = table.with_columns(after=after)
    usual = table.group_by("home").agg(offset=pl.col("after").mode().min())
    off = (pl.col("after") - pl.col("offset")) % pl.col("step").dt.total_microseconds()
    return table.join(usual, on="home", how="left").with_columns(off=off).drop("after")


def apart(table: pl.DataFrame) -> pl.DataFrame:
    """Every stamp of a home but its first, and how far it is from the one before: columns home, time, step."""
    times = table.select("home", "time", step=pl.col("time").diff())
    return times.filter(same_home() & (pl.col("step") > timedelta(0)))


def said(length: timedelta) -> str:
    """A length of time in words: 30 min, 2 h, 3.5 days."""
    minutes = length.total_seconds() / 60
    if minutes <= 90:
        return f"{minutes:g} min"
    return f"{minutes / 60:.3g} h" if minutes < 48 * 60 else f"{minutes / 1440:.3g} days"


CHANGE_MONTHS = (3, 4, 9, 10, 11)  # clocks change on a Sunday of these, early in the morning
SUNDAY = 7
SEVERAL = 3  # homes that must lack the same hour
MOST_HOMES = 0.5  # share of the homes that must show a pattern for it to be the clock's


def never(zone: str) -> pl.Expr:
    """Where `time` is in the hour that spring lacks."""
    return pl.col("time").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").is_null()


def twice(zone: str) -> pl.Expr:
    """Where `time` is in the hour that autumn has twice."""
    either = pl.col("time").dt.replace_time_zone(zone, ambiguous="null", non_existent="null").is_null()
    return either & ~never(zone)


def repeated(table: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Rows, in order, of a home and time that were there before, with `alike`: whether all of them are equal."""
    later = same_home() & (pl.col("time") == pl.col("time").shift())
    again = table.filter(later | later.shift(-1, fill_value=False)).sort("home", "time", "row")
    same = [pl.col(name).n_unique() == 1 for name in columns]
    alike = again.group_by("home", "time").agg(alike=pl.all_horizontal(same))
    return again.filter(later).join(alike, on=["home", "time"])


def check_clock(table: pl.DataFrame, columns: list[str], gaps: pl.DataFrame, raw: Raw) -> list[Finding]:
    """Findings about the hours of clock changes, and about all other repeated rows.

    `gaps` are the missing stretches of all columns (home, time before it, row, length).
    """
    place, rows = (raw.files[int(table["file"][0])], "time"), table.height
    later, spring = repeated(table, columns), spring_gaps(gaps, raw, table["home"].n_unique())
    if raw.clock == "local" and raw.zone:
        autumn = later.filter(twice(raw.zone))
        unreal = table.filter(never(raw.zone) & pl.any_horizontal(pl.col(columns).is_not_null()))
        found = at_rows("clock-doubled", place, autumn, example(autumn), rows)
        found += at_rows("clock-missing", place, spring, example(spring), rows)
        found += at_rows("clock-nonexistent", place, unreal, example(unreal), rows)
    else:
        autumn = _doubled(later, table)
        found = _wrong_clock(autumn, spring, raw, place)
    later = later.join(autumn, on=["file", "row"], how="anti")
    equal, differ = later.filter(pl.col("alike")), later.filter(~pl.col("alike"))
    found += at_rows("duplicate", place, equal, example(equal), rows)
    return found + at_rows("duplicate-differs", place, differ, example(differ), rows)


def spring_gaps(gaps: pl.DataFrame, raw: Raw, homes: int) -> pl.DataFrame:
    """Those gaps that are just the hour that spring lacks: on the clock of the file, or by their pattern."""
    begins = gaps.with_columns(time=pl.col("time") + pl.col("step"))
    hour = begins["length"] == HOUR
    if raw.clock == "local" and raw.zone:
        return gaps.filter(hour & begins.select(never(raw.zone)).to_series())
    early = begins.filter(hour & begins.select(_early()).to_series()).with_columns(date=pl.col("time").dt.date())
    each = early.group_by("date").agg(homes=pl.col("home").n_unique())
    several = each.filter(pl.col("homes") >= max(SEVERAL, MOST_HOMES * homes))
    return gaps.join(early.join(several, on="date", how="semi"), on=["home", "row"], how="semi")


def _early() -> pl.Expr:
    """Where clocks change: before 4 in the morning, on a Sunday of spring or autumn."""
    time = pl.col("time").dt
    return (time.weekday() == SUNDAY) & time.month().is_in(CHANGE_MONTHS) & (time.hour() < 4)


def _doubled(later: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Rows of a Sunday's hour that occurs twice, with other readings, in most homes."""
    rows = with_steps(later.filter(_early() & ~pl.col("alike")), steps_of(table))
    rows = rows.with_columns(date=pl.col("time").dt.date(), hour=pl.col("time").dt.hour())
    length = pl.col("time").n_unique() * pl.col("step").first()
    own = rows.group_by("date", "hour", "home").agg(length=length).filter(pl.col("length") == HOUR)
    most = own.group_by("date", "hour").len().filter(pl.col("len") >= MOST_HOMES * table["home"].n_unique())
    return rows.join(most, on=["date", "hour"], how="semi").select(later.columns)


def _wrong_clock(autumn: pl.DataFrame, spring: pl.DataFrame, raw: Raw, place: tuple[str, str]) -> list[Finding]:
    """The finding that the stamps have clock changes although the file should have none."""
    both = pl.concat([autumn.select("row", "time"), spring.select("row", "time")])
    if both.is_empty():
        return []
    clock = "UTC" if raw.clock == "utc" else "a clock that never changes"
    what = f"{autumn['time'].min():%Y-%m-%d} has an hour twice" if autumn.height else ""
    what = what or f"{spring['time'].min():%Y-%m-%d} lacks an hour in every home"
    return at_rows("time-zone", place, both, f"said to be {clock}, but {what}: name the zone, with clock = local", 0)


def example(rows: pl.DataFrame) -> str:
    """The first stamp of rows, as a value."""
    return f"first {rows['time'].min():%Y-%m-%d %H:%M}" if rows.height else ""


def wrong_zone(zone: str, place: tuple[str, str]) -> list[Finding]:
    """A finding if there is no such zone."""
    try:
        pl.Series([None], dtype=pl.Datetime("us", zone or "UTC")).dt.convert_time_zone(zone or "UTC")
    except pl.exceptions.PolarsError:
        return [finding("unknown-zone", place, zone)]
    return []


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
        """Days (homes, days) that were left out, reported at their first step."""
        home, day = np.nonzero(where)
        none = np.full(len(home), np.nan)
        self.slots({"home": home, "slot": day * steps, "before": none, "after": none}, column, what)

    def slots(self, values: dict[str, np.ndarray], column: str, what: str) -> None:
        """Repairs as columns home, slot, before, after."""
        if len(values["home"]):
            frame = pl.DataFrame(values).with_columns(pl.col("before", "after").cast(pl.Float64).fill_nan(None))
            self.parts.append(frame.with_columns(column=pl.lit(column), what=pl.lit(what)))

    def shared(self, column: str, count: int) -> None:
        """Readings common to all homes that were bridged: reported once, with their number."""
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
