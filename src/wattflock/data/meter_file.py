"""A file of meter readings, a row for each home and step, and one of homes' own tariffs; every problem at once."""

import dataclasses
import datetime
from pathlib import Path

import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest
from wattflock.data.files import table_of
from wattflock.data.numbers import numbers
from wattflock.data.own_columns import need, wrong_rows
from wattflock.data.price_table import PLAUSIBLE
from wattflock.data.stamps import stamps

MOST_TOLD = 10  # problems of one sort
LOAD, SUN = "load_kw", "pv_kw"  # mean powers, as `wattflock generate` writes them
ENERGY, BOTH, PRICES, BID = "net_kwh", ("import_kwh", "export_kwh"), ("import_per_kwh", "export_per_kwh"), "bid_per_kwh"
MOST_KWH = 1e9  # of a home in a step: more is no reading
KWH = f"a number of kWh, at most {MOST_KWH:g} in size"
PRICE = f"a price within ±{PLAUSIBLE:g} in currency per kWh"


@dataclasses.dataclass(frozen=True)
class MeterFile:
    """Energies of all homes at all steps of a file."""

    path: str
    homes: tuple[str, ...]
    first: datetime.datetime  # beginning of the first step
    dt_h: float  # length of a step; 1 where there is only one [h]
    net_kwh: np.ndarray  # (steps, homes)
    import_price_per_kwh: np.ndarray | None  # (steps,) of the grid; None: the file has none
    export_price_per_kwh: np.ndarray | None
    bid_per_kwh: np.ndarray | None  # (steps, homes)


def read_meters(path: Path) -> MeterFile:
    """Readings of a long CSV or Parquet file: time, home, net_kwh (or import_kwh and export_kwh, or load_kw and pv_kw).

    More columns, if there are: import_per_kwh and export_per_kwh, the grid's prices of each step; bid_per_kwh.

    Raises:
        ScenarioError: lists every problem: columns, cells, steps that a home lacks or has twice.
    """
    table = table_of(path)
    energies = _energies(table.columns)
    prices = PRICES if PRICES[0] in table.columns else ()
    need(str(path), table, ("time", "home", *energies, *prices), {ENERGY: f", or {' and '.join(BOTH)}, or {LOAD}"})
    values, problems = _cells(str(path), table, [*energies, *prices, *([BID] if BID in table.columns else [])])
    when, home = values["time"], values["home"]
    problems += wrong_rows(str(path), table, "time", when.is_null(), "a date and time")
    problems += wrong_rows(str(path), table, "home", home.is_null() | (home == ""), "the name of a home")
    if table.is_empty():
        problems.append(Problem(str(path), "rows", 0, "one row or more"))
    known = values.drop_nulls(("time", "home"))
    times = known["time"].unique().sort()
    apart = times.diff().drop_nulls()
    width = apart.min() if len(apart) else datetime.timedelta(hours=1)
    assert isinstance(width, datetime.timedelta)
    problems += [*_gaps(str(path), times, width), *_twice(str(path), known), *_missing(str(path), known, len(times))]
    problems += _several(str(path), known, prices)
    if problems:
        raise ScenarioError(problems)
    dt_h = width / datetime.timedelta(hours=1)
    if energies == BOTH:
        values = values.with_columns((pl.col("import_kwh") - pl.col("export_kwh")).alias(ENERGY))
    elif energies != (ENERGY,):
        drawn = pl.col(LOAD) - (pl.col(SUN) if SUN in energies else 0)
        values = values.with_columns((dt_h * drawn).alias(ENERGY))
    return _on_steps(str(path), values, times, dt_h)


def _energies(columns: list[str]) -> tuple[str, ...]:
    """The columns from which net energy follows; net_kwh where none of them is there."""
    if ENERGY in columns:
        return (ENERGY,)
    if any(name in columns for name in BOTH):
        return BOTH
    return tuple(name for name in (LOAD, SUN) if name in columns) if LOAD in columns else (ENERGY,)


