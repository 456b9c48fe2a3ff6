"""A page that opens without a network: one file with its style, its figures and one copy of Vega.

Texts are escaped here; what a function returns is HTML. A figure is a chart's own specification beside its place, which
the page draws when it opens: as wide as there is room, and in the colours of light, dark or paper.
"""

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import vl_convert

from wattflock.report.html_look import SCRIPT, STYLE
from wattflock.report.theme import INK, refuse_small_space, spec

# Even if what a page shows were forged, it could load nothing and evaluate nothing.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
ASKING = f"{POLICY}; connect-src 'self'"  # of a page that is served and asks its own server for more
BUNDLE = "window.vegaEmbed = vegaEmbed;"


@dataclass(frozen=True)
class PageSection:
    """A box of the page: `title` and `caption` are text, `body` is HTML; `link` stands in the line of links."""

    name: str
    title: str
    caption: str
    body: str
    link: str = ""


@dataclass(frozen=True)
class Row:
    """A line of a table: text cells, the class of the line, a coloured dot before the first cell, where that leads."""

    cells: Sequence[str]
    mark: str = ""
    colour: str = ""
    link: str = ""


def page(
    title: str, sections: Sequence[PageSection], above: str = "", kicker: str = "wattflock", style: str = "",
    script: str = "",
) -> str:  # fmt: skip
    """A whole page.

    Args:
        title: the headline, text.
        sections: boxes in order.
        above: HTML between the headline and the links.
        kicker: a small line above the headline, text.
        style: CSS after that of every page.
        script: JavaScript after that of every page; it may ask the server that the page came from, and nobody else.
    """
    links = "".join(f'<a href="#{escape(one.name)}">{escape(one.link)}</a>' for one in sections if one.link)
    nav = f"<nav>{links}</nav>" if links else ""
    ours = "".join(f"<script>{each}</script>" for each in (*scripts(), *filter(None, [script])))
    body = f"""<header class="top"><p class="kicker">{escape(kicker)}</p><h1>{words(title)}</h1>{above}{nav}</header>
<main>{"".join(map(box, sections))}</main>
{ours}"""
    return _document(title, style, body, ASKING if script else POLICY)


def note(title: str, section: PageSection, above: str = "", style: str = "") -> str:
    """A small page of one box of text, without scripts."""
    body = f'<header class="top"><h1>{words(title)}</h1>{above}</header>\n<main>{box(section)}</main>\n'
    return _document(title, style, body, POLICY)


def scripts() -> tuple[str, ...]:
    """The scripts of every page."""
    return _bundle(), SCRIPT


def box(one: PageSection) -> str:
    """A box of the page."""
    caption = paragraph(one.caption, "soft")
    return f'<section id="{escape(one.name)}"><h2>{escape(one.title)}</h2>{caption}{one.body}</section>'


def words(text: str) -> str:
    """Text as HTML; no line ends between a number and its unit of per cent."""
    return escape(text).replace(" %", "&nbsp;%")


def figure(chart: Any, note: str = "") -> str:
    """A chart in its place. Its description is the text alternative; `note` stands below it."""
    found = spec(chart)
    said = escape(str(found.get("description", "")), quote=True)
    data = json.dumps(found, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    below = f"<figcaption>{words(note)}</figcaption>" if note else ""
    return (
        f'<figure><div class="plot" role="group" aria-label="{said}"></div>'
        f'<script type="application/json">{data}</script>{below}</figure>'
    )


def side_by_side(pieces: Iterable[str]) -> str:
    """Pieces beside each other, below each other on a phone."""
    return f'<div class="pair">{"".join(pieces)}</div>'


def table(heads: Sequence[tuple[str, str]], rows: Iterable[Row], left: int = 1) -> str:
    """A table that scrolls where it has no room.

    Args:
        heads: names and units.
        rows: in a cell of figures, what follows " (" stands small below.
        left: so many columns are names, the others figures.
    """
    top = "".join(
        f'<th scope="col"{_side(place < left)}>{escape(name)}<small>{escape(unit)}</small></th>'
        for place, (name, unit) in enumerate(heads)
    )
    body = "".join(_line(row, left) for row in rows)
    return (
        '<div><p class="hint">The table goes on to the right: scroll sideways.</p>'
        '<div class="wide" tabindex="0" role="group" aria-label="table">'
        f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div></div>"
    )


def bullets(lines: Iterable[str]) -> str:
    """A list of sentences; nothing where there is none."""
    items = "".join(f"<li>{words(text)}</li>" for text in lines)
    return f"<ul>{items}</ul>" if items else ""


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of class `kind`: "lead" is large, "soft" is small and grey."""
    return f'<p class="{escape(kind)}">{words(text)}</p>' if text else ""


def definitions(terms: dict[str, str]) -> str:
    """Terms and what they mean."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{words(text)}</dd>" for name, text in terms.items()) + "</dl>"


def tiles(shown: Iterable[tuple[str, str, str]]) -> str:
    """Large figures: value, unit and what it is."""
    return '<div class="tiles">' + "".join(
        f'<div class="tile"><b>{escape(value)} <small>{escape(unit)}</small></b><span>{words(text)}</span></div>'
        for value, unit, text in shown
    ) + "</div>"  # fmt: skip


def folded(title: str, body: str) -> str:
    """HTML that opens on a click."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def code(text: str) -> str:
    """Text as it is."""
    return f"<pre>{escape(text)}</pre>"


def _document(title: str, style: str, body: str, policy: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>
{body}</body></html>
"""


def _line(row: Row, left: int) -> str:
    first, *others = row.cells
    colour = "var(--ink)" if row.colour == INK else escape(row.colour)
    dot = f'<span class="dot" style="background:{colour}"></span>' if row.colour else ""
    name = f'<a href="{escape(row.link)}">{escape(first)}</a>' if row.link else escape(first)
    names, figures = others[: left - 1], others[left - 1 :]
    inner = "".join(f"<td{_side(True)}>{escape(cell)}</td>" for cell in names)
    inner += "".join(f"<td>{_stacked(cell)}</td>" for cell in figures)
    return f'<tr class="{escape(row.mark)}"><th scope="row">{dot}{name}</th>{inner}</tr>'


def _side(left: bool) -> str:
    return ' class="name"' if left else ""


def _stacked(cell: str) -> str:
    value, found, beside = cell.partition(" (")
    return escape(value) + (f"<small>({escape(beside)}</small>" if found else "")


@functools.cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, made offline."""
    refuse_small_space()
    return vl_convert.javascript_bundle(BUNDLE).replace("</script", "<\\/script")
