"""Pieces of HTML: sections, tables, menus and places for figures. Texts are escaped here."""

from html import escape

Options = dict[str, str]  # what a menu hands on -> what it shows
Menu = tuple[str, Options, str]  # its label, its options and the one that is chosen


def section(name: str, title: str, caption: str, body: str) -> str:
    """A box of the page; `body` is HTML, title and caption are text."""
    soft = f'<p class="soft">{escape(caption)}</p>' if caption else ""
    return f'<section id="{escape(name)}"><h2>{escape(title)}</h2>{soft}{body}</section>'


def plot(place: str, figure: str, menus: list[Menu], size: str = "", key: str = "") -> str:
    """A place for a figure; its menus pick what it shows, or `key` does."""
    made = "".join(
        f"<label>{escape(label)} {_menu(place, options, chosen)}</label>" for label, options, chosen in menus
    )
    head = f'<div class="menus">{made}</div>' if made else ""
    fixed = "" if menus else f' data-key="{escape(key)}"'
    return f'<div>{head}<div class="plot {size}" id="{place}" data-figure="{figure}"{fixed}></div></div>'


def pair(plots: list[str]) -> str:
    """Figures side by side, below each other on a phone."""
    return f'<div class="pair">{"".join(plots)}</div>'


def grid(heads: list[tuple[str, str]], lines: list[str]) -> str:
    """A table; headings are names and units, lines come from `line`."""
    top = "".join(f"<th>{escape(name)}<small>{escape(unit)}</small></th>" for name, unit in heads)
    body = "".join(lines)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def line(cells: list[str], mark: str = "", colour: str = "") -> str:
    """A row of a table, of class `mark`; an interval stands small below its value, a dot before the name."""
    inner = "".join(f"<td>{escape(cell).replace(' (', '<small>(')}</td>" for cell in cells[1:])
    dot = f'<span class="dot" style="background:{escape(colour)}"></span>' if colour else ""
    return f'<tr class="{escape(mark)}"><td>{dot}{escape(cells[0])}</td>{inner}</tr>'


def bullets(lines: list[str]) -> str:
    """A list of sentences."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in lines) + "</ul>"


def _menu(place: str, options: Options, chosen: str) -> str:
    inner = ""
    for value, text in options.items():
        mark = " selected" if value == chosen else ""
        inner += f'<option value="{escape(value)}"{mark}>{escape(text)}</option>'
    return f'<select data-for="{place}">{inner}</select>'
