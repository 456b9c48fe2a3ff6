"""The plan of a home as one page: sentences, the picture, and what was assumed."""

from collections.abc import Sequence
from typing import Any

from wattflock.report import html

Sentences = Sequence[tuple[str, Sequence[str]]]  # title of a box → its sentences


def page(title: str, sentences: Sentences, chart: Any) -> str:
    """A page that opens without a network; boxes without sentences are left out."""
    boxes = [
        html.PageSection("picture", "Hour by hour", "The dearer a kWh, the darker the ground.", html.figure(chart))
    ]
    boxes += [
        html.PageSection(name.lower().replace(" ", "-"), name, "", _list(said)) for name, said in sentences if said
    ]
    return html.page(title, [*boxes[1:2], boxes[0], *boxes[2:]])


def _list(said: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.words(each)}</li>" for each in said) + "</ul>"
