"""One comparison in three forms: rows for the page, a table for the terminal, Markdown for a README."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from wattflock.report.words import best, between, count, number, percent

Summary = dict[str, Any]
BREAKS = str.maketrans({" ": "\n", "-": "-\n", "/": "/\n"})  # headings as narrow as their figures


@dataclass(frozen=True)
class Column:
    """A heading, its unit, and how a method's figures become a cell."""

    title: str
    unit: str
    cell: Callable[[Summary], str]


def columns(summary: Summary) -> list[Column]:
    """The columns of the comparison; units are part of the heading."""
    return [
        Column("cost (95 % interval)", f"{summary.get('currency', '')}/home/day", _cost),
        Column("saving captured", "%", lambda row: percent(row.get("saving_captured"))),
        Column("violation", "% of idle", lambda row: percent(row.get("violation_of_idle"))),
        Column("node-steps violated", "%", lambda row: percent(row.get("violated_share"))),
        Column("worst excess", "mpu", lambda row: number(_milli(row.get("worst_pu")))),
        Column("comfort", "°C·h", lambda row: number(row.get("comfort_violation_c_h"))),
        Column("CO₂", "kg/home/day", lambda row: number(row.get("co2_kg_per_home_day"))),
        Column("peak", "kW", lambda row: number(row.get("peak_kw"), 4)),
        Column("train", "s", lambda row: number(row.get("train_seconds"))),
    ]


def rows(summary: Summary) -> dict[str, list[str]]:
    """Method -> cells, in the order of `columns`; the bound comes last."""
    methods = summary["methods"]
    order = [name for name in methods if name != "bound"] + [name for name in methods if name == "bound"]
    return {name: [column.cell(methods[name]) for column in columns(summary)] for name in order}


def notes(summary: Summary) -> str:
    """What a reader must know to read the table, in one line."""
    days, bound_days = summary.get("test_days"), summary.get("bound_days")
    text = f"{count(summary.get('homes'))} homes, {count(days)} unseen days"
    plans = "bound, mpc" if "mpc" in summary["methods"] else "bound"
    return f"{text}; {plans} and saving captured on {count(bound_days)} of them" if bound_days else text


def comparison(summary: Summary) -> Table:
    """The comparison for the terminal; 80 characters wide with names as short as ours."""
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, caption=Text(notes(summary)))
    table.add_column("method", vertical="bottom", overflow="fold")
    for column in columns(summary):
        head = Text(f"{column.title} [{column.unit}]".translate(BREAKS).replace("95\n%", "95 %"))
        table.add_column(head, justify="right", vertical="bottom", overflow="fold")
    for name, cells in rows(summary).items():
        style = "bold" if name == best(summary) else None
        table.add_row(Text(name), *(Text(_stacked(cell)) for cell in cells), style=style)
    return table


def markdown(summary: Summary) -> str:
    """The comparison as a Markdown table with its note, for a README."""
    heads = ["method", *(f"{column.title} [{column.unit}]" for column in columns(summary))]
    lines = [_line(heads), "|---|" + "---:|" * len(columns(summary))]
    lines += [_line([name, *cells]) for name, cells in rows(summary).items()]
    return "\n".join([*lines, "", notes(summary), ""])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    for sign, instead in {"\\": "\\\\", "|": "\\|", "<": "&lt;", "\n": " "}.items():
        text = text.replace(sign, instead)
    return text


def _stacked(cell: str) -> str:
    return cell.replace(" (", "\n").removesuffix(")")


def _cost(row: Summary) -> str:
    return between(row.get("cost_per_home_day"), row.get("cost_low"), row.get("cost_high"))


def _milli(value: float | None) -> float | None:
    return None if value is None else 1000 * value
