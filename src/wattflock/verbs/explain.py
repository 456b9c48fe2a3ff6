"""What a name means: a part or its settings, a field or section of a scenario, a figure, or what a home observes."""

import dataclasses
import inspect

import jax.numpy as jnp
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from wattflock.core import toml
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import ROOMS, interface, nearest, parts
from wattflock.core.scenario import fields
from wattflock.core.settings import allowed, descriptions, settings_model
from wattflock.homes.features import LIMIT, VOLTAGE
from wattflock.homes.home import Home
from wattflock.study.quantities import QUANTITIES


def explanation(name: str) -> str:
    """Text about a part or its setting, a field or section of a scenario, a figure or the heading of its column.

    Of "observation" it is the table of what a home's controller observes.

    Raises:
        ScenarioError: nothing is called so; the nearest name is suggested.
    """
    if name == "observation":
        return observation()
    known_fields = fields()
    if name in QUANTITIES:
        return _figure(name)
    if name in known_fields:
        return _field(name, known_fields[name])
    found = {part: (room, kind) for room in ROOMS for part, kind in parts(room, interface(room)).items()}
    if name in found:
        return _part(name, *found[name])
    settings = _settings(found)
    several = [_figure(each) for each, quantity in QUANTITIES.items() if quantity.label == name]
    several += [_field(each, field) for each, field in known_fields.items() if each.startswith(f"{name}.")]
    several += [text for each, texts in settings.items() if each.endswith(f".{name}") or each == name for text in texts]
    if several:
        return "\n".join(several)
    headings = {quantity.label for quantity in QUANTITIES.values()}
    known = {
        "observation",
        *QUANTITIES,
        *headings,
        *known_fields,
        *found,
        *(each.rpartition(".")[2] for each in settings),
    }
    raise ScenarioError([Problem("wattflock explain", "name", name, nearest(name, known))])


def _figure(name: str) -> str:
    return f"{name}: {QUANTITIES[name].meaning}"


def _field(name: str, field: FieldInfo) -> str:
    return f"{name}{_default(field)}\n  {allowed(field)}"


def _settings(found: dict[str, tuple[str, type]]) -> dict[str, list[str]]:
    """Field → what it is in each part that has it; devices have parameters instead."""
    told: dict[str, list[str]] = {}
    for part, (room, kind) in found.items():
        if room == "homes":
            continue
        for line in _lines(room, kind):
            told.setdefault(line.split(" ", 1)[0], []).append(f"{line} ({part})")
    return told


def _lines(room: str, kind: type) -> list[str]:
    """A line for each setting of a part."""
    settings = settings_model(kind).model_fields
    return [f"{room}.settings.{field}{_default(info)}: {allowed(info)}" for field, info in settings.items()]


def observation() -> str:
    """The table of features, in the order in which a home that had every device would observe them."""
    devices = {name: device.example() for name, device in parts("homes", interface("homes")).items()}
    groups = Home(devices, jnp.zeros(()), load_known=True, day_prices=1).features
    groups |= {"voltmeter": (VOLTAGE,), "coordinator": (LIMIT,)}
    lines = ["observation: what a home's controller observes, each as (value - offset) / scale", ""]
    for group, features in groups.items():
        lines += [f"{group}:", *(f"  {f.name} [{f.unit}]: offset {f.offset:g}, scale {f.scale:.3g}" for f in features)]
    return "\n".join(lines)


def _part(name: str, room: str, kind: type) -> str:
    lines = [f"{name} ({room})", "", inspect.cleandoc(kind.__doc__ or ""), ""]
    if room == "homes":
        example, said = kind.example(), descriptions(kind)
        ranges = {field: f" (homes differ: {low:g} to {high:g})" for field, (low, high) in kind.ranges.items()}
        lines += [
            f"  {field.name} = {float(getattr(example, field.name)):g}{ranges.get(field.name, '')}"
            + (f": {said[field.name]}" if field.name in said else "")
            for field in dataclasses.fields(example)
        ]
    else:
        lines += [f"  {line}" for line in _lines(room, kind)]
    return "\n".join(lines).rstrip()


def _default(field: FieldInfo) -> str:
    """What a field is where nothing is said, as a scenario writes it; nothing for one that must be said."""
    if field.is_required():
        return " (no default)"
    return f" = {toml.literal(to_jsonable_python(field.get_default(call_default_factory=True)))}"
