"""One HTML page of a run: what homes, carbon and wires get, how the methods compare, and how it was measured."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from wattflock.core.files import write_whole
from wattflock.core.run_files import SUMMARY
from wattflock.report import charging_charts, day_page, html, market_table, run_charts, run_data, tables, words
from wattflock.report.geojson import write_geojson
from wattflock.report.html import PageSection, Row
from wattflock.report.run_data import DAYS_A_YEAR, RunData, before, best
from wattflock.report.theme import methods
from wattflock.study.quantities import QUANTITIES, WIDE

CAPTIONS = {
    "tradeoff": "Cheaper to the left, safer below. Lines are 95 % intervals over the days: of a cost, that of its "
    "paired difference from the uncontrolled homes; of a violation, that of its mean. The violation axis is "
    "logarithmic.",
    "voltage": "All nodes on all test days. Pale: from the lowest to the highest ever seen. Darker: 5 to 95 % of the "
    "nodes on a mean day. Line: the median. Dashed: the limits.",
    "feeder": "Each bus by its worst phase, on one logarithmic scale; an empty circle has no violation. Point at a bus "
    "for its voltages; drag to move, turn the wheel with Ctrl (or ⌘) held to zoom, double-click to go back.",
    "loading": "The most current of any line or transformer on any day, as a share of what it is rated for. Dashed: "
    "the limit. On the maps each of them by its worst phase; those beyond the limit are thick, transformers and "
    "regulators are squares, and what has no rating is thin and grey.",
    "charging": "Above: what all chargers were granted together through the worst day; dashed: the limit. Below: what "
    "each home was granted on that day.",
    "homes": "Above zero is drawn, below is given. States stand at the end of the step that led to them.",
    "curves": "A line for each seed: strong on validation days, faint on training days.",
    "days": "A row for each method; an empty place is a day on which it was not judged.",
}
TERMS = {
    "perfect foresight": "The optimum of a planner who knows the day and every home beforehand; nothing that keeps "
    "the limits is cheaper.",
    "uncontrolled": "Nobody decides: thermostats hold, cars charge at once, batteries rest.",
    "per unit (pu)": "Voltage as a share of the nominal voltage.",
    "node": "One phase of one bus of the feeder.",
}


def write_report(run_folder: Path) -> Path:
    """Write `report.html`, `feeder.geojson` and the PNGs of all figures into the run folder, each whole or not at all.

    Raises:
        RunError: a file of the run is missing or damaged, or the disk is full.
    """
    run = run_data.read(run_folder)
    run_charts.draw_all(run, run_folder)
    if run.chart["bus"]:
        write_geojson(run, run_folder / "feeder.geojson")
    return write_whole(run_folder / "report.html", page(run).encode())


def is_drawn(run_folder: Path) -> bool:
    """Whether the report is there and of the figures that are there; a study makes figures anew, and no report."""
    report, figures = run_folder / "report.html", run_folder / SUMMARY
    return report.exists() and report.stat().st_mtime_ns >= figures.stat().st_mtime_ns


def page(run: RunData, above: str = "", more: Sequence[PageSection] = (), style: str = "") -> str:
    """The whole page; a server adds HTML `above` it, `more` boxes below, and their `style`."""
    lead = html.paragraph(" ".join(words.story(run)), "lead")
    kicker, boxes = f"wattflock · {run.summary.get('run', '')}", [*_first(run), *_lab(run), *more]
    above, style = above + lead + html.tiles(tiles(run)), day_page.style() + style
    return html.page(f"{words.headline(run)}.", boxes, above, kicker, style)


def tiles(run: RunData) -> list[tuple[str, str, str]]:
    """What a person who runs a community asks first: money, carbon, wires, and who loses."""
    name = best(run.summary)
    mine, theirs = run.methods[name], run.methods[before(run.summary)]
    saved, half = words.saving_a_year(mine, theirs), mine.get("saving_half_width")
    sure = f", give or take {words.number(DAYS_A_YEAR * half)} with other days" if half else ""
    gain = "more paid" if (saved or 0) < 0 else "saved"
    table = run_data.savings(run, name).drop_nulls("saving")
    losers = table.filter(pl.col("saving") < 0)
    worst = f"; the worst by {words.number(-_least(losers))} {run.currency} a year" if losers.height else ""
    return [
        (words.number(abs(saved) if saved else saved), f"{run.currency} a year", f"{gain} by an average home{sure}"),
        _carbon(mine, theirs),
        _left(mine, theirs),
        (
            words.count(losers.height) if table.height else words.DASH,
            f"of {words.counted(table.height, 'home')}",
            f"pay more than when nobody steers{worst}",
        ),
    ]


def _least(losers: pl.DataFrame) -> float:
    return float(losers["saving"].min())  # type: ignore[arg-type]


def _carbon(mine: dict[str, Any], theirs: dict[str, Any]) -> tuple[str, str, str]:
    column, unit = "co2_kg_per_home_day", "kg of CO₂ a year"
    now, then = mine.get(column), theirs.get(column)
    change = None if now is None or then is None else DAYS_A_YEAR * (now - then)
    share = words.change(now, then)
    beside = "" if share is None else f", {words.signed(100 * share)} %"
    return words.signed(change), unit, f"per home{beside}; grid and fuel burnt at home together"


def _left(mine: dict[str, Any], theirs: dict[str, Any]) -> tuple[str, str, str]:
    if theirs.get("violation_pu_h") is None:
        return "no", "wires", "in this world: bills alone are judged"
    if theirs.get("violation_pu_h") == 0:
        broken = "voltage limits are broken that hold when nobody steers"
        return (
            ("no", "violations", "of voltage limits, steered or not")
            if not mine.get("violation_pu_h")
            else ("new", "violations", broken)
        )
    steps, days = (words.percent(mine.get(name)) for name in ("violated_share", "days_with_violation_share"))
    beside = f"of the uncontrolled voltage violations left: {steps} % of node-steps, on {days} % of days"
    return words.percent(mine.get("violation_of_idle")), "%", beside


def _first(run: RunData) -> list[PageSection]:
    """For everyone: homes, methods, wires."""
    figure = {
        name: html.figure(draw(run)) for name, draw in run_charts.CHARTS.items() if name not in ("curves", "days")
    }
    every, *same = tables.compared(run.summary)
    table = html.paragraph(every.note, "soft") + every.page()
    table += "".join(
        f"<h3>{html.words('All methods on the same days')}</h3>{html.paragraph(each.note, 'soft')}{each.page()}"
        for each in same
    )
    table += html.bullets(run.summary.get("notes", []))
    maps = figure["feeder"] + html.folded("The same by voltage", figure["feeder_voltage"])
    loads = figure["loading"] + figure["feeder_loading"]
    return [
        PageSection(
            "gains",
            "What homes save",
            "Each home's saving in a year; orange pays more.",
            figure["gains"] + gains(run),
            "homes",
        ),
        day_page.community(run),
        PageSection("table", "Methods compared", "", table, "methods"),
        *_market(run),
        *_charging(run),
        PageSection("tradeoff", "Cheap or safe?", CAPTIONS["tradeoff"], figure["tradeoff"], "trade-off"),
        PageSection("voltage", "Voltages over the day", CAPTIONS["voltage"], figure["voltage"], "voltage"),
        PageSection("feeder", "Where on the feeder", CAPTIONS["feeder"], maps, "feeder"),
        PageSection("loading", "Lines and transformers", CAPTIONS["loading"], loads, "loading"),
        PageSection(
            "homes", "A few homes through a day", f"{CAPTIONS['homes']} {prices(run)}", figure["homes"], "a day"
        ),
    ]


def _market(run: RunData) -> list[PageSection]:
    """What homes pay; nothing where single homes' bills are not known."""
    if run.homes.is_empty() or "bill" not in run.homes.columns:
        return []
    table = market_table.paid(run)
    body = html.paragraph(table.note, "soft") + table.page()
    return [PageSection("market", "What homes pay in the market", "", body, "market")]


