"""What a name means: a part, a field of a scenario, or a figure of a report."""

import dataclasses
import inspect

from wattflock.check import allowed, settings_model
from wattflock.errors import Problem, ScenarioError
from wattflock.registry import ROOMS, interface, nearest, parts
from wattflock.scenario import fields
from wattflock.study.quantities import QUANTITIES


def explanation(name: str) -> str:
    """Text about a part, field or figure.

    Raises:
        ScenarioError: nothing is called so; the nearest name is suggested.
    """
    known_fields = fields()
    if name in QUANTITIES:
        return f"{name}: {QUANTITIES[name].meaning}"
    if name in known_fields:
        field = known_fields[name]
        default = field.get_default(call_default_factory=True)
        return f"{name} = {default!r}\n  {allowed(field)}"
    found = {part: (room, kind) for room in ROOMS for part, kind in parts(room, interface(room)).items()}
    if name in found:
        return _part(name, *found[name])
    known = [*QUANTITIES, *known_fields, *found]
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
