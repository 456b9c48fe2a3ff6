"""One HTML page of a run: opens offline, asks nobody for anything, and can be mailed."""

import html
import json
from pathlib import Path
from typing import Any

from wattflock.errors import RunError
from wattflock.report import findings, plots, plots_of_places, words
from wattflock.report.folder import Run, read, write_whole
from wattflock.report.page_look import GLOSSARY, SCRIPT, STYLE
from wattflock.report.page_text import gains, measured, tiles, versions
from wattflock.report.palette import INK, looks
from wattflock.report.table import columns, notes, rows

# Even if a file of the run were forged, the page could load nothing.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
Options = dict[str, str]  # what a menu hands on -> what it shows


def write_report(run_folder: Path) -> Path:
    """Write `report.html` into the run folder, whole or not at all.

    Raises:
        RunError: if a file of the run is missing or damaged, plotly is not installed, or the page cannot be written.
    """
    return write_whole(run_folder / "report.html", page(read(run_folder)).encode())


def page(run: Run) -> str:
    """The whole page."""
    figures = {
        "tradeoff": plots.tradeoff(run),
        "voltage": plots.voltage(run),
        "feeder": plots_of_places.feeder(run),
        "homes": plots_of_places.homes(run),
        "days": plots.days(run),
    } | {
        f"curves-{name}": plots.curves(run, name)
        for name in ("cost", "objective", "saving", "violation_pu_h")
    }
    data = json.dumps(figures, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    title = html.escape(words.headline(run.summary))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title><style>{STYLE}</style></head><body>
{_top(run, title)}<main>{_sections(run, figures)}</main>
<script type="application/json" id="figures">{data}</script>
<script>{_plotly()}</script><script>{SCRIPT}</script></body></html>
"""


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise RunError("the page needs plotly: pip install 'wattflock[plot]'") from error
    return get_plotlyjs().replace("</script", "<\\/script")


def _top(run: Run, title: str) -> str:
    links = {"table": "table", "tradeoff": "trade-off", "voltage": "voltage", "feeder": "feeder", "learning": "learning",
             "homes": "homes", "days": "year", "measured": "how this was measured", "glossary": "glossary"}  # fmt: skip
    menu = "".join(f'<a href="#{name}">{text}</a>' for name, text in links.items())
    story = html.escape(" ".join(words.story(run.summary)))
    name = html.escape(str(run.summary.get("run", "")))
    return f"""<header class="top"><p class="run">wattflock · {name}</p><h1>{title[:1].upper()}{title[1:]}.</h1>
<p class="lead">{story}</p><div class="tiles">{tiles(run)}</div><nav>{menu}</nav></header>"""


def _sections(run: Run, figures: dict[str, Any]) -> str:
    idle, best = words.before(run.summary), words.best(run.summary)
    scenario = html.escape(json.dumps(run.summary.get("scenario", {}), indent=2, ensure_ascii=False))
    terms = "".join(
        f"<dt>{html.escape(term)}</dt><dd>{html.escape(text)}</dd>" for term, text in GLOSSARY.items()
    )
    parts = [
        _section("table", "Methods compared", html.escape(notes(run.summary)) + ".", _table(run)),
        _section("tradeoff", "Cheap or safe?", "Cheaper to the left, safer below; lines are 95 % intervals over the test "
                 "days. Left of the dotted line no controller can be. The violation axis is logarithmic.",
                 _plot("trade", "tradeoff", [])),
        _section("voltage", "Voltages over the day", "All nodes on all test days. Pale: from the lowest to the highest "
                 "ever seen. Darker: 5 to 95 % of the nodes on a mean day. Dashed: the limits.",
                 _plot("volts", "voltage", [("compare with", _methods(run, figures["voltage"]), best)])),
        _section("feeder", "Where on the feeder", "Each bus is shown by its worst phase; an open circle has no violation. "
                 "Point at a bus for its voltages.", _maps(run, figures["feeder"], (idle, best))),
        _section("learning", "Learning", "Validation days solid, training days dotted and faint; a line for each seed.",
                 _learning(figures)),
        _section("homes", "A few homes through a day", f"Above zero is drawn, below is produced. {_price_words(run)}",
                 _homes(run, figures["homes"])),
        _section("gains", "Which homes gain", f"Mean cost per home and day with {html.escape(idle)} and with "
                 f"{html.escape(best)}.", gains(run)),
        _section("days", "Over the year", "Violation of each test day, logarithmic.",
                 _plot("year", "days", [], "tall")),
        _section("measured", "How this was measured", "", measured(run)),
        _section("glossary", "What the words mean", "", f"<dl>{terms}</dl>"),
        _section("scenario", "Scenario", "Everything that decides the result.",
                 f"<details><summary>Show all settings</summary><pre>{scenario}</pre></details>{versions(run)}"),
    ]  # fmt: skip
    return "".join(parts)


def _section(name: str, title: str, caption: str, body: str) -> str:
    soft = f'<p class="soft">{caption}</p>' if caption else ""
    return f'<section id="{name}"><h2>{title}</h2>{soft}{body}</section>'


def _table(run: Run) -> str:
    best, look = words.best(run.summary), looks(list(run.summary["methods"]))
    heads = "".join(
        f"<th>{html.escape(column.title)}<small>{html.escape(column.unit)}</small></th>"
        for column in columns(run.summary)
    )
    lines = []
    for name, cells in rows(run.summary).items():
        colour = "var(--ink)" if look[name].colour == INK else look[name].colour
        inner = "".join(f"<td>{html.escape(cell).replace(' (', '<small>(')}</td>" for cell in cells)
        dot = f'<span class="dot" style="background:{colour}"></span>'
        mark = ' class="best"' if name == best else ""
        lines.append(f"<tr{mark}><td>{dot}{html.escape(look[name].label)}</td>{inner}</tr>")
    return f'<div class="wide"><table><thead><tr><th>method</th>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _plot(place: str, figure: str, menus: list[tuple[str, Options, str]], size: str = "") -> str:
    """A figure with its menus; each menu is its label, its options and the one that is chosen."""
    made = "".join(
        f"<label>{label} {_menu(place, options, chosen)}</label>" for label, options, chosen in menus
    )
    head = f'<div class="menus">{made}</div>' if made else ""
    key = "" if menus else ' data-key=""'
    return f'<div>{head}<div class="plot {size}" id="{place}" data-figure="{figure}"{key}></div></div>'


def _menu(place: str, options: Options, chosen: str) -> str:
    inner = "".join(
        f'<option value="{html.escape(value)}"{" selected" if value == chosen else ""}>{html.escape(text)}</option>'
        for value, text in options.items()
    )
    return f'<select data-for="{place}">{inner}</select>'


def _methods(run: Run, figure: dict[str, Any]) -> Options:
    keys = dict.fromkeys(key.rsplit("|", 1)[0] for key in figure["choices"])
    look = looks([*run.summary["methods"]])
    return {name: look[name].label for name in run.summary["methods"] if name in keys}


def _maps(run: Run, figure: dict[str, Any], shown: tuple[str, str]) -> str:
    options = _methods(run, figure)
    colours = {name: text.split(" [")[0] for name, text in plots_of_places.QUANTITIES.items()}
    maps = [
        _plot(f"map-{place}", "feeder", [("method", options, name), ("colour", colours, "violation")])
        for place, name in enumerate(shown)
    ]
    return f'<div class="pair">{"".join(maps)}</div>'


def _learning(figures: dict[str, Any]) -> str:
    made = {name: figures[f"curves-{name}"] for name in ("cost", "objective", "saving", "violation_pu_h")}
    found = [name for name, figure in made.items() if figure["choices"]]
    if not found:
        return "<p>Nothing was trained in this run.</p>"
    parts = [
        _plot(f"curve-{name}", f"curves-{name}", []).replace('data-key=""', f'data-key="{name}"')
        for name in found
    ]
    return f'<div class="pair">{"".join(parts)}</div>'


def _homes(run: Run, figure: dict[str, Any]) -> str:
    days = findings.home_days(run)
    if not days:
        return "<p>No example homes in this run.</p>"
    options = {str(place): plots_of_places.home_name(day) for place, day in enumerate(days)}
    methods = {key.split("|", 1)[1] for key in figure["choices"]}
    look = looks(list(run.summary["methods"]))
    names = {name: look[name].label for name in run.summary["methods"] if name in methods}
    return _plot("home", "homes", [("", options, "0"), ("method", names, words.best(run.summary))], "tall")


def _price_words(run: Run) -> str:
    prices = run.steps["import_price_per_kwh"].drop_nulls()
    if prices.is_empty():
        return ""
    unit = html.escape(str(run.summary.get("currency", "")))
    return f"The darker the background, the dearer the energy: {prices.min():.2f} to {prices.max():.2f} {unit}/kWh over the year."