def _charging(run: RunData) -> list[PageSection]:
    """The limit and who got what; nothing where no limit is shared."""
    if run.worst_day.is_empty() or run.worst_day.filter(of="limit").is_empty():
        return []
    return [PageSection("charging", "The limit and who got what", CAPTIONS["charging"],
                        html.figure(charging_charts.granted(run)), "charging")]  # fmt: skip


def _lab(run: RunData) -> list[PageSection]:
    """For those who check it: every figure, learning, days, how it was measured, words, scenario."""
    full = "".join(html.paragraph(each.note, "soft") + each.page() for each in tables.compared(run.summary, wide=True))
    learned = html.figure(run_charts.curves(run))
    text = json.dumps(run.summary.get("scenario", {}), indent=2, ensure_ascii=False)
    scenario = html.folded("Show all settings", html.code(text)) + html.paragraph(versions(run), "soft")
    return [
        PageSection("figures", "Every figure", "", full, "every figure"),
        PageSection("learning", "Learning", CAPTIONS["curves"], learned, "learning"),
        PageSection(
            "days",
            "Over the year",
            f"Violation of each test day [mpu·h per node]. {CAPTIONS['days']}",
            html.figure(run_charts.days(run)),
            "year",
        ),
        PageSection("measured", "How this was measured", "", html.bullets(measured(run)), "how it was measured"),
        PageSection("glossary", "What the words mean", "", html.definitions(glossary(run)), "glossary"),
        PageSection("scenario", "Scenario", "Everything that decides the result.", scenario),
    ]


def gains(run: RunData) -> str:
    """Who saves, by kind of home: a table."""
    table = by_kind(run)
    return table.page() if table.rows else html.paragraph("No figures of single homes in this run.")


