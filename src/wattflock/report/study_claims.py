"""What publications say of how a figure changes from row to row, held against a study's paired differences."""

from itertools import pairwise

import polars as pl

from wattflock.report.html import Row
from wattflock.report.study_data import ALL
from wattflock.report.tables import FigureTable
from wattflock.report.words import DASH, number
from wattflock.study.quantities import QUANTITIES
from wattflock.study.study_file import Claim
from wattflock.study.summary import over_seeds

NOTE = (
    "From each row to the next: mean of the paired differences over seeds ± half of its 95 % interval, Student's t. "
    "Reproduced: all of them are as the claim says, outside their intervals; refuted: one is the other way, outside."
)


def claims(said: tuple[Claim, ...], runs: pl.DataFrame) -> FigureTable:
    """A line for each claim: the figure in every row, its changes, and whether it is reproduced."""
    runs = runs.filter(pl.col("judged_on") == ALL)
    rows = []
    for each in said:
        quantity = QUANTITIES[each.quantity]
        found = [_of_seeds(runs, row, each) for row in each.rows]
        changes = [over_seeds(after, before) for before, after in pairwise(found)]
        middle = [number(sum(one.values()) / len(one)) if one else DASH for one in found]
        moved = [DASH if mean is None else f"{number(mean)} ± {number(half, 2) if half is not None else DASH}"
                 for mean, half in changes]  # fmt: skip
        cells = [each.text, each.method, " → ".join(each.rows), quantity.label, " → ".join(middle), "; ".join(moved)]
        rows.append(Row([*cells, verdict(each, changes)]))
    heads = [(name, "") for name in ("claim", "method", "rows", "figure", "ours", "change", "here it is")]
    return FigureTable(heads, rows, NOTE, left=7)


def verdict(claim: Claim, changes: list[tuple[float | None, float | None]]) -> str:
    """Reproduced, refuted, or not decided by these seeds; from changes and half of their intervals."""
    sign = 1 if claim.way == "rises" else -1
    if any(mean is None or half is None for mean, half in changes):
        return "not decided: too few seeds"
    along = [(sign * mean, half) for mean, half in changes if mean is not None and half is not None]
    if all(mean > half for mean, half in along):
        return "reproduced"
    return "refuted" if any(mean < -half for mean, half in along) else "not decided"


def _of_seeds(runs: pl.DataFrame, row: str, claim: Claim) -> dict[int, float]:
    some = runs.filter(row=row, method=claim.method)
    if claim.quantity not in some.columns:
        return {}
    scale = QUANTITIES[claim.quantity].scale
    return {seed: scale * value for seed, value in some.select("seed", claim.quantity).drop_nulls().rows()}
