"""Finished cells → one table: before and after each method, which limit is the tightest, and what the feeder takes."""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from wattflock.core.run_files import read_summary, read_table
from wattflock.core.scenario import Scenario
from wattflock.study.build import limits_of
from wattflock.study.whatif.cells import Asked, Cell
from wattflock.study.whatif.left import CAP_KW
from wattflock.study.whatif.shares import Shares

LEFT = "hosting"  # name of the table of `hosting_left`, which marks a cell as finished
CHARGER_KW = 7.4  # of one more car: 32 A on one phase
NO_SOLUTION = "no power flow solution"
OF_SUMMARY = (
    "violation_pu_h", "violated_share", "worst_loading", "overload_share_h", "overloaded_share", "worst_unbalance",
    "unbalanced_share", "peak_kw", "cost_per_home_day", "saving_per_home_day", "comfort_violation_c_h", "rounds",
    "rounds_asked",
)  # fmt: skip
OF_FLOW = ("lowest_pu", "highest_pu", *OF_SUMMARY[:7], "more_kw", "least_more_kw", "more_cars")
SMALLEST = ("lowest_pu", "least_more_kw")  # of these the worst seed is the one with the smallest number,
LARGEST = ("highest_pu", "worst_loading", "worst_unbalance")  # of these the one with the largest
RANGED = ("lowest_pu", "highest_pu", "worst_loading", "worst_unbalance", "use_share", "cost_per_home_day")


@dataclasses.dataclass(frozen=True)
class Ended:
    """A cell whose run is finished, and the run's folder."""

    cell: Cell
    folder: Path


@dataclasses.dataclass(frozen=True, eq=False)
class Swept:
    """A finished sweep: what was asked, its cells, and their table."""

    asked: Asked
    ended: tuple[Ended, ...]
    table: pl.DataFrame  # as `cells_table` gives it
    failed: tuple[str, ...] = ()  # cells without a result, and why

    @property
    def sweeps(self) -> tuple[str, ...]:
        """Names of what is swept."""
        return tuple(self.asked.sweeps)

    @property
    def methods(self) -> tuple[str, ...]:
        """All methods, the uncontrolled homes first."""
        return self.asked.compared

    @property
    def fingerprint(self) -> str:
        """A hash of the runs that it is made of, and of what is asked of them."""
        asked = f"{self.asked.reliability} {self.asked.growth} {self.asked.discount}"
        return hashlib.sha256(" ".join([*(each.folder.name for each in self.ended), asked]).encode()).hexdigest()[:8]

    @functools.cached_property
    def summary(self) -> dict:
        """Of one run: days, data, currency, versions are those of all."""
        return read_summary(self.ended[0].folder)

    @functools.cached_property
    def cells(self) -> pl.DataFrame:
        """A row for each cell and method, over the seeds."""
        return over_seeds(self.table, self.sweeps)

    @functools.cached_property
    def taken(self) -> pl.DataFrame:
        """What the feeder takes of each sweep, beside each combination of the others."""
        each = [taken(self.table, sweep, self.asked) for sweep in self.sweeps]
        both, heads = pl.concat(each, how="diagonal"), ("sweep", *self.sweeps)
        return both.select(*(name for name in heads if name in both.columns), pl.exclude(heads))


def cells_table(ended: Sequence[Ended], reliability: float = 1.0) -> pl.DataFrame:
    """A row for each cell, seed and method.

    Columns: a share for each sweep; seed, method, run; lowest_pu and highest_pu, figures of `quantities`; more_kw and
    least_more_kw (median and least over places, each alone), more_kw_capped and least_more_kw_capped (whether it may be
    more, for nothing above `CAP_KW` is looked for), more_cars (places that take one more charger of `CHARGER_KW`),
    places; unsolved_share of the steps; kept_days_share, of days that keep every limit in all steps; use_share (1: the
    tightest limit is reached) of the worst day but for those that `reliability` forgives, limit (which) and kept. What
    a flow without solution would say is null; such a day keeps no limit.

    Raises:
        RunError: a file of a run is missing or damaged.
    """
    return pl.DataFrame([row for each in ended for row in _rows(each, reliability)], infer_schema_length=None)


