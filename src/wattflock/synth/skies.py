"""Measured panels and weather → a sky: one entry for each supported set."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import no_panic, regular
from wattflock.core.registry import part
from wattflock.data.calendar import calendar
from wattflock.data.source import DataSource
from wattflock.synth.sky import Sky
from wattflock.synth.sky_fit import (
    FONTANA,
    GERMANY,
    LONDON,
    LONDON_FLAT_KW_PER_M2,
    LOS_ANGELES,
    Panels,
    Weather,
    fit_abroad,
    fit_sky,
)

HELD_OUT = ("B04", "B09", "B16")  # panels that no sky is fitted to
LIKE_CALIFORNIA_DAYS = 364
GERMAN_PANELS = ("PV1", "PV3", "PV4", "PV7")  # four sites; the other four give 1 % more energy in London


@dataclasses.dataclass(frozen=True)
class SkySource:
    """How a sky is fitted to a folder, whether it needs another sky for what was not measured, and notes."""

    fit: Callable[[Path, Sky | None], Sky]
    needs_like: bool
    card: dict


def _california(folder: Path, like: Sky | None) -> Sky:
    """Panels of twelve homes and the light of their weather file."""
    del like
    left_out = part("data", DataSource, "california")().raw().card["left_out"]
    homes, common = (_table(folder / f"{name}_hourly.parquet") for name in ("homes", "common"))
    days = LIKE_CALIFORNIA_DAYS
    keep = [n for n in homes["home"].unique(maintain_order=True) if n not in (*left_out, *HELD_OUT)]
    rows = [homes.filter(pl.col("home") == n).sort("step")["pv_wh_per_kw"].to_numpy() for n in keep]

    def whole(values: np.ndarray, first: int) -> np.ndarray:
        return values[first : first + 24 * days].reshape(days, 24).astype(float)

    power = np.stack(
        [whole(row, 0) / 1000 for row in rows]
    )  # labelled by the beginning of the hour; weather by its end
    # the column called diffuse is the whole light on the flat, see docs/synth-sky.md
    outdoor_c, flat, beam = (whole(common[name].to_numpy(), 1) for name in ("temp_c", "diffuse_wm2", "direct_wm2"))
    first = datetime.date(2016, 8, 1)
    weather = Weather(outdoor_c, calendar(first, days, "Etc/GMT+8"), LOS_ANGELES, flat / 1000, beam / 1000)
    return fit_sky(Panels(power, calendar(first, days, "America/Los_Angeles"), FONTANA), weather)


def _london(folder: Path, like: Sky | None) -> Sky:
    """Clouds of four German panels, temperature of London; a composite."""
    assert like is not None
    power = _table(folder / "simbench_lv" / "residential_15min_pu.parquet").select(GERMAN_PANELS)
    weather = _table(folder / "london_load_2013" / "temperature_and_price.parquet")
    outdoor_c = weather["temp_c_london_city_airport"].to_numpy().astype(float).reshape(365, 24, 2).mean(-1)
    panels = Panels(
        power.to_numpy().T.reshape(len(GERMAN_PANELS), 366, 24, 4).mean(-1).astype(float),
        calendar(datetime.date(2016, 1, 1), 366, "UTC"),
        GERMANY,
    )
    return fit_abroad(
        panels,
        Weather(outdoor_c, calendar(datetime.date(2013, 1, 1), 365, "UTC"), LONDON),
        (LONDON, LONDON_FLAT_KW_PER_M2),
        like,
    )


def _table(path: Path) -> pl.DataFrame:
    try:
        with no_panic():
            return pl.read_parquet(regular(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ScenarioError([Problem(str(path), "file", str(error), "a Parquet file of the set")]) from error


SKIES = {
    "california": SkySource(
        _california,
        needs_like=False,
        card={
            "source": "panels of 12 homes, 2016-17, and light of a weather file beside them",
            "owner": "EPRI, CityLearn Challenge 2022",
            "licence": "MIT",
        },
    ),
    "london": SkySource(
        _london,
        needs_like=True,
        card={
            "source": "composite: clouds of four SimBench panels (Germany 2016), each month as bright as is usual "
            "in the Thames region (SAP 2012, table U3), temperature of London 2013",
            "owner": "SimBench (University of Kassel, Fraunhofer IEE, RWTH Aachen, TU Dortmund); London Datastore; BRE",
            "licence": "statistics fitted by us; SimBench itself is ODbL",
        },
    ),
}
