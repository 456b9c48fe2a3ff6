"""Answers of a cooperative game in tables for the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from wattflock.report import html
from wattflock.report.tables import FigureTable
from wattflock.report.words import DASH

MEMBERS = 6  # of a coalition that are named
WORDS = {
    "shapley": "Shapley", "nucleolus": "nucleolus", "prenucleolus": "pre- nucleolus",
    "fair_least_core": "fair least core", "banzhaf": "Banzhaf",
}  # fmt: skip


def solved(answers: Mapping[str, Any]) -> Group:
    """Payoffs of each player, what can be said of each payoff, and notes."""
    judged = answers["certificate"]
    tiny = 1e-12 * max(abs(answers["total"]), *map(abs, answers["alone"]), *map(abs, answers["shapley"]))
    columns = {"alone": answers["alone"]} | {WORDS[name]: answers[name] for name in judged}
    if "shapley_half_width" in answers:
        columns["± 95 %"] = answers["shapley_half_width"]
    rows = [
        html.Row([name, *(_number(column[k], tiny) for column in columns.values())])
        for k, name in enumerate(answers["names"])
    ]
    payoffs = FigureTable([("player", ""), *((name, "") for name in columns)], rows)
    heads = ("payoff", "complaining", "largest excess", "efficiency gap", "worse off than alone", "Jain", "Gini")
    facts = FigureTable(
        [(head, "") for head in heads], [_judged(name, found, tiny) for name, found in judged.items()], left=2
    )
    said = [f"grand coalition: {_number(answers['total'])}"]
    if "least_core_epsilon" in answers:
        said.append(f"least core: ε = {_number(answers['least_core_epsilon'])}")
    else:
        said.append(f"{answers['values_asked']:,} values asked for in {answers['rounds']:,} rounds")
    return Group(payoffs.terminal(), facts.terminal(), *map(Text, [*said, *answers["notes"]]))


def _judged(name: str, found: Mapping[str, Any], tiny: float) -> html.Row:
    numbers = [_number(found[key], tiny) for key in ("largest_excess", "efficiency_gap")]
    worse, who = found["worse_off"], found["complaining"]
    indices = [_number(found[key]) for key in ("jain", "gini")]
    more = f" and {len(who) - MEMBERS} more" if len(who) > MEMBERS else ""
    return html.Row(
        [WORDS[name].replace("- ", ""), ", ".join(who[:MEMBERS]) + more, *numbers, str(len(worse)), *indices]
    )


def _number(value: float | None, tiny: float = 0.0) -> str:
    return DASH if value is None else f"{0 if abs(value) <= tiny else value:,.6g}"
