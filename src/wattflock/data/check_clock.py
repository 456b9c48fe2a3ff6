"""Clock changes and readings that stand twice."""

import polars as pl

from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.raw import Raw
from wattflock.data.steps import HOUR, same_home, steps_of, with_steps

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
    """Rows, in order, of a home and time that were there before, with `alike`: do all of them say the same."""
    later = same_home() & (pl.col("time") == pl.col("time").shift())
    again = table.filter(later | later.shift(-1, fill_value=False)).sort("home", "time", "row")
    same = [pl.col(name).n_unique() == 1 for name in columns]
    alike = again.group_by("home", "time").agg(alike=pl.all_horizontal(same))
    return again.filter(later).join(alike, on=["home", "time"])


def check_clock(table: pl.DataFrame, columns: list[str], gaps: pl.DataFrame, raw: Raw) -> list[Finding]:
    """Findings about the hours of clock changes, and about all other rows that stand twice.

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
    """Rows of a Sunday's hour that stands twice, with other readings, in most homes."""
    rows = with_steps(later.filter(_early() & ~pl.col("alike")), steps_of(table))
    rows = rows.with_columns(date=pl.col("time").dt.date(), hour=pl.col("time").dt.hour())
    length = pl.col("time").n_unique() * pl.col("step").first()
    own = rows.group_by("date", "hour", "home").agg(length=length).filter(pl.col("length") == HOUR)
    most = own.group_by("date", "hour").len().filter(pl.col("len") >= MOST_HOMES * table["home"].n_unique())
    return rows.join(most, on=["date", "hour"], how="semi").select(later.columns)


def _wrong_clock(autumn: pl.DataFrame, spring: pl.DataFrame, raw: Raw, place: tuple[str, str]) -> list[Finding]:
    """The finding that the stamps know clock changes although the file is said to have none."""
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
