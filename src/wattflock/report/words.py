"""Numbers and findings as words: what terminal, tables and pages say in the same way."""

import math
from collections.abc import Iterable
from typing import Any

from wattflock.report.run_data import DAYS_A_YEAR, LIMIT, RunData, before, best, savings
from wattflock.report.theme import methods
from wattflock.study.quantities import QUANTITIES, Quantity

DASH = "–"
SMALL = 0.005  # a change below half a per cent is none


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits (2 below 1) and no exponent; 0 for what is below a millionth.

    A dash for none and for what is not finite.
    """
    if value is None or not math.isfinite(value):
        return DASH
    if abs(value) < 1e-6:
        return "0"
    size = math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, min(digits if size >= 0 else 2, 9) - 1 - size)}f}"


def count(value: int | None) -> str:
    """A whole number with its thousands set apart; a dash for None."""
    return DASH if value is None else f"{value:,}"


def counted(value: int | None, noun: str) -> str:
    """How many of a thing: `1 home`, `1,000 homes`."""
    return f"{count(value)} {noun}" + ("" if value == 1 else "s")


def joined(parts: Iterable[str]) -> str:
    """`a, b and c`."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def percent(share: float | None, digits: int = 3) -> str:
    """A share [1] as a number of per cent, without the sign."""
    return number(None if share is None else 100 * share, digits)


def money(value: float | None) -> str:
    """An amount with two decimals; a dash for None."""
    return DASH if value is None else f"{value:,.2f}"


def signed(value: float | None) -> str:
    """A change with its sign."""
    text = number(None if value is None else abs(value))
    return text if not value or text == "0" else f"{'+' if value > 0 else '-'}{text}"


def shown(quantity: Quantity, value: float | None) -> str:
    """A figure as its quantity is written, without the unit."""
    if value is None:
        return DASH
    value *= quantity.scale
    return number(value) if quantity.decimals is None else f"{value:,.{quantity.decimals}f}"


def cell(quantity: Quantity, row: dict[str, Any]) -> str:
    """A method's figure with half of its interval, where it has one: `1.19 ± 0.08`."""
    text = shown(quantity, row.get(quantity.name))
    if quantity.name == "violation_of_idle" and text == DASH and row.get("violation_pu_h") is not None:
        return "new" if row["violation_pu_h"] else "0"  # the uncontrolled homes violate nothing
    half = row.get(quantity.half_width) if quantity.half_width else None
    return text if half is None or text == DASH or half == 0 else f"{text} ± {shown(quantity, half)}"


def headline(run: RunData) -> str:
    """The answer in one sentence: what a home saves in a year, what is left of the violations, what carbon does."""
    name = best(run.summary)
    label = methods(run.methods)[name].label.replace(" (", " control (", 1)
    parts = [part for part in (_saves(run, name), _violates(run, name), _emits(run, name)) if part]
    if not parts:
        return f"{capital(label)}, judged on {counted(run.summary.get('test_days'), 'day')}"
    return f"{capital(label)} {joined(parts)}"


def story(run: RunData) -> list[str]:
    """The sentences below the headline: money, who pays more, what could be reached, and what the others do."""
    name, looks = best(run.summary), methods(run.methods)
    mine, theirs = run.methods[name], run.methods[before(run.summary)]
    said = []
    if mine.get("cost_per_home_day") is not None and name != before(run.summary):
        said.append(
            f"On {counted(run.summary.get('test_days'), 'test day')} of weeks not trained on, the cost of an average "
            f"home is {money(mine['cost_per_home_day'])} {run.currency} a day, and "
            f"{money(theirs.get('cost_per_home_day'))} {run.currency} when nobody steers."
        )
    planned = run.shared.get(name, mine)
    if planned.get("saving_captured") is not None:
        few = run.summary.get("bound_days")
        where = f" on {few} of these days" if few and few != run.summary.get("test_days") else ""
        share = cell(QUANTITIES["saving_captured"], planned)
        said.append(f"The saving is {share} % of what perfect foresight could save{where}.")
    if (mine.get("rounds") or 0) < (mine.get("rounds_asked") or 0):
        why = f": {mine['stopped']}" if mine.get("stopped") else ""
        said.append(f"It was judged after {mine['rounds']} of {mine['rounds_asked']} rounds of training{why}.")
    if losers := who_pays_more(run, name):
        said.append(losers)
    return said + _others(run, name, looks)


