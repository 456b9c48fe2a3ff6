"""Ausgrid solar homes: 300 homes near Sydney with a panel each, half-hourly, July 2010 to June 2013."""

import re
from pathlib import Path
from typing import Annotated, Literal

import equinox as eqx
import polars as pl
from pydantic import Field

from wattflock.data.complete import PriceSource, to_readings
from wattflock.data.files import listed, table_of
from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.numbers import numbers
from wattflock.data.raw import Raw, period
from wattflock.data.source import DataSource, FilePath, Prices, PricesPath, Readings
from wattflock.data.text import first_lines
from wattflock.data.time_grid import never, twice

ZONE = "Australia/Sydney"
NEEDED = ("Customer", "Generator Capacity", "Consumption Category", "date")
DATES = ("%d/%m/%Y", "%d-%b-%y", "%d-%b-%Y", "%Y-%m-%d", "%d/%m/%y")
KINDS = ("GC", "CL", "GG")
LABELS = tuple(f"{(k + 1) // 2 % 24}:{(k + 1) % 2 * 30:02d}" for k in range(48))  # the end of each half hour
STEP_H = 0.5
SUMMED = 1.5  # an autumn hour with so much more than its neighbours holds two hours


class Ausgrid(DataSource):
    """Load and sun of homes in the original layout: a row for each customer, category and day, 48 half hours.

    Load is general consumption (GC) and controlled load (CL); gross generation (GG) is the panel's. Columns are
    named by the end of their half hour, on Sydney's clock: the hour that spring lacks holds zeros and is a gap; the
    hour that autumn has twice holds the sum of the two and is halved.

    Source: Ausgrid, Solar home half-hour data, 1 July 2010 to 30 June 2013; terms at the owner.
    """

    path: FilePath = eqx.field(default="", static=True)
    customers: Annotated[tuple[int, ...], Field(description="numbers of the customers that are read; empty is all")] = (
        eqx.field(default=(), static=True)
    )
    estimated: Annotated[
        Literal["keep", "gap"], Field(description="rows that Ausgrid marks as not measured: keep them, or make gaps")
    ] = eqx.field(default="keep", static=True)
    prices: Prices = eqx.field(default="own", static=True)
    prices_path: PricesPath = eqx.field(default="", static=True)

    @classmethod
    def fits(cls, path: str) -> bool:
        """Whether this is a file or folder in Ausgrid's layout."""
        lines = [line for file in listed(path, "a file")[:1] for line in first_lines(file)]
        return any(re.search(r"Consumption Category", line) for line in lines)

    def raw(self) -> Raw:
        """Readings of all files, which may be several years."""
        files = listed(self.path, "a CSV of Ausgrid's solar home data, or a folder with several years of it")
        read = [self._one(file, number) for number, file in enumerate(files)]
        days = pl.concat([table for table, _ in read])
        found = [each for _, several in read for each in several]
        homes, doubled = _long(days, files[0].name)
        return Raw(
            files=tuple(file.name for file in files),
            zone=ZONE,
            clock="local",
            currency="AUD",
            card={
                "source": f"Ausgrid solar home electricity data, {homes['home'].n_unique()} homes, half-hourly",
                "owner": "Ausgrid",
                "licence": "free data, terms at the owner (ausgrid.com.au)",
                "period": period(homes["time"]),
            },
            homes=homes,
            kwp=_sizes(days),
            findings=(*found, *doubled),
        )

    def read(self) -> Readings:
        """Whole weeks, cleaned; weather, prices and carbon of another place, by the season."""
        return to_readings(self.raw(), PriceSource(self.prices, self.prices_path))

    def _one(self, file: Path, number: int) -> tuple[pl.DataFrame, list[Finding]]:
        """One file: file, row, home, kwp, kind, date and a column for each half hour."""
        title = [line for line in first_lines(file) if not line.startswith("Customer,")]
        table = table_of(file, 0 if len(title) == 3 or first_lines(file)[:1] != title[:1] else 1)
        labels = {_label(name): name for name in table.columns if _label(name) in LABELS}
        missing = [name for name in NEEDED if name not in table.columns]
        missing += [label for label in LABELS if label not in labels]
        found = [finding("missing-column", (file.name, name)) for name in missing]
        schema = {"file": pl.UInt16, "row": pl.UInt32, "home": pl.String, "kwp": pl.Float64, "kind": pl.String,
                  "date": pl.Date} | dict.fromkeys(LABELS, pl.Float64)  # fmt: skip
        if missing:
            return pl.DataFrame(schema=schema), found
        if self.customers:
            table = table.filter(pl.col("Customer").str.strip_chars().is_in([str(each) for each in self.customers]))
        date = pl.coalesce([pl.col("date").str.strip_chars().str.to_date(form, strict=False) for form in DATES])
        read = {label: numbers(table[name]) for label, name in labels.items()}
        days = table.select(
            pl.lit(number, pl.UInt16).alias("file"), "row", date.alias("date"),
            home=pl.col("Customer").str.strip_chars(), kwp=numbers(table["Generator Capacity"])[0],
            kind=pl.col("Consumption Category").str.strip_chars().str.to_uppercase(), quality=_quality(table),
        ).with_columns(**{label: values for label, (values, _) in read.items()})  # fmt: skip
        lost = pl.any_horizontal([bad for _, bad in read.values()])
        cells = sum(int(bad.sum()) for _, bad in read.values())
        days, more = self._judged(days, table, file.name)
        if cells:
            rows = tuple(table.filter(table.select(lost).to_series())["row"].head(5))
            share = "error" if cells > 0.01 * 48 * table.height else "repairable"
            more.append(Finding("unread-value", share, file.name, "half hours", cells, "", rows))
        return days.select(list(schema)), found + more

    def _judged(self, days: pl.DataFrame, table: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Finding]]:
        """Rows that can be used; the others are reported."""
        no_date = days.filter(pl.col("date").is_null())
        value = repr(table.filter(pl.col("row").is_in(no_date["row"].implode()))["date"][0]) if no_date.height else ""
        found = at_rows("unread-time", (name, "date"), no_date, value, days.height)
        strange = days.filter(~pl.col("kind").is_in(KINDS))
        value = repr(strange["kind"][0]) if strange.height else ""
        found += at_rows("kind-of-row", (name, "Consumption Category"), strange, value, days.height)
        marked = days.filter(pl.col("quality"))
        found += at_rows("estimated", (name, "Row Quality"), marked, f"{self.estimated}", days.height)
        days = days.filter(pl.col("date").is_not_null() & pl.col("kind").is_in(KINDS))
        again = days.filter(~pl.struct("home", "kind", "date").is_first_distinct())
        first = days.filter(pl.struct("home", "kind", "date").is_first_distinct())
        alike = again.join(first, on=["home", "kind", "date", *LABELS], how="semi", nulls_equal=True)
        differ = again.join(first, on=["home", "kind", "date", *LABELS], how="anti", nulls_equal=True)
        found += at_rows("duplicate", (name, "date"), alike, "customer, category and day", days.height)
        found += at_rows("duplicate-differs", (name, "date"), differ, "the first row is taken", days.height)
        if self.estimated == "gap":
            first = first.filter(~pl.col("quality"))
        return first, found


