"""Stamps: are they one step apart, each once, of the clock they are said to be of, and without gaps?"""

from datetime import timedelta

import polars as pl

from wattflock.data.check_clock import check_clock, example, spring_gaps
from wattflock.data.finding import SHOWN, Finding, at_rows, finding
from wattflock.data.raw import Raw
from wattflock.data.steps import HOUR, apart, behind, ordered, said, same_home, steps_of, with_steps

SHORT_GAP = timedelta(hours=2)  # what is filled
DAY = timedelta(days=1)
SEVERAL = 4  # equal distances in a row that make a step of their own


def check_stamps(table: pl.DataFrame, columns: list[str], raw: Raw) -> list[Finding]:
    """Every finding about the stamps of a table with columns file, row, home, time."""
    place = (raw.files[int(table["file"][0])], "time")
    back = table.filter((pl.col("time").diff() < timedelta(0)).over("file", "home"))
    table = ordered(table)
    steps = steps_of(table)
    found = _check_steps(table, steps, place)
    if not any(each.code == "step-changes" for each in found):
        found += _check_grid(table, steps, place)
    gaps = {column: gaps_of(table, column, steps) for column in columns}
    every = pl.concat(gaps.values()).unique(["home", "time"]).sort("home", "time")
    found += check_clock(table, columns, every, raw)
    for column, rows in gaps.items():
        rows = rows.join(spring_gaps(rows, raw, table["home"].n_unique()), on=["home", "time"], how="anti")
        found += _check_gaps(rows, (place[0], column))
    return found + at_rows("unsorted", place, back, example(back), table.height)


def gaps_of(table: pl.DataFrame, column: str, steps: pl.DataFrame) -> pl.DataFrame:
    """Stretches without a reading: home, time and row of the last one before, step, length."""
    rows = table.filter(pl.col(column).is_not_null()).select("file", "row", "home", "time")
    after = rows.with_columns(before=pl.col("time").shift(), row=pl.col("row").shift()).filter(same_home())
    after = with_steps(after, steps).with_columns(length=pl.col("time") - pl.col("before") - pl.col("step"))
    gaps = after.filter(pl.col("length") >= pl.col("step"))
    return gaps.with_columns(time=pl.col("before")).drop("before")


def _check_steps(table: pl.DataFrame, steps: pl.DataFrame, place: tuple[str, str]) -> list[Finding]:
    found: list[Finding] = []
    kinds = steps.group_by("step").len().sort("len", "step", descending=[True, False])
    if kinds.height > 1:
        words = ", ".join(
            f"{said(step)} in {count} {'home' if count == 1 else 'homes'}" for step, count in kinds.iter_rows()
        )
        found.append(finding("steps-differ", place, words, int(kinds["len"][1:].sum())))
    minutes = pl.col("step").dt.total_microseconds() / 60e6
    bad = steps.filter((minutes < 1) | (minutes > 60) | ((60 / minutes) % 1 > 1e-9))
    if not bad.is_empty():
        found.append(finding("bad-step", place, said(bad["step"][0]), bad.height))
    usual = apart(table).join(steps.rename({"step": "usual"}), on="home")
    other = (pl.col("step") != pl.col("usual")) & (pl.col("step") <= HOUR)
    same = pl.all_horizontal([pl.col("step") == pl.col("step").shift(k).over("home") for k in range(1, SEVERAL)])
    changed = usual.filter(other & same).join(table.select("home", "time", "row"), on=["home", "time"])
    value = f"{said(changed['step'][0])} where {said(changed['usual'][0])} is usual" if changed.height else ""
    return found + at_rows("step-changes", place, changed, value, table.height)


def _check_grid(table: pl.DataFrame, steps: pl.DataFrame, place: tuple[str, str]) -> list[Finding]:
    rows = behind(table, steps)
    off = rows.filter(pl.col("off") > 0)
    found = at_rows("off-grid", place, off, example(off), table.height)
    shifted = rows.filter((pl.col("off") == 0) & (pl.col("offset") > 0))
    if not shifted.is_empty():
        value = f"{said(timedelta(microseconds=int(shifted['offset'][0])))} after the step"
        found += at_rows("grid-offset", place, shifted, value, table.height)
    return found


def _check_gaps(gaps: pl.DataFrame, place: tuple[str, str]) -> list[Finding]:
    """Gaps by their length: short ones that are filled, longer ones, and those of whole days; counts are steps."""
    length, found = pl.col("length"), []
    kinds = {
        "gap": length <= SHORT_GAP,
        "long-gap": (length > SHORT_GAP) & (length < DAY),
        "days-missing": length >= DAY,
    }
    for code, mask in kinds.items():
        rows = gaps.filter(mask)
        if rows.is_empty():
            continue
        count = int((rows["length"].dt.total_microseconds() / rows["step"].dt.total_microseconds()).round().sum())
        numbers = tuple(rows["row"].unique().sort().head(SHOWN).to_list())
        longest = rows.sort("length", descending=True).row(0, named=True)
        many = f"{rows.height:,} gaps" if rows.height > 1 else "one gap"
        value = f"{many}, the longest {said(longest['length'])} after {longest['time']:%Y-%m-%d %H:%M}"
        found.append(Finding(code, "repairable", *place, count, value, numbers))
    return found
