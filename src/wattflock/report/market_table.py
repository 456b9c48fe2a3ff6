"""What homes pay in the market of a run, under each method, and who pays more than when nobody steers."""

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
    bill = run.homes.filter(method=method).group_by("home").agg(pl.col("bill").mean())["bill"].drop_nulls()
    low, half, high = (bill.quantile(share, "linear") for share in (TENTH, 0.5, 1 - TENTH))
    saving = run_data.savings(run, method).drop_nulls("saving")["saving"]
    losers = saving.filter(saving < 0)
    gains = saving.filter(saving > 0).sort(descending=True)
    most = gains.head(max(1, round(TENTH * len(saving)))).sum() / gains.sum() if gains.sum() else None
    steered = method != before(run.summary)
    worst = -float(losers.min()) if len(losers) else None  # type: ignore[arg-type]
    return [
        words.money(float(bill.mean() or 0) if len(bill) else None),  # type: ignore[arg-type]
        *(words.money(each) for each in (low, half, high)),
        words.count(len(losers)) if steered else words.DASH,
        words.number(worst) if steered else words.DASH,
        words.percent(most, 2) if steered else words.DASH,
    ]


def said(run: RunData) -> str:
    """Which market it is, and that other markets are a study or a settlement."""
    market = run.summary.get("scenario", {}).get("market", {})
    named = f"The market is {market['part']}. " if market.get("part") else ""
    return (
        f"{named}Bills of single homes on a mean test day, without wear, fuel and comfort; a year has {DAYS_A_YEAR} of "
        "them. Homes cost more than before where their whole cost is above that of the uncontrolled home. "
        "wattflock settle compares markets on the same meters."
    )
