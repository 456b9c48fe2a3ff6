"""Charging sessions of cars in Norwegian apartment houses."""

import equinox as eqx
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.data.files import header, listed, numbers, stamps, table_of
from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.raw import MAY_BE_NULL, Raw, period
from wattflock.data.source import DataSource, FilePath, Readings

COLUMNS = {"user": "user_id", "plug_in": "plugin_time", "plug_out": "plugout_time", "energy_kwh": "energy_session"}
OPTIONAL = dict(zip(MAY_BE_NULL, ("connection_time", "charging_power", "battery_capacity"), strict=True))
SCHEMA = {
    "file": pl.UInt16, "row": pl.UInt32, "user": pl.String, "plug_in": pl.Datetime("us"), "plug_out": pl.Datetime("us"),
    "energy_kwh": pl.Float64, **dict.fromkeys(OPTIONAL, pl.Float64),
}  # fmt: skip


class NorwayEv(DataSource):
    """When cars were plugged in and what they charged; no other load of a home.

    A window is when the plug was in, not when the car was at home; what was driven is not observed, the energy of a
    session is used for it. Charging power and battery are the owner's predictions.

    Source: Sørensen et al., Residential electric vehicle charging datasets from apartment buildings, Data in Brief
    (2024); CC BY 4.0, to be confirmed at the owner.
    """

    path: FilePath = eqx.field(default="", static=True)

    @classmethod
    def fits(cls, path: str) -> bool:
        """Whether this is a file of such sessions."""
        return {"plugin_time", "plugout_time"} <= set(header(listed(path, "a file")[0]))

    def raw(self) -> Raw:
        """Sessions as found, on the Norwegian clock."""
        files = listed(self.path, "sessions.parquet, or the authors' CSV of sessions")
        read = [_one(table_of(file), number, file.name) for number, file in enumerate(files)]
        sessions = pl.concat([table for table, _ in read])
        return Raw(
            files=tuple(file.name for file in files),
            zone="Europe/Oslo",
            clock="local",
            currency="NOK",
            card={
                "source": "Residential EV charging sessions from apartment buildings, Norway",
                "owner": "Sørensen, Lindberg, Sartori and Andresen (SINTEF, NTNU)",
                "licence": "CC BY 4.0 (confirm at the owner)",
                "period": period(sessions["plug_in"]),
            },
            sessions=sessions,
            findings=tuple(each for _, found in read for each in found),
        )

    def read(self) -> Readings:
        """Always raises: a home needs more than a car.

        Raises:
            ScenarioError: always.
        """
        allowed = "a source of homes; norway_ev holds charging sessions only, for `wattflock data fit` and `data check`"
        raise ScenarioError([Problem("scenario", "data.part", "norway_ev", allowed)])


def _one(table: pl.DataFrame, number: int, name: str) -> tuple[pl.DataFrame, list[Finding]]:
    """One file's sessions as in `Raw`, and findings."""
    missing = [column for column in COLUMNS.values() if column not in table.columns]
    if missing:
        return pl.DataFrame(schema=SCHEMA), [finding("missing-column", (name, column)) for column in missing]
    found: list[Finding] = []
    made = {own: _read(table, own) for own in SCHEMA if own not in ("file", "row")}
    for own in ("plug_in", "plug_out", "energy_kwh"):
        rows, code = table.filter(made[own].is_null()), "unread-value" if own == "energy_kwh" else "unread-time"
        value = repr(rows[COLUMNS[own]][0]) if rows.height else ""
        found += at_rows(code, (name, COLUMNS[own]), rows, value, table.height)
    file = pl.lit(number, pl.UInt16).alias("file")
    return table.select(file, "row").with_columns(**made).drop_nulls(list(COLUMNS)), found


def _read(table: pl.DataFrame, own: str) -> pl.Series:
    """One column in our own type; null where it cannot be read."""
    name = (COLUMNS | OPTIONAL)[own]
    if name not in table.columns:
        return pl.Series([None] * table.height, dtype=SCHEMA[own])
    column = table[name]
    if own == "user":
        return column.cast(pl.String)
    return stamps(column)[0] if SCHEMA[own] == pl.Datetime else numbers(column)[0]
