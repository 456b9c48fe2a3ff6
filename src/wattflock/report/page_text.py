"""The words and small tables of the page that are made from a run's figures."""

from html import escape

import polars as pl

from wattflock.report import findings, words
from wattflock.report.folder import Run
from wattflock.report.markup import bullets, grid, line
from wattflock.report.palette import INK, looks
from wattflock.report.table import columns, rows

CAPTIONS = {  # section -> title and caption
    "table": ("Methods compared", ""),
    "tradeoff": (
        "Cheap or safe?",
        "Cheaper to the left, safer below; lines are 95 % intervals over the test days. The dotted line is "
        "what perfect foresight would pay. The violation axis is logarithmic.",
    ),
    "voltage": (
        "Voltages over the day",
        "All nodes on all test days. Pale: from the lowest to the highest ever seen. Darker: 5 to 95 % of "
        "the nodes on a mean day. Line: the median. Dashed: the limits.",
    ),
    "feeder": (
        "Where on the feeder",
        "Each bus is shown by its worst phase; an empty circle has no violation. Point at a bus to read its voltages.",
    ),
    "learning": ("Learning", "Validation days solid, training days dotted and faint; a line for each seed."),
    "homes": ("A few homes through a day", "Above zero is drawn, below is produced."),
    "gains": (
        "Which homes gain",
        "Mean cost per home and day, and how many homes pay less than uncontrolled.",
    ),
    "days": ("Over the year", "Violation of each test day [mpu·h per node], on a logarithmic axis."),
    "measured": ("How this was measured", ""),
    "glossary": ("What the words mean", ""),
    "scenario": ("Scenario", "Everything that decides the result."),
}


def tiles(run: Run) -> str:
    """The four figures that matter, of the best method."""
    name = words.best(run.summary)
    mine, idle = run.summary["methods"][name], run.summary["methods"][words.before(run.summary)]
    rounds = f", {mine['rounds']:,} rounds" if mine.get("rounds") else ""
    uncontrolled = words.money(idle.get("cost_per_home_day"))
    shown = [
        (words.money(mine.get("cost_per_home_day")), str(run.summary.get("currency", "")),
         f"per home and day with {name}; uncontrolled {uncontrolled}"),
        (words.percent(mine.get("saving_captured")), "%", "of the achievable saving captured"),
        (words.percent(mine.get("violation_of_idle")), "%", "of the uncontrolled voltage violations left"),
        (words.number(mine.get("train_seconds")), "s", f"of training{rounds}"),
    ]  # fmt: skip
    return "".join(
        f'<div class="tile"><b>{escape(value)} <small>{escape(unit)}</small></b><span>{escape(text)}</span></div>'
        for value, unit, text in shown
    )


def compared(run: Run) -> str:
    """The comparison of all methods."""
    look, best = looks(list(run.summary["methods"])), words.best(run.summary)
    heads = [("method", ""), *((column.title, column.unit) for column in columns(run.summary))]
    lines = []
    for name, cells in rows(run.summary).items():
        colour = "var(--ink)" if look[name].colour == INK else look[name].colour
        lines.append(line([look[name].label, *cells], "best" if name == best else "", colour))
    return grid(heads, lines)


def gains(run: Run) -> str:
    """Who pays less: a table by kind of home."""
    found = findings.who_gains(run, words.best(run.summary))
    if not found:
        return "<p>No figures of single homes in this run.</p>"
    unit = str(run.summary.get("currency", ""))
    heads = [("kind of home", ""), ("homes", ""), (words.before(run.summary), unit),
             (words.best(run.summary), unit), ("pay less", "% of homes")]  # fmt: skip
    lines = [
        line([
            str(row["kind"]).replace("_", " "), words.count(row["homes"]), words.money(row["idle"]),
            words.money(row["cost"]), words.percent(row["gain"]),
        ])
        for row in found
    ]  # fmt: skip
    return grid(heads, lines)


def prices(run: Run) -> str:
    """What the background of a home's day means."""
    found = run.steps["import_price_per_kwh"].drop_nulls().to_list()
    if not found:
        return ""
    span = f"{min(found):.2f} to {max(found):.2f} {run.summary.get('currency', '')}/kWh over the test days"
    return f"The darker the background, the dearer the energy: {span}."


def measured(run: Run) -> str:
    """How the figures were made, as a list."""
    summary = run.summary
    steps, failed = run.steps.height, run.steps.filter(~pl.col("converged")).height
    days, homes = words.count(summary.get("test_days")), words.count(summary.get("homes"))
    said = [
        f"{homes} homes learn, standing for {words.count(summary.get('homes_on_feeder'))} on the feeder. "
        "Every method meets the same homes on the same days.",
        "Days are split by whole weeks into training, validation and test. The settings that come with the "
        f"learners were chosen on other weeks than the {days} test days, which serve this verdict alone.",
        "Learning may use 32-bit numbers; the verdict is computed in 64-bit with the full "
        f"alternating-current power flow. It converged in {steps - failed:,} of {steps:,} steps.",
        "Intervals are 95 % bootstrap intervals over the test days.",
    ]
    if summary.get("bound_days"):
        said.append(
            f"The perfect-foresight optimum was made for {words.count(summary['bound_days'])} of the days, "
            "and the share of the saving is taken on those. The dotted line of the trade-off is the "
            "uncontrolled cost of all days less the optimum’s mean saving on its own days, so that it can "
            "be held against the other points."
        )
    said += origin(summary.get("data", {}))
    seconds = [f"{name} {words.number(value)} s" for name, value in summary.get("seconds", {}).items()]
    return bullets(said + ([f"Computing time: {', '.join(seconds)}."] if seconds else []))


def origin(card: dict) -> list[str]:
    """Whose readings they are, what was borrowed, and what was mended in them."""
    if not card:
        return []
    said = [f"Readings: {card['source']}; {card['period']}. Owner: {card['owner']}. Licence: {card['licence']}."]
    composite = card.get("composite")
    if isinstance(composite, dict) and composite:
        said.append("Borrowed: " + ", ".join(f"{column} from {place}" for column, place in composite.items()) + ".")
    elif isinstance(composite, str):
        said.append(f"A composite: {composite}.")
    if unused := card.get("not_used"):
        said.append(f"In the files but not used: {', '.join(unused)}.")
    if repairs := card.get("repairs"):
        said.append(
            "Mended in the readings: " + ", ".join(f"{what} {times:,}" for what, times in repairs.items()) + "."
        )
    return said


def versions(run: Run) -> str:
    """What the run was made with, in one line."""
    text = ", ".join(f"{name} {version}" for name, version in run.summary.get("versions", {}).items())
    return f'<p class="soft">Made with {escape(text)}.</p>' if text else ""
