"""The tables of a what-if: before and after each method in a few cells, and what is taken."""

import polars as pl

from wattflock.report.html import Row
from wattflock.report.tables import FigureTable
from wattflock.report.theme import methods
from wattflock.report.whatif_words import MANY, WORST, alike, reach, rising, several, with_it
from wattflock.report.words import DASH, number, percent
from wattflock.study.whatif.cells import named
from wattflock.study.whatif.outcome import Swept, first_broken
from wattflock.study.whatif.shares import Shares
from wattflock.study.whatif.value import worth

LINES = (  # name [unit], and what is written of a row of `Swept.cells`
    ("lowest voltage [pu]", lambda row: _volts(row["lowest_pu"])),
    ("highest voltage [pu]", lambda row: _volts(row["highest_pu"])),
    ("violation [mpu·h per node and day]", lambda row: number(_times(1000, row["violation_pu_h"]))),
    ("violated node-steps [%]", lambda row: percent(row["violated_share"])),
    ("worst loading [% of the rating]", lambda row: percent(row["worst_loading"])),
    ("overload [%·h per branch and day]", lambda row: percent(row["overload_share_h"])),
    ("worst unbalance [%]", lambda row: percent(row["worst_unbalance"])),
    ("hosting left, median place [kW]", lambda row: _more(row, "more_kw")),
    ("hosting left, least place [kW]", lambda row: _more(row, "least_more_kw")),
    ("places for one more charger", lambda row: _of(row["more_cars"], row["places"])),
    ("cost [{currency} per home and day]", lambda row: f"{row['cost_per_home_day']:.2f}"),
    ("days that keep every limit [%]", lambda row: percent(row["kept_days_share"])),
    ("seeds that keep every limit", lambda row: f"{row['kept_seeds']} of {row['seeds']}"),
)


def told_cells(found: Swept) -> list[tuple[str, Shares]]:
    """The cells that a page tells first: smallest shares, the first that breaks a limit, the middle, largest shares."""
    sweeps = found.asked.sweeps
    least, middle, most = (
        {name: shares[round(part * (len(shares) - 1))] for name, shares in sweeps.items()} for part in (0, 0.4, 1)
    )
    first = first_broken(found.table, found.sweeps)
    cells = {
        "the smallest shares": least,
        "the first cell with a broken limit": first,
        "shares in the middle": middle,
        "the largest shares": most,
    }
    kept: list[tuple[str, Shares]] = []
    for title, shares in cells.items():
        if shares is not None and shares not in [each for _, each in kept]:
            kept.append((title, shares))
    return kept


def before_and_after(found: Swept, shares: Shares) -> FigureTable:
    """A row for each quantity and a column for each method in one cell, over the seeds as `WORST` says."""
    looks, currency = methods(found.methods), found.summary["currency"]
    table = found.cells.filter(*(pl.col(name) == share for name, share in shares.items()))
    by_method = {row["method"]: row for row in table.iter_rows(named=True)}
    rows = [
        Row([name.format(currency=currency), *(told(by_method[each]) for each in by_method)]) for name, told in LINES
    ]
    heads = [("quantity", ""), *((looks[name].label, "") for name in by_method)]
    return FigureTable(heads, rows, WORST, title=named(shares))


def _more(row: dict, name: str) -> str:
    said = number(row[name])
    return f"{said} or more" if row[f"{name}_capped"] and said != DASH else said


def _of(value: float | None, whole: float | None) -> str:
    return DASH if value is None else f"{value:.0f} of {whole:.0f}"


def _times(factor: float, value: float | None) -> float | None:
    return None if value is None else factor * value


def _volts(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}"


def taken_table(found: Swept, sweep: str) -> FigureTable:
    """How many homes with a device are taken beside each combination of the others, a column for each method."""
    looks, others = methods(found.methods), found.asked.beside(sweep)
    table = found.taken.filter(pl.col("sweep") == sweep)
    rows = []
    for shares, some in table.group_by(*others, maintain_order=True) if others else [((), table)]:
        by_method = {row["method"]: reach(row, found.asked.all_homes) for row in some.iter_rows(named=True)}
        beside = [f"{100 * share:.4g} %" for share in shares] or [with_it(found, sweep) or "nothing else"]
        rows.append(Row([*beside, *(by_method[name] for name in found.methods)]))
    heads = [(f"homes with {MANY[name]}", "") for name in others] or [("beside", "")]
    note = "A range is over the seeds. None: at the smallest share a limit is broken already."
    return FigureTable(
        [*heads, *((looks[name].label, "homes") for name in found.methods)], rows, note, len(heads),
        title=f"{MANY[sweep].capitalize()} that the feeder takes",
    )  # fmt: skip


SHOWN = (("more_homes", 1), ("ahead_homes", 1), ("years_later", 1), ("saved_share", 100))  # figures of `worth`


def worth_table(found: Swept, sweep: str) -> FigureTable:
    """What each method is worth to the network, the other sweeps at their lowest share."""
    looks, asked = methods(found.methods), found.asked
    rows = []
    for row in worth(found, sweep).iter_rows(named=True):
        homes = f"{number(row['homes'])}{' or more' if row['capped_seeds'] else ''}"
        more = [_either_way(row, *each) for each in SHOWN]
        rows.append(Row([looks[row["method"]].label, homes, *more]))
    heads = [
        ("method", ""), ("fit", "homes"), ("more than uncontrolled", "homes"), ("more than the next best", "homes"),
        ("reinforcement later by", "years"), ("saved of its cost", "%"),
    ]  # fmt: skip
    note = (
        f"Until the tightest limit is reached. Homes with them grow by {100 * asked.growth:.4g} % of all homes a year; "
        f"a year's delay is worth {100 * asked.discount:.3g} %. Means over the seeds; ± half of the 95 % interval of "
        "the paired differences; which method is best and which next is taken from the same seeds. Where a limit is "
        "broken at the smallest share, that share is counted. Or more: in some seed no limit is reached in this sweep."
    )
    return FigureTable(heads, rows, note, title=f"What a method is worth: {rising(found, sweep)}")


def _either_way(row: dict, name: str, factor: float) -> str:
    mean, half = row[name], row[f"{name}_half"]
    if mean is None:
        return DASH
    return number(factor * mean) + ("" if half is None else f" ± {number(factor * half)}")


def terminal(found: Swept, wide: bool = False) -> list[FigureTable]:
    """What a terminal shows: what is taken, and with `wide` the cells that the page tells first."""
    cells = [before_and_after(found, shares) for _, shares in told_cells(found)] if wide else []
    return [*takens(found), *worths(found), *cells]


def takens(found: Swept) -> list[FigureTable]:
    """`taken_table` of each sweep of several shares."""
    return [taken_table(found, sweep) for sweep in several(found)]


def worths(found: Swept) -> list[FigureTable]:
    """`worth_table` of each sweep of several shares; of the first alone where it stands for all."""
    return [worth_table(found, sweep) for sweep in several(found)[: 1 if alike(found) else None]]
