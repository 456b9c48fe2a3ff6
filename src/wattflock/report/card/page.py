"""One HTML page of a card: opens offline, asks nobody for anything, and can be mailed."""

from html import escape

from wattflock.report.card import words
from wattflock.report.card.drawing import Drawing
from wattflock.report.card.figures import drawings
from wattflock.report.card.look import LOOKS
from wattflock.report.card.plotted import plotted
from wattflock.report.card.words import Facts, Row
from wattflock.report.markup import bullets, grid, line, plot, section
from wattflock.report.offline import document
from wattflock.report.palette import INK

HEADS = [("figure", ""), ("reached", ""), ("beside it", ""), ("bar", ""), ("verdict", "")]
GLYPHS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "line-ew-open": "━"}
MORE_STYLE = """
.panels { display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); gap: 14px 20px; }
.panels > div { min-width: 0; } .key b { margin-right: 7px; }
.panels h3 { font-size: 15px; margin: 8px 0 0; } .plot { height: 300px; }
.key { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 14px; margin: 6px 0; }
.key svg { width: 30px; height: 12px; margin-right: 7px; vertical-align: -1px; }
details { margin-top: 14px; } .said { margin: 12px 0 0; font-size: 15px; }
td:first-child { white-space: normal; min-width: 15em; }
td { white-space: nowrap; } tr.short td:last-child { color: #c2410c; font-weight: 700; }
tr.held td:last-child { color: #00815f; font-weight: 700; }
@media (prefers-color-scheme: dark) { tr.short td:last-child { color: #fb923c; }
  tr.held td:last-child { color: #34d399; } }
@media (max-width: 760px) { .panels { grid-template-columns: minmax(0, 1fr); } .plot { height: 280px; } }
"""
CAPTION = (
    "A bar is what good made homes must reach. Beside it stands the same figure elsewhere: mostly that of training "
    "homes against held-out homes, which is what chance and few homes alone make."
)


def page(facts: Facts) -> bytes:
    """The whole page, UTF-8, from what `wattflock.synth.card.collect` gives.

    Raises:
        RunError: if plotly is not installed.
    """
    drawn = drawings(facts)
    figures = {f"{one.name}-{k}": plotted(panel) for one in drawn for k, panel in enumerate(one.panels)}
    title = escape(words.headline(facts))
    body = f"""{_top(facts, title, drawn)}<main>{_table(facts)}{"".join(map(_figure, drawn))}{_about(facts)}</main>"""
    return document(title, body, figures, MORE_STYLE).encode()


def _top(facts: Facts, title: str, drawn: list[Drawing]) -> str:
    links = "".join(f'<a href="#{one.name}">{escape(one.title)}</a>' for one in drawn)
    return f"""<header class="top"><p class="run">wattflock · report card of made homes</p>
<h1>{title}.</h1><p class="lead">{_together(words.story(facts))}</p><nav>{links}</nav></header>"""


def _together(text: str) -> str:
    """No line ends between a number and its %."""
    return escape(text).replace(" %", "&nbsp;%")


def _table(facts: Facts) -> str:
    """The bars, and folded away what has none."""
    judged, others = ([row for row in facts["rows"] if bool(row["verdict"]) == wanted] for wanted in (True, False))
    bars = grid(HEADS, [line(_cells(row), row["verdict"]) for row in judged]) if judged else ""
    more = grid(HEADS[:3], [line(_cells(row)[:3]) for row in others])
    folded = f"<details><summary>Figures without a bar ({len(others)})</summary>{more}</details>" if others else ""
    return section("table", "Figures and bars", CAPTION, bars + folded)


def _cells(row: Row) -> list[str]:
    beside = words.DASH if row["beside"] is None else f"{words.with_unit(row['beside'], '1')} ({row['beside_is']})"
    return [row["figure"], words.value(row), beside, words.bar(row), row["verdict"] or words.DASH]


def _figure(drawing: Drawing) -> str:
    columns = min(drawing.columns, len(drawing.panels))
    panels = "".join(
        f"<div><h3>{escape(panel.title)}</h3>{plot(f'plot-{drawing.name}-{k}', f'{drawing.name}-{k}', [])}</div>"
        for k, panel in enumerate(drawing.panels)
    )
    body = f'{_key(drawing)}<div class="panels" style="--columns:{columns}">{panels}</div>'
    said = f'<p class="said">{_together(drawing.said)}</p>' if drawing.said else ""
    return section(drawing.name, drawing.title, drawing.how, body + said)


def _key(drawing: Drawing) -> str:
    """One legend for all panels of a figure: markers where it has points, lines elsewhere."""
    points = drawing.points()
    texts = "".join(
        f"<span>{_marker(side) if side in points else _line(side)}{escape(text)}</span>"
        for side, text in drawing.legend().items()
    )
    return f'<p class="key">{texts}</p>' if texts else ""


def _marker(side: str) -> str:
    return f'<b style="color:{_colour(side)}">{GLYPHS[LOOKS[side].symbol]}</b>'


def _line(side: str) -> str:
    dash = {"dash": "7 4", "dashdot": "8 3 2 3", "dot": "2 4"}.get(LOOKS[side].stroke, "none")
    stroke = f'stroke="{_colour(side)}" stroke-width="3" stroke-dasharray="{dash}"'
    return f'<svg viewBox="0 0 30 12" aria-hidden="true"><line x1="0" y1="6" x2="30" y2="6" {stroke}/></svg>'


def _colour(side: str) -> str:
    return "currentColor" if LOOKS[side].colour == INK else LOOKS[side].colour


def _about(facts: Facts) -> str:
    sides = "".join(
        f"<dt>{escape(LOOKS[side].label)}</dt><dd>{escape(text)}</dd>" for side, text in words.of_sides(facts).items()
    )
    left_out = [f"{words.title_of(name)}: left out, {why}" for name, why in facts["left_out"]]
    said = bullets([*facts["notes"], *left_out, "Powers are judged hour by hour; a day with a gap is left out."])
    return section("about", "What was compared", "", f"<dl>{sides}</dl>{said}")
