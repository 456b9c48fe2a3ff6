"""What files say → whole days on the clock of the homes, with a log of every repair."""

import dataclasses
import datetime

import numpy as np
import polars as pl

from wattflock.data.check import CARS, NIGHT_H, OUTPUT_KW_PER_KWP, PEAK_KW
from wattflock.data.check_time import SHORT_GAP
from wattflock.data.finding import KINDS
from wattflock.data.gaps import fill
from wattflock.data.place import LOGGED, Grid, Log, grid_of, placed
from wattflock.data.raw import COMMON_COLUMNS, Raw
from wattflock.data.sample import resample
from wattflock.synth import trips
from wattflock.synth.flock import OWN, Flock, to_table

TINY_KW = 0.01  # a negative reading so small is noise of the meter
OUTPUT_SHARE = 0.85  # peak output of a panel in practice, of its size
STILL_SHARE = 20 / 24  # of a day's readings that must be there to call a meter stuck
FILLED = ("load_kw", "pv_kw", "heat_kw")
SHORT_COMMON_H = 3  # weather and prices are bridged so far


@dataclasses.dataclass(frozen=True)
class Cleaned:
    """Whole local days; what could not be mended is NaN for the whole day of that home."""

    flock: Flock
    common: dict[str, np.ndarray]  # column → (days, steps), NaN where nothing is known
    repairs: pl.DataFrame  # home, time, column, what, before, after

    def counts(self) -> dict[str, int]:
        """How often each kind of repair was made."""
        return dict(self.repairs.group_by("what").len().sort("what").iter_rows())

    def at(self, step_min: int) -> "Cleaned":
        """The same in steps of so many minutes (5, 15, 30, 60): a power is held or averaged, energy is kept."""
        own = {
            name: _resampled(values, step_min, name.endswith("_kwh")) for name, values in self.flock.columns().items()
        }
        common = {name: resample(values, step_min / 60) for name, values in self.common.items()}
        flock = dataclasses.replace(self.flock, outdoor_c=common.get("outdoor_c"), **own)
        return dataclasses.replace(self, flock=flock, common=common)

    def table(self) -> pl.DataFrame:
        """Long form (home, time, a column each); days left out are left out."""
        whole = to_table(self.flock, self.common)
        there = pl.any_horizontal([pl.col(name).is_not_nan() for name in self.flock.columns()])
        return whole.filter(there)


def clean(raw: Raw) -> Cleaned:
    """Units, clock changes, outliers, net metering, gaps; every repair is in the log."""
    if raw.homes is None or raw.homes.is_empty():
        return _without_homes(raw)
    grid, rows, log = grid_of(raw, raw.homes), raw.homes, Log()
    columns = [name for name in OWN if name in rows.columns]
    own = placed(rows, columns, grid, log)
    if raw.net == "split" and "load_kw" in own:
        _split(own, grid, log)
    kwp = _sizes(raw, own, grid)
    if "load_kw" in own:
        _bound(own["load_kw"], np.full(len(grid.homes), PEAK_KW), ("load_kw", "above 60 kW"), log)
    if "pv_kw" in own and kwp is not None:
        _bound(own["pv_kw"], OUTPUT_KW_PER_KWP * kwp, ("pv_kw", "above 1.2 kW per kW peak"), log)
        _darken(own["pv_kw"], grid, log)
    for column in set(CARS) & set(own):
        _bound(own[column], np.full(len(grid.homes), np.inf), (column, ""), log)
    longest = SHORT_GAP // grid.step
    for column in FILLED:
        if column in own:
            _still(own[column], grid, column, log)
            own[column], where = fill(own[column], grid.steps, longest)
            log.add("gap filled", column, where, np.full(where.shape, np.nan), own[column])
    arrays = {name: _whole_days(values, grid, name, log) for name, values in own.items()}
    common = _common(raw, grid, log)
    flock = Flock(grid.homes, grid.first, outdoor_c=common.get("outdoor_c"), kwp=kwp, **arrays)
    return Cleaned(flock, common, log.table(grid))


def _without_homes(raw: Raw) -> Cleaned:
    log = Log()
    if raw.sessions is not None and not raw.sessions.is_empty():
        return _of_sessions(raw.sessions)
    assert raw.common is not None
    grid = grid_of(raw, raw.common.with_columns(home=pl.lit("all")))
    return Cleaned(Flock((), grid.first), _common(raw, grid, log), log.table(grid))


def _of_sessions(table: pl.DataFrame) -> Cleaned:
    """Hourly days of cars; sessions that were left out or joined are in the log."""
    sessions, left_out = trips.clean(table)
    words = {code: f"{kind.words}: {kind.repair}" for code, kind in KINDS.items() if code.startswith("session-")}
    told = left_out.select(
        home="user",
        time="plug_in",
        column=pl.lit("energy_kwh"),
        what=pl.col("code").replace_strict(words, return_dtype=pl.String),
        before="energy_kwh",
        after=pl.lit(None, pl.Float64),
    )
    return Cleaned(trips.flock_of_sessions(sessions), {}, told.select(list(LOGGED)))


