"""What a figure of the card is before anyone draws it; `pictures.py` and `plotted.py` draw the same."""

from dataclasses import dataclass
from typing import Literal

from wattflock.report.card.look import LOOKS

Numbers = list[float]  # nan where nothing is known
LEARNED = {
    "training": "trained on real, tested on real",
    "synthetic": "trained on synthetic, tested on real",
    "bar": "95 % of real to real",
}
AGAINST = {"training": "training against held-out homes", "synthetic": "synthetic against held-out homes"}
OWN_WORDS = {  # what a side is called where a mark is no side but a test
    "clusters": LEARNED,
    "car_clusters": LEARNED,
    "discriminator": AGAINST,
    "car_discriminator": AGAINST,
}


@dataclass(frozen=True)
class Axis:
    """One axis: its title with the unit, its reach and the ticks that are named."""

    title: str
    kind: Literal["linear", "log"] = "linear"
    span: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Mark:
    """One series of a side. `low` is the lower edge of a band; the last x of steps closes the last step."""

    kind: Literal["line", "faint", "dotted", "points", "steps", "band"]
    side: str
    x: Numbers
    y: Numbers
    low: Numbers | None = None


@dataclass(frozen=True)
class Heat:
    """Cells of a matrix by their middles; `z[row][column]`, rows along y; `text` stands in the cells."""

    x: Numbers
    y: Numbers
    z: list[Numbers]
    top: float
    title: str
    text: list[list[str]] | None = None


@dataclass(frozen=True)
class Panel:
    """One pair of axes. `limits` are dashed horizontal lines, as a value and what it says."""

    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...] = ()
    heat: Heat | None = None
    limits: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Drawing:
    """One figure: how to read it, what it says, and its panels in so many columns."""

    name: str
    title: str
    how: str
    said: str
    panels: tuple[Panel, ...]
    columns: int

    def legend(self) -> dict[str, str]:
        """The sides that are drawn as series, and what they are called here."""
        there = {mark.side for panel in self.panels for mark in panel.marks}
        return {s: OWN_WORDS.get(self.name, {}).get(s, look.label) for s, look in LOOKS.items() if s in there}

    def points(self) -> set[str]:
        """The sides that are drawn as points."""
        return {mark.side for panel in self.panels for mark in panel.marks if mark.kind == "points"}