def _cells(path: str, table: pl.DataFrame, names: list[str]) -> tuple[pl.DataFrame, list[Problem]]:
    """The columns as stamps, text and numbers, and every number that is none."""
    when, _, _ = stamps(table["time"])
    columns, problems = [when.alias("time"), table["home"].cast(pl.String).alias("home"), table["row"]], []
    for name in names:
        found, bad = numbers(table[name])
        wrong, allowed = bad | found.is_null() | (found.abs() > MOST_KWH).fill_null(False), KWH
        if name in (*PRICES, BID):
            wrong, allowed = wrong | (found.abs() > PLAUSIBLE).fill_null(False), PRICE
        elif name in BOTH:
            wrong, allowed = wrong | (found < 0).fill_null(False), f"{KWH}, 0 or more"
        problems += wrong_rows(path, table, name, wrong, allowed)
        columns.append(found.alias(name))
    return pl.DataFrame(columns), problems


def _on_steps(path: str, values: pl.DataFrame, times: pl.Series, dt_h: float) -> MeterFile:
    """Rows as arrays (steps, homes), where each home has each step once."""
    homes = values["home"].unique(maintain_order=True).to_list()
    number = pl.DataFrame({"home": homes, "number": np.arange(len(homes))})
    order = values.join(number, on="home").sort("time", "number")

    def of(name: str) -> np.ndarray | None:
        return order[name].to_numpy().reshape(len(times), len(homes)) if name in order.columns else None

    net, bought, sold, bids = (of(name) for name in (ENERGY, *PRICES, BID))
    first = times[0]
    assert net is not None and isinstance(first, datetime.datetime)
    bought, sold = (None if price is None else price[:, 0] for price in (bought, sold))
    return MeterFile(path, tuple(homes), first, dt_h, net, bought, sold, bids)


def _several(path: str, values: pl.DataFrame, prices: tuple[str, ...]) -> list[Problem]:
    """Steps at which homes have different prices of the grid."""
    differ, found = values.group_by("time").agg(*(pl.col(name).n_unique() for name in prices)).sort("time"), []
    for name in prices:
        wrong = differ.filter(pl.col(name) > 1)["time"]
        said = f"one price of the grid at each step; {len(wrong)} steps have several; own tariffs: --tariffs"
        found += [Problem(path, f"{name}, {when}", "(several)", said) for when in wrong[:1]]
    return found


def _gaps(path: str, times: pl.Series, width: datetime.timedelta) -> list[Problem]:
    """Steps at which no home has a row."""
    table = pl.DataFrame({"time": times, "apart": times.diff()}).filter(pl.col("apart") != width)
    return [
        Problem(path, "time", str(when), f"a step every {width}: the one before is {apart} earlier")
        for when, apart in table.iter_rows()
    ][:MOST_TOLD]


def _twice(path: str, values: pl.DataFrame) -> list[Problem]:
    again = values.filter(pl.struct("time", "home").is_duplicated()).group_by("home", maintain_order=True)
    return [
        Problem(f"{path}:{rows['row'][1]}", f"time of home {home}", str(rows["time"][1]), "each step once for a home")
        for (home,), rows in again
    ][:MOST_TOLD]


def _missing(path: str, values: pl.DataFrame, steps: int) -> list[Problem]:
    """Homes that lack steps which others have."""
    there = values.group_by("home", maintain_order=True).agg(pl.col("time").n_unique())
    few = there.filter(pl.col("time") < steps)["home"].to_list()[:MOST_TOLD]
    times, found = values.select(pl.col("time").unique().sort()), []
    for home in few:
        lost = times.join(values.filter(pl.col("home") == home), on="time", how="anti")["time"].sort()
        said = f"a row for each of {steps} steps; {len(lost)} missing, the first at {lost[0]}"
        found.append(Problem(path, f"steps of home {home}", steps - len(lost), said))
    return found


@dataclasses.dataclass(frozen=True)
class OwnTariffs:
    """What each home would pay by itself, (homes,)."""

    import_per_kwh: np.ndarray  # [currency per kWh]
    export_per_kwh: np.ndarray
    standing_per_day: np.ndarray  # [currency per day]

    def bills(self, net_kwh: np.ndarray, days: float) -> np.ndarray:
        """Bills of energies (…, homes) over so many days, (homes,) [currency]."""
        axes = tuple(range(net_kwh.ndim - 1))
        drawn, total = np.maximum(net_kwh, 0).sum(axes), net_kwh.sum(axes)
        return self.import_per_kwh * drawn + self.export_per_kwh * (total - drawn) + self.standing_per_day * days


