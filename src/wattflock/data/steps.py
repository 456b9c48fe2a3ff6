"""How far apart the readings of each home are, and which stamps stand between the steps."""

from datetime import timedelta

import polars as pl

HOUR = timedelta(hours=1)


def ordered(table: pl.DataFrame) -> pl.DataFrame:
    """By home and time; what the other functions of this file expect."""
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
    """The longest step of a home, at most an hour: what all are brought to; an hour where nothing is known."""
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
