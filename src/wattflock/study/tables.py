"""Judged days → long tables with units in the names of their columns (docs/report.md)."""

import datetime

import numpy as np
import polars as pl

from wattflock.core.types import Profile
from wattflock.feeder.circuit import first_of
from wattflock.study.build import Built
from wattflock.study.evaluate import Judged


def steps_table(method: str, judged: Judged, profile: Profile, dates: list[str]) -> pl.DataFrame:
    """One row per day and step: power, voltages and prices of the feeder."""
    days, steps = judged.net_kw.shape
    voltage, excess = judged.voltage_pu, judged.excess["voltage"]
    low, middle, high = np.percentile(voltage, (5, 50, 95), axis=-1)
    beyond = excess > 0
    over = beyond & (voltage > 1)
    columns = {
        "hour": profile.hour,
        "net_kw": judged.net_kw,
        "voltage_min_pu": voltage.min(-1),
        "voltage_p05_pu": low,
        "voltage_median_pu": middle,
        "voltage_p95_pu": high,
        "voltage_max_pu": voltage.max(-1),
        "violation_pu_h": excess.mean(-1) * np.asarray(profile.dt_h, float),
        "over_share": over.mean(-1),
        "under_share": (beyond & ~over).mean(-1),
        "import_price_per_kwh": judged.import_price_per_kwh,
        "export_price_per_kwh": judged.export_price_per_kwh,
        "outdoor_c": profile.outdoor_c,
        "converged": judged.converged,
    }
    return pl.DataFrame(
        {
            "method": [method] * (days * steps),
            "day": np.repeat(np.arange(days), steps),
            "date": np.repeat(dates, steps),
            "step": np.tile(np.arange(steps), days),
        }
        | {name: np.asarray(values).reshape(-1) for name, values in columns.items()}
    )


def homes_table(method: str, judged: Judged, built: Built) -> pl.DataFrame:
    """One row per day and home: bill, energy and discomfort of each home."""
    days, homes = judged.cost.shape
    columns = ("cost", "bill", "import_kwh", "export_kwh", "discomfort_c_h", "carbon_kg")
    return pl.DataFrame(
        {
            "method": [method] * (days * homes),
            "day": np.repeat(np.arange(days), homes),
            "home": np.tile(np.arange(homes), days),
            "kind": list(built.kinds) * days,
            "terminal": list(built.terminals) * days,
        }
        | {name: getattr(judged, name).reshape(-1) for name in columns}
    )


def nodes_table(method: str, judged: Judged, profile: Profile, nodes: tuple[str, ...]) -> pl.DataFrame:
    """One row per judged voltage, under bus and number of its first node: extremes and violation over all days."""
    hours = np.asarray(profile.dt_h, float)[..., None]
    return pl.DataFrame(
        {
            "method": [method] * len(nodes),
            "node": list(nodes),
            "bus": [first_of(node)[0] for node in nodes],
            "phase": [first_of(node)[1] for node in nodes],
            "voltage_min_pu": judged.voltage_pu.min((0, 1)),
            "voltage_max_pu": judged.voltage_pu.max((0, 1)),
            "violation_pu_h": (judged.excess["voltage"] * hours).sum((0, 1)) / len(hours),
            "violated_share": (judged.excess["voltage"] > 0).mean((0, 1)),
        }
    )


def days_table(method: str, judged: Judged, profile: Profile, dates: list[str]) -> pl.DataFrame:
    """One row per day: the input of `summarise`."""
    hours = np.asarray(profile.dt_h, float)
    return pl.DataFrame(
        {
            "method": [method] * len(dates),
            "day": np.arange(len(dates)),
            "date": dates,
            "month": [int(date[5:7]) for date in dates],
            "cost_per_home": judged.cost.mean(1),
            "import_kwh_per_home": judged.import_kwh.mean(1),
            "export_kwh_per_home": judged.export_kwh.mean(1),
            "discomfort_c_h_per_home": judged.discomfort_c_h.mean(1),
            "carbon_kg_per_home": judged.carbon_kg.mean(1),
            "peak_kw": judged.net_kw.max(1),
            "reverse_peak_kw": np.maximum(-judged.net_kw.min(1), 0),
            "violation_pu_h": (judged.excess["voltage"] * hours[..., None]).sum(1).mean(1),
            "violated_share": (judged.excess["voltage"] > 0).mean((1, 2)),
            "worst_pu": judged.excess["voltage"].max((1, 2)),
            "converged": judged.converged.all(1),
        }
    )


def examples_table(method: str, judged: Judged, built: Built, few: np.ndarray, shown: dict[int, str]) -> pl.DataFrame:
    """Long form: a few homes on the days `shown` (number → date), every device's power and level at every step."""
    picked = list(shown)
    return pl.concat(
        [
            _series(method, built, few, (name, values[picked]), list(shown.items()))
            for name, values in ({"net": _net(judged.shown)} | judged.shown).items()
        ]
    )


def _net(shown: dict[str, np.ndarray]) -> np.ndarray:
    return np.sum([values for name, values in shown.items() if not name.endswith(" level")], axis=0)


def _series(method: str, built: Built, few: np.ndarray, named, days: list) -> pl.DataFrame:
    name, values = named
    count, steps, homes = values.shape
    device, _, level = name.partition(" ")
    series, unit = (*built.world.fleet.devices[device].level, name, "kW")[:2] if level else (name, "kW")
    size = count * steps * homes
    each = np.array([built.kinds[home] for home in few])
    table = pl.DataFrame(
        {
            "method": [method] * size,
            "home": np.tile(few, count * steps),
            "kind": np.tile(each, count * steps),
            "day": np.repeat([day for day, _ in days], steps * homes),
            "date": np.repeat([date for _, date in days], steps * homes),
            "step": np.tile(np.repeat(np.arange(steps), homes), count),
            "hour": np.tile(np.repeat(np.arange(steps) * 24 / steps, homes), count),
            "series": [series] * size,
            "unit": [unit] * size,
            "value": values.reshape(-1).astype(float),
        }
    )
    owns = pl.lit(device in ("load", "net")) | pl.col("kind").str.split("+").list.contains(device)
    return table.filter(owns)


def dates_of(first: datetime.date, calendar: np.ndarray) -> list[str]:
    """ISO dates of days counted from the first of the readings."""
    return [(first + datetime.timedelta(days=int(day))).isoformat() for day in calendar]
