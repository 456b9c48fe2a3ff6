"""Judged days → long tables with units in the names of their columns (docs/report.md)."""

import datetime
from collections.abc import Callable

import numpy as np
import polars as pl

from wattflock.core.types import Profile
from wattflock.feeder.circuit import first_of
from wattflock.study.build import Built
from wattflock.study.evaluate import Judged
from wattflock.world.world import MEASURED

COLUMNS_OF = {  # of a limit: how long, how often, the worst; then those of single steps
    "voltage": (*MEASURED["voltage"], "worst_pu", "voltage_min_pu", "voltage_p05_pu", "voltage_median_pu",
                "voltage_p95_pu", "voltage_max_pu", "over_share", "under_share"),
    "loading": (*MEASURED["loading"], "worst_loading", "loading_max"),
    "unbalance": (*MEASURED["unbalance"], "worst_unbalance", "unbalance_max"),
}  # fmt: skip


def steps_table(method: str, judged: Judged, profile: Profile, dates: list[str]) -> pl.DataFrame:
    """One row per day and step: power, voltages and prices of the feeder."""
    days, steps = judged.net_kw.shape
    voltage, excess = judged.voltage_pu, judged.excess.get("voltage", judged.voltage_pu)
    low, middle, high = (_of_rows(voltage, np.percentile, share) for share in (5, 50, 95))
    beyond = excess > 0
    over = beyond & (voltage > 1)
    columns = {
        "hour": profile.hour,
        "net_kw": judged.net_kw,
        "voltage_min_pu": _of_rows(voltage, np.min),
        "voltage_p05_pu": low,
        "voltage_median_pu": middle,
        "voltage_p95_pu": high,
        "voltage_max_pu": _of_rows(voltage, np.max),
        "violation_pu_h": _of_rows(excess, np.mean) * np.asarray(profile.dt_h, float),
        "over_share": _of_rows(over, np.mean),
        "under_share": _of_rows(beyond & ~over, np.mean),
        "import_price_per_kwh": judged.import_price_per_kwh,
        "export_price_per_kwh": judged.export_price_per_kwh,
        "outdoor_c": profile.outdoor_c,
        "converged": judged.converged,
        "loading_max": _of_rows(judged.loading, np.max),
        "unbalance_max": _of_rows(judged.unbalance, np.max),
    }
    table = pl.DataFrame(
        {
            "method": [method] * (days * steps),
            "day": np.repeat(np.arange(days), steps),
            "date": np.repeat(dates, steps),
            "step": np.tile(np.arange(steps), days),
        }
        | {name: np.asarray(values).reshape(-1) for name, values in columns.items()}
    )
    return table.with_columns(_unknown(table, judged))


def _of_rows(values: np.ndarray, how: Callable, *more: float) -> np.ndarray:
    """`how` over the last axis; nan where it is empty."""
    return how(values, *more, axis=-1) if values.shape[-1] else np.full(values.shape[:-1], np.nan)


def _unknown(table: pl.DataFrame, judged: Judged) -> list[pl.Expr]:
    """Null for the columns of limits that are not judged."""
    names = {name for limit, columns in COLUMNS_OF.items() if limit not in judged.excess for name in columns}
    return [pl.lit(None, pl.Float64).alias(name) for name in table.columns if name in names]


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
    """One row per judged voltage, under bus and number of its first node: extremes, violation; none without wires."""
    hours = np.asarray(profile.dt_h, float)[..., None]
    excess = judged.excess.get("voltage", judged.voltage_pu)
    return pl.DataFrame(
        {
            "method": pl.Series([method] * len(nodes), dtype=pl.String),
            "node": pl.Series(nodes, dtype=pl.String),
            "bus": pl.Series([first_of(node)[0] for node in nodes], dtype=pl.String),
            "phase": pl.Series([first_of(node)[1] for node in nodes], dtype=pl.Int64),
            "voltage_min_pu": judged.voltage_pu.min((0, 1)),
            "voltage_max_pu": judged.voltage_pu.max((0, 1)),
            "violation_pu_h": (excess * hours).sum((0, 1)) / len(hours),
            "violated_share": (excess > 0).mean((0, 1)),
        }
    )


def branches_table(method: str, judged: Judged, profile: Profile, branches: tuple[str, ...]) -> pl.DataFrame:
    """One row per branch with a rating (line.l1.1): its most current over rating and its overload over all days."""
    hours = np.asarray(profile.dt_h, float)[..., None]
    excess = judged.excess.get("loading", judged.loading)
    return pl.DataFrame(
        {
            "method": pl.Series([method] * len(branches), dtype=pl.String),
            "branch": pl.Series(branches, dtype=pl.String),
            "loading_max": judged.loading.max((0, 1)),
            "overload_share_h": (excess * hours).sum((0, 1)) / len(hours),
            "overloaded_share": (excess > 0).mean((0, 1)),
        }
    )


def days_table(method: str, judged: Judged, profile: Profile, dates: list[str]) -> pl.DataFrame:
    """One row per day: the input of `summarise`."""
    table = pl.DataFrame(
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
            "converged": judged.converged.all(1),
        }
        | {f"{part}_cost_per_home": each for part, each in judged.parts.items()}
        | judged.charging
        | _limits_of_days(judged, np.asarray(profile.dt_h, float))
    )
    return table.with_columns(_unknown(table, judged))


def _limits_of_days(judged: Judged, hours: np.ndarray) -> dict[str, np.ndarray]:
    """How long, how often and how far each limit is exceeded on each day; nan where it is not judged."""
    found = dict.fromkeys((name for names in COLUMNS_OF.values() for name in names[:3]), np.full(len(hours), np.nan))
    for limit, excess in judged.excess.items():
        how_long, how_often, worst = COLUMNS_OF[limit][:3]
        most = {"loading": judged.loading, "unbalance": judged.unbalance}.get(limit, excess)
        found[how_long] = (excess * hours[..., None]).sum(1).mean(1)
        found[how_often] = (excess > 0).mean((1, 2))
        found[worst] = most.max((1, 2))
    return found


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
    series, unit = level_of(built, device) if level else (name, "kW")
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
    owners = [kind for kind, devices in built.devices.items() if device in ("load", "net", *devices)]
    return table.filter(pl.col("kind").is_in(owners))


def level_of(built: Built, device: str) -> tuple[str, str]:
    """What figures call the level of a device, and its unit; with the device's name where two have the same level."""
    levels = {name: each.level for name, each in built.world.fleet.devices.items() if each.level}
    called, unit = levels[device]
    alike = sum(each[0] == called for each in levels.values())
    return (called if alike == 1 else f"{device} {called}"), unit


def dates_of(first: datetime.date, calendar: np.ndarray) -> list[str]:
    """ISO dates of days counted from the first of the readings."""
    return [(first + datetime.timedelta(days=int(day))).isoformat() for day in calendar]
