"""The pages that only a server has, made of the report's own boxes: the list, a run under way, data, conversation."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from wattflock.report import html, run_data, run_page, talk
from wattflock.report.html import PageSection, Row
from wattflock.web import listing, live, look
from wattflock.web.children import Child
from wattflock.web.downloads import SHEETS, tables_of_run
from wattflock.web.listing import STOPPED, UNDER_WAY, Entry

PAGES = {"/": "Runs", "/data": "Data", "/talk": "Talk"}
HEADS = [("run", ""), ("state", ""), ("about", ""), ("date", ""), ("headline", "")]
EMPTY = "There is nothing in {} yet. Type “wattflock demo” in a terminal, or start a scenario below."
START = "The same as “wattflock compare SCENARIO”. TOML files that stand in the served folder can be picked too."
STOP = "Stop, and keep what it learned"


def navigation(here: str = "") -> str:
    """Links to the pages, the same on each."""
    links = "".join(
        f'<a href="{address}"{" aria-current=page" if address == here else ""}>{name}</a>'
        for address, name in PAGES.items()
    )
    return f'<nav class="pages" aria-label="Pages">{links}</nav>'


def index(folder: Path, found: Sequence[Entry], scenarios: Sequence[tuple[str, str]]) -> str:
    """Runs and studies of the folder, and a form that starts one.

    Args:
        folder: that is served.
        found: what stands in it, newest first.
        scenarios: values and names of what can be started.
    """
    if found:
        rows = [
            Row([each.name, each.state, each.method, each.date, each.headline], link=address(each)) for each in found
        ]
        body = (
            '<div class="line" role="search"><label>Show only'
            '<input id="filter" type="search" autocomplete="off"></label>'
            f'<span id="shown" role="status" class="soft">{len(rows)} of {len(rows)}</span></div>'
            f'<div class="list">{html.table(HEADS, rows, left=5)}</div>'
        )
    else:
        body = html.paragraph(EMPTY.format(folder))
    choices = "".join(f'<option value="{escape(value)}">{escape(name)}</option>' for value, name in scenarios)
    start = (
        '<form class="line" method="post" action="/start"><label>Scenario'
        f'<select name="scenario" required>{choices}</select></label><button>Start</button></form>'
    )
    sections = [PageSection("runs", "Runs and studies", "", body), PageSection("start", "Start a run", START, start)]
    return html.page(
        f"Runs in {folder.name or folder}", sections, navigation("/"), "wattflock serve", look.STYLE, look.FILTER
    )


def address(each: Entry) -> str:
    """Where an entry of the list leads."""
    return f"/{'study' if each.is_study else 'run'}/{each.name}"


def finished(path: Path) -> str:
    """A judged run: the page that its report is, with downloads, and a button where training was cut short.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    run = run_data.read(path)
    below = [PageSection("downloads", "Downloads", "", downloads(path, run.chart["bus"] != []), "downloads")]
    more = _buttons(path.name, STOPPED, None) if listing.state(path) == STOPPED else ""
    return run_page.page(run, navigation() + more, below, look.STYLE)


def under_way(path: Path, child: Child | None) -> str:
    """A run that is not judged yet: its state and learning curves, which follow its files."""
    now = live.state(path, child)
    status = live.status(path, child)
    body = (
        f'<div id="live" data-from="/run/{escape(path.name)}/events" data-state="{escape(now)}">{status}</div>'
        f'<p id="link" class="fault" role="status"></p>{_buttons(path.name, now, child)}'
    )
    curves = html.figure(live.chart(path))
    sections = [
        PageSection("progress", "Progress", "", body),
        PageSection("curves", "Learning so far", run_page.CAPTIONS["curves"], curves),
    ]
    kicker = f"wattflock · {path.name}"
    return html.page("A run that is not judged yet", sections, navigation(), kicker, look.STYLE, look.LIVE)


def data() -> str:
    """Where a meter file is given and its report card is shown."""
    about = (
        "The file is read on the computer that runs wattflock serve, shown once and kept nowhere. "
        "Layouts, units and settings: docs/data.md; every finding: docs/data-check.md."
    )
    body = (
        '<form class="line"><label>Time zone of the homes, where the file does not tell it'
        '<input id="zone" placeholder="Europe/London" autocomplete="off"></label></form>'
        '<label class="drop">Drop a file of readings here, or pick one (CSV, Excel, Parquet, Green Button, zip)'
        '<input type="file"></label><p id="busy" role="status"></p><p id="fault" class="fault" role="alert"></p>'
    )
    sections = [PageSection("file", "A file of meter readings", about, body)]
    return _with_room("Is this file good enough?", sections, "/data", "card", look.UPLOAD)


def conversation() -> str:
    """The assistant's conversation, and the plan that comes of it."""
    about = "Tell it about your home; it asks for what a plan needs, and reads back what it understood."
    body = talk.talk("/talk") + (
        '<p><button id="make" disabled>Plan my home with what is agreed</button></p>'
        '<p id="fault" class="fault" role="alert"></p>'
    )
    return _with_room("Plan my home", [PageSection("conversation", "Talk", about, body)], "/talk", "plan", look.TALK)


def told(title: str, text: str) -> str:
    """A page that says what went wrong, line by line."""
    return html.note(title, PageSection("told", "What can be done", "", html.code(text)), navigation(), look.STYLE)


def downloads(path: Path, wires: bool) -> str:
    """Links to the tables and files of a run, as HTML."""
    where = f"/run/{escape(path.name)}"
    rows = [f"<li>{escape(table)}: {_links(where, table, about)}</li>" for table, about in tables_of_run(path).items()]
    files = [f'<li><a href="{where}/report.html" download>this page as one file, which opens offline</a></li>']
    if wires:
        files.append(f'<li><a href="{where}/feeder.geojson" download>the feeder as GeoJSON</a></li>')
    said = "Below each picture: PNG and SVG. The page prints as PDF."
    return f'{html.paragraph(said, "soft")}<ul class="links">{"".join(files + rows)}</ul>'


def study_bar(name: str, tables: Sequence[str], files: Sequence[str]) -> str:
    """What stands above the page of a study: links to the pages, to its tables and to files that it wrote."""
    every = [*(f"{table}{ending}" for table in tables for ending in SHEETS), *files]
    links = ", ".join(f'<a href="/study/{escape(name)}/{escape(file)}" download>{escape(file)}</a>' for file in every)
    return navigation() + (f'<p class="soft links">Files: {links}</p>' if every else "")


def _links(where: str, table: str, about: str) -> str:
    files = " ".join(
        f'<a href="{where}/{table}{ending}" download aria-label="{table} as {ending[1:]}">{ending[1:].upper()}</a>'
        for ending in SHEETS
    )
    return f"{escape(about)} {files}"


def _buttons(name: str, now: str, child: Child | None) -> str:
    """Stop while the server's own process works, go on where nobody does; the other is hidden, not gone."""
    mine = child is not None
    return "".join(
        f'<form class="line" method="post" action="/run/{escape(name)}/{action}" data-when="{when}"'
        f"{'' if now == when else ' hidden'}><button>{said}</button></form>"
        for action, when, said, wanted in (("stop", UNDER_WAY, STOP, mine), ("resume", STOPPED, "Go on", True))
        if wanted
    )


def _with_room(title: str, sections: list[PageSection], here: str, room: str, script: str) -> str:
    """A page with an empty place at its end, into which its script puts boxes."""
    page = html.page(title, sections, navigation(here), "wattflock serve", look.STYLE, script)
    return page.replace("</main>", f'<div id="{room}" aria-live="polite"></div></main>', 1)