def by_kind(run: RunData) -> tables.FigureTable:
    """Who saves, by kind of home; no rows where single homes are not known."""
    found = run_data.gains(run, best(run.summary)).drop_nulls("saving")
    looks, unit = methods(run.methods), f"{run.currency}/day"
    heads = [
        ("kind of home", ""),
        ("homes", ""),
        (looks[before(run.summary)].label, unit),
        (looks[best(run.summary)].label, unit),
        ("saving", f"{run.currency}/year"),
        ("pay more", "homes"),
        ("worst", f"{run.currency}/year"),
        ("CO₂", "kg/year"),
    ]
    rows = [
        Row(
            [
                words.kind_of(row["kind"]),
                words.count(row["homes"]),
                words.money(row["before"]),
                words.money(row["cost"]),
                words.number(row["saving"]),
                words.count(row["pay_more"]),
                words.number(row["worst"]),
                words.signed(None if row["co2_change"] is None else DAYS_A_YEAR * row["co2_change"]),
            ]
        )
        for row in found.iter_rows(named=True)
    ]
    return tables.FigureTable(heads, rows)


def prices(run: RunData) -> str:
    """What the background of a home's day means."""
    found = run_data.prices(run)["price"].drop_nulls()
    if found.is_empty():
        return ""
    low, high = float(found.min()), float(found.max())  # type: ignore[arg-type]
    if low == high:
        return f"Energy costs {low:.2f} {run.currency}/kWh all day."
    return (
        f"The stronger the background, the dearer the energy: {low:.2f} to {high:.2f} {run.currency}/kWh on these days."
    )


def measured(run: RunData) -> list[str]:
    """How the figures were made, a sentence or two each."""
    summary = run.summary
    steps, failed = run.steps.height, run.steps.filter(~pl.col("converged")).height
    days, homes = words.counted(summary.get("test_days"), "test day"), words.counted(summary.get("homes"), "home")
    said = [
        f"{homes} learned, standing for {words.count(summary.get('homes_on_feeder'))} on the feeder. "
        "Every method meets the same homes on the same days.",
        f"The headline is about the cheapest method of those that leave at most {words.percent(run_data.LIMIT)} % of "
        "the uncontrolled voltage violations.",
        f"Days are split by whole weeks into training, validation and test; no method learned from the {days}. On what "
        "weeks the settings of a learner were chosen is said in its page in docs/.",
        "Learning may use 32-bit numbers; the verdict is computed in 64-bit with the full "
        f"alternating-current power flow. It converged in {steps - failed:,} of {steps:,} steps.",
        "Intervals are 95 %, Student's t over the days: of a saving that of the paired difference from uncontrolled "
        "homes, of the share of the possible saving that of the paired ratio. Neighbouring days are taken as "
        f"independent. A year is {DAYS_A_YEAR} mean test days.",
    ]
    if run.shared:
        said.append(
            f"Perfect foresight was computed for {words.count(summary['bound_days'])} of the days, and the share of "
            "the saving is taken on those. Where it stands beside other methods, their figures are of the same days."
        )
    said += origin(summary.get("data", {}))
    seconds = [f"{name} {words.number(value)} s" for name, value in summary.get("seconds", {}).items()]
    return said + ([f"Computing time: {', '.join(seconds)}."] if seconds else [])


def origin(card: dict[str, Any]) -> list[str]:
    """Whose readings they are, what was borrowed, and what was mended in them."""
    if not card:
        return []
    said = [f"Readings: {card['source']}; {card['period']}. Owner: {card['owner']}. Licence: {card['licence']}."]
    if left_out := card.get("left_out"):
        said.append(f"Left out of them: {', '.join(left_out)}.")
    composite = card.get("composite")
    if isinstance(composite, dict) and composite:
        said.append("Borrowed: " + ", ".join(f"{column} from {place}" for column, place in composite.items()) + ".")
    elif isinstance(composite, str):
        said.append(f"A composite: {composite}.")
    if unused := card.get("not_used"):
        said.append(f"In the files but not used: {', '.join(unused)}.")
    if repairs := card.get("repairs"):
        mended = ", ".join(f"{what} {times:,}" for what, times in repairs.items())
        said.append(f"Mended in the readings: {mended}.")
    return said


def glossary(run: RunData) -> dict[str, str]:
    """What the headings and words mean."""
    named = {}
    for name in ("violation_pu_h", *WIDE):
        quantity = QUANTITIES[name]
        named[f"{quantity.label} [{quantity.unit_in(run.currency)}]"] = quantity.meaning
    return named | TERMS


def versions(run: RunData) -> str:
    """What the run was made with, in one line."""
    text = ", ".join(f"{name} {version}" for name, version in run.summary.get("versions", {}).items())
    return f"Made with {text}." if text else ""
