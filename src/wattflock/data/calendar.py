"""The calendar: month, weekday and season of days; the only place that computes them."""

import datetime
from typing import Any

import equinox as eqx
import numpy as np
import polars as pl
from jaxtyping import Array


class When(eqx.Module):
    """One day, shape (), or a run of days, shape (days,)."""

    day: Array  # days since 1970-01-01, int32
    month: Array  # of the calendar, 1 to 12, int32
    weekday: Array  # 0 on Monday to 6 on Sunday, int32
    weekend: Array  # 1 on Saturday and Sunday, else 0
    year_part: Array  # 0 on 1 January to 1 at the end of the year
    summer_time_h: Array  # how far clocks are ahead of standard time [h]


def calendar(first_day: datetime.date, days: int, zone: str = "UTC") -> When:
    """`days` days from `first_day` in a time zone such as Europe/London, which decides about summer time; (days,)."""
    dates = pl.date_range(first_day, first_day + datetime.timedelta(days=days - 1), eager=True)
    noon = (dates.cast(pl.Datetime("us")) + datetime.timedelta(hours=12)).dt.replace_time_zone(zone)
    length = 365 + dates.dt.is_leap_year().cast(pl.Int64).to_numpy()
    fields: dict[str, Any] = {
        "day": dates.cast(pl.Int32).to_numpy(),
        "month": dates.dt.month().cast(pl.Int32).to_numpy(),
        "weekday": dates.dt.weekday().cast(pl.Int32).to_numpy() - 1,
        "weekend": (dates.dt.weekday().to_numpy() >= 6).astype(np.float32),
        "year_part": ((dates.dt.ordinal_day().to_numpy() - 0.5) / length).astype(np.float32),
        "summer_time_h": (noon.dt.dst_offset().dt.total_minutes().to_numpy() / 60).astype(np.float32),
    }
    return When(**fields)