def _split(own: dict[str, np.ndarray], grid: Grid, log: Log) -> None:
    """Net load parted: what is drawn is load, what is fed in is pv (what is used at once was never metered)."""
    net = own["load_kw"]
    if "pv_kw" not in own:
        own["pv_kw"] = np.where(np.isnan(net), np.nan, np.maximum(-net, 0.0))
    below = net < 0
    own["load_kw"] = np.where(below, 0.0, net)
    log.add("net metering split", "load_kw", below, net, own["load_kw"])


def _sizes(raw: Raw, own: dict[str, np.ndarray], grid: Grid) -> np.ndarray | None:
    """(homes,) size of each panel [kW peak]; from its peak output where it is not told; None without panels."""
    if "pv_kw" not in own:
        return None
    output = np.where(np.isnan(own["pv_kw"]), 0.0, own["pv_kw"])
    peak = np.quantile(output, 0.999, axis=1) / OUTPUT_SHARE
    return np.array([raw.kwp.get(home, peak[k]) for k, home in enumerate(grid.homes)])


def _bound(values: np.ndarray, most_kw: np.ndarray, said: tuple[str, str], log: Log) -> None:
    """In place: impossible readings become gaps, negative noise becomes 0."""
    column, words = said
    for mask, what, instead in (
        (values > most_kw[:, None], words, np.nan),
        ((values < 0) & (values >= -TINY_KW), "noise below zero", 0.0),
        (values < -TINY_KW, "below zero", np.nan),
    ):
        before = values.copy()
        values[mask] = instead
        log.add(what, column, mask, before, values)


def _darken(values: np.ndarray, grid: Grid, log: Log) -> None:
    """In place: no sun before 3 in the morning."""
    hour = np.arange(values.shape[1]) % grid.steps * 24 / grid.steps
    mask = (values != 0) & np.isfinite(values) & (hour < NIGHT_H)[None]
    before = values.copy()
    values[mask] = 0.0
    log.add("sun at night", "pv_kw", mask, before, values)


def _still(values: np.ndarray, grid: Grid, column: str, log: Log) -> None:
    """In place: a day on which the meter did not move is no reading."""
    days = values.reshape(len(values), -1, grid.steps)
    known: np.ndarray = np.isfinite(days)
    low = np.where(known, days, np.inf).min(2)
    high = np.where(known, days, -np.inf).max(2)
    stuck = (low == high) & (low != 0) & (known.mean(2) >= STILL_SHARE)
    days[stuck] = np.nan
    log.days("meter stuck: day left out", column, stuck, grid.steps)


def _whole_days(values: np.ndarray, grid: Grid, column: str, log: Log) -> np.ndarray:
    """(homes, days, steps) float32; a day that still lacks a reading is left out as a whole."""
    days = values.reshape(len(values), -1, grid.steps)
    lacking = np.isnan(days.sum(2))
    inside = np.cumsum(~lacking, 1) * np.cumsum(~lacking[:, ::-1], 1)[:, ::-1] > 0
    some = lacking & ((np.isfinite(days).sum(2) > 0) | inside)
    log.days("day left out", column, some, grid.steps)
    return np.where(lacking[:, :, None], np.nan, days).astype(np.float32)


def _common(raw: Raw, grid: Grid, log: Log) -> dict[str, np.ndarray]:
    """Weather, prices and carbon on the days and steps of the homes; short gaps are bridged."""
    if raw.common is None or raw.common.is_empty():
        return {}
    table = raw.common.with_columns(home=pl.lit("all"))
    own = dataclasses.replace(grid_of(raw, table), homes=("all",), first=grid.first, days=grid.days)
    columns = [name for name in COMMON_COLUMNS if name in table.columns]
    found = {}
    for name, values in placed(table, columns, own, Log()).items():
        bridged = _bridge(values[0], SHORT_COMMON_H * own.steps // 24)
        found[name] = resample(bridged.reshape(own.days, own.steps), grid.step / datetime.timedelta(hours=1))
        log.shared(name, int((np.isnan(values[0]) & np.isfinite(bridged)).sum()))
    return found


def _bridge(values: np.ndarray, longest: int) -> np.ndarray:
    """A straight line across gaps of at most `longest` steps."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return values
    place = np.arange(len(values))
    after = np.searchsorted(known, place)
    width = known[np.minimum(after, len(known) - 1)] - known[np.maximum(after - 1, 0)]
    near = (width - 1 <= longest) & (after > 0) & (after < len(known))
    return np.where(np.isnan(values) & near, np.interp(place, known, values[known]), values)


def _resampled(values: np.ndarray, step_min: int, energy: bool) -> np.ndarray:
    homes, days, steps = values.shape
    finer = resample(values.reshape(homes * days, steps), step_min / 60)
    share = step_min * steps / 1440 if energy else 1.0
    return (finer * share).reshape(homes, days, -1)
