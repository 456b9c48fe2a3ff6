"""Fifteen measured all-electric homes in California, 2016-17, bundled with the package."""

import datetime
import importlib.resources
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from wattflock.data.calendar import calendar
from wattflock.data.raw import Raw
from wattflock.data.source import DataSource, Readings

LEFT_OUT = ("B14", "B15")  # half a year of sun is missing; the sun meter is broken
FIRST_DAY = datetime.date(2016, 8, 1)
FIRST_HOUR = datetime.datetime(2016, 8, 1)  # rows are labelled by the beginning of their hour: 24 is midnight
ZONE = "America/Los_Angeles"
CARD = {
    "source": "CityLearn Challenge 2022 phase data (Zenodo / citylearn 2.1.2), 17 homes, hourly",
    "owner": "Electric Power Research Institute (EPRI) and the CityLearn authors",
    "licence": "MIT",
    "period": "2016-08-01 to 2017-07-30",
    "left_out": list(LEFT_OUT),
}


class California(DataSource):
    """Load, sun, weather, time-of-use price and carbon, hourly.

    Source: CityLearn Challenge 2022 data set (EPRI; MIT licence), see `bundled/source.md`.
    """

    colder_c: Annotated[float, Field(ge=0, le=30, description="lowers the outdoor temperature [°C]")] = 9.0

    def raw(self) -> Raw:
        """A year of hours of 15 homes; `pv_kw` is of 1 kW peak, temperature as measured."""
        homes, common = _bundled()
        time = pl.lit(FIRST_HOUR) + pl.duration(hours=pl.col("step"))
        file, row = pl.lit(0, pl.UInt16).alias("file"), (pl.col("step") + 1).cast(pl.UInt32).alias("row")
        own = homes.filter(~pl.col("home").is_in(LEFT_OUT)).sort("home", "step")
        return Raw(
            files=("california_2016",),
            zone=ZONE,
            clock="whole",
            currency="USD",
            card=CARD,
            homes=own.select(
                file, row, "home", time.alias("time"), load_kw="load_kwh", pv_kw=pl.col("pv_wh_per_kw") / 1000
            ).with_columns(pl.col("load_kw", "pv_kw").cast(pl.Float64)),
            common=common.select(
                file, row, time.alias("time"), outdoor_c="outdoor_c", import_price_per_kwh="price_usd_kwh",
                export_price_per_kwh="price_usd_kwh", carbon_kg_per_kwh="kgco2_kwh",
            ),
            kwp=dict.fromkeys(own["home"].unique(maintain_order=True), 1.0),
        )  # fmt: skip

    def bundled_homes(self) -> tuple[str, ...]:
        """The 15 homes."""
        return _homes(_bundled()[0])

    def read(self) -> Readings:
        """52 whole weeks from Monday, 1 August 2016; 15 homes, used as they are."""
        homes, common = _bundled()
        names = _homes(homes)
        days = common.height // 168 * 7

        def whole(values):
            return np.asarray(values, float)[: 24 * days].reshape(days, 24)

        def own(column):
            each = (homes.filter(pl.col("home") == n).sort("step")[column] for n in names)
            return np.stack([whole(values) for values in each], -1)

        price, when = whole(common["price_usd_kwh"]), calendar(FIRST_DAY, days)
        return Readings(
            load_kw=own("load_kwh"),
            sun_kw_per_kwp=own("pv_wh_per_kw") / 1000,
            outdoor_c=whole(common["outdoor_c"]) - self.colder_c,
            import_price_per_kwh=price,
            export_price_per_kwh=price,
            carbon_kg_per_kwh=whole(common["kgco2_kwh"]),
            weekend=np.asarray(when.weekend, float),
            month=np.asarray(when.month),
            first_day=FIRST_DAY,
            homes=names,
            currency="USD",
            card=CARD | {"colder_c": self.colder_c},
        )


def _homes(homes: pl.DataFrame) -> tuple[str, ...]:
    return tuple(name for name in sorted(homes["home"].unique()) if name not in LEFT_OUT)


def _bundled() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Homes, and what is common to them with the temperature on the clock of the homes."""
    folder = importlib.resources.files("wattflock.data") / "bundled"
    with importlib.resources.as_file(folder) as path:
        homes, common = (pl.read_parquet(path / f"california_{name}.parquet") for name in ("homes", "common"))
    return homes, common.with_columns(outdoor_c=pl.Series(_on_the_clock(common["temp_c"].to_numpy())))


def _on_the_clock(temp_c: np.ndarray) -> np.ndarray:
    """Hours of a weather file, which is in standard time and labelled by the end of the hour, on the homes' clock."""
    summer_h = np.repeat(calendar(FIRST_DAY, len(temp_c) // 24, ZONE).summer_time_h, 24)
    return temp_c[np.minimum(np.arange(len(temp_c)) + 1 - summer_h.astype(int), len(temp_c) - 1)]
