"""The worst day of the uncontrolled homes, step by step: what a map over the day is drawn from (docs/report.md)."""

import numpy as np
import polars as pl

from wattflock.study.build import Built
from wattflock.study.evaluate import Judged

DECIMALS = {"kW": 3, "pu": 5, "1": 4}  # that are kept; of levels two
SCHEMA = dict.fromkeys(("of", "name", "series", "unit"), pl.String) | {"values": pl.List(pl.Float32)}
Rows = tuple[str, str, str, list[str], np.ndarray]  # of, series, unit, names, values (names, steps)


def worst_day_table(method: str, judged: Judged, built: Built, dates: list[str]) -> pl.DataFrame:
    """One row per thing and series, all steps of the day in `values`.

    Things are nodes, branches, homes, all homes together, and a limit that chargers share with what each was granted.
    `net` of a home is what its meter shows, that of all homes what they draw from the feeder. The other series in kW
    are load and devices, which add up to it; those of all homes count each as often as it stands on the feeder.
    """
    day = judged.of_all.day
    found = [*_wires(judged, built, day), *_homes(judged, built), *_together(judged, built, day), *_shared(judged)]
    table = pl.concat([_rows(each) for each in found])
    when = pl.lit(method).alias("method"), pl.lit(day, pl.Int64).alias("day"), pl.lit(dates[day]).alias("date")
    return table.select(*when, "*")


def _wires(judged: Judged, built: Built, day: int) -> list[Rows]:
    rows = built.world.judged
    voltage = ("node", "voltage", "pu", list(rows.get("voltage", ())), judged.voltage_pu[day].T)
    loading = ("branch", "loading", "1", list(rows.get("loading", ())), judged.loading[day].T)
    return [each for each in (voltage, loading) if each[3]]


def _homes(judged: Judged, built: Built) -> list[Rows]:
    """Power of each device and its level, of the homes that have it."""
    found = []
    for name, values in ({"net": judged.of_all.net_kw} | judged.of_all.series).items():
        series, unit, owners = _named(name, built)
        found.append(("home", series, unit, [str(home) for home in owners], values.T[owners]))
    return found


def _named(name: str, built: Built) -> tuple[str, str, list[int]]:
    """Series and unit of what `Home.dissect` calls so, and the homes that have it."""
    device, _, level = name.partition(" ")
    called, unit = built.world.fleet.devices[device].level if level else ("", "kW")  # type: ignore[misc]
    owning = {kind for kind, devices in built.devices.items() if device in ("load", "net", *devices)}
    return f"{device} {called}".strip(), unit, [home for home, kind in enumerate(built.kinds) if kind in owning]


def _together(judged: Judged, built: Built, day: int) -> list[Rows]:
    """Powers of all homes, each as often as it stands on the feeder."""
    times = np.asarray(built.world.placement, float).sum(-1)
    powers = {name: each @ times for name, each in judged.of_all.series.items() if " " not in name}
    powers = {"net": judged.net_kw[day]} | {name: each for name, each in powers.items() if _named(name, built)[2]}
    return [("all", name, "kW", ["homes"], each[None]) for name, each in powers.items()]


def _shared(judged: Judged) -> list[Rows]:
    """The limit of all chargers together, and what of it each home was granted; nothing where none is shared."""
    granted, limit = judged.of_all.granted_kw, judged.of_all.limit_kw
    if not limit.size:
        return []
    homes = [str(home) for home in range(granted.shape[1])]
    return [("limit", "limit", "kW", ["chargers"], limit[None]), ("granted", "granted", "kW", homes, granted.T)]


def _rows(found: Rows) -> pl.DataFrame:
    of, series, unit, names, values = found
    rounded = np.round(values.astype(float), DECIMALS.get(unit, 2)).astype(np.float32)
    columns = {"of": of, "name": pl.Series(names, dtype=pl.String), "series": series, "unit": unit}
    return pl.DataFrame(columns | {"values": pl.Series(list(rounded), dtype=pl.List(pl.Float32))}, schema=SCHEMA)
