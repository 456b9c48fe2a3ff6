"""The figures of a study: time to quality with a band over seeds, and growth with the number of homes."""

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from wattflock.core.run_files import read_summary
from wattflock.report.charts import LINES, colour_of, dash_of, decades, menu, named, nothing
from wattflock.report.run_data import floor_of, read_table
from wattflock.report.study_data import ALL, Law
from wattflock.report.theme import HEIGHT, WIDTH, themed
from wattflock.study.quantities import QUANTITIES
from wattflock.study.scaling import PowerLaw

CAPTION = (
    "Validation days. Line: the mean over seeds; band: from the lowest to the highest seed. Seconds of training with "
    "and without compilation, and rounds; a seed that has ended keeps its last mark. A loss beyond the best saving "
    "stands at its size, a share below −100 % there."
)
GROWS = (
    "Mean over seeds. Line: seconds of training, compiled, as a power of the number of homes, least squares of "
    "logarithms; beside it what a home saves, without a fit."
)
COLUMNS = "method seed seconds round violation_pu_h split saving captured"
TITLES = {
    "reward": "reward [1/episode]",
    "captured": "share of the optimum's saving [%]",
    "saving": "saving [{currency} per home and day]",
    "violation": "violation [mpu·h per node and day]",
    "seconds": "training, compilation included [s]",
    "warm": "training, compiled [s]",
    "round": "rounds",
}
LOGARITHMIC = alt.Scale(type="log", nice=False)
LEAST = -100.0  # lowest share of a curve that is drawn [%]
POINTS = 60  # of a band


def marks(done: list[tuple[str, Path]]) -> pl.DataFrame:
    """Validation marks of all runs (row, folder).

    `reward` is null where no limit is shared.
    `saving` [currency per home and day], `captured` [%], `violation` [mpu·h], `excess` [share], `seconds`, and `warm`,
    the same without compilation: rounds before the first mark count with the median time of the others [s].

    Raises:
        RunError: the curves of a run are missing or damaged.
    """
    read = [(row, folder, read_table(folder / "curves.parquet", COLUMNS)) for row, folder in done]
    tables = [
        table.filter(pl.col("split") == "validation").select(
            pl.lit(row).alias("row"),
            pl.lit(folder.name).alias("run"),
            "method",
            "seed",
            "seconds",
            pl.col("round").cast(pl.Float64),
            "saving",
            captured=100 * pl.col("captured"),
            violation=1000 * pl.col("violation_pu_h"),
            reward=pl.col("reward") if "reward" in table.columns else pl.lit(None, pl.Float64),
            excess=_excess(folder, table.columns),
        )
        for row, folder, table in read
    ]
    table, run = pl.concat(tables, how="vertical_relaxed").sort("round", maintain_order=True), ("run", "method", "seed")
    a_round = (pl.col("seconds").diff() / pl.col("round").diff()).median().over(run).fill_null(0)
    first = pl.col("seconds").first().over(run) - pl.col("round").first().over(run) * a_round
    return table.with_columns(warm=pl.col("seconds") - first)


def _excess(folder: Path, columns: list[str]) -> pl.Expr:
    """Violation and overload beside the uncontrolled homes' on the test days, the larger share; null without them.

    Of a limit that these keep, none is 0 and any is endless; null where they keep all.
    """
    idle = read_summary(folder)["methods"].get("idle", {})
    of = {name: idle.get(name) or 0.0 for name in ("violation_pu_h", "overload_share_h") if name in columns}
    shares = [(pl.col(name).fill_null(0) / value).fill_nan(0) for name, value in of.items()]
    return pl.max_horizontal(shares) if any(of.values()) else pl.lit(None, pl.Float64)


def rows(table: pl.DataFrame) -> list[str]:
    """The rows that trained anything."""
    return table["row"].unique(maintain_order=True).to_list()


def band(table: pl.DataFrame, quantity: str, across: str = "seconds") -> pl.DataFrame:
    """`across`, and `mean`, `low` and `high` over the runs of one method, from where all of them have a mark."""
    runs = [run.sort(across) for _, run in table.drop_nulls(quantity).group_by("run", maintain_order=True)]
    if not runs:
        return pl.DataFrame(schema=dict.fromkeys((across, "mean", "low", "high"), pl.Float64))
    first, last = max(run[across][0] for run in runs), max(run[across][-1] for run in runs)
    at = np.geomspace(max(first, 1e-3), max(last, 1e-3), POINTS)
    values = np.stack([np.interp(at, run[across].to_numpy(), run[quantity].to_numpy()) for run in runs])
    return pl.DataFrame({across: at, "mean": values.mean(0), "low": values.min(0), "high": values.max(0)})


def bands(table: pl.DataFrame, quantity: str, across: str = "seconds") -> pl.DataFrame:
    """The bands of every row and method."""
    groups = table.group_by("row", "method", maintain_order=True)
    found = [
        band(one, quantity, across).select(pl.lit(row).alias("row"), pl.lit(method).alias("method"), "*")
        for (row, method), one in groups
    ]
    return pl.concat(found)


