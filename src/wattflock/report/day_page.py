"""The community through its worst day: the section of a run's page with map, slider, and the day of a home."""

import json
from datetime import date
from functools import cache
from html import escape
from importlib import resources

import polars as pl

from wattflock.report import html, words
from wattflock.report.day_data import DayData, day_data
from wattflock.report.html import PageSection
from wattflock.report.run_data import RunData, before
from wattflock.report.theme import methods

SCRIPTS = ("numbers.js", "map.js", "home.js", "words.js", "controls.js")
OLD = (
    "This run keeps no day step by step: an older version of wattflock judged it. A run that is judged now has the map."
)
COLOURS = {"voltage": "voltage", "violation": "violation (log scale)", "loading": "loading"}


def community(run: RunData) -> PageSection:
    """The section; a word in its place where the run keeps no such day."""
    found = day_data(run)
    body = html.paragraph(OLD, "soft") if found is None else _body(found)
    caption = "" if found is None else " ".join(_said(run, found))
    return PageSection("community", "The community through its worst day", caption, body, "community")


def _said(run: RunData, found: DayData) -> list[str]:
    """Which day it is and why, and of how many homes there are series."""
    looks, number = methods(run.methods), run.worst_day["day"].item(0)
    day = run.days.filter((pl.col("day") == number) & (pl.col("method") == before(run.summary)))
    amount = float(day["violation_pu_h"].sum() or 0)
    when = date.fromisoformat(found.head["date"])
    why = (
        f"uncontrolled homes violate voltages the most ({words.number(1000 * amount)} mpu·h per node)"
        if amount
        else "uncontrolled homes draw or give the most together, as no voltage is violated"
    )
    missing = [looks[name].label for name in run.methods if looks[name].label not in found.head["methods"]]
    lack = f" {words.capital(', '.join(missing))}: not judged on this day." if missing else ""
    every = found.head["every"]
    some = f" Of the homes every {_th(every)} has its series here, so that the page stays small." if every > 1 else ""
    how = (
        "Dots around a bus are its homes. Click a home, or choose it from the list, for its day; drag the map to move "
        "it, turn the wheel with Ctrl (or ⌘) held to zoom."
        if found.head["nodes"]
        else "Choose a home from the list for its day."
    )
    return [
        f"{when:%A} {when.day} {when:%B %Y}, the test day on which {why}.{lack}{some}",
        how,
    ]


def _th(number: int) -> str:
    return f"{number}{'nd' if number % 10 == 2 and number % 100 != 12 else 'th'}"


def _body(found: DayData) -> str:
    head = json.dumps(found.head, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    by = "".join(f'<option value="{name}">{escape(text)}</option>' for name, text in COLOURS.items())
    wired = bool(found.head["nodes"])
    return f"""<div class="day"><div class="bar">
<button type="button" class="play" aria-pressed="false">▶ Play</button>
<label class="time"><span>time</span>
<input type="range" class="slider" min="0" value="0" step="1" aria-label="time of the day">
<output class="clock"></output></label>
<label>method <select class="method"></select></label>
{f'<label>colour <select class="by">{by}</select></label>' if wired else '<select class="by" hidden></select>'}
<label>home <select class="home"></select></label></div>
<p class="said" aria-live="polite"></p>
<div class="two"><div>{MAP if wired else html.paragraph("No wires in this run: bills alone are judged.", "soft")}
<div class="money" tabindex="0" role="region" aria-label="bills"><table class="bills"></table></div></div>
<figure><h3 class="title"></h3><div class="curve drawn" role="img"></div>
<ul class="keys drawn"></ul><p class="saw"></p></figure></div>
<details class="steps"><summary>The day as a table</summary>
<div tabindex="0" role="region" aria-label="the day as a table"><table></table></div></details>
<script type="application/json" class="head">{head}</script>
<script type="text/plain" class="packs">{found.text}</script></div>
<script>{script()}</script>"""


MAP = """<figure class="map"><canvas class="canvas" tabindex="0" role="img"></canvas><p class="tip" hidden></p>
<div class="zooms"><button type="button" data-zoom="1.6" aria-label="zoom in">+</button>
<button type="button" data-zoom="0.625" aria-label="zoom out">−</button>
<button type="button" data-zoom="0" aria-label="show all">⤢</button></div><div class="legend"></div></figure>"""


@cache
def script() -> str:
    """All of its script, in a scope of its own."""
    text = "\n".join(_file(name) for name in SCRIPTS)
    return "{\n" + text.replace("</script", "<\\/script") + "}"


@cache
def style() -> str:
    """Its style sheet."""
    return _file("look.css")


def _file(name: str) -> str:
    return (resources.files("wattflock.report") / "day" / name).read_text()
