"""The stamps of a table: which columns hold them, a day in a row, date and clock apart, ends of steps."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import polars as pl

from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.layout import Layout
from wattflock.data.numbers import numbers
from wattflock.data.stamps import read_stamps
from wattflock.data.time_grid import said, with_steps
from wattflock.data.units import bare
from wattflock.data.words import CLOCK, END, START, TIME, tokens, utc_in

SAMPLE = 200
PARTS_OF_A_DAY = (24, 48, 96, 144, 288)
CLOCKED = r"^\D{0,12}(\d{1,2})[:h.](\d{2})"
COUNTED = r"^\D{0,12}0*(\d{1,3})$"
CLOCK_ALONE = (
    r"(?i)^=?\"?\d{1,2}[:.h]\d{2}([:.]\d{2})?(\s*[ap]\.?m\.?)?\"?(\s*(-|–|to)\s*\d{1,2}[:.h]\d{2}([:.]\d{2})?)?$"
)
HOURLY = 25  # hours of the day on which clocks are set back


@dataclass(frozen=True)
class Timed:
    """A table with the columns `row`, `time` (null where unread), `zoned`, and those that hold no stamps."""

    table: pl.DataFrame
    used: tuple[str, ...]  # columns that hold stamps
    ends: bool | None  # whether stamps name ends; None: not told
    findings: list[Finding] = field(default_factory=list)


def kind_of(values: pl.Series, name: str) -> str:
    """`stamp`, `date`, `clock` or empty, by the first cells of a column."""
    if isinstance(values.dtype, pl.Datetime):
        return "stamp"
    if values.dtype == pl.Date:
        return "date"
    cells = values.drop_nulls().head(SAMPLE).cast(pl.String).str.strip_chars()
    cells = cells.filter(cells != "")
    if not len(cells):
        return ""
    if 10 * cells.str.contains(CLOCK_ALONE).sum() > 9 * len(cells):
        return "clock"
    plain = cells.cast(pl.Float64, strict=False)
    words = {*tokens(name), bare(name)}
    if plain.count() > 0.9 * len(cells):
        small = cast(float, plain.max()) <= HOURLY + 75 and (plain % 1 == 0).all()
        if words & CLOCK and small:
            return "clock"
        read = read_stamps(cells).time if words & {*TIME} or cells.str.contains(r"^(19|20)\d{6,12}$").all() else None
        if read is None or read.count() < 0.9 * len(cells):
            return ""
        return (
            "date" if (read.dt.hour() + read.dt.minute() == 0).all() and cells.str.len_chars().max() == 8 else "stamp"
        )
    read = read_stamps(cells).time
    if read.count() < 0.5 * len(cells):
        return ""
    clocked = cells.str.contains(
        r"\d{1,2}[:h]\d{2}|[T ]\d{4,6}\b|\d{1,2}\.\d{2}\.\d{2} *[APap]|^\d{10,14}|\d[T ]\d{2}$"
    )
    at_midnight = (read.dt.hour() + read.dt.minute() == 0).all() and read.n_unique() > 1
    return "stamp" if clocked.any() and not at_midnight else "date"


def timed(table: pl.DataFrame, layout: Layout, name: str) -> Timed:
    """The table with its stamps read; a day in a row becomes a row for each step.

    Columns that are told in the layout come first, then those whose name says a time, then any whose cells are stamps.
    """
    chosen = _told(table, layout) or _chosen(table)
    if not chosen:
        there = ", ".join(column for column in table.columns if column != "row")
        return Timed(table.clear(), (), None, [finding("missing-column", (name, "time"), f"there are {there[:200]}")])
    kinds = [kind_of(table[column], column) for column in chosen]
    if len(chosen) == 1 and kinds[0] in ("date", ""):
        labels = day_labels([column for column in table.columns if column not in (*chosen, "row")])
        if labels:
            return _days_in_rows(table, chosen[0], labels, name)
    if len(chosen) == 1 and kinds[0] == "date":
        clock = _clock_of(table, chosen[0])
        chosen = (*chosen, clock) if clock else chosen
    return _joined(table, chosen, name, layout)


def _told(table: pl.DataFrame, layout: Layout) -> tuple[str, ...]:
    told = layout.columns.get("time", "")
    if not told or told in table.columns:
        return (told,) if told else ()
    known = {each.lower(): each for each in table.columns}
    parts = tuple(known.get(part.strip().lower(), part.strip()) for part in told.split(" + "))
    return parts if set(parts) <= set(table.columns) else ()


def _chosen(table: pl.DataFrame) -> tuple[str, ...]:
    """One column with stamps, or a date and a clock; names of starts come before others, those of ends last."""
    there = [column for column in table.columns if column != "row"]
    kinds = {column: kind for column in there if (kind := kind_of(table[column], column))}

    def rank(column: str) -> tuple:
        words = {*tokens(column)}
        by_name = TIME.index(bare(column)) if bare(column) in TIME else len(TIME)
        zoned = read_stamps(table[column].head(SAMPLE)).zoned.any() if kinds[column] == "stamp" else False
        utc = utc_in(column) is not None and not zoned  # a clock of the homes beside it comes first
        return bool(words & END and not words & START), utc, by_name, not zoned, there.index(column)

    full = sorted((column for column in kinds if kinds[column] == "stamp"), key=rank)
    dates = sorted((column for column in kinds if kinds[column] == "date"), key=rank)
    if full and not (
        dates and rank(full[0])[2] == len(TIME) and rank(dates[0])[2] < len(TIME) and _clock_of(table, dates[0])
    ):
        return (full[0],)
    if dates:
        return (dates[0],)
    named = [column for column in there if bare(column) in TIME and kinds.get(column) != "clock"]
    return (min(named, key=lambda column: TIME.index(bare(column))),) if named else ()


def _clock_of(table: pl.DataFrame, date: str) -> str:
    """The column with the clock beside a date: that of a start before that of an end."""
    clocks = [name for name in table.columns if name not in ("row", date) and kind_of(table[name], name) == "clock"]
    clocks = [name for name in clocks if table[name].cast(pl.String).str.contains(r"\d[:.h]\d\d").any()
              or {*tokens(name), bare(name)} & CLOCK]  # fmt: skip
    return min(clocks, key=lambda name: bool({*tokens(name)} & END and not {*tokens(name)} & START), default="")


def _joined(table: pl.DataFrame, chosen: tuple[str, ...], name: str, layout: Layout) -> Timed:
    column, ends = chosen[-1], None
    text = table[chosen[0]]
    if len(chosen) == 2:
        clock = table[chosen[1]].cast(pl.String).str.strip_chars().str.replace(r"\s*(?:-|–|to)\s*\d.*$", "")
        number, _ = numbers(clock)
        if number.count() > 0.9 * clock.count():
            return _counted(table, (chosen[0], chosen[1]), number, layout)
        day = text.cast(pl.String).str.strip_chars().str.replace(r"[T ]0?0:00(:00)?(\.0+)?$", "")
        text = pl.select(pl.format("{} {}", day, clock)).to_series()
    read = read_stamps(text)
    words = {word for each in chosen for word in tokens(each)}
    if read.ends or (words & END and not words & START):
        ends = True
    time, zoned = _in_utc(read.time, read.zoned.fill_null(False), chosen)
    lost = table.filter(read.time.is_null())
    found = at_rows("unread-time", (name, column), lost, repr(lost[column][0]) if lost.height else "", table.height)
    if read.either:
        found.append(finding("date-order", (name, column), repr(table[chosen[0]][0])))
    kept = table.drop(chosen).drop("time", "zoned", strict=False)
    return Timed(kept.with_columns(time=time, zoned=zoned), chosen, ends, found)


def _in_utc(time: pl.Series, zoned: pl.Series, names: tuple[str, ...]) -> tuple[pl.Series, pl.Series]:
    """Stamps, and whether they are UTC: also where not a cell but the name of a column says how far off it they are."""
    ahead = next((minutes for name in names if (minutes := utc_in(name)) is not None), None)
    if ahead is None:
        return time, zoned
    moved = pl.when("zoned").then("time").otherwise(pl.col("time") - pl.duration(minutes=ahead))
    return pl.DataFrame({"time": time, "zoned": zoned}).select(moved.alias("time")).to_series(), zoned | True


def _counted(table: pl.DataFrame, chosen: tuple[str, str], number: pl.Series, layout: Layout) -> Timed:
    """A date and the number of its step: from 1 the hours have gone by since midnight, from 0 it is the clock."""
    day = read_stamps(table[chosen[0]])
    most, least = number.max(), number.min()
    assert isinstance(most, float) and isinstance(least, float)
    parts = next((each for each in PARTS_OF_A_DAY if most <= each + each // 24), 24)
    minutes = (number - (1 if least >= 1 else 0)) * (1440 / parts)
    frame = pl.DataFrame({"day": day.time, "minutes": minutes})
    since = pl.duration(minutes=pl.col("minutes").round().cast(pl.Int64))
    here = layout.clock == "local" and all(utc_in(name) is None for name in chosen)
    if least >= 1 and layout.zone and here:
        begin = pl.col("day").dt.replace_time_zone(layout.zone, ambiguous="earliest", non_existent="null")
        moment = (
            (begin.dt.convert_time_zone("UTC") + since).dt.convert_time_zone(layout.zone).dt.replace_time_zone(None)
        )
    else:
        moment = pl.col("day") + since
    time, zoned = _in_utc(frame.select(moment.cast(pl.Datetime("us"))).to_series(), day.zoned & False, chosen)
    kept = table.drop(chosen).drop("time", "zoned", strict=False)
    return Timed(kept.with_columns(time=time, zoned=zoned), chosen, False, [])


def day_labels(names: list[str]) -> dict[str, int]:
    """Columns of a day in a row and the minute at which each begins; empty where they are no 24, 48, 96, .. ."""
    clocked = {name: match for name in names if (match := re.match(CLOCKED, name))}
    minutes = {name: 60 * int(match[1]) + int(match[2]) for name, match in clocked.items()}
    if len(minutes) in PARTS_OF_A_DAY:
        step = 1440 // len(minutes)
        listed = list(minutes.values())
        ends = listed[0] == step and listed[-1] in (0, 1440)
        return {name: (minute - step) % 1440 if ends else minute for name, minute in minutes.items()}
    groups: dict[str, dict[str, int]] = {}
    for name in names:
        if match := re.match(COUNTED, name):
            groups.setdefault(name[: match.start(1)].rstrip("0"), {})[name] = int(match[1])
    counted = max(groups.values(), key=len, default={})
    parts = max((each for each in PARTS_OF_A_DAY if each <= len(counted)), default=0)
    if not parts or len(counted) > parts + parts // 24:
        return {}
    least = min(counted.values())
    return {name: (number - least) * 1440 // parts for name, number in counted.items() if number - least < parts}


def _days_in_rows(table: pl.DataFrame, date: str, labels: dict[str, int], name: str) -> Timed:
    day = read_stamps(table[date])
    lost = table.filter(day.time.is_null())
    found = at_rows("unread-time", (name, date), lost, repr(lost[date][0]) if lost.height else "", table.height)
    found.append(finding("read-as", (name, date), f"a row is a day of {len(labels)} steps"))
    table = table.with_columns(day.time.alias("(day)"))
    index = [column for column in table.columns if column not in (*labels, date)]
    kept = table.drop(date).with_columns(pl.col(labels).cast(pl.String))
    long = kept.unpivot(list(labels), index=index, variable_name="(label)", value_name="value")
    minute = pl.col("(label)").replace_strict(labels, return_dtype=pl.Int64)
    time, zoned = _in_utc(long.select(pl.col("(day)") + pl.duration(minutes=minute)).to_series(),
                          pl.repeat(False, long.height, eager=True), (date,))  # fmt: skip
    long = long.with_columns(time=time, zoned=zoned)
    return Timed(long.drop("(day)", "(label)").sort("row", "time"), (date, *labels), False, found)


def shifted(table: pl.DataFrame, steps: pl.DataFrame, place: tuple[str, str]) -> tuple[pl.DataFrame, list[Finding]]:
    """Stamps of ends moved to the beginning of their step, with a word."""
    if table.is_empty():
        return table, []
    moved = with_steps(table, steps).with_columns(time=pl.col("time") - pl.col("step"))
    step = moved["step"].mode().min()
    words = f"moved back by {said(cast(timedelta, step))}"
    return moved.drop("step"), [finding("stamps-end", place, words)]


def named_by_end(table: pl.DataFrame, steps: pl.DataFrame) -> bool:
    """Whether homes begin one step after midnight and end at midnight, on the clock of the column `local`."""
    span = table.group_by("home").agg(first=pl.col("local").min(), last=pl.col("local").max())
    span = with_steps(span, steps)
    since = pl.col("first") - pl.col("first").dt.truncate("1d")
    ends = (since == pl.col("step")) & (pl.col("last") == pl.col("last").dt.truncate("1d"))
    days = (pl.col("last") - pl.col("first")) > pl.duration(hours=20)
    return bool(span.select((ends & days).mean() > 0.5).item()) if span.height else False
