"""Half-hourly prices of Octopus Agile and the carbon of the British grid."""

import equinox as eqx
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.data.columns import ColumnUse
from wattflock.data.files import header, listed, table_of
from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.numbers import numbers
from wattflock.data.raw import Raw, not_used, period
from wattflock.data.source import DataSource, FilePath, Readings
from wattflock.data.stamps import stamps

TIME = ("step_start", "valid_from", "timestamp", "datetime", "from", "time")
COLUMNS = {  # ours → what it may be called, and what makes our unit of it
    "import_price_per_kwh": (("agile_import_p_per_kwh", "value_inc_vat", "import_p_per_kwh"), 0.01),
    "export_price_per_kwh": (("agile_export_p_per_kwh", "export_p_per_kwh"), 0.01),
    "carbon_kg_per_kwh": (("carbon_gco2_per_kwh", "actual", "forecast"), 0.001),
    "outdoor_c": (("temp_c_hourly", "temp_c"), 1.0),
}


class Agile(DataSource):
    """British import and export prices, carbon and temperature, half-hourly; prices for other sets, no homes.

    Stamps are UTC; pence and grams become pounds and kilograms.

    Source: Octopus Energy's Agile tariff and National Grid ESO's carbon intensity, files of the user's own.
    """

    path: FilePath = eqx.field(default="", static=True)

    @classmethod
    def fits(cls, path: str) -> bool:
        """Whether this is a file of such prices."""
        names = {name.lower() for name in header(listed(path, "a file")[0])}
        return bool(names & {"agile_import_p_per_kwh", "value_inc_vat"})

    def raw(self) -> Raw:
        """The prices as found, at their stamps."""
        files = listed(self.path, "a file with half-hourly Agile prices (CSV or Parquet)")
        tables = [table_of(file) for file in files]
        read = [_one(table, number, file.name) for number, (table, file) in enumerate(zip(tables, files, strict=True))]
        uses = _uses(tables[0])
        common = pl.concat([table for table, _ in read], how="diagonal")
        return Raw(
            files=tuple(file.name for file in files),
            zone="Europe/London",
            clock="utc",
            currency="GBP",
            card={
                "source": "Octopus Agile prices and GB carbon intensity, half-hourly",
                "owner": "Octopus Energy; National Grid ESO (carbon)",
                "licence": "market data: check with the owners before passing it on",
                "period": period(common["time"]),
            },
            common=common,
            findings=tuple(each for _, found in read for each in found),
            uses=uses,
            not_used=not_used(tables[0], uses),
        )

    def read(self) -> Readings:
        """Always raises: these are prices, not homes.

        Raises:
            ScenarioError: always; the message names the field for prices.
        """
        allowed = "a source of homes; prices of agile are named beside it: data.settings.prices = 'agile', prices_path"
        raise ScenarioError([Problem("scenario", "data.part", "agile", allowed)])


def _uses(table: pl.DataFrame) -> tuple[ColumnUse, ...]:
    known = {column.lower(): column for column in table.columns}
    time = next((ColumnUse(known[each], "time", "") for each in TIME if each in known), None)
    read = [(next((known[each] for each in names if each in known), ""), own, factor)
            for own, (names, factor) in COLUMNS.items()]  # fmt: skip
    units = {0.01: "p", 0.001: "g", 1.0: ""}
    uses = [ColumnUse(column, own.removesuffix("_per_kwh"), units[factor]) for column, own, factor in read if column]
    return (*([time] if time else []), *uses)


def _one(table: pl.DataFrame, number: int, name: str) -> tuple[pl.DataFrame, list[Finding]]:
    known = {column.lower(): column for column in table.columns}
    time = next((known[each] for each in TIME if each in known), None)
    empty = pl.DataFrame(schema={"file": pl.UInt16, "row": pl.UInt32, "time": pl.Datetime("us")})
    found: list[Finding] = []
    made = {}
    for own, (names, factor) in COLUMNS.items():
        column = next((known[each] for each in names if each in known), None)
        if column:
            values, bad = numbers(table[column])
            found += at_rows("unread-value", (name, column), table.filter(bad), _first(table, column, bad), len(values))
            made[own] = values * factor
    if "import_price_per_kwh" not in made:
        found.append(finding("missing-column", (name, "import price"), "none of agile_import_p_per_kwh, value_inc_vat"))
    if time is None:
        found.append(finding("missing-column", (name, "time"), f"none of {', '.join(TIME)}"))
        return empty, found
    when, _, _ = stamps(table[time])
    lost = when.is_null()
    found += at_rows("unread-time", (name, time), table.filter(lost), _first(table, time, lost), len(when))
    whole = table.select("row", pl.lit(number, pl.UInt16).alias("file")).with_columns(when.alias("time"))
    return whole.with_columns(**made).filter(pl.col("time").is_not_null()), found


def _first(table: pl.DataFrame, column: str, mask: pl.Series) -> str:
    rows = table.filter(mask)
    return repr(rows[column][0]) if rows.height else ""
