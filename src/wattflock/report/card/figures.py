"""Facts of a card → its drawings, in the order of the page; a figure that is not in the facts is not drawn."""

import math
from collections.abc import Callable
from typing import Any

from wattflock.report.card.drawing import Axis, Drawing, Mark, Panel
from wattflock.report.card.figures_of_tables import clusters, discriminator, kinds, scale, transitions
from wattflock.report.card.words import TITLES, Facts, how, said

HOUR = Axis("hour of the day [h]", span=(0, 24), ticks=tuple((hour, str(hour)) for hour in range(0, 25, 6)))
MONTHS = tuple((place + 0.5, name) for place, name in enumerate("JFMAMJJASOND"))
SHARE = Axis("homes [%]", span=(0, 100))
Panels = tuple[Panel, ...]
Data = dict[str, Any]


def drawings(facts: Facts) -> list[Drawing]:
    """Every figure that the facts can show."""
    found = []
    for name, (draw, columns) in DRAW.items():
        source = "transitions" if name == "kinds" else name
        if source in facts["figures"]:
            panels = draw(_known(facts["figures"][source]))
            found.append(Drawing(name, TITLES[name], how(facts, name), said(facts, name), panels, columns))
    return found


def _known(data: Any) -> Any:
    """The same with nan for null in lists of numbers."""
    if isinstance(data, dict):
        return {name: _known(value) for name, value in data.items()}
    if isinstance(data, list):
        return [math.nan if value is None else _known(value) for value in data]
    return data


def _energy(data: Data) -> Panels:
    axis = Axis("energy of a day [kWh]", span=(0, data["edges"][-1]))
    days = Panel("all days", axis, Axis("days [% per kWh]"), _densities(data))
    means = {side: each["homes"] for side, each in data["sides"].items()}
    return days, Panel("homes", Axis("mean energy of a day [kWh]"), SHARE, _cumulative(means))


def _bands(data: Data) -> Panels:
    percents, made = data["percents"], []
    low, q1, middle, q3, high = (percents.index(percent) for percent in (10, 25, 50, 75, 90))
    top = max(max(table[high]) for sides in data["panels"].values() for table in sides.values())
    hours = [hour + 0.5 for hour in range(24)]
    for title, sides in data["panels"].items():
        marks = []
        shaded = "training" if "training" in sides else next(iter(sides))
        for side, table in sides.items():
            if side == shaded:
                marks.append(Mark("band", side, hours, table[q3], table[q1]))
            marks += [Mark("faint", side, hours, table[edge]) for edge in (low, high)]
            marks.append(Mark("line", side, hours, table[middle]))
        made.append(Panel(title, HOUR, Axis("load [kW]", span=(0, 1.05 * top)), tuple(marks)))
    return tuple(made)


def _autocorrelation(data: Data) -> Panels:
    axis = Axis("days between [d]", span=(0.5, 14.5), ticks=tuple((day, str(day)) for day in (1, 3, 5, 7, 9, 11, 14)))
    lag = data["lag_days"]
    marks = tuple(Mark("line", side, lag, line) for side, line in data["sides"].items())
    low = min([0.0, *(value for mark in marks for value in mark.y if math.isfinite(value))])
    return (Panel("daily energy", axis, Axis("autocorrelation [1]", span=(low - 0.02, 1)), marks),)


def _peak_hours(data: Data) -> Panels:
    marks = tuple(Mark("steps", side, list(range(25)), shares) for side, shares in data["sides"].items())
    return (Panel("all days", HOUR, Axis("days with their peak then [%]"), marks),)


def _load_factor(data: Data) -> Panels:
    marks = tuple(
        Mark("steps", side, data["edges"], [value / 100 for value in each["density"]])
        for side, each in data["sides"].items()
    )
    days = Panel("days", Axis("load factor [1]", span=(0, 1)), Axis("days [% per 0.01]"), marks)
    homes = {side: each["homes"] for side, each in data["sides"].items()}
    return days, Panel("homes, over all their days", Axis("load factor [1]"), SHARE, _cumulative(homes))


