"""Clock changes and readings that stand twice."""

from datetime import timedelta

import polars as pl

from wattflock.data.finding import SHOWN, Finding, at_rows, finding
from wattflock.data.raw import Raw
from wattflock.data.steps import HOUR

CHANGE_MONTHS = (3, 4, 9, 10, 11)  # clocks change on a Sunday of these, early in the morning
SUNDAY = 7
MOST_HOMES = 0.5  # share of the homes that must show a pattern for it to be the clock's


def never(zone: str) -> pl.Expr:
    """Where `time` is in the hour that spring lacks."""
    return pl.col("time").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").is_null()


def twice(zone: str) -> pl.Expr:
    """Where `time` is in the hour that autumn has twice."""
    either = pl.col("time").dt.replace_time_zone(zone, ambiguous="null", non_existent="null").is_null()
    return either & ~never(zone)


def repeated(table: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Rows of a home and time that were there before, with `alike`: do all of them say the same."""
    again = table.filter(pl.struct("home", "time").is_duplicated()).sort("home", "time", "row")
    same = [pl.col(name).n_unique() == 1 for name in columns]
    alike = again.group_by("home", "time").agg(alike=pl.all_horizontal(same))
    return again.filter((pl.col("time") == pl.col("time").shift()).over("home")).join(alike, on=["home", "time"])


def check_clock(table: pl.DataFrame, columns: list[str], gaps: pl.DataFrame, raw: Raw) -> list[Finding]:
    """Findings about the hours of clock changes, and about all other rows that stand twice.

    `gaps` are the missing stretches of all columns (home, time before it, row, length).
    """
    place, rows = (raw.files[int(table["file"][0])], "time"), table.height
    later = repeated(table, columns)
    if raw.clock == "local" and raw.zone:
        autumn, spring = later.filter(twice(raw.zone)), spring_gaps(gaps, raw)
        unreal = table.filter(never(raw.zone) & pl.any_horizontal(pl.col(columns).is_not_null()))
        found = at_rows("clock-doubled", place, autumn, example(autumn), rows)
        found += at_rows("clock-missing", place, spring, example(spring), rows)
        found += at_rows("clock-nonexistent", place, unreal, example(unreal), rows)
    else:
        autumn, found = _pattern(later, table, raw, place)
    later = later.join(autumn, on=["file", "row"], how="anti")
    equal, differ = later.filter(pl.col("alike")), later.filter(~pl.col("alike"))
    found += at_rows("duplicate", place, equal, example(equal), rows)
    return found + at_rows("duplicate-differs", place, differ, example(differ), rows)


def spring_gaps(gaps: pl.DataFrame, raw: Raw) -> pl.DataFrame:
    """Those gaps that are just the hour that spring lacks on the clock of the file."""
    if raw.clock != "local" or not raw.zone:
        return gaps.clear()
    begins = gaps.with_columns(time=pl.col("time") + pl.col("step"))
    return gaps.filter((begins["length"] == HOUR) & begins.select(never(raw.zone)).to_series())


def _pattern(
    later: pl.DataFrame, table: pl.DataFrame, raw: Raw, place: tuple[str, str]
) -> tuple[pl.DataFrame, list[Finding]]:
    """Rows of a Sunday's doubled hour where the clock should have none, and the finding that the clock is wrong."""
    early = (pl.col("time").dt.weekday() == SUNDAY) & pl.col("time").dt.month().is_in(CHANGE_MONTHS)
    rows = later.filter(early & (pl.col("time").dt.hour() < 4))
    rows = rows.with_columns(date=pl.col("time").dt.date(), hour=pl.col("time").dt.hour())
    each = rows.group_by("date", "hour").agg(homes=pl.col("home").n_unique(), rows=pl.len(), spread=_spread())
    homes = table["home"].n_unique()
    whole = each.filter((pl.col("homes") >= MOST_HOMES * homes) & (pl.col("spread") >= timedelta(minutes=1)))
    autumn = rows.join(whole, on=["date", "hour"], how="semi")
    if autumn.is_empty():
        return later.clear(), []
    clock = "UTC" if raw.clock == "utc" else "a clock that never changes"
    value = f"said to be {clock}, but {autumn['date'][0]} has an hour twice; name the zone, with clock = local"
    found = Finding("time-zone", "error", *place, autumn.height, value, tuple(autumn["row"].sort().head(SHOWN)))
    return autumn.select(later.columns), [found]


def _spread() -> pl.Expr:
    """From the first to the last stamp of an hour, both steps included; one step alone is no doubled hour."""
    steps = pl.col("time").n_unique()
    return pl.when(steps > 1).then(pl.col("time").max() - pl.col("time").min()).otherwise(HOUR)


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