def read_tariffs(path: Path, homes: tuple[str, ...]) -> OwnTariffs:
    """Own tariffs: home, import_per_kwh, export_per_kwh, and standing_per_day if there is one.

    Raises:
        ScenarioError: lists every problem: a home without a tariff, or with two; a home that nobody knows; no price.
    """
    table, name = table_of(path), str(path)
    need(name, table, ("home", *PRICES))
    table = table.with_columns(pl.col("home").cast(pl.String).fill_null(""))
    known, there = set(homes), table["home"].to_list()
    problems = [Problem(name, "home", home, "a row: this home has no tariff") for home in homes if home not in there]
    for home, row in zip(there, table["row"], strict=True):
        if home not in known:
            problems.append(Problem(f"{name}:{row}", "home", home, f"a home of the readings, {nearest(home, homes)}"))
    twice = table.filter(pl.col("home").is_duplicated())
    problems += wrong_rows(name, twice, "home", twice["home"].is_not_null(), "each home once")
    found = {"standing_per_day": pl.Series([0.0] * table.height)}
    for column in (*PRICES, *(each for each in found if each in table.columns)):
        found[column], bad = numbers(table[column])
        wrong = bad | found[column].is_null() | (found[column].abs() > PLAUSIBLE).fill_null(False)
        problems += wrong_rows(name, table, column, wrong, PRICE)
    if problems:
        raise ScenarioError(problems)
    row = {home: place for place, home in enumerate(there)}
    order = [row[home] for home in homes]
    return OwnTariffs(*(found[each].to_numpy()[order] for each in (*PRICES, "standing_per_day")))


def read_communities(path: Path, homes: tuple[str, ...]) -> tuple[tuple[int, str, float], ...]:
    """Who belongs where: home, community, share of its energy (1 without such a column), as a market's settings.

    Raises:
        ScenarioError: lists every problem: a missing column, no rows, a home that nobody knows, a share that is no
            number, a home twice in a community or with shares of more than all it has.
    """
    table, name = table_of(path), str(path)
    need(name, table, ("home", "community"))
    if "share" not in table.columns:
        table = table.with_columns(share=pl.lit(1.0))
    table = table.with_columns(pl.col("home").cast(pl.String).fill_null(""))
    share, bad = numbers(table["share"])
    number, rows, problems = {home: place for place, home in enumerate(homes)}, [], []
    for home, community, row in zip(
        *(table[each].cast(pl.String) for each in ("home", "community", "row")), strict=True
    ):
        rows.append((number.get(home, -1), community))
        if home not in number:
            problems.append(Problem(f"{name}:{row}", "home", home, f"a home of the readings, {nearest(home, homes)}"))
    problems += wrong_rows(name, table, "share", bad | share.is_null() | ~share.is_between(0, 1), "a share of 0 to 1")
    problems += wrong_rows(name, table, "community", table["community"].is_null(), "the name of a community")
    problems += _shared_twice(name, table.with_columns(share=share))
    if problems:
        raise ScenarioError(problems)
    return tuple((home, community, part) for (home, community), part in zip(rows, share, strict=True) if part > 0)


def _shared_twice(name: str, table: pl.DataFrame) -> list[Problem]:
    """Homes that are in a community twice, or share more than all they have; nobody who shares anything."""
    twice = table.select(pl.struct("home", "community").is_duplicated() & pl.col("community").is_not_null())
    problems = wrong_rows(name, table, "home", twice.to_series(), "each home once in a community")
    sums = table.group_by("home", maintain_order=True).agg(pl.sum("share"))
    for home, total in sums.filter(pl.col("share") > 1 + 1e-9).iter_rows():
        problems.append(Problem(name, f"share of home {home}", round(total, 6), "shares that add up to at most 1"))
    if not (table["share"] > 0).any():
        problems.append(Problem(name, "rows", table.height, "one row or more with a share above 0"))
    return problems
