"""What pictures and page both draw: envelopes, buses, days and bounds, taken from the tables of a run."""

import math
from typing import Any

import numpy as np
import polars as pl

from wattflock.report.folder import Run
from wattflock.report.words import before

DRAWS = 2000  # of the bootstrap over days
PER_DAY = "mpu·h per node and day"  # the unit of violations in all pictures


def limits_pu(summary: dict[str, Any]) -> tuple[float, float]:
    """The band that voltages must keep [pu]."""
    feeder = summary.get("scenario", {}).get("feeder", {})
    return feeder.get("low_pu", 0.95), feeder.get("high_pu", 1.05)


def methods_in(run: Run, table: pl.DataFrame) -> list[str]:
    """The methods of the summary that have rows in a table, in the order of the summary."""
    present = set(table["method"].unique())
    return [method for method in run.summary["methods"] if method in present]


def bound_cost(run: Run) -> float | None:
    """The optimum's mean cost per home and day, for all test days.

    A bound is made for some days only, and days differ; so the saving it makes on those days is taken from
    the uncontrolled cost of all days. Without daily figures it is the summary's own number.
    """
    idle = run.days.filter(pl.col("method") == before(run.summary))
    best = idle.drop_nulls("optimum_cost_per_home")
    if best.height:
        saving = (best["cost_per_home"] - best["optimum_cost_per_home"]).to_numpy().mean()
        return float(idle["cost_per_home"].to_numpy().mean() - saving)
    return run.summary["methods"].get("bound", {}).get("cost_per_home_day")


def violation_interval(run: Run, method: str) -> tuple[float, float] | None:
    """The 95 % interval of the mean violation [mpu·h per node and day]: bootstrap over the test days."""
    values = run.days.filter(pl.col("method") == method)["violation_pu_h"].drop_nulls().to_numpy()
    if len(values) < 2:
        return None
    draws = np.random.default_rng(0).choice(values, (DRAWS, len(values))).mean(axis=1)
    low, high = np.quantile(1000 * draws, (0.025, 0.975))
    return float(low), float(high)


def points(run: Run) -> list[dict[str, Any]]:
    """Each method's place in the cost-violation plane, cheapest first; the bound is a line, not a point."""
    found = []
    for name, row in run.summary["methods"].items():
        cost, violation = row.get("cost_per_home_day"), row.get("violation_pu_h")
        if name == "bound" or cost is None or violation is None:
            continue
        low, high = row.get("cost_low"), row.get("cost_high")
        interval = None if low is None or high is None else (low, high)
        place = {"method": name, "cost": cost, "violation": 1000 * violation, "cost_interval": interval}
        found.append(place | {"violation_interval": violation_interval(run, name)})
    return sorted(found, key=lambda place: place["cost"])


def envelope(run: Run, method: str) -> pl.DataFrame:
    """Voltages [pu] over the day: extremes of all days, and the 5, 50 and 95 % nodes of a mean day."""
    table = run.steps.filter(pl.col("method") == method).group_by("hour").agg(
        pl.col("voltage_min_pu").min().alias("lowest"),
        pl.col("voltage_p05_pu").mean().alias("low"),
        pl.col("voltage_median_pu").mean().alias("middle"),
        pl.col("voltage_p95_pu").mean().alias("high"),
        pl.col("voltage_max_pu").max().alias("highest"),
    )  # fmt: skip
    table = table.sort("hour")
    return pl.concat([table, table.tail(1).with_columns(hour=pl.lit(24.0))])  # a step is drawn to its end


def buses(run: Run, method: str) -> pl.DataFrame:
    """Each bus on the map with its worst phase: violation [mpu·h a day], lowest and highest voltage [pu]."""
    places = {"bus": [str(bus) for bus in run.chart["bus"]], "x": run.chart["x"], "y": run.chart["y"]}
    chart = pl.DataFrame(places, schema={"bus": pl.String, "x": pl.Float64, "y": pl.Float64}, strict=False)
    found = run.nodes.filter(pl.col("method") == method).group_by(pl.col("bus").cast(pl.String)).agg(
        (1000 * pl.col("violation_pu_h").max()).alias("violation"),
        pl.col("voltage_min_pu").min().alias("lowest"),
        pl.col("voltage_max_pu").max().alias("highest"),
        pl.col("phase").cast(pl.String).sort().str.join("").alias("phases"),
    )  # fmt: skip
    return chart.join(found, on="bus", how="left", maintain_order="left")


