"""Findings as a table for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from wattflock.data.finding import KINDS, Finding

STYLES = {"error": "bold red", "repairable": "yellow", "note": "dim"}


def findings_table(findings: list[Finding], title: str) -> Table:
    """A row for each finding, in the order given; files are named where there are several."""
    table = Table(box=SIMPLE_HEAD, title=Text(title), title_justify="left", padding=(0, 1), pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("found", ratio=5)
    table.add_column("in", ratio=3, overflow="fold")
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("allowed → what cleaning does", ratio=5)
    several = len({each.file for each in findings}) > 1
    for each in findings:
        kind = KINDS[each.code]
        done = f"{kind.allowed} → {kind.repair}" if kind.repair and each.severity != "error" else kind.allowed
        found = Text(f"{kind.words} [{each.code}]").append(f"\n{each.value}" if each.value else "", style="dim")
        place = Text(f"{each.file}: {each.column}" if several else each.column)
        place.append(f"\nrows {', '.join(map(str, each.rows))}" if each.rows else "", style="dim")
        place.append(", …" if each.count > len(each.rows) > 0 else "", style="dim")
        table.add_row(Text(each.severity, STYLES[each.severity]), found, place, Text(f"{each.count:,}"), Text(done))
    return table
