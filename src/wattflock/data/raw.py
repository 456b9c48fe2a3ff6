"""Content of files before cleaning: long tables with raw stamps, and findings about reading them."""

import dataclasses
from dataclasses import dataclass

import polars as pl

from wattflock.data.columns import ColumnUse
from wattflock.data.finding import Finding
from wattflock.data.stamps import on_clock

CLOCKS = ("utc", "local", "whole")  # UTC; wall clock with clock changes; every day has 24 h
COMMON_COLUMNS = ("outdoor_c", "import_price_per_kwh", "export_price_per_kwh", "carbon_kg_per_kwh")
MAY_BE_NULL = ("connected_h", "power_kw", "battery_kwh")  # of a session and its car, where the owner does not give it


@dataclass(frozen=True)
class Raw:
    """Readings in our units, otherwise as found; a table that a source lacks is None.

    Stamps mark the beginning of a step. `row` counts as an editor counts lines, `file` is an index into `files`.
    """

    files: tuple[str, ...]
    zone: str  # where the homes are, such as Europe/London; empty where it is not given
    clock: str  # of the stamps: one of CLOCKS
    currency: str
    card: dict  # source, owner, licence to check, period
    homes: pl.DataFrame | None = None  # file, row, home, time and some of `synth.flock.OWN`
    common: pl.DataFrame | None = None  # file, row, time and some of COMMON_COLUMNS
    sessions: pl.DataFrame | None = None  # file, row, user, plug_in, plug_out, energy_kwh and `MAY_BE_NULL`
    kwp: dict[str, float] = dataclasses.field(default_factory=dict)  # home → size of its panel [kW peak]
    unitless: tuple[str, ...] = ()  # columns whose unit is not known: their size is not checked
    net: str = "tell"  # load below zero is an error; or `split` into load and pv
    findings: tuple[Finding, ...] = ()
    uses: tuple[ColumnUse, ...] = ()  # which column is what
    not_used: tuple[str, ...] = ()  # the other columns
    layout: str = ""  # name of the format that was found or told

    def local(self, stamp: str) -> pl.Expr:
        """A column of stamps as wall clock where the homes are; the stamps themselves where no zone is given."""
        time = pl.col(stamp)
        if self.clock != "utc" or not self.zone:
            return time
        return on_clock(self.zone, time)


def period(stamps: pl.Series) -> str:
    """The first and the last day of stamps, as cards show it."""
    return f"{stamps.min():%Y-%m-%d} to {stamps.max():%Y-%m-%d}" if len(stamps) else "none"


def not_used(table: pl.DataFrame, uses: tuple[ColumnUse, ...], *more: str) -> tuple[str, ...]:
    """The columns of a file that nothing is read from; `more` are those of stamps and names."""
    known = {"row", *more, *(use.column for use in uses)}
    return tuple(column for column in table.columns if column not in known)
