"""Measured homes at a look: a mean day and the months of each."""

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.data.home_days import HomeDays
from wattflock.report.theme import save, themed

MOST = 12  # homes that are drawn
NAMES = {"load_kw": "load", "pv_kw": "pv", "heat_kw": "heat", "ev_plugged": "plugged in"}


def write_picture(flock: HomeDays, path: Path) -> Path:
    """Writes the picture to a file.

    Raises:
        ScenarioError: there is nothing to draw.
    """
    return save(picture(flock), path)


def picture(flock: HomeDays) -> Any:
    """A row for each of the first homes: its mean day [kW], and its mean kWh a day in each month.

    Raises:
        ScenarioError: there is nothing to draw.
    """
    day, month = _tables(flock)
    if day.is_empty():
        raise ScenarioError([Problem("--plot", "homes", 0, "homes with whole days")])
    colour = alt.Color("quantity:N", title=None)
    row = alt.Row("home:N", title=None, sort=list(flock.homes), header=alt.Header(labelAngle=0, labelAlign="left"))
    days = alt.Chart(day, height=90, width=300).mark_line().encode(
        x=alt.X("hour:Q", title="hour of the day", scale=alt.Scale(domain=[0, 24])),
        y=alt.Y("kw:Q", title="kW"), color=colour, row=row,
    )  # fmt: skip
    months = alt.Chart(month, height=90, width=300).mark_bar().encode(
        x=alt.X("month:O", title="month"), y=alt.Y("kwh:Q", title="kWh a day", stack=False), color=colour, row=row,
        xOffset="quantity:N",
    )  # fmt: skip
    said = f"A mean day and the months of {', '.join(flock.homes[:MOST])}."
    return themed(alt.hconcat(days, months), said)


def _tables(flock: HomeDays) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mean kW by home, quantity and hour; mean kWh a day by home, quantity and month."""
    days, months = [], []
    calendar = np.array([f"{date:%Y-%m}" for date in flock.dates()])
    for name, values in flock.columns().items():
        for home, own in list(zip(flock.homes, values, strict=True))[:MOST] if name in NAMES else ():
            whole = np.isfinite(own).all(1)
            if not whole.any():
                continue
            said = {"home": home, "quantity": NAMES[name]}
            hour = np.arange(own.shape[1]) * 24 / own.shape[1]
            days += [
                said | {"hour": h, "kw": kw} for h, kw in zip(hour.tolist(), own[whole].mean(0).tolist(), strict=True)
            ]
            for each in np.unique(calendar[whole]):
                months.append(said | {"month": str(each), "kwh": float(24 * own[whole & (calendar == each)].mean())})
    return pl.DataFrame(days), pl.DataFrame(months)
