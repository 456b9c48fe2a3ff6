"""Tables from one definition each, for the terminal, for a page and for Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table as Terminal
from rich.text import Text

from wattflock.report import html
from wattflock.report.run_data import best
from wattflock.report.theme import methods
from wattflock.report.words import DASH, cell, counted, money, shown
from wattflock.study.quantities import CHARGING, CHARGING_WIDE, QUANTITIES, SHORT, WIDE

Summary = dict[str, Any]
PER_HOME = "Costs, savings, energy and CO₂ are per home and day."


@dataclass(frozen=True)
class FigureTable:
    """Headings with units, rows of text, and for each row a mark and a colour."""

    heads: Sequence[tuple[str, str]]
    rows: Sequence[html.Row]
    note: str = ""
    left: int = 1  # so many columns are names
    whole: int = 0  # and so many of them are never broken
    title: str = ""

    def terminal(self) -> Terminal:
        """For the terminal; a number is never broken, a heading has a line for each word."""
        caption = Text(self.note) if self.note else None
        made = Terminal(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, caption=caption)
        for place, (name, unit) in enumerate(self.heads):
            head, number = Text("\n".join(filter(None, (*name.split(), unit)))), place >= self.left
            kept = number or place < self.whole
            side = "right" if number else "left"
            made.add_column(head, justify=side, vertical="bottom", no_wrap=kept, overflow="fold")
        for row in self.rows:
            made.add_row(*map(Text, row.cells), style="bold" if row.mark == "best" else None)
        return made

    def page(self) -> str:
        """As HTML."""
        return html.table(self.heads, self.rows, self.left)

    def markdown(self) -> str:
        """For a README, with its note."""
        names = [f"{name} [{unit}]" if unit else name for name, unit in self.heads]
        lines = [_line(names), "|---" * self.left + "|" + "---:|" * (len(names) - self.left)]
        return "\n".join([*lines, *(_line(row.cells) for row in self.rows), "", self.note, ""])


def of_methods(figures: dict[str, Summary], summary: Summary, names: Sequence[str], note: str = "") -> FigureTable:
    """A row for each method with these quantities; the method that the report is about is marked."""
    looks, currency = methods(summary["methods"]), str(summary.get("currency", ""))
    chosen = [QUANTITIES[name] for name in names]
    rows = [
        html.Row(
            [looks[name].label, *(cell(quantity, row) for quantity in chosen)],
            "best" if name == best(summary) else "",
            looks[name].colour,
        )
        for name, row in figures.items()
    ]
    heads = [(quantity.label, quantity.unit_in(currency)) for quantity in chosen]
    return FigureTable([("method", ""), *heads], rows, note)


def compared(summary: Summary, wide: bool = False) -> list[FigureTable]:
    """Methods on all days; and, where some were judged on fewer, all of them on those days: no table mixes days.

    Args:
        wide: with all figures, not only those that matter most.
    """
    names, days = WIDE if wide else SHORT, summary.get("test_days")
    every = {name: row for name, row in summary["methods"].items() if row.get("days", days) == days}
    if all(row.get("saving_captured") is None for row in every.values()):  # not all days have a bound
        alone = [name for name in names if name != "saving_captured"]
    else:
        alone = list(names)
    text = f"{counted(summary.get('homes'), 'home')}, {counted(days, 'test day')} of weeks not trained on. {PER_HOME}"
    found = [of_methods(every, summary, alone, text)]
    if some := summary.get("on_bound_days"):
        same = [name for name in names if name != "train_seconds"]
        text = f"All methods on the {counted(summary.get('bound_days'), 'day')} with perfect foresight alone."
        found.append(of_methods(some, summary, same, text))
    if any(row.get(CHARGING[0]) is not None for row in every.values()):
        text = "Charging under a limit that is shared: levels are states of charge after each step."
        missed = any(row.get(MISSED) for row in every.values())
        few = (*CHARGING[:-1], MISSED) if missed else CHARGING  # of cars, in place of what loads lack
        found.append(of_methods(every, summary, CHARGING_WIDE if wide else few, text))
    return found


def comparison(summary: Summary, wide: bool = False) -> Group:
    """The comparison for the terminal; 120 characters wide unless `wide`."""
    return Group(*(table.terminal() for table in compared(summary, wide)))


def markdown(summary: Summary, wide: bool = True) -> str:
    """The comparison as Markdown tables with their notes, for a README."""
    said = "".join(f"- {_plain(note)}\n" for note in summary.get("notes", ()))
    return "\n".join(table.markdown() for table in compared(summary, wide)) + said


MISSED = "missed_departures_per_home_day"
OVERVIEW = ("cost_per_home_day", "saving_per_home_day", "violation_pu_h", "peak_kw")


def overview(table: pl.DataFrame) -> Terminal | str:
    """Runs side by side: one row per run and method of `table_of_runs`."""
    if table.is_empty():
        return "No runs yet; `wattflock demo` makes the first."
    quantities = [QUANTITIES[name] for name in OVERVIEW]
    heads = [("run", ""), ("method", ""), *((each.label, each.unit_in("money")) for each in quantities)]
    rows = [
        html.Row([row["run"], row["method"] or row["state"], *(shown(each, row.get(each.name)) for each in quantities)])
        for row in table.iter_rows(named=True)
    ]
    return FigureTable(heads, rows, left=2).terminal()


def homes_that_pay(table: pl.DataFrame, currency: str) -> Terminal:
    """What some homes pay, a row each: home, kind, terminal, then a column per method [currency per day]."""
    result = Terminal(box=None, header_style="bold", caption=f"what these homes pay [{currency}/day]")
    for name in table.columns:
        result.add_column(name, justify="left" if name in ("kind", "terminal") else "right")
    for row in table.iter_rows():
        result.add_row(*(money(each) if isinstance(each, float) else str(each) for each in row))
    return result


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_plain(text) for text in cells) + " |"


def _plain(text: str) -> str:
    for sign, instead in {"\\": "\\\\", "|": "\\|", "<": "&lt;", "\n": " "}.items():
        text = text.replace(sign, instead)
    return text or DASH
