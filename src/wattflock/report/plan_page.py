"""The plan of a home as one page: sentences, the picture, and what was assumed."""

from collections.abc import Sequence
from typing import Any

from wattflock.report import html

Sentences = Sequence[tuple[str, Sequence[str]]]  # title of a box → its sentences


def page(title: str, sentences: Sentences, chart: Any) -> str:
    """A page that opens without a network."""
    return html.page(title, boxes(sentences, chart))


def boxes(sentences: Sentences, chart: Any) -> list[html.PageSection]:
    """What stands in it; boxes without sentences are left out."""
    hours = html.PageSection("picture", "Hour by hour", "The dearer a kWh, the darker the ground.", html.figure(chart))
    found = [
        html.PageSection(box.lower().replace(" ", "-"), box, "", html.bullets(each)) for box, each in sentences if each
    ]
    return [*found[:1], hours, *found[1:]]