def wires(run: Run) -> tuple[list[float | None], list[float | None]]:
    """The edges of the map as one broken line: x and y with a None after every edge."""
    columns = zip(run.chart["bus"], run.chart["x"], run.chart["y"], strict=True)
    place = {str(bus): (x, y) for bus, x, y in columns}
    x: list[float | None] = []
    y: list[float | None] = []
    for start, end in run.chart["edges"]:
        if str(start) in place and str(end) in place:
            x += [place[str(start)][0], place[str(end)][0], None]
            y += [place[str(start)][1], place[str(end)][1], None]
    return x, y


def calendar(run: Run) -> tuple[dict[int, float], dict[float, str]]:
    """Where each test day stands on an axis that leaves out the other days, and at most a dozen labels.

    Days that follow each other are one apart; a gap, however long, is two.
    """
    table = run.days.unique("day").sort("day")
    dates = table["date"].cast(pl.String).str.to_date(strict=False)
    numbers = table["day"].cast(pl.String).to_list()
    dated = len(dates) > 0 and not dates.null_count()
    names = dates.dt.strftime("%-d %b").to_list() if dated else numbers
    count = (dates - dates.min()).dt.total_days().to_list() if dated else table["day"].to_list()
    places: dict[int, float] = {}
    starts: dict[float, str] = {}
    place, last = 0.0, None
    for day, number, name in zip(table["day"].to_list(), count, names, strict=True):
        follows = last is not None and number == last + 1
        place += 1.0 if follows else 2.0
        places[day], last = place, number
        if not follows:
            starts[place] = name
    return places, dict(list(starts.items())[:: math.ceil(len(starts) / 12) or 1])


def over_the_year(run: Run, method: str) -> pl.DataFrame:
    """Each test day of a method: its `date` and violation [mpu·h per node], in order."""
    table = run.days.filter(pl.col("method") == method).sort("day")
    return table.select("day", pl.col("date").cast(pl.String), violation=1000 * pl.col("violation_pu_h"))


def floor_of(values: list[float | None]) -> float:
    """The lowest decade of a logarithmic axis, at most five below the highest; zero is drawn on it."""
    positive = [value for value in values if value is not None and value > 0]
    if not positive:
        return 1e-3
    top = math.floor(math.log10(max(positive)))
    below = len(positive) < len([value for value in values if value is not None])
    return 10.0 ** max(math.floor(math.log10(min(positive))) - below, top - 4)


def home_days(run: Run) -> list[dict[str, Any]]:
    """The example days that can be shown: home, kind, day, date and the methods that have it."""
    if run.examples.is_empty():
        return []
    keys = ["home", "kind", "day", "date"]
    table = run.examples.group_by(keys, maintain_order=True).agg(pl.col("method").unique(maintain_order=True))
    return table.to_dicts()


def home_day(run: Run, chosen: dict[str, Any], method: str) -> pl.DataFrame:
    """The series of one home on one day under one method."""
    same = pl.col("home") == chosen["home"], pl.col("day") == chosen["day"], pl.col("method") == method
    return run.examples.filter(*same).sort("step", maintain_order=True)


def prices(run: Run, day: int) -> list[tuple[float, float, float]]:
    """Import price of a day as blocks: from [h], to [h], price [currency per kWh]."""
    table = run.steps.filter(pl.col("day") == day).unique("step").sort("step")
    blocks: list[tuple[float, float, float]] = []
    hours = [*table["hour"].to_list(), 24.0]
    for start, end, price in zip(hours, hours[1:], table["import_price_per_kwh"].to_list(), strict=False):
        if price is None:
            continue
        if blocks and blocks[-1][2] == price and blocks[-1][1] == start:
            blocks[-1] = (blocks[-1][0], end, price)
        else:
            blocks.append((start, end, price))
    return blocks


def who_gains(run: Run, method: str) -> list[dict[str, Any]]:
    """For each kind of home: how many, cost per day uncontrolled and controlled, share that pays less."""
    mean = run.homes.group_by("home", "kind", "method").agg(pl.col("cost").mean())
    mine = mean.filter(pl.col("method") == method).drop("method")
    idle = mean.filter(pl.col("method") == before(run.summary)).select("home", idle=pl.col("cost"))
    table = mine.join(idle, on="home").group_by("kind").agg(
        pl.len().alias("homes"),
        pl.col("idle").mean(),
        pl.col("cost").mean(),
        (pl.col("cost") < pl.col("idle")).mean().alias("gain"),
    )  # fmt: skip
    return table.sort("homes", "kind", descending=[True, False]).to_dicts()