def _coincidence(data: Data) -> Panels:
    shown = {side: each for side, each in data["sides"].items() if side != "all_real"}
    counts = [count for each in data["sides"].values() for count in each["homes"]]
    most = max(counts)
    ticks = tuple((count, str(count)) for count in (1, 3, 10, 30, 48, 100, 300) if count <= most * 1.1)
    axis = Axis(
        "homes together", "log", (0.9, most * 1.15), tuple(tick for tick in ticks if most < 100 or tick[0] != 48)
    )
    both = []
    for key, title, unit in (
        ("kw", "peak per home", "peak per home [kW]"),
        ("coincidence", "coincidence", "share of own peaks [1]"),
    ):
        marks = tuple(Mark("line", side, each["homes"], each[key]) for side, each in shown.items())
        if "all_real" in data["sides"] and len(shown) == 3:
            each = data["sides"]["all_real"]
            marks += (Mark("line", "all_real", each["homes"], each[key]),)
        if key == "kw" and "all_real" in data["sides"]:
            each = data["sides"]["all_real"]
            low, high = ([share * value for value in each[key]] for share in (0.9, 1.1))
            marks = (Mark("band", "all_real", each["homes"], high, low), *marks)
        both.append(Panel(title, axis, Axis(unit, span=(0, 1.08 * max(max(mark.y) for mark in marks))), marks))
    return tuple(both)


def _pv(data: Data) -> Panels:
    unit = "month's mean over the year's [1]" if data["unit"] == "1" else f"mean day [{data['unit']}]"
    axis = Axis("month", span=(0, 12), ticks=MONTHS)
    marks = tuple(Mark("steps", side, list(range(13)), each["month"]) for side, each in data["sides"].items())
    year = Panel("months", axis, Axis(unit), marks)
    pairs = {side: each["correlation"] for side, each in data["sides"].items() if each.get("correlation")}
    if not pairs:
        return (year,)
    reach = Axis("correlation of the energy of the same days [1]")
    return year, Panel("neighbours", reach, Axis("pairs of homes [%]", span=(0, 100)), _cumulative(pairs))


def _cars(data: Data) -> Panels:
    axis = Axis("energy of a session [kWh]", span=(0, data["edges"][-1]))
    energy = Panel("sessions", axis, Axis("sessions [% per kWh]"), _densities(data))
    begin = tuple(Mark("steps", side, list(range(25)), each["plug_in"]) for side, each in data["sides"].items())
    hours = Panel("plugging in", HOUR, Axis("sessions that begin [%]"), begin)
    panels = [energy, hours]
    for kind, name in enumerate(("weekdays", "weekends")):
        plugged = tuple(
            Mark("steps", side, list(range(25)), each["plugged"][kind]) for side, each in data["sides"].items()
        )
        panels.append(Panel(f"at the plug, {name}", HOUR, Axis("cars plugged in [%]", span=(0, 100)), plugged))
    return tuple(panels)


def _privacy(data: Data) -> Panels:
    axis = Axis("root mean square difference to the nearest training day [kW]")
    return (Panel("all days", axis, Axis("days [%]", span=(0, 100)), _cumulative(data["sides"])),)


def _densities(data: Data) -> tuple[Mark, ...]:
    return tuple(Mark("steps", side, data["edges"], each["density"]) for side, each in data["sides"].items())


def _cumulative(curves: dict[str, Data]) -> tuple[Mark, ...]:
    return tuple(Mark("line", side, curve["value"], curve["percent"]) for side, curve in curves.items())


DRAW: dict[str, tuple[Callable[[Data], Panels], int]] = {  # how, and in how many columns
    "energy": (_energy, 2),
    "bands": (_bands, 2),
    "autocorrelation": (_autocorrelation, 1),
    "scale": (scale, 3),
    "kinds": (kinds, 2),
    "transitions": (transitions, 3),
    "peak_hours": (_peak_hours, 1),
    "load_factor": (_load_factor, 2),
    "coincidence": (_coincidence, 2),
    "clusters": (clusters, 1),
    "discriminator": (discriminator, 1),
    "privacy": (_privacy, 1),
    "pv": (_pv, 2),
    "cars": (_cars, 2),
    "car_clusters": (clusters, 1),
    "car_discriminator": (discriminator, 1),
}
