"""The drawings of matrices and of tests: clouds of days, transitions, accuracies and areas under the curve."""

from itertools import pairwise
from typing import Any

from wattflock.report.card.drawing import Axis, Heat, Mark, Panel
from wattflock.report.card.look import LOOKS

Data = dict[str, Any]
Panels = tuple[Panel, ...]
APART = 0.16  # between the marks of a category


def scale(data: Data) -> Panels:
    """A cloud for each side, one colour scale for all."""
    edges = data["edges"]
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    top = max(max(max(row) for row in each["percent"]) for each in data["sides"].values())
    axes = (Axis(f"{day} / home's mean [1]", span=(0, edges[-1])) for day in ("yesterday", "today"))
    x, y = axes
    return tuple(
        Panel(f"{LOOKS[side].label}: correlation {each['correlation']:.2f}", x, y,
              heat=Heat(middles, middles, each["percent"], top, "days [%]"))
        for side, each in data["sides"].items()
    )  # fmt: skip


def transitions(data: Data) -> Panels:
    """A table for each side."""
    count = len(next(iter(data["sides"].values()))["share"])
    names = tuple((float(kind), "ABCDEFGHI"[kind]) for kind in range(count))
    places = [float(kind) for kind in range(count)]
    span = (-0.5, count - 0.5)
    tables = []
    for side, each in data["sides"].items():
        percent = [[100 * share for share in row] for row in each["table"]]
        text = [[f"{value:.0f}" for value in row] for row in percent]
        heat = Heat(places, places, percent, 100.0, "days [%]", text)
        x, y = (
            Axis("kind of the day", span=span, ticks=names),
            Axis("kind of the day before", span=(count - 0.5, -0.5), ticks=names),
        )
        tables.append(Panel(LOOKS[side].label, x, y, heat=heat))
    return tuple(tables)


def kinds(data: Data) -> Panels:
    """The mean day of each kind, and how frequent it is."""
    hour = Axis("hour of the day [h]", span=(0, 24), ticks=tuple((hour, str(hour)) for hour in range(0, 25, 6)))
    made = []
    for kind in range(len(next(iter(data["sides"].values()))["share"])):
        marks = tuple(
            Mark("steps", side, list(range(25)), each["shape"][kind])
            for side, each in data["sides"].items()
            if each["shape"][kind]
        )
        shares = ", ".join(f"{100 * each['share'][kind]:.0f} %" for each in data["sides"].values())
        made.append(Panel(f"kind {'ABCDEFGHI'[kind]}: {shares}", hour, Axis("share of the day [%/h]"), marks))
    return tuple(made)


def clusters(data: Data) -> Panels:
    """Real to real, synthetic to real and real to synthetic, with 95 % of the first as the bar."""
    days = data["days"]
    keys = {"training": "real_to_real", "synthetic": "synthetic_to_real", "reverse": "real_to_synthetic"}
    marks = [
        Mark(
            "points",
            side,
            [place + APART * (k - 1) for place in range(len(days))],
            [each[key] for each in days.values()],
        )
        for k, (side, key) in enumerate(keys.items())
    ]
    marks.append(
        Mark(
            "points", "bar", list(map(float, range(len(days)))), [0.95 * each["real_to_real"] for each in days.values()]
        )
    )
    axis = Axis(
        "test on", span=(-0.5, len(days) - 0.5), ticks=tuple((float(k), f"{name}s") for k, name in enumerate(days))
    )
    return (Panel("days whose cluster is found", axis, Axis("accuracy [%]", span=(0, 100)), tuple(marks)),)


def discriminator(data: Data) -> Panels:
    """Area under the curve of both spans with its bar; the floor is that of real against real."""
    spans = data["spans"]
    marks = []
    for side, off in (("training", -APART), ("synthetic", APART)):
        there = [(place + off, each[side]) for place, each in enumerate(spans.values()) if side in each]
        if there:
            marks.append(Mark("points", side, [x for x, _ in there], [auc["mean"] for _, auc in there]))
            marks += [
                Mark("faint", side, [x, x], [auc["mean"] - auc["spread"], auc["mean"] + auc["spread"]])
                for x, auc in there
            ]
    marks.append(Mark("points", "bar", list(map(float, range(len(spans)))), [each["bar"] for each in spans.values()]))
    axis = Axis(
        "shown to the discriminator",
        span=(-0.5, len(spans) - 0.5),
        ticks=tuple((float(k), s) for k, s in enumerate(spans)),
    )
    lowest = min([0.3, *(min(mark.y) - 0.02 for mark in marks)])
    high = Axis("AUC [1]", span=(lowest, 1))
    return (Panel("area under the curve", axis, high, tuple(marks), limits=((0.5, "guessing"),)),)