def _label(name: str) -> str:
    """A column's name as a label: 0:30:00 and 00:30 are 0:30."""
    found = re.fullmatch(r"0?(\d{1,2}):(\d{2})(?::00)?", name.strip())
    return f"{found[1]}:{found[2]}" if found else ""


def _quality(table: pl.DataFrame) -> pl.Series:
    """Rows that the owner marks as not measured."""
    column = next((name for name in table.columns if name.lower() == "row quality"), None)
    if column is None:
        return pl.repeat(False, table.height, eager=True)
    return (table[column].cast(pl.String).fill_null("").str.strip_chars() != "").alias("quality")


def _sizes(days: pl.DataFrame) -> dict[str, float]:
    sizes = days.filter(pl.col("kwp") > 0).group_by("home").agg(pl.col("kwp").last()).sort("home")
    return dict(sizes.iter_rows())


def _long(days: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Finding]]:
    """A row for each half hour: file, row, home, time, load_kw, pv_kw."""
    keys = ["home", "date"]
    kinds = {kind: days.filter(pl.col("kind") == kind).select(*keys, *LABELS) for kind in KINDS}
    base = days.group_by(keys).agg(pl.col("file").first(), pl.col("row").min())
    base = base.sort(pl.col("home").cast(pl.Int64, strict=False), *keys)
    for kind, table in kinds.items():
        base = base.join(table.rename({label: f"{kind}{label}" for label in LABELS}), on=keys, how="left")
    has = pl.col("home").is_in(kinds["CL"]["home"].unique().implode())

    def controlled(
        label: str,
    ) -> pl.Expr:  # a home without such a load draws nothing; another one's missing row is a gap
        return pl.when(has).then(pl.col(f"CL{label}")).otherwise(0.0)

    load = {label: (pl.col(f"GC{label}") + controlled(label)) / STEP_H for label in LABELS}
    sun = {label: pl.col(f"GG{label}") / STEP_H for label in LABELS}
    index = ["file", "row", "home", "date"]
    table = base.select(*index, **load).unpivot(LABELS, index=index, variable_name="label", value_name="load_kw")
    table = table.with_columns(pv_kw=base.select(**sun).unpivot(LABELS, value_name="pv_kw")["pv_kw"])
    minutes = {label: 30 * slot for slot, label in enumerate(LABELS)}
    begins = pl.duration(minutes=pl.col("label").replace_strict(minutes, return_dtype=pl.Int64))
    table = table.select(
        "file", "row", "home", "load_kw", "pv_kw", time=pl.col("date").cast(pl.Datetime("us")) + begins
    )
    table = table.sort(pl.col("home").cast(pl.Int64, strict=False), "home", "time")
    return _clock(table, name)


def _clock(table: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Finding]]:
    """The hour that spring lacks becomes a gap, the sum of the doubled hour of autumn its mean."""
    both = ("load_kw", "pv_kw")
    zeros = [pl.when(never(ZONE) & (pl.col(each) == 0)).then(None).otherwise(pl.col(each)).alias(each) for each in both]
    table = table.with_columns(zeros)
    date, hour = pl.col("time").dt.date(), pl.col("time").dt.hour()
    autumn = table.filter(twice(ZONE))
    near = table.filter(hour.is_in([1, 3])).group_by(date=date).agg(near=pl.col("load_kw").mean())
    summed = autumn.group_by(date=date).agg(here=pl.col("load_kw").mean()).join(near, on="date")
    summed = summed.filter(pl.col("here") > SUMMED * pl.col("near"))["date"]
    halve = twice(ZONE) & date.is_in(summed.implode())
    rows = table.filter(halve)
    found = at_rows("clock-doubled", (name, "half hours"), rows, "the sum of two hours, halved", table.height)
    table = table.with_columns([pl.when(halve).then(pl.col(each) / 2).otherwise(pl.col(each)) for each in both])
    return table, found