def time_to_quality(table: pl.DataFrame, currency: str) -> Any:
    """Saving over seconds and rounds of training, violation if there is any; a menu picks one of several rows.

    Where a limit is shared, the reward stands in place of the saving, which is its share of the optimum's where that is
    known of the days that were watched.
    """
    every = rows(table)
    if not every:
        return nothing("Nothing was trained in these runs.")
    saving = next((name for name in ("reward", "captured") if table[name].count()), "saving")
    shown = [(saving, across) for across in ("seconds", "warm", "round")]
    shown += [("violation", "seconds")] if (table["violation"].fill_null(0) > 0).any() else []
    panels = [_panel(table, currency, quantity, across, len(every) > 1) for quantity, across in shown]
    chart = alt.concat(*panels, columns=2)
    said = f"Reward or saving, and violation, over seconds and rounds of training. First: {every[0]}."
    return themed(chart.add_params(menu("row_shown", "row", every, every[0])) if len(every) > 1 else chart, said)


def _panel(table: pl.DataFrame, currency: str, quantity: str, across: str, chosen: bool) -> Any:
    trained = table["method"].unique(maintain_order=True).to_list()
    found = bands(table, quantity, across)
    more: dict[str, Any] = {"scale": alt.Scale(zero=False)}
    if quantity == "captured":
        found = found.with_columns(pl.col("mean", "low", "high").clip(LEAST))
    if quantity == "saving":
        best = float(found["high"].max() or 0)  # type: ignore[arg-type]
        found = found.with_columns(pl.col("mean", "low", "high").clip(-best if best > 0 else None))
    if quantity == "violation":
        floor = floor_of(table["violation"])
        scale, axis = decades(floor, float(table["violation"].max() or 0))  # type: ignore[arg-type]
        found = found.with_columns(pl.col("mean", "low", "high").clip(floor))
        more = {"scale": scale, "axis": axis}
    shown = alt.Chart(named(found, trained))
    shown = shown.transform_filter("datum.row == row_shown") if chosen else shown
    base = shown.encode(x=_decades_across(across, TITLES[across]), color=colour_of(trained, legend=LINES))
    title = TITLES[quantity].format(currency=currency)
    return alt.layer(
        base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", title=title, **more), y2="high:Q"),
        base.mark_line().encode(
            y=alt.Y("mean:Q", **more),
            strokeDash=dash_of(trained),
            tooltip=["method:N", alt.Tooltip(f"{across}:Q", format=".1f"), alt.Tooltip("mean:Q", format=".3~g")],
        ),
    ).properties(width=WIDTH // 2 - 20, height=HEIGHT - 60)


def growth(found: pl.DataFrame, fitted: dict[Law, PowerLaw], currency: str) -> Any:
    """Seconds of training, compiled, and the saving a month against the number of homes, of the lines of one sweep."""
    found = found.filter((pl.col("judged_on") == ALL) & pl.col("warm_seconds_mean").is_not_null())
    if found.is_empty():
        return nothing("Nothing was trained in these runs.")
    trained, sweep = found["method"].unique(maintain_order=True).to_list(), found["sweep"][0]
    table = named(found, trained)
    counts = sorted(set(found["homes"].to_list()))
    across = alt.X("homes:Q", title="homes", scale=LOGARITHMIC, axis=alt.Axis(values=counts, format="d"))
    base = alt.Chart(table).encode(x=across, color=colour_of(trained, legend=LINES))
    few = alt.Axis(format="~g", tickCount=4, grid=False)
    seconds = alt.Y("seconds:Q", title=TITLES["warm"], scale=alt.Scale(type="log"), axis=few)
    ends = [
        {"method": method, "homes": float(at), "seconds": law.at(at)}
        for (which, method, name), law in fitted.items()
        if (which, name) == (sweep, "warm_seconds")
        for at in (counts[0], counts[-1])
    ]
    schema = {"method": pl.String, "homes": pl.Float64, "seconds": pl.Float64}
    fits = alt.Chart(named(pl.DataFrame(ends, schema=schema), trained)).encode(
        x="homes:Q", y=seconds, color=colour_of(trained, legend=LINES), strokeDash=dash_of(trained)
    )
    points = base.mark_point().encode(y=alt.Y("warm_seconds_mean:Q", title=TITLES["warm"]))
    saving = QUANTITIES["saving_per_home_month"]
    money = f"{saving.label} [{saving.unit_in(currency)}]"
    saved = base.mark_line(point=True).encode(
        y=alt.Y("saving_per_home_month_mean:Q", title=money), strokeDash=dash_of(trained)
    )
    panels = [
        each.properties(width=WIDTH // 2 - 20, height=HEIGHT - 60)
        for each in (alt.layer(fits.mark_line(), points), saved)
    ]
    return themed(alt.hconcat(*panels), f"Seconds of training and saving against the number of homes, {sweep}.")


def _decades_across(name: str, title: str) -> alt.X:
    return alt.X(f"{name}:Q", title=title, scale=LOGARITHMIC, axis=alt.Axis(format="~g", tickCount=5))
