"""A plan as tables: a row for each step, and long rows of powers and levels for pictures."""

from datetime import timedelta

import numpy as np
import polars as pl

from wattflock.assistant.plan.home import DT_H, Home
from wattflock.assistant.plan.schedule import Plan


def steps(found: Plan) -> pl.DataFrame:
    """A row for each half hour: begin, prices, weather, power of each device, net power, levels at its end."""
    home, planned = found.home, found.planned
    columns = {
        "begins": _moments(home),
        "import_price_per_kwh": home.bought_per_kwh,
        "export_price_per_kwh": home.sold_per_kwh,
        "outdoor_c": home.outdoor_c,
        "load_kw": home.load_kw,
        **{f"{_column(name)}_kw": power_kw for name, power_kw in planned.power_kw.items()},
        "net_kw": planned.net_kw,
        "usual_net_kw": found.usual.net_kw,
        **levels(found),
    }
    return pl.DataFrame(columns).with_columns(pl.selectors.float().round(4))


def levels(found: Plan) -> dict[str, np.ndarray]:
    """What is in store at the end of each step, by name and unit; the car's while it is plugged in, else NaN."""
    home, shown, wanted = found.home, {}, found.home.parameters
    for name, level in found.planned.level.items():
        if name == "ev":
            percent = 100 * level / wanted.cars_kwh
            shown["ev_soc_pct"] = np.where(home.plugged > 0, percent, np.nan)
        elif name == "battery":
            shown["battery_soc_pct"] = 100 * level / wanted.home_battery_kwh
        else:
            shown["indoor_c"] = level
    return shown


def powers(found: Plan) -> pl.DataFrame:
    """Rows for a picture: series, begins, ends, kw, and the edges `low` and `high` of the bars, stacked from zero."""
    home, begins = found.home, _moments(found.home)
    above, below, rows = np.zeros(home.steps), np.zeros(home.steps), []
    for name, power_kw in {"load": home.load_kw, **found.planned.power_kw}.items():
        up, down = np.maximum(power_kw, 0), np.minimum(power_kw, 0)
        low = np.where(power_kw >= 0, above, below + down)
        rows.append(_rows(name, begins, power_kw).with_columns(low=low, high=low + abs(power_kw)))
        above, below = above + up, below + down
    return pl.concat(rows).filter(pl.col("kw") != 0)


def nets(found: Plan) -> pl.DataFrame:
    """Rows for a picture: net power of the planned and of the usual home."""
    courses = {"planned": found.planned, "without a plan": found.usual}
    return pl.concat([_rows(name, _moments(found.home), each.net_kw) for name, each in courses.items()])


def _rows(series: str, begins: list, power_kw: np.ndarray) -> pl.DataFrame:
    length = timedelta(hours=DT_H)
    ends = [moment + length for moment in begins]
    return pl.DataFrame({"series": series, "begins": begins, "ends": ends, "kw": power_kw})


def _moments(home: Home) -> list:
    return [home.first + timedelta(hours=DT_H * step) for step in range(home.steps)]


def _column(name: str) -> str:
    return name.replace(" ", "_")
