"""Any CSV or Parquet with homes in rows or in columns, and a small mapping where names do not suffice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import equinox as eqx
import polars as pl
from pydantic import Field

from wattflock.core.errors import Problem, ScenarioError
from wattflock.data.columns import Mapping, mapped, to_long, unitless
from wattflock.data.complete import PriceSource, to_readings
from wattflock.data.files import listed, table_of
from wattflock.data.finding import Finding, finding
from wattflock.data.raw import COMMON_COLUMNS, Raw, period
from wattflock.data.source import DataSource, FilePath, Prices, PricesPath, Readings
from wattflock.synth.generate import SIZES

EMPTY = {"file": pl.UInt16, "row": pl.UInt32, "home": pl.String, "time": pl.Datetime("us")}


@dataclass(frozen=True)
class _Read:
    """Content of one file."""

    homes: pl.DataFrame
    zoned: bool
    unitless: tuple[str, ...]
    findings: list[Finding]


class Table(DataSource):
    """Homes from any table: long (a row for each home and time) or wide (a column for each home).

    Columns are found by their names (home, time, load_kw, pv_kwh, outdoor_c, ..) or by the mapping
    `columns = {load = "Usage"}`; units by the end of the name or by `units = {load = "Wh"}`. A folder that
    `wattflock generate` wrote needs no mapping; its sizes.csv has the size of each panel.

    Source: the user's own files; owner and licence are not known.
    """

    path: FilePath = eqx.field(default="", static=True)
    columns: Annotated[
        dict[str, str],
        Field(
            description="which column is time, home, load, pv, heat, kwp, outdoor, import_price, export_price, carbon"
        ),
    ] = eqx.field(default_factory=dict, static=True)
    units: Annotated[dict[str, str], Field(description="units of load, pv, outdoor, .. where names do not tell")] = (
        eqx.field(default_factory=dict, static=True)
    )
    zone: Annotated[
        str, Field(description="where the homes are, such as Europe/London; empty: stamps are as lived")
    ] = eqx.field(default="", static=True)
    clock: Annotated[
        Literal["local", "utc"], Field(description="clock of the stamps, where a zone is told; Z or +01:00 say utc")
    ] = eqx.field(default="local", static=True)
    net: Annotated[
        Literal["tell", "split"], Field(description="load below zero is an error, or is parted into load and pv")
    ] = eqx.field(default="tell", static=True)
    currency: Annotated[str, Field(description="of the prices")] = eqx.field(default="EUR", static=True)
    prices: Prices = eqx.field(default="own", static=True)
    prices_path: PricesPath = eqx.field(default="", static=True)

    def raw(self) -> Raw:
        """Readings of all files, in our own units."""
        files = listed(self.path, "a CSV or Parquet with readings of homes, or a folder of them")
        files, sizes = [file for file in files if file.name != SIZES], [file for file in files if file.name == SIZES]
        read = [self._one(file, number) for number, file in enumerate(files)]
        homes = pl.concat([each.homes for each in read], how="diagonal")
        zoned = any(each.zoned for each in read)
        clock = ("utc" if zoned else self.clock) if self.zone else "whole"
        found = tuple(one for each in read for one in each.findings)
        if zoned and not self.zone:
            found += (
                finding("time-zone", (files[0].name, "time"), "stamps with an offset; name the zone of the homes"),
            )
        return Raw(
            files=tuple(file.name for file in files),
            zone=self.zone,
            clock=clock,
            currency=self.currency,
            card={
                "source": f"table {files[0].name}" + (f" and {len(files) - 1} more" if len(files) > 1 else ""),
                "owner": "not told",
                "licence": "not told: check with the owner",
                "period": period(homes["time"]),
            },
            homes=homes.drop("kwp", *COMMON_COLUMNS, strict=False),
            common=_common(homes),
            kwp=_sizes(homes) | _beside(sizes),
            unitless=tuple(column for each in read for column in each.unitless),
            net=self.net,
            findings=found,
        )

    def read(self) -> Readings:
        """Whole weeks, cleaned and completed."""
        return to_readings(self.raw(), PriceSource(self.prices, self.prices_path))

    def _one(self, file: Path, number: int) -> "_Read":
        table = table_of(file)
        if len(table.columns) < 3:
            wrong = Problem(file.name, "columns", table.columns[1:], "a header and at least a time and a reading")
            if len(table.columns) < 2 or table.height:
                raise ScenarioError([wrong])
        mapping, found = mapped(table, Mapping(self.columns, self.units), file.name)
        if table.is_empty():
            found.append(finding("empty", (file.name, "rows")))
        if table.is_empty() or any(each.code == "missing-column" for each in found):
            return _Read(pl.DataFrame(schema=EMPTY), False, (), found)
        homes, zoned, more = to_long(table, mapping, file.name)
        homes = homes.with_columns(file=pl.lit(number, pl.UInt16))
        return _Read(homes, zoned, unitless(mapping), found + more)


def _common(homes: pl.DataFrame) -> pl.DataFrame | None:
    """Weather and prices once for each stamp: the mean over homes."""
    columns = [name for name in COMMON_COLUMNS if name in homes.columns]
    if not columns or homes.is_empty():
        return None
    first = [pl.col("file").first(), pl.col("row").min()]
    return homes.group_by("time").agg(*first, *[pl.col(name).mean() for name in columns]).sort("time")


def _sizes(homes: pl.DataFrame) -> dict[str, float]:
    if "kwp" not in homes.columns:
        return {}
    return dict(homes.filter(pl.col("kwp") > 0).group_by("home").agg(pl.col("kwp").median()).sort("home").iter_rows())


def _beside(sizes: list[Path]) -> dict[str, float]:
    """Size of each panel as `wattflock generate` wrote it next to its homes; homes without one are left out."""
    return {home: kwp for file in sizes for home, kwp in pl.read_csv(file)["home", "panel_kwp"].iter_rows() if kwp > 0}