def _others(run: RunData, name: str, looks: dict) -> list[str]:
    """What methods do that are cheaper and beyond the limit: why they are not the answer."""
    cost, left = run.methods[name].get("cost_per_home_day"), run.methods[name].get("violation_of_idle")
    if left is not None and left > LIMIT and name != before(run.summary):
        return [f"No method leaves at most {percent(LIMIT)} % of the voltage violations; this one leaves the least."]
    return [
        f"{capital(looks[other].label)} would be cheaper ({money(row['cost_per_home_day'])} {run.currency} a day) but "
        f"leaves {percent(row['violation_of_idle'])} % of the voltage violations; more than {percent(LIMIT)} % is not "
        "accepted."
        for other, row in run.methods.items()
        if other != before(run.summary)
        and cost is not None
        and (row.get("violation_of_idle") or 0) > LIMIT
        and (row.get("cost_per_home_day") or math.inf) < cost
    ]


def who_pays_more(run: RunData, name: str) -> str:
    """How many homes pay more than when nobody steers, and the worst of them; empty where homes are unknown."""
    table = savings(run, name).drop_nulls("saving")
    if table.is_empty() or name == before(run.summary):
        return ""
    losers = table.filter(table["saving"] < 0).sort("saving")
    if losers.is_empty():
        return f"None of {counted(table.height, 'home')} pays more."
    worst = losers.row(0, named=True)
    pays = "home pays" if losers.height == 1 else "homes pay"
    return (
        f"{count(losers.height)} of {count(table.height)} {pays} more than before; the worst is a home with "
        f"{kind_of(worst['kind'])}, by {number(-worst['saving'])} {run.currency} a year."
    )


def kind_of(kind: object) -> str:
    """Devices of a home, such as "heat pump and panel"."""
    return " and ".join({"ev": "electric car"}.get(name, name.replace("_", " ")) for name in str(kind).split("+"))


def change(value: float | None, theirs: float | None) -> float | None:
    """How much a figure has risen, as a share; None where that says nothing."""
    return None if value is None or theirs is None or theirs <= 0 else value / theirs - 1


def saving_a_year(row: dict[str, Any], theirs: dict[str, Any]) -> float | None:
    """What an average home saves in a year [currency]."""
    cost, idle = row.get("cost_per_home_day"), theirs.get("cost_per_home_day")
    return None if cost is None or idle is None else DAYS_A_YEAR * (idle - cost)


def _saves(run: RunData, name: str) -> str:
    mine, theirs = run.methods[name], run.methods[before(run.summary)]
    saved = saving_a_year(mine, theirs)
    if saved is None or name == before(run.summary):
        return ""
    share = change(mine["cost_per_home_day"], theirs["cost_per_home_day"])
    part = f" ({percent(abs(share), 2)} % of its cost)" if share is not None else ""
    verb = "saves an average home" if saved >= 0 else "costs an average home"
    half = mine.get("saving_half_width")
    unsure = ", which may be chance" if half and abs(saved) < DAYS_A_YEAR * half else ""
    return f"{verb} {number(abs(saved))} {run.currency} {'more ' if saved < 0 else ''}a year{part}{unsure}"


def _violates(run: RunData, name: str) -> str:
    row = run.methods[name]
    share, amount = row.get("violation_of_idle"), row.get("violation_pu_h")
    if name == before(run.summary) or (share is None and amount is None):
        return ""
    if share is None:
        return (
            "keeps every voltage within its limits" if not amount else "violates voltage limits that nobody did before"
        )
    steps = row.get("violated_share")
    more = "" if steps is None else f" ({percent(steps)} % of node-steps)"
    if share > 1:
        return f"raises the voltage violations to {percent(share)} % of the uncontrolled ones{more}"
    return f"leaves {percent(share)} % of the voltage violations{more}"


def _emits(run: RunData, name: str) -> str:
    column = "co2_kg_per_home_day"
    mine, theirs = run.methods[name].get(column), run.methods[before(run.summary)].get(column)
    if mine is None or theirs is None or name == before(run.summary):
        return ""
    share = change(mine, theirs)
    if share is None:
        grows = mine > theirs
        return f"{'adds' if grows else 'avoids'} {number(DAYS_A_YEAR * abs(mine - theirs))} kg of CO₂ per home and year"
    if abs(share) < SMALL:
        return "leaves CO₂ emissions as they are"
    return f"{'raises' if share > 0 else 'lowers'} CO₂ emissions by {percent(abs(share), 2)} %"


def capital(text: str) -> str:
    """A text with a capital first; the rest stays as it is."""
    return text[:1].upper() + text[1:]
