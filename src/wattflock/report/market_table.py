"""What homes pay in the market of a run, under each method, and who pays more than when nobody steers."""

import numpy as np
import polars as pl

from wattflock.report import run_data, words
from wattflock.report.html import Row
from wattflock.report.run_data import DAYS_A_YEAR, RunData, before
from wattflock.report.tables import FigureTable
from wattflock.report.theme import methods

TENTH = 0.1  # of the homes: those that gain the most


def paid(run: RunData) -> FigureTable:
    """A row for each method: bills of homes on a mean day from low to high, who pays more, and who gains most."""
    unit, looks = f"{run.currency}/day", methods(run.methods)
    heads = [
        ("method", ""), ("bill, mean", unit), ("a tenth pays less than", unit), ("half", unit),
        ("a tenth pays more than", unit), ("cost more than before", "homes"), ("worst", f"{run.currency}/year"),
        ("saved by the tenth that saves most", "%"),
    ]  # fmt: skip
    rows = [Row([looks[name].label, *_figures(run, name)]) for name in run_data.on_all_days(run, run.homes)]
    return FigureTable(heads, rows, said(run))


def _figures(run: RunData, method: str) -> list[str]:
    bill = run.homes.filter(method=method).group_by("home").agg(pl.col("bill").mean())["bill"].drop_nulls().to_numpy()
    paid = [bill.mean(), *np.quantile(bill, (TENTH, 0.5, 1 - TENTH))] if len(bill) else [None] * 4
    told = [words.money(None if each is None else float(each)) for each in paid]
    saving = np.sort(run_data.savings(run, method)["saving"].drop_nulls().to_numpy())[::-1]
    if method == before(run.summary) or not len(saving):
        return told + [words.DASH] * 3
    gains = np.maximum(saving, 0)
    most = gains[: max(1, round(TENTH * len(saving)))].sum() / gains.sum() if gains.any() else None
    worst = float(-saving[-1]) if saving[-1] < 0 else None
    return [*told, words.count(int((saving < 0).sum())), words.number(worst), words.percent(most, 2)]


def said(run: RunData) -> str:
    """Which market it is, and that other markets are a study or a settlement."""
    market = run.summary.get("scenario", {}).get("market", {})
    named = f"The market is {market['part']}. " if market.get("part") else ""
    return (
        f"{named}Bills of single homes on a mean test day, without wear, fuel and comfort; a year has {DAYS_A_YEAR} of "
        "them. Homes cost more than before where their whole cost is above that of the uncontrolled home. "
        "wattflock settle compares markets on the same meters."
    )