def _rows(ended: Ended, reliability: float) -> list[dict]:
    summary = read_summary(ended.folder)
    tables = [read_table(ended.folder, name) for name in ("nodes", "steps", LEFT)]
    return [
        {**ended.cell.shares, "seed": ended.cell.seed, "method": name, "run": ended.folder.name}
        | _figures(figures, *(table.filter(pl.col("method") == name) for table in tables))
        | used(ended.cell.scenario, tables[1].filter(pl.col("method") == name), reliability)
        for name, figures in summary["methods"].items()
    ]


def _figures(summary: dict, nodes: pl.DataFrame, steps: pl.DataFrame, left: pl.DataFrame) -> dict:
    """The figures of a method in a cell but for its limits; those of the flow are null where a step has no solution."""
    voltage_pu, more = (nodes["voltage_min_pu"].min(), nodes["voltage_max_pu"].max()), left["more_kw"]
    found = {
        "lowest_pu": voltage_pu[0],
        "highest_pu": voltage_pu[1],
        **{name: summary.get(name) for name in OF_SUMMARY},
        "more_kw": more.median(),
        "more_kw_capped": _capped(more.quantile(0.5, "higher")),
        "least_more_kw": more.min(),
        "least_more_kw_capped": _capped(more.min()),
        "more_cars": int((more >= CHARGER_KW).sum()) if len(more) else None,
        "places": len(more),
        "unsolved_share": float((~steps["converged"]).mean()),  # type: ignore[arg-type]
    }
    return found if steps["converged"].all() else found | dict.fromkeys(OF_FLOW)


def used(scenario: Scenario, steps: pl.DataFrame, reliability: float) -> dict:
    """How much of the tightest limit is used on the worst day but for those that are forgiven, and whether it is kept.

    Args:
        scenario: whose limits.
        steps: of a method, with `day`, `converged`, `voltage_min_pu`, `voltage_max_pu`, `loading_max`, `unbalance_max`.
        reliability: least share of the days that keep every limit in all steps; of 14 days and 0.9 one is forgiven.

    Returns:
        kept_days_share, use_share, limit, kept.
    """
    days = [_day(scenario, steps.filter(pl.col("day") == day)) for day in steps["day"].unique().sort()]
    days.sort(key=lambda each: each[0])
    use, limit = days[math.ceil(reliability * len(days) - 1e-9) - 1]
    return {
        "kept_days_share": sum(each <= 1 for each, _ in days) / len(days),
        "use_share": use if math.isfinite(use) else None,
        "limit": limit,
        "kept": use <= 1,
    }


def _day(scenario: Scenario, steps: pl.DataFrame) -> tuple[float, str]:
    """Use of the tightest limit on a day, and which it is; infinite where a step has no solution."""
    if not steps["converged"].all():
        return math.inf, NO_SOLUTION
    worst = {name: steps[name].max() for name in ("loading_max", "unbalance_max")}
    each = uses(scenario, (steps["voltage_min_pu"].min(), steps["voltage_max_pu"].max()), *worst.values())  # type: ignore[arg-type]
    return max((use, name) for name, use in each.items())


def _capped(more_kw: Any) -> bool:
    return more_kw is not None and more_kw >= CAP_KW


def uses(
    scenario: Scenario, voltage_pu: tuple, worst_loading: float | None, worst_unbalance: float | None
) -> dict[str, float]:
    """How much of each limit that is judged is used [share]: 0 at nominal voltage, no current or no unbalance, 1 at it.

    Args:
        scenario: whose limits.
        voltage_pu: the lowest and the highest [pu].
        worst_loading: most current over rating [share]; None: not judged.
        worst_unbalance: negative over positive sequence [share]; None: not judged.
    """
    limits, (lowest, highest) = limits_of(scenario.feeder), voltage_pu
    found = {
        "low voltage": (1 - lowest) / max(1 - limits.low_pu, 1e-9),
        "high voltage": (highest - 1) / max(limits.high_pu - 1, 1e-9),
    }
    if worst_loading is not None and limits.loading:
        found["loading"] = worst_loading / limits.loading
    if worst_unbalance is not None and limits.unbalance:
        found["unbalance"] = worst_unbalance / limits.unbalance
    return found


