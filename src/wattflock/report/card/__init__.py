"""The report card of made homes, drawn: a page, a picture of each figure, the facts and their table."""

from pathlib import Path

from wattflock.core.files import write_json, write_whole
from wattflock.report.card.figures import drawings
from wattflock.report.card.page import page
from wattflock.report.card.pictures import picture
from wattflock.report.card.table import lines, summary
from wattflock.report.card.words import Facts

__all__ = ["summary", "write_card"]


def write_card(folder: Path, facts: Facts) -> list[Path]:
    """Write card.html, card.json, card.csv and card-<figure>.png into the folder, each whole or not at all.

    Args:
        folder: is made where it is not there.
        facts: what `wattflock.synth.card.collect` gives.

    Raises:
        RunError: matplotlib or plotly is not installed, or the folder cannot be written.
    """
    written = [
        write_json(folder / "card.json", facts),
        write_whole(folder / "card.csv", lines(facts).write_csv().encode()),
        write_whole(folder / "card.html", page(facts)),
    ]
    return written + [write_whole(folder / f"card-{one.name}.png", picture(one)) for one in drawings(facts)]
