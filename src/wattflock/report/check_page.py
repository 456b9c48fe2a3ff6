"""What a look at a file of readings found, as boxes of a page: a summary, each finding beside its rows, a picture."""

from collections.abc import Mapping

import numpy as np

from wattflock.core.errors import ScenarioError
from wattflock.data.finding import KINDS, Finding
from wattflock.data.look import Look
from wattflock.report import html
from wattflock.report.data_charts import picture
from wattflock.report.html import PageSection
from wattflock.report.theme import ORANGE, RED, SKY

COLOURS = {"error": RED, "repairable": ORANGE, "note": SKY}
PICTURE = "A mean day of each home, and its mean energy a day in each month."
MOST_LETTERS = 200  # of a row that is shown


def boxes(name: str, seen: Look, lines: Mapping[int, str]) -> list[PageSection]:
    """Boxes in order.

    Args:
        name: of the file.
        seen: the findings and the summary.
        lines: number → text of the rows that findings name, where the file is text.
    """
    wrong = sum(each.severity == "error" for each in seen.findings)
    said = f"{wrong} of the findings must be mended first." if wrong else "A study can use it."
    facts = html.paragraph(said, "lead") + html.definitions(dict(seen.facts))
    found = "".join(_finding(each, lines) for each in seen.findings) or html.paragraph("Nothing to find fault with.")
    sections = [
        PageSection("card-facts", name, "", facts),
        PageSection("card-findings", "Findings", "Errors first, then what is repaired, then notes.", found),
    ]
    return sections + _picture(seen)


def named_rows(seen: Look) -> set[int]:
    """Numbers of the rows that findings name, as an editor counts lines."""
    return {row for each in seen.findings for row in each.rows}


def _finding(each: Finding, lines: Mapping[int, str]) -> str:
    kind = KINDS[each.code]
    mended = f" Cleaning: {kind.repair}." if kind.repair and each.severity != "error" else ""
    times = f", {each.count:,} times" if each.count > 1 else ""
    allowed = f" Allowed: {kind.allowed}." if kind.allowed else ""
    dot = f'<span class="dot" style="background:{COLOURS[each.severity]}"></span>'
    title = f"<h3>{dot}{html.words(f'{each.severity}: {kind.words} [{each.code}]')}</h3>"
    place = f"In {each.column}{times}{f': {each.value}' if each.value else ''}.{allowed}{mended}"
    rows = [f"{row}: {lines[row][:MOST_LETTERS]}" for row in each.rows if row in lines]
    more = ["…"] if rows and each.count > len(each.rows) else []
    text = html.code("\n".join(rows + more)) if rows else ""
    return f'<div class="found">{title}{html.paragraph(place, "soft")}{text}</div>'


def _picture(seen: Look) -> list[PageSection]:
    loads = seen.cleaned.flock.load_kw if seen.cleaned else None
    if seen.cleaned is None or loads is None or not np.isfinite(loads).any():
        return []
    try:
        return [PageSection("card-picture", "The homes", PICTURE, html.figure(picture(seen.cleaned.flock)))]
    except ScenarioError:
        return []
