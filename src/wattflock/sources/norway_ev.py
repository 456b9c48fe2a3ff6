"""Charging sessions of cars in Norwegian apartment houses."""

import equinox as eqx
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.data.files import header, listed, table_of
from wattflock.data.layout import Layout
from wattflock.data.raw import Raw, not_used, period
from wattflock.data.session_table import sessions_of
from wattflock.data.source import DataSource, FilePath, Readings

LAYOUT = Layout(
    columns={
        "user": "user_id", "plug_in": "plugin_time", "plug_out": "plugout_time", "energy": "energy_session",
        "connected": "connection_time", "power": "charging_power", "battery": "battery_capacity",
    },
    zone="Europe/Oslo",
)  # fmt: skip


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
        tables = [table_of(file) for file in files]
        read = [sessions_of(table, LAYOUT, file.name) for table, file in zip(tables, files, strict=True)]
        sessions = pl.concat([each.select(pl.lit(number, pl.UInt16).alias("file"), pl.all())
                              for number, (each, _, _) in enumerate(read)])  # fmt: skip
        return Raw(
            files=tuple(file.name for file in files),
            zone=LAYOUT.zone,
            clock="local",
            currency="NOK",
            card={
                "source": "Residential EV charging sessions from apartment buildings, Norway",
                "owner": "Sørensen, Lindberg, Sartori and Andresen (SINTEF, NTNU)",
                "licence": "CC BY 4.0 (confirm at the owner)",
                "period": period(sessions["plug_in"]),
            },
            sessions=sessions,
            uses=read[0][1],
            not_used=not_used(tables[0], read[0][1]),
            findings=tuple(each for _, _, found in read for each in found),
        )

    def read(self) -> Readings:
        """Always raises: a home needs more than a car.

        Raises:
            ScenarioError: always.
        """
        allowed = "a source of homes; norway_ev holds charging sessions only, for `wattflock data fit` and `data check`"
        raise ScenarioError([Problem("scenario", "data.part", "norway_ev", allowed)])
