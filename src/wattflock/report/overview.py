"""Runs side by side on the terminal."""

import polars as pl
from rich.table import Table

from wattflock.report.words import count, money, number, percent

COLUMNS = {
    "cost_per_home_day": ("cost\n/home-day", money),
    "saving_captured": ("captured\n%", percent),
    "violation_of_idle": ("violation\n% of idle", percent),
    "worst_pu": ("worst\npu", number),
    "peak_kw": ("peak\nkW", lambda value: count(None if value is None else round(value))),
    "train_seconds": ("training\ns", number),
}


def overview(table: pl.DataFrame) -> Table | str:
    """One row per run and method of `table_of_runs`."""
    if table.is_empty():
        return "No runs yet; `wattflock demo` makes the first."
    result = Table(box=None, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
    for title in ("run", "method", *(title for title, _ in COLUMNS.values())):
        result.add_column(title, justify="left" if title in ("run", "method") else "right", no_wrap=title == "run")
    for row in table.iter_rows(named=True):
        cells = [write(row.get(name)) for name, (_, write) in COLUMNS.items()]
        result.add_row(row["run"], row["method"] or row["state"], *cells)
    return result


def homes_that_pay(table: pl.DataFrame, currency: str) -> Table:
    """What some homes pay, a row each: home, kind, terminal, then a column per method [currency per day]."""
    result = Table(box=None, header_style="bold", caption=f"what these homes pay [{currency}/day]")
    for name in table.columns:
        result.add_column(name, justify="left" if name in ("kind", "terminal") else "right")
    for row in table.iter_rows():
        result.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row))
    return result
