"""Low Carbon London: smart meters of London homes, half-hourly, 2011 to 2014."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import equinox as eqx
import polars as pl
from pydantic import Field

from wattflock.data.complete import PriceSource, to_readings
from wattflock.data.files import header, listed, table_of
from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.numbers import numbers
from wattflock.data.raw import Raw, period
from wattflock.data.source import DataSource, FilePath, Prices, PricesPath, Readings
from wattflock.data.stamps import stamps

WANTED = "the folder with load_kwh_halfhour.parquet and homes.csv, or CSV of the London Datastore (LCLid, stdorToU, ..)"
LONG = {"home": "LCLid", "tariff": "stdorToU", "time": "DateTime", "kwh": "KWH/hh (per half hour)"}
WEATHER = {"outdoor_c": "temp_c_london_city_airport", "import_price_per_kwh": "dtou_price_gbp_kwh"}
STEP_H = 0.5


class London(DataSource):
    """Load of London homes in kWh per half hour; stamps are UTC, days are those of London's clock.

    Reads a folder with one column for each home (and homes.csv, temperature_and_price.parquet in it), or the
    original CSV files with one row for each reading. Sun, carbon and other missing columns are borrowed.

    Source: SmartMeter Energy Consumption Data in London Households, UK Power Networks, London Datastore; CC BY 4.0,
    to be confirmed at the owner.
    """

    path: FilePath = eqx.field(default="", static=True)
    tariff: Annotated[
        Literal["Std", "ToU", "all"], Field(description="homes on the flat tariff, on the dynamic one, or all")
    ] = eqx.field(default="Std", static=True)
    coverage: Annotated[
        float, Field(ge=0, le=1, description="least share of the period a home has readings of [share]")
    ] = 0.99
    zero_share: Annotated[
        float, Field(ge=0, le=1, description="a home with more readings of 0 is left out [share]")
    ] = 0.1
    year: Annotated[int, Field(ge=0, le=2100, description="the year that is read; 0 is all")] = 0
    prices: Prices = eqx.field(default="own", static=True)
    prices_path: PricesPath = eqx.field(default="", static=True)

    @classmethod
    def fits(cls, path: str) -> bool:
        """Whether this is a file or folder in a layout of Low Carbon London."""
        for file in listed(path, "a file"):
            names = {name.strip() for name in header(file)}
            if {"LCLid", "DateTime"} <= names or ("timestamp" in names and _is_wide(file)):
                return True
        return False

    def raw(self) -> Raw:
        """Readings of the homes that pass the filter."""
        files = listed(self.path, WANTED)
        wide = [file for file in files if {"timestamp"} <= set(header(file)) and _is_wide(file)]
        homes, found = _wide(wide[0]) if wide else _long(files)
        if self.year:
            homes = homes.filter(pl.col("time").dt.year() == self.year)
        homes, left_out = self._chosen(homes, files[0].name)
        weather = [file for file in files if set(WEATHER.values()) <= set(header(file))]
        return Raw(
            files=tuple(file.name for file in (wide or files)),
            zone="Europe/London",
            clock="utc",
            currency="GBP",
            card={
                "source": f"Low Carbon London smart meters, {homes['home'].n_unique()} homes, half-hourly",
                "owner": "UK Power Networks (London Datastore)",
                "licence": "CC BY 4.0 (confirm at the owner)",
                "period": period(homes["time"]),
            },
            homes=homes,
            common=_weather(weather[0]) if weather else None,
            findings=(*found, *left_out),
        )

    def read(self) -> Readings:
        """Whole weeks, cleaned; sun and carbon of another place."""
        return to_readings(self.raw(), PriceSource(self.prices, self.prices_path))

    def _chosen(self, homes: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Finding]]:
        """Homes of the tariff with enough readings, without those that mostly draw nothing."""
        if homes.is_empty():
            return homes.drop("tariff", strict=False), []
        first, last = homes["time"].min(), homes["time"].max()
        assert isinstance(first, datetime) and isinstance(last, datetime)
        length = (last - first) / timedelta(hours=STEP_H) + 1
        each = homes.group_by("home").agg(
            tariff=pl.col("tariff").first(),
            coverage=pl.col("load_kw").count() / length,
            zeros=(pl.col("load_kw") == 0).sum() / pl.col("load_kw").count(),
        )
        rules = {
            f"not {self.tariff}": pl.lit(self.tariff != "all") & pl.col("tariff").ne_missing(self.tariff),
            f"less than {self.coverage:g} of the readings": pl.col("coverage") < self.coverage,
            f"more than {self.zero_share:g} of them 0": pl.col("zeros") >= self.zero_share,
        }
        found = []
        for words, rule in rules.items():
            out = each.filter(rule)
            each = each.filter(~rule)
            if out.height:
                found.append(finding("left-out", (name, "home"), words, out.height))
        return homes.join(each, on="home", how="semi").drop("tariff"), found


def _is_wide(file: Path) -> bool:
    return sum(name.startswith("MAC") for name in header(file)) > 0


def _wide(file: Path) -> tuple[pl.DataFrame, list[Finding]]:
    table = table_of(file)
    time, _, _ = stamps(table["timestamp"])
    homes = [name for name in table.columns if name.startswith("MAC")]
    about = file.with_name("homes.csv")
    tariffs = (
        pl.read_csv(about, columns=["home", "stdorToU"]).rename({"stdorToU": "tariff"}) if about.is_file() else None
    )
    long = (
        table.with_columns(time=time)
        .unpivot(homes, index=["row", "time"], variable_name="home", value_name="kwh")
        .select(
            pl.lit(0, pl.UInt16).alias("file"), "row", "home", "time",
            load_kw=pl.col("kwh").cast(pl.Float64).fill_nan(None) / STEP_H,
        )
    )  # fmt: skip
    if tariffs is None:
        lost = finding("left-out", (about.name, "tariff"), "there is no homes.csv: set tariff = 'all'")
        return long.with_columns(tariff=pl.lit(None, pl.String)), [lost]
    return long.join(tariffs, on="home", how="left"), []


def _long(files: list[Path]) -> tuple[pl.DataFrame, list[Finding]]:
    parts, found = [], []
    for number, file in enumerate(files):
        if "LCLid" not in header(file) and len(files) > 1:
            continue  # another file of the folder, such as the weather
        table = table_of(file)
        missing = [column for column in LONG.values() if column not in table.columns]
        if missing:
            found += [finding("missing-column", (file.name, column)) for column in missing]
            continue
        time, _, _ = stamps(table[LONG["time"]])
        kwh, bad = numbers(table[LONG["kwh"]])
        for code, column, mask in (("unread-time", "time", time.is_null()), ("unread-value", "kwh", bad)):
            rows = table.filter(mask)
            value = repr(rows[LONG[column]][0]) if rows.height else ""
            found += at_rows(code, (file.name, LONG[column]), rows, value, table.height)
        whole = table.select("row", home=LONG["home"], tariff=LONG["tariff"]).with_columns(
            time=time, load_kw=kwh / STEP_H
        )
        parts.append(whole.with_columns(file=pl.lit(number, pl.UInt16)).drop_nulls("time"))
    schema = {"file": pl.UInt16, "row": pl.UInt32, "home": pl.String, "tariff": pl.String,
              "time": pl.Datetime("us"), "load_kw": pl.Float64}  # fmt: skip
    return (pl.concat(parts).select(list(schema)) if parts else pl.DataFrame(schema=schema)), found


def _weather(file: Path) -> pl.DataFrame:
    table = table_of(file)
    time, _, _ = stamps(table["timestamp"])
    values = {own: pl.col(name).cast(pl.Float64).fill_nan(None) for own, name in WEATHER.items()}
    return table.with_columns(time=time).select(pl.lit(0, pl.UInt16).alias("file"), "row", "time", **values)