def over_seeds(table: pl.DataFrame, sweeps: Sequence[str]) -> pl.DataFrame:
    """A row for each cell and method: the worst seed of `SMALLEST` and `LARGEST`, means over the seeds of all others.

    Beside them `kept_seeds` of `seeds`, and least and most of `RANGED`. `limit` is the one that most seeds break, else
    the tightest of most; a step without a solution goes before both. A number is null where a seed has none.
    """
    limit, broken = pl.col("limit"), ~pl.col("kept")
    usual = (
        pl.when(broken.any()).then(limit.filter(broken).mode().sort().first()).otherwise(limit.mode().sort().first())
    )
    numbers = [name for name, kind in table.schema.items() if kind.is_numeric() and name not in (*sweeps, "seed")]
    return table.group_by(*sweeps, "method", maintain_order=True).agg(
        pl.len().alias("seeds"),
        pl.col("kept").sum().alias("kept_seeds"),
        (pl.col("unsolved_share") == 0).sum().alias("solved_seeds"),
        pl.when((limit == NO_SOLUTION).any()).then(pl.lit(NO_SOLUTION)).otherwise(usual).alias("limit"),
        *(pl.when(pl.col(name).null_count() == 0).then(_of_seeds(name)).alias(name) for name in numbers),
        pl.col("more_kw_capped").any(),
        pl.col("least_more_kw_capped").all(),
        *(pl.col(name).min().alias(f"{name}_least") for name in RANGED),
        *(pl.col(name).max().alias(f"{name}_most") for name in RANGED),
    )


def _of_seeds(name: str) -> pl.Expr:
    each = pl.col(name)
    return each.min() if name in SMALLEST else each.max() if name in LARGEST else each.mean()


def every_cell(table: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """`table` with a row for every cell, method and seed that was asked for; one without a result is not kept."""
    keys = (*asked.sweeps, "method", "seed")
    whole = [
        (*shares.values(), method, seed)
        for seed in range(asked.seeds) for shares in asked.combinations for method in asked.compared
    ]  # fmt: skip
    found = pl.DataFrame(whole, schema=[(name, table.schema[name]) for name in keys], orient="row")
    return found.join(table, on=keys, how="left").with_columns(pl.col("kept").fill_null(False))


def taken(table: pl.DataFrame, sweep: str, asked: Asked) -> pl.DataFrame:
    """The largest share of a sweep up to which every limit is kept, beside each combination of the others.

    Args:
        table: as `cells_table` gives it; a cell that is not in it counts as broken.
        sweep: which share grows.
        asked: the sweep.

    Returns:
        A row for each combination of the others, and method: seeds; least and most over seeds of the share, and of
        the homes that own it; none_seeds, in which not even the smallest is kept, and whole_seeds, in which all are.
        A share counts where all smaller ones are kept too; least is null where there are none_seeds.
    """
    others = asked.beside(sweep)
    keys = [*others, "method", "seed"]
    upto = (
        every_cell(table, asked)
        .sort(*others, sweep, maintain_order=True)
        .with_columns(so_far=pl.col("kept").cum_min().over(keys))
        .group_by(*keys, maintain_order=True)
        .agg(share=pl.col(sweep).filter(pl.col("so_far")).max(), whole=pl.col("so_far").all())
    )
    least = pl.when(pl.col("share").null_count() == 0).then(pl.col("share").min())
    own, each = (lambda share: (share * asked.homes + 0.5).floor().cast(pl.Int64)), asked.homes_per_agent
    homes = {f"{name}_homes": own(pl.col(name)) * each for name in ("least", "most")}
    return (
        upto.group_by(*others, "method", maintain_order=True)
        .agg(
            seeds=pl.len(),
            least=least,
            most=pl.col("share").max(),
            none_seeds=pl.col("share").null_count(),
            whole_seeds=pl.col("whole").sum(),
        )
        .with_columns(sweep=pl.lit(sweep), **homes)
    )


def first_broken(table: pl.DataFrame, sweeps: Sequence[str]) -> Shares | None:
    """The cell with the smallest shares, summed, in which some limit is broken without control; None: nowhere."""
    broken = table.filter((pl.col("method") == "idle") & ~pl.col("kept"))
    if broken.is_empty():
        return None
    row = broken.sort(pl.sum_horizontal(*sweeps), *sweeps).row(0, named=True)
    return {name: row[name] for name in sweeps}
