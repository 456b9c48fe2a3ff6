"""Numbers and findings as words: what the table, the pictures and the page say in the same way."""

import math
from typing import Any

DASH = "–"


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits (2 below 1) and no exponent; 0 for what is below a millionth."""
    if value is None:
        return DASH
    if abs(value) < 1e-6:
        return "0"
    size = math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, min(digits if size >= 0 else 2, 9) - 1 - size)}f}"


def count(value: int | None) -> str:
    """A whole number with its thousands set apart; a dash for None."""
    return DASH if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """A share [1] as a number of per cent, without the sign."""
    return number(None if share is None else 100 * share)


def money(value: float | None) -> str:
    """An amount with two decimals; a dash for None."""
    return DASH if value is None else f"{value:,.2f}"


def between(value: float | None, low: float | None, high: float | None) -> str:
    """An amount and its interval: `3.83 (3.71–3.94)`."""
    return money(value) if low is None or high is None else f"{money(value)} ({money(low)}–{money(high)})"


def best(summary: dict[str, Any]) -> str:
    """The method that the report is about: gradmap, or the cheapest of those with the fewest violations."""
    methods = summary["methods"]
    learned = [name for name in methods if name not in ("idle", "mpc", "bound")] or list(methods)
    if "gradmap" in learned:
        return "gradmap"

    def rank(name: str) -> tuple[bool, float]:
        violation = methods[name].get("violation_of_idle")
        cost = methods[name].get("cost_per_home_day")
        return violation is None or violation > 0.01, math.inf if cost is None else cost

    return min(learned, key=rank)


def before(summary: dict[str, Any]) -> str:
    """The method that others are held against: idle, or else the first one."""
    return "idle" if "idle" in summary["methods"] else next(iter(summary["methods"]))


def headline(summary: dict[str, Any]) -> str:
    """The answer in one sentence: what the best method saves and what it leaves of the violations."""
    name = best(summary)
    parts = [part for part in (_saves(summary, name), _violates(summary, name)) if part]
    return f"{name} {' and '.join(parts)}" if parts else f"{name}, judged on {summary.get('test_days')} days"


def story(summary: dict[str, Any]) -> list[str]:
    """The sentences below the headline: money, share of the achievable, and what blind rules do."""
    methods, name, currency = summary["methods"], best(summary), summary.get("currency", "")
    mine, theirs = methods[name], methods[before(summary)]
    said = []
    if mine.get("cost_per_home_day") is not None and name != before(summary):
        said.append(
            f"On {count(summary.get('test_days'))} days that no method had seen, a home pays "
            f"{money(mine['cost_per_home_day'])} {currency} a day with {name} and "
            f"{money(theirs.get('cost_per_home_day'))} {currency} when left alone."
        )
    if mine.get("saving_captured") is not None:
        said.append(
            f"The saving is {percent(mine['saving_captured'])} % {_interval(mine)}of what perfect foresight could save."
        )
    rules = methods.get("rules", {}).get("violation_of_idle") if name != "rules" else None
    if rules is not None:
        more = "raise violations to" if rules > 1 else "leave violations at"
        said.append(f"An installer’s rules, blind to the network, {more} {percent(rules)} % of the uncontrolled ones.")
    return said


def _interval(method: dict[str, Any]) -> str:
    low, high = method.get("saving_captured_low"), method.get("saving_captured_high")
    return "" if low is None or high is None else f"(95 % interval {percent(low)} to {percent(high)} %) "


def _saves(summary: dict[str, Any], name: str) -> str:
    cost = summary["methods"][name].get("cost_per_home_day")
    idle = summary["methods"][before(summary)].get("cost_per_home_day")
    if cost is None or idle is None or name == before(summary):
        return ""
    verb = "saves" if cost <= idle else "adds"
    if idle <= 0:
        return f"{verb} {money(abs(idle - cost))} {summary.get('currency', '')} per home and day"
    return f"{verb} {percent(abs(1 - cost / idle))} % {'of' if cost <= idle else 'to'} the cost"


def _violates(summary: dict[str, Any], name: str) -> str:
    share = summary["methods"][name].get("violation_of_idle")
    if share is None or name == "idle":
        return ""
    if share > 1:
        return f"raises the voltage violations to {percent(share)} % of the uncontrolled ones"
    return f"leaves {percent(share)} % of the voltage violations"
