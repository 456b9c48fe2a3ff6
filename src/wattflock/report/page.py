"""One HTML page of a run: opens offline, asks nobody for anything, and can be mailed."""

import json
from html import escape
from pathlib import Path
from typing import Any

from wattflock.core.files import write_whole
from wattflock.report import findings, plots, plots_of_places, words
from wattflock.report.folder import Run, read
from wattflock.report.markup import Options, pair, plot, section
from wattflock.report.offline import document
from wattflock.report.page_look import GLOSSARY
from wattflock.report.page_text import CAPTIONS, compared, gains, measured, prices, tiles, versions
from wattflock.report.palette import looks
from wattflock.report.table import notes

LEARNED = ("cost", "objective", "saving", "violation_pu_h")
LINKS = {
    "table": "table",
    "tradeoff": "trade-off",
    "voltage": "voltage",
    "feeder": "feeder",
    "learning": "learning",
    "homes": "homes",
    "days": "year",
    "measured": "how this was measured",
    "glossary": "glossary",
}
Figures = dict[str, dict[str, Any]]


def write_report(run_folder: Path) -> Path:
    """Write `report.html` into the run folder, whole or not at all.

    Raises:
        RunError: if a file of the run is missing or damaged, plotly is not installed, or the disk is full.
    """
    return write_whole(run_folder / "report.html", page(read(run_folder)).encode())


def page(run: Run) -> str:
    """The whole page."""
    figures = draw(run)
    title = escape(words.headline(run.summary)).replace(" %", "&nbsp;%")
    body = f"{_top(run, title)}<main>{_sections(run, figures)}</main>"
    return document(title, body, figures)


def draw(run: Run) -> Figures:
    """Every figure of the page by its name."""
    return {
        "tradeoff": plots.tradeoff(run),
        "voltage": plots.voltage(run),
        "feeder": plots_of_places.feeder(run),
        "homes": plots_of_places.homes(run),
        "days": plots.days(run),
    } | {f"curves-{name}": plots.curves(run, name) for name in LEARNED}


def _top(run: Run, title: str) -> str:
    links = "".join(f'<a href="#{name}">{text}</a>' for name, text in LINKS.items())
    story = escape(" ".join(words.story(run.summary))).replace(" %", "&nbsp;%")
    name = escape(str(run.summary.get("run", "")))
    return f"""<header class="top"><p class="run">wattflock · {name}</p>
<h1>{title}.</h1><p class="lead">{story}</p>
<div class="tiles">{tiles(run)}</div><nav>{links}</nav></header>"""


def _sections(run: Run, figures: Figures) -> str:
    bodies = {
        "table": compared(run),
        "tradeoff": plot("trade", "tradeoff", []),
        "voltage": _voltage(run, figures),
        "feeder": _maps(run, figures),
        "learning": _learning(figures),
        "homes": _homes(run, figures),
        "gains": gains(run),
        "days": plot("year", "days", [], "tall"),
        "measured": measured(run),
        "glossary": _glossary(),
        "scenario": _scenario(run),
    }
    added = {"table": f"{notes(run.summary)}.", "homes": prices(run)}
    return "".join(
        section(name, title, f"{caption} {added.get(name, '')}".strip(), bodies[name])
        for name, (title, caption) in CAPTIONS.items()
    )


def _voltage(run: Run, figures: Figures) -> str:
    menu = ("compare with", _methods(run, figures["voltage"]), words.best(run.summary))
    return plot("volts", "voltage", [menu])


def _maps(run: Run, figures: Figures) -> str:
    options = _methods(run, figures["feeder"])
    colours = {name: text.split(" [")[0] for name, text in plots_of_places.QUANTITIES.items()}
    shown = (words.before(run.summary), words.best(run.summary))
    return pair([
        plot(f"map-{place}", "feeder", [("method", options, name), ("colour", colours, "violation")])
        for place, name in enumerate(shown)
    ])  # fmt: skip


def _learning(figures: Figures) -> str:
    found = [name for name in LEARNED if figures[f"curves-{name}"]["choices"]]
    if not found:
        return "<p>Nothing was trained in this run.</p>"
    return pair([plot(f"curve-{name}", f"curves-{name}", [], key=name) for name in found])


def _homes(run: Run, figures: Figures) -> str:
    days = findings.home_days(run)
    if not days:
        return "<p>No example homes in this run.</p>"
    options = {str(place): plots_of_places.home_name(day) for place, day in enumerate(days)}
    methods = {key.split("|", 1)[1] for key in figures["homes"]["choices"]}
    named = {name: text for name, text in _labels(run).items() if name in methods}
    return plot("home", "homes", [("", options, "0"), ("method", named, words.best(run.summary))], "tall")


def _methods(run: Run, figure: dict[str, Any]) -> Options:
    keys = {key.rsplit("|", 1)[0] for key in figure["choices"]}
    return {name: text for name, text in _labels(run).items() if name in keys}


def _labels(run: Run) -> Options:
    return {name: look.label for name, look in looks(list(run.summary["methods"])).items()}


def _glossary() -> str:
    terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in GLOSSARY.items())
    return f"<dl>{terms}</dl>"


def _scenario(run: Run) -> str:
    text = escape(json.dumps(run.summary.get("scenario", {}), indent=2, ensure_ascii=False))
    return f"<details><summary>Show all settings</summary><pre>{text}</pre></details>{versions(run)}"
