"""Charging sessions: in order, with an energy and a power that a car can take."""

from datetime import timedelta

import polars as pl

from wattflock.data.finding import Finding, at_rows
from wattflock.data.raw import Raw

MOST_KWH = 200.0
MOST_KW = 50.0


def backward() -> pl.Expr:
    """Sessions that end before they begin, or at once."""
    return pl.col("plug_out") <= pl.col("plug_in")


def strange_energy() -> pl.Expr:
    """Sessions whose energy no car's battery takes."""
    return ~pl.col("energy_kwh").is_between(0, MOST_KWH)


def strange_power() -> pl.Expr:
    """Sessions that would need more than any home charger gives."""
    hours = (pl.col("plug_out") - pl.col("plug_in")).dt.total_seconds() / 3600
    return ~backward() & ~strange_energy() & (pl.col("energy_kwh") > MOST_KW * hours)


def check_sessions(raw: Raw) -> list[Finding]:
    """Findings about the table of sessions."""
    table = raw.sessions
    assert table is not None
    file, count = raw.files[int(table["file"][0])], table.height
    late = table.sort("user", "plug_in").filter((pl.col("plug_in").diff() < timedelta(0)).over("user"))
    before = table.sort("user", "plug_in").with_columns(last=pl.col("plug_out").shift().over("user"))
    overlap = pl.concat([late, before.filter(pl.col("plug_in") < pl.col("last")).select(late.columns)])
    odd = table.filter(strange_energy())
    most = f"from {table['energy_kwh'].min():.4g} to {table['energy_kwh'].max():.4g} kWh"
    found = at_rows("session-order", (file, "plug_out"), table.filter(backward()), "", count)
    found += at_rows("session-energy", (file, "energy_kwh"), odd, most, count)
    found += at_rows("session-power", (file, "energy_kwh"), table.filter(strange_power()), "", count)
    return found + at_rows("session-overlap", (file, "plug_in"), overlap, "", count)
