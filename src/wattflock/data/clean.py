"""Content of files → whole days of homes; short gaps are filled from days that look alike."""

import dataclasses
import datetime
from typing import Any

import numpy as np
import polars as pl

from wattflock.data import sessions as charging_sessions
from wattflock.data.check import CARS, NIGHT_H, OUTPUT_KW_PER_KWP, PEAK_KW, SHORT_GAP
from wattflock.data.finding import KINDS
from wattflock.data.home_days import OWN, HomeDays, to_table
from wattflock.data.raw import COMMON_COLUMNS, Raw
from wattflock.data.sample import resample
from wattflock.data.time_grid import LOGGED, Grid, Log, grid_of, placed

WINDOW_DAYS = 28  # largest distance of a replacing day
BEST = 7  # so many of them vote


def fill(values: np.ndarray, steps: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Fills gaps of at most `longest` steps; longer ones stay.

    Around the same hours of the 28 days before and after, the seven days whose readings just before and after the
    gap come nearest to this gap's are taken. Each gives the height of the gap's hours above its own two neighbours; the
    median of these is added to the neighbours here, and is never below 0 where no reading is. The matching by
    neighbours is that of Charbonnier et al., MethodsX 12 (2024) 102618; they take the value of the best of four days as
    it is.

    Args:
        values: (homes, all steps), NaN where missing.
        steps: of a day.
        longest: gap that is filled [steps].

    Returns:
        The filled values, and booleans of the same shape where they were filled.
    """
    filled, where = values.copy(), np.zeros(values.shape, bool)
    home, start, length = runs(np.isnan(values))
    inside = (start > 0) & (start + length < values.shape[1]) & (length <= longest)
    floor = min(0.0, float(np.nanmin(values))) if np.isfinite(values).any() else 0.0
    for size in np.unique(length[inside]):
        mine = inside & (length == size)
        found = np.maximum(_estimate(values, (home[mine], start[mine], int(size)), steps), floor)
        at = start[mine][:, None] + np.arange(size)[None]
        filled[home[mine][:, None], at] = found
        where[home[mine][:, None], at] = np.isfinite(found)
    return filled, where


def runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stretches of True along axis 1 of (homes, steps): home, first step and length of each."""
    edge = np.zeros((len(mask), 1), np.int8)
    change = np.diff(np.concatenate([edge, mask.astype(np.int8), edge], 1), axis=1)
    home, start = np.nonzero(change == 1)
    return home, start, np.nonzero(change == -1)[1] - start


def _estimate(values: np.ndarray, gaps: tuple[np.ndarray, np.ndarray, int], steps: int) -> np.ndarray:
    """(gaps, size) estimated readings; a straight line where no other day can be used."""
    home, start, size = gaps
    own = _edges(values, home, start, size)
    line = own[:, :1] + (own[:, 1:] - own[:, :1]) * (np.arange(1, size + 1) / (size + 1))[None]
    shifts = steps * np.array([day for day in range(-WINDOW_DAYS, WINDOW_DAYS + 1) if day])
    distance, shape = [], []
    for shift in shifts:
        moved = start + shift
        known = (moved > 0) & (moved + size < values.shape[1])
        moved = np.where(known, moved, 1)
        other = _edges(values, home, moved, size)
        inner = values[home[:, None], moved[:, None] + np.arange(size)[None]]
        far = ((other - own) ** 2).sum(1)
        distance.append(np.where(known & np.isfinite(inner).all(1) & np.isfinite(far), far, np.inf))
        shape.append(inner - other.mean(1, keepdims=True))
    return _vote(np.array(distance), np.array(shape), own.mean(1), line)


def _edges(values: np.ndarray, home: np.ndarray, start: np.ndarray, size: int) -> np.ndarray:
    """(gaps, 2) the readings just before and after."""
    return np.stack([values[home, start - 1], values[home, start + size]], 1)


def _vote(distance: np.ndarray, shape: np.ndarray, level: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Median of the nearest days' shapes (days, gaps, size) plus the level (gaps,)."""
    order = np.argsort(distance, 0, kind="stable")[:BEST]
    picked = np.take_along_axis(shape, order[..., None], 0)
    usable: np.ndarray = np.isfinite(np.take_along_axis(distance, order, 0))
    votes = usable.sum(0) > 0
    picked = np.where(usable[..., None], picked, np.nan)
    median = np.nanmedian(np.where(votes[None, :, None], picked, 0.0), 0)
    return np.where(votes[:, None], level[:, None] + median, line)


TINY_KW = 0.01  # a negative reading so small is noise of the meter
OUTPUT_SHARE = 0.85  # peak output of a panel in practice, of its size
STILL_SHARE = 20 / 24  # of a day's readings that must be there to call a meter stuck
FILLED = ("load_kw", "pv_kw", "heat_kw")
SHORT_COMMON_H = 3  # weather and prices are bridged so far


@dataclasses.dataclass(frozen=True)
class Cleaned:
    """Whole local days; what could not be repaired is NaN for the whole day of that home."""

    flock: HomeDays
    common: dict[str, np.ndarray]  # column → (days, steps), NaN where nothing is known
    repairs: pl.DataFrame  # home, time, column, what, before, after

    def counts(self) -> dict[str, int]:
        """How often each kind of repair was made."""
        return dict(self.repairs.group_by("what").len().sort("what").iter_rows())

    def at(self, step_min: int) -> "Cleaned":
        """The same in steps of so many minutes (5, 15, 30, 60): a power is held or averaged, energy is kept."""
        own: dict[str, Any] = {
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
    flock = HomeDays(grid.homes, grid.first, outdoor_c=common.get("outdoor_c"), kwp=kwp, **arrays)
    return Cleaned(flock, common, log.table(grid))


def _without_homes(raw: Raw) -> Cleaned:
    log = Log()
    if raw.sessions is not None and not raw.sessions.is_empty():
        return _of_sessions(raw.sessions)
    assert raw.common is not None
    grid = grid_of(raw, raw.common.with_columns(home=pl.lit("all")))
    return Cleaned(HomeDays((), grid.first), _common(raw, grid, log), log.table(grid))


def _of_sessions(table: pl.DataFrame) -> Cleaned:
    """Hourly days of cars; sessions that were left out or joined are in the log."""
    sessions, left_out = charging_sessions.clean(table)
    words = {code: f"{kind.words}: {kind.repair}" for code, kind in KINDS.items() if code.startswith("session-")}
    told = left_out.select(
        home="user",
        time="plug_in",
        column=pl.lit("energy_kwh"),
        what=pl.col("code").replace_strict(words, return_dtype=pl.String),
        before="energy_kwh",
        after=pl.lit(None, pl.Float64),
    )
    return Cleaned(charging_sessions.home_days_of_sessions(sessions), {}, told.select(list(LOGGED)))


def _split(own: dict[str, np.ndarray], grid: Grid, log: Log) -> None:
    """Net load split: what is drawn is load, what is fed in is pv (energy used at once was not metered)."""
    net = own["load_kw"]
    if "pv_kw" not in own:
        own["pv_kw"] = np.where(np.isnan(net), np.nan, np.maximum(-net, 0.0))
    below = net < 0
    own["load_kw"] = np.where(below, 0.0, net)
    log.add("net metering split", "load_kw", below, net, own["load_kw"])


def _sizes(raw: Raw, own: dict[str, np.ndarray], grid: Grid) -> np.ndarray | None:
    """(homes,) size of each panel [kW peak]; from its peak output where it is not given; None without panels."""
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
    """In place: a day with a constant meter becomes a gap."""
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
