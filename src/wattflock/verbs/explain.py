"""What a name means: a part, a field of a scenario, or a figure of a report."""

import dataclasses
import inspect

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import ROOMS, interface, nearest, parts
from wattflock.core.scenario import fields
from wattflock.core.settings import allowed, settings_model

FIGURES = {
    "cost_per_home_day": "Bill, wear, fuel, discomfort and value of the energy left in store; mean over homes "
    "and test days [currency].",
    "saving_captured": "Share of the achievable saving: (idle - method) / (idle - bound), on the days with a bound.",
    "violation_pu_h": "How far and how long voltages are beyond the limits: per unit times hours, per node and day.",
    "violation_of_idle": "violation_pu_h as a share of the uncontrolled flock's on the same days.",
    "violated_share": "Share of (node, step) pairs beyond a voltage limit.",
    "worst_pu": "The farthest that any node is beyond a limit at any step [pu].",
    "days_with_violation_share": "Share of test days with any node beyond a limit at any step.",
    "comfort_violation_c_h": "Degrees outside the comfort band times hours, per home and day, over all homes [°C h].",
    "co2_kg_per_home_day": "Net grid energy times the grid's carbon intensity, plus fuel burnt at home [kg].",
    "peak_kw": "Greatest power drawn by the whole flock [kW]; reverse_peak_kw is the greatest fed in.",
    "train_seconds": "Wall-clock time of learning, compilation included, validation marks left out [s].",
}


def explanation(name: str) -> str:
    """Text about a part, field or figure.

    Raises:
        ScenarioError: nothing is called so; the nearest name is suggested.
    """
    known_fields = fields()
    if name in FIGURES:
        return f"{name}: {FIGURES[name]}"
    if name in known_fields:
        field = known_fields[name]
        default = field.get_default(call_default_factory=True)
        return f"{name} = {default!r}\n  {allowed(field)}"
    found = {part: (room, kind) for room in ROOMS for part, kind in parts(room, interface(room)).items()}
    if name in found:
        return _part(name, *found[name])
    known = [*FIGURES, *known_fields, *found]
    raise ScenarioError([Problem("wattflock explain", "name", name, nearest(name, known))])


def _part(name: str, room: str, kind: type) -> str:
    lines = [f"{name} ({room})", "", inspect.cleandoc(kind.__doc__ or ""), ""]
    if room == "homes":
        example = kind.example()
        ranges = {field: f" (homes differ: {low:g} to {high:g})" for field, (low, high) in kind.ranges.items()}
        names = [field.name for field in dataclasses.fields(example)]
        lines += [f"  {field} = {float(getattr(example, field)):g}{ranges.get(field, '')}" for field in names]
    else:
        settings = settings_model(kind).model_fields
        defaults = {field: info.get_default(call_default_factory=True) for field, info in settings.items()}
        lines += [
            f"  {room}.settings.{field} = {defaults[field]!r}: {allowed(info)}" for field, info in settings.items()
        ]
    return "\n".join(lines).rstrip()
