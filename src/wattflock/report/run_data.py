"""A run folder, read once: its tables, and the frames that figures and tables are drawn from."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from wattflock.core import run_files
from wattflock.core.errors import RunError
from wattflock.core.files import read_json
from wattflock.core.run_files import read_summary
from wattflock.study.summary import DAYS_A_YEAR, gain, paired_mean

COLUMNS = {
    "steps": "method day date step hour voltage_min_pu voltage_p05_pu voltage_median_pu voltage_p95_pu "
    "voltage_max_pu import_price_per_kwh converged loading_max",
    "homes": "method day home kind cost carbon_kg",
    "nodes": "method node bus phase voltage_min_pu voltage_max_pu violation_pu_h",
    "branches": "method branch loading_max overload_share_h",
    "days": "method day date cost_per_home import_kwh_per_home export_kwh_per_home discomfort_c_h_per_home "
    "carbon_kg_per_home peak_kw reverse_peak_kw violation_pu_h violated_share worst_pu optimum_cost_per_home",
    "examples": "method home kind day date step hour series unit value",
    "curves": "method seed seconds objective cost violation_pu_h split saving",
}
LATER = {"worst_day": "method day date of name series unit values"}  # tables that runs of older versions lack
NULL = pl.selectors.float().fill_nan(None)  # numbers that are none
IDLE = "idle"  # the uncontrolled homes: what every study holds its methods against
LIMIT = 0.01  # of the uncontrolled violation: what a method may leave and still count as safe


@dataclasses.dataclass(frozen=True)
class RunData:
    """All that a run folder says; the tables are described in docs/report.md."""

    summary: dict[str, Any]
    chart: dict[str, Any]
    steps: pl.DataFrame
    homes: pl.DataFrame
    nodes: pl.DataFrame
    branches: pl.DataFrame
    days: pl.DataFrame
    examples: pl.DataFrame
    curves: pl.DataFrame
    worst_day: pl.DataFrame = dataclasses.field(default_factory=pl.DataFrame)  # empty in a run of an older version

    @property
    def methods(self) -> dict[str, dict[str, Any]]:
        """Figures of every method, of all days that it was judged on."""
        return self.summary["methods"]

    @property
    def currency(self) -> str:
        """What money is counted in."""
        return str(self.summary.get("currency", ""))

    @property
    def shared(self) -> dict[str, dict[str, Any]]:
        """Figures of every method on the days with an optimum; empty where those are all days, or none."""
        return self.summary.get("on_bound_days", {})


def read(folder: Path) -> RunData:
    """Everything in a run folder.

    Raises:
        RunError: names the file that is missing, damaged or lacks a column.
    """
    summary, chart = read_summary(folder), _table_of_names(folder / "chart.json")
    if missing := {"bus", "x", "y", "edges"} - chart.keys():
        raise RunError(f"{folder / 'chart.json'}: lacks {', '.join(sorted(missing))}")
    there = {name: needs for name, needs in LATER.items() if run_files.lists(folder, f"{name}.parquet")}
    tables = {name: read_table(folder / f"{name}.parquet", needs) for name, needs in (COLUMNS | there).items()}
    return RunData(summary, chart, **tables)


def given(summary: dict[str, Any], chart: dict[str, Any], tables: Mapping[str, pl.DataFrame]) -> RunData:
    """The same from what is in memory; numbers that are none become null."""
    there = [*COLUMNS, *(name for name in LATER if name in tables)]
    return RunData(summary, chart, **{name: tables[name].with_columns(NULL) for name in there})


def unjudged(summary: dict[str, Any], curves: pl.DataFrame | None = None) -> RunData:
    """A run of which only the summary is known, and at most its learning so far; its other tables have no rows."""
    tables = {name: pl.DataFrame(schema=needs.split()) for name, needs in COLUMNS.items()}
    return RunData(summary, {}, **tables | ({} if curves is None else {"curves": curves.with_columns(NULL)}))


def read_table(path: Path, needs: str) -> pl.DataFrame:
    """A table of a run; numbers that are none are null.

    Raises:
        RunError: it is missing, damaged or lacks a column.
    """
    table = run_files.read_table(path.parent, path.stem)
    if missing := [name for name in needs.split() if name not in table.columns]:
        raise RunError(f"{path}: lacks the columns {', '.join(missing)}")
    return table.with_columns(NULL)


def best(summary: dict[str, Any]) -> str:
    """The method that the report is about: the cheapest of those that leave at most `LIMIT` of the violation.

    Asked of every policy: what was planned day by day with a look ahead has no rounds, and the uncontrolled case is
    what all are held against. If none is within the limit, the one that leaves the least; if nothing is
    known, the first.
    """
    methods = summary["methods"]
    judged = [name for name, row in methods.items() if name != IDLE and row.get("rounds") is not None]
    return min(judged or list(methods), key=lambda name: _rank(methods[name]))


def _rank(row: dict[str, Any]) -> tuple[float, float]:
    cost, left = row.get("cost_per_home_day"), row.get("violation_of_idle")
    if left is None:  # nothing was violated when nobody decided, or nothing is known
        left = math.inf if row.get("violation_pu_h") else 0.0
    return (0.0 if left <= LIMIT else left), math.inf if cost is None else cost


def before(summary: dict[str, Any]) -> str:
    """The method that others are held against: the uncontrolled homes, or else the first."""
    return IDLE if IDLE in summary["methods"] else next(iter(summary["methods"]))


def methods_in(run: RunData, table: pl.DataFrame) -> list[str]:
    """The methods of the summary that have rows in a table, in the order of the summary."""
    present = set(table["method"].unique())
    return [method for method in run.methods if method in present]


def limits_pu(summary: dict[str, Any]) -> tuple[float, float]:
    """The band that voltages must keep [pu]."""
    feeder = summary.get("scenario", {}).get("feeder", {})
    drop = feeder.get("service_drop_pu", 0.0)
    return feeder.get("low_pu", 0.95) + drop, feeder.get("high_pu", 1.05) - drop


def loading_limit(summary: dict[str, Any]) -> float:
    """The most that branches may be loaded [% of their rating]."""
    return 100 * float(summary.get("scenario", {}).get("feeder", {}).get("loading", 1.0))


def violates(run: RunData) -> bool:
    """Whether any voltage was outside its band, under any method."""
    return any((run.days[column] > 0).any() for column in ("worst_pu", "violation_pu_h"))


def tradeoff(run: RunData) -> pl.DataFrame:
    """Cost and violation of every method, on all days and on those with an optimum: a row for each, with intervals.

    The interval of a cost is that of its paired difference from the uncontrolled cost; a violation's is that of its
    mean over days (Student's t), and no violation is below 0. Violations in mpu·h per node and day.
    """
    every = run.days["day"].n_unique()
    found = [
        _place(name, row, run.days) | {"days": _days(row.get("days") or every) + ", all"}
        for name, row in run.methods.items()
        if (row.get("days") or every) == every
    ]
    some = run.days.filter(pl.col("optimum_cost_per_home").is_not_null())
    found += [
        _place(name, row, some) | {"days": _days(row["days"]) + " with perfect foresight"}
        for name, row in run.shared.items()
    ]
    schema = {"method": pl.String, "days": pl.String} | dict.fromkeys(
        ("cost", "cost_low", "cost_high", "violation", "violation_low", "violation_high"), pl.Float64
    )
    return pl.DataFrame(found, schema=schema).drop_nulls(["cost", "violation"])


def _days(count: int) -> str:
    return f"{count} day" + ("" if count == 1 else "s")


def _place(method: str, row: dict[str, Any], days: pl.DataFrame) -> dict[str, Any]:
    cost, half = row.get("cost_per_home_day"), row.get("saving_half_width") or 0.0
    amount = row.get("violation_pu_h")
    found = {"method": method, "cost": cost, "violation": None if amount is None else 1000 * amount}
    if cost is not None:
        found |= {"cost_low": cost - half, "cost_high": cost + half}
    values = days.filter(pl.col("method") == method)["violation_pu_h"].drop_nulls().to_numpy()
    mean, spread = paired_mean(1000 * values)
    if mean is not None and spread is not None:
        found |= {"violation_low": max(mean - spread, 0.0), "violation_high": mean + spread}
    return found


def on_all_days(run: RunData, table: pl.DataFrame) -> list[str]:
    """The methods in a table with days whose rows are of as many days as any method's: their means can be compared."""
    days = table.group_by("method").agg(pl.col("day").n_unique())
    most = set(days.filter(pl.col("day") == pl.col("day").max())["method"])
    return [method for method in run.methods if method in most]


def envelope(run: RunData) -> pl.DataFrame:
    """Voltages [pu] of every method over the day: extremes of all days, and the 5, 50 and 95 % nodes of a mean day.

    A row for each step with its `hour` and `end` [h].
    """
    table = run.steps.group_by("method", "hour", maintain_order=True).agg(
        pl.col("voltage_min_pu").min().alias("lowest"),
        pl.col("voltage_p05_pu").mean().alias("low"),
        pl.col("voltage_median_pu").mean().alias("middle"),
        pl.col("voltage_p95_pu").mean().alias("high"),
        pl.col("voltage_max_pu").max().alias("highest"),
    )
    return table.sort("method", "hour").with_columns(end=pl.col("hour").shift(-1).over("method").fill_null(24.0))


def loadings(run: RunData) -> pl.DataFrame:
    """Most current over rating of any branch on any day [%], for every method: a row for each step with its `hour`."""
    known = run.steps.drop_nulls("loading_max").group_by("method", "hour", maintain_order=True)
    return known.agg((100 * pl.col("loading_max")).max().alias("loading")).sort("method", "hour")


def loaded(run: RunData) -> pl.DataFrame:
    """Each branch with a rating under each method, by its worst phase: `loading` [%], and where it is on the map.

    `x`, `y` is one end, `x2`, `y2` the other; `kind` is line, transformer, …
    """
    spans = [tuple(map(str, each)) for each in run.chart.get("branches", [])]
    ends = pl.DataFrame(spans, schema=dict.fromkeys(("branch", "bus", "other"), pl.String), orient="row")
    far = places(run).rename({"bus": "other", "x": "x2", "y": "y2"})
    table = run.branches.join(ends, on="branch").join(places(run), on="bus").join(far, on="other")
    worst = table.sort("loading_max").group_by("method", "bus", "other", maintain_order=True).last()
    return worst.with_columns(loading=100 * pl.col("loading_max"), kind=pl.col("branch").str.split(".").list.first())


def buses(run: RunData) -> pl.DataFrame:
    """Each bus on the map under each method, by its worst phase: violation [mpu·h a day] and voltages [pu]."""
    found = run.nodes.group_by("method", pl.col("bus").cast(pl.String), maintain_order=True).agg(
        (1000 * pl.col("violation_pu_h").max()).alias("violation"),
        pl.col("voltage_min_pu").min().alias("lowest"),
        pl.col("voltage_max_pu").max().alias("highest"),
        pl.col("phase").cast(pl.String).sort().str.join("").alias("phases"),
    )
    return places(run).join(found, on="bus", how="inner", maintain_order="left_right")


def places(run: RunData) -> pl.DataFrame:
    """Where the buses stand on the map."""
    columns = {"bus": [str(bus) for bus in run.chart["bus"]], "x": run.chart["x"], "y": run.chart["y"]}
    schema = {"bus": pl.String, "x": pl.Float64, "y": pl.Float64}
    return pl.DataFrame(columns, schema=schema, strict=False).drop_nulls()


def wires(run: RunData) -> pl.DataFrame:
    """The edges of the map, a row for each: `x`, `y`, `x2`, `y2`."""
    edges = [(str(start), str(end)) for start, end in run.chart["edges"]]
    table = pl.DataFrame(edges, schema={"start": pl.String, "bus": pl.String}, orient="row")
    ends = table.join(places(run), on="bus").rename({"x": "x2", "y": "y2"}).drop("bus")
    return ends.join(places(run), left_on="start", right_on="bus").drop("start")


def calendar(run: RunData) -> tuple[pl.DataFrame, dict[float, str]]:
    """Violation of each test day [mpu·h per node] with its `place` on an axis that leaves out the other days.

    Days that follow each other are one apart; a gap, however long, is two. Also at most a dozen labels of that axis.
    """
    table = run.days.select("day", pl.col("date").cast(pl.String)).unique("day").sort("day")
    dates = table["date"].str.to_date(strict=False)
    dated = len(dates) > 0 and not dates.null_count()
    number = dates.dt.epoch("d") if dated else table["day"]
    names = dates.dt.strftime("%-d %b") if dated else table["day"].cast(pl.String)
    step = number.diff().fill_null(2).clip(1, 2)
    table = table.with_columns(place=step.cum_sum().cast(pl.Float64), name=names)
    starts = table.filter(step == 2).select("place", "name").rows()
    shown = run.days.select("method", "day", violation=1000 * pl.col("violation_pu_h")).drop_nulls()
    return shown.join(table, on="day").sort("method", "day"), dict(starts[:: math.ceil(len(starts) / 12) or 1])


def floor_of(values: pl.Series) -> float:
    """The lowest decade of a logarithmic axis, at most five below the highest; zero is drawn on it."""
    known = values.drop_nulls()
    positive = known.filter(known > 0)
    if positive.is_empty():
        return 1e-3
    least, most = (math.floor(math.log10(value)) for value in (positive.min(), positive.max()))  # type: ignore[arg-type]
    return 10.0 ** max(least - (len(positive) < len(known)), most - 4)


def home_days(run: RunData) -> pl.DataFrame:
    """The series of the example homes, a row for each step: `choice` names the home and day.

    `start` and `end` are those of the step [h]. A state is what is left after a step, so it stands at `end`; a power is
    the mean of the step. Powers are stacked from `low` to `high` [kW]: above zero is drawn, below is given.
    """
    table = run.examples.sort("home", "day", "method", "series", "step", maintain_order=True)
    key = ["home", "day", "method", "series"]
    dt_h = 24 / pl.len().over(key)
    table = table.with_columns(
        pl.col("series").str.replace_all("_", " "),
        pl.format("home {}, {}, {}", "home", pl.col("kind").cast(pl.String).str.replace_all("_", " "), "date").alias(
            "choice"
        ),
        start=pl.col("hour"),
        end=pl.col("hour") + dt_h,
    )
    stacked = (pl.col("unit") == "kW") & (pl.col("series") != "net")
    above = pl.when(stacked).then(pl.col("value")).otherwise(0.0)
    at = ["home", "day", "method", "step"]
    up, down = above.clip(lower_bound=0), above.clip(upper_bound=0)
    top, bottom = up.cum_sum().over(at), down.cum_sum().over(at)
    positive = pl.col("value") >= 0
    return table.with_columns(
        low=pl.when(positive).then(top - up).otherwise(bottom),
        high=pl.when(positive).then(top).otherwise(bottom - down),
    ).select("choice", "home", "kind", "day", "method", "series", "unit", "start", "end", "value", "low", "high")


def prices(run: RunData) -> pl.DataFrame:
    """Import price of the days with example homes, a row for each step: `choice`, `start`, `end` [h] and `price`."""
    choices = home_days(run).select("choice", "day").unique(maintain_order=True)
    table = (
        run.steps.unique(["day", "step"], maintain_order=True).sort("day", "step").drop_nulls("import_price_per_kwh")
    )
    table = table.select(
        "day", start="hour", end=pl.col("hour").shift(-1).over("day").fill_null(24.0), price="import_price_per_kwh"
    )
    return choices.join(table, on="day")


def savings(run: RunData, method: str) -> pl.DataFrame:
    """A row for each home: its kind, its cost a day `before` and with a method, and its `saving` [currency/year].

    Both are of the days on which the method was judged.
    """
    judged = run.homes.filter(pl.col("method") == method)["day"].unique()
    days = run.homes.filter(pl.col("day").is_in(judged.implode()))
    mean = days.group_by("home", "kind", "method", maintain_order=True).agg(pl.col("cost").mean())
    mine = mean.filter(pl.col("method") == method).drop("method")
    idle = mean.filter(pl.col("method") == before(run.summary)).select("home", before=pl.col("cost"))
    table = mine.join(idle, on="home", maintain_order="left")
    return table.with_columns(saving=DAYS_A_YEAR * gain(pl.col("cost"), pl.col("before")))


def gains(run: RunData, method: str) -> pl.DataFrame:
    """For each kind of home: how many, cost a day before and after, how many pay more, and CO₂ [kg/day] gained."""
    table = savings(run, method)
    carbon = run.homes.group_by("kind", "method").agg(pl.col("carbon_kg").mean())
    now = carbon.filter(pl.col("method") == method).drop("method").rename({"carbon_kg": "co2"})
    then = carbon.filter(pl.col("method") == before(run.summary)).select("kind", co2_before="carbon_kg")
    found = table.group_by("kind").agg(
        pl.len().alias("homes"),
        pl.col("before").mean(),
        pl.col("cost").mean(),
        pl.col("saving").mean(),
        pl.col("saving").min().alias("worst"),
        (pl.col("saving") < 0).sum().alias("pay_more"),
    )
    joined = found.join(now, on="kind", how="left").join(then, on="kind", how="left")
    return joined.with_columns(co2_change=pl.col("co2") - pl.col("co2_before")).sort(
        "homes", "kind", descending=[True, False]
    )


def _table_of_names(path: Path) -> dict[str, Any]:
    found = read_json(path)
    if not isinstance(found, dict):
        raise RunError(f"{path}: is not a table of names and values")
    return _without_nan(found)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
