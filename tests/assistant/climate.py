"""Writes src/wattflock/assistant/tables/climate.csv from the bundled regions: `python tests/assistant/climate.py`.

A row for each region, month and hour: the mean outdoor temperature, the mean yield of a panel of 1 kW peak, and the
mean load of a home as a multiple of its mean over the year. California is as measured (`colder_c = 0`); London is made
from the bundled region.
"""

from pathlib import Path

import polars as pl

from wattflock.data.source import Readings
from wattflock.sources.california import California
from wattflock.sources.synthetic import Synthetic

PAGE = Path(__file__).parents[2] / "src" / "wattflock" / "assistant" / "tables" / "climate.csv"


def typical(region: str, readings: Readings) -> pl.DataFrame:
    """Means by month and hour."""
    load = readings.load_kw.mean(-1)
    days, steps = load.shape
    rows = pl.DataFrame(
        {
            "month": readings.month.repeat(steps).astype(int),
            "hour": list(range(24)) * days,
            "outdoor_c": readings.outdoor_c.ravel().astype(float),
            "sun_kw_per_kwp": readings.sun_kw_per_kwp.mean(-1).ravel().astype(float),
            "load_share": (load / load.mean()).ravel().astype(float),
        }
    )
    means = rows.group_by("month", "hour").mean().sort("month", "hour")
    rounded = means.with_columns(pl.col("outdoor_c").round(1), pl.col("sun_kw_per_kwp", "load_share").round(3))
    return rounded.select(pl.lit(region).alias("region"), pl.all())


if __name__ == "__main__":
    made = Synthetic(region="london", homes=100, years=2).read()
    both = typical("california", California(colder_c=0.0).read()), typical("london", made)
    PAGE.write_text(pl.concat(both).write_csv(), encoding="utf-8")
