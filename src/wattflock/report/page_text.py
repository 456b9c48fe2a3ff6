"""The words and small tables of the page that are made from a run's figures."""

import html
from typing import Any

import polars as pl

from wattflock.report import findings, words
from wattflock.report.folder import Run


def tiles(run: Run) -> str:
    """The four figures that matter, of the best method."""
    name = words.best(run.summary)
    mine, idle = run.summary["methods"][name], run.summary["methods"][words.before(run.summary)]
    currency, rounds = run.summary.get("currency", ""), mine.get("rounds")
    shown = [
        (words.money(mine.get("cost_per_home_day")), currency,
         f"per home and day with {name}; uncontrolled {words.money(idle.get('cost_per_home_day'))}"),
        (words.percent(mine.get("saving_captured")), "%", "of the achievable saving captured"),
        (words.percent(mine.get("violation_of_idle")), "%", "of the uncontrolled voltage violations left"),
        (words.number(mine.get("train_seconds")), "s", f"of training{f', {rounds:,} rounds' if rounds else ''}"),
    ]  # fmt: skip
    return "".join(
        f'<div class="tile"><b>{html.escape(value)} <small>{html.escape(str(unit))}</small></b>'
        f"<span>{html.escape(text)}</span></div>"
        for value, unit, text in shown
    )


def gains(run: Run) -> str:
    """Who pays less: a table by kind of home."""
    lines = [
        [
            str(row["kind"]).replace("_", " "),
            words.count(row["homes"]),
            words.money(row["idle"]),
            words.money(row["cost"]),
            words.percent(row["gain"]),
        ]
        for row in findings.who_gains(run, words.best(run.summary))
    ]
    if not lines:
        return "<p>No figures of single homes in this run.</p>"
    unit = str(run.summary.get("currency", ""))
    heads = [("kind of home", ""), ("homes", ""), (words.before(run.summary), unit),
             (words.best(run.summary), unit), ("pay less", "% of homes")]  # fmt: skip
    return grid(heads, lines)


def measured(run: Run) -> str:
    """How the figures were made, as a list."""
    summary = run.summary
    steps, failed = run.steps.height, run.steps.filter(~pl.col("converged")).height
    days, bound_days = words.count(summary.get("test_days")), summary.get("bound_days")
    said = [
        f"{words.count(summary.get('homes'))} homes learn, standing for "
        f"{words.count(summary.get('homes_on_feeder'))} on the feeder. Every method meets the same homes on the same days.",
        f"Days are split by whole weeks into training, validation and test. Settings were chosen on validation days; "
        f"the {days} test days were seen by nobody before this verdict.",
        "Learning may use 32-bit numbers; the verdict is computed in 64-bit, with the full alternating-current power flow. "
        f"It converged in {steps - failed:,} of {steps:,} steps.",
        "Intervals are 95 % over the test days. Those of the violation in the trade-off are a bootstrap over days.",
    ]
    if bound_days:
        said.append(
            f"The perfect-foresight optimum was computed on {words.count(bound_days)} of the {days} days, and the share of "
            "the saving is taken on those. The dotted line of the trade-off is the uncontrolled cost of all days less "
            "the optimum’s mean saving on its own days, so that it can be held against the other points."
        )
    seconds = [f"{name} {words.number(value)} s" for name, value in summary.get("seconds", {}).items()]
    said += [f"Computing time: {', '.join(seconds)}."] if seconds else []
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in said) + "</ul>"


def versions(run: Run) -> str:
    """What the run was made with, in one line."""
    found: dict[str, Any] = run.summary.get("versions", {})
    text = ", ".join(f"{name} {version}" for name, version in found.items())
    return f'<p class="soft">Made with {html.escape(text)}.</p>' if text else ""


def grid(heads: list[tuple[str, str]], lines: list[list[str]]) -> str:
    """A table whose headings carry units."""
    top = "".join(f"<th>{html.escape(name)}<small>{html.escape(unit)}</small></th>" for name, unit in heads)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>'
