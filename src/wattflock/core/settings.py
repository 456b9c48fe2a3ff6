"""Errors of pydantic as problems in plain words: file, field, value, what is allowed, and a hint."""

import contextlib
import dataclasses
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
from pydantic.fields import FieldInfo

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import ROOMS, interface, nearest
from wattflock.core.registry import part as part_of
from wattflock.core.spans import spelled
from wattflock.core.toml import Tree

Model = type[pydantic.BaseModel]
Place = tuple[int | str, ...]
Where = Callable[[str], str]  # a dotted field -> the file or flag that set it

STRICT = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True)
FILES = (  # fields that name one
    "homes.file",
    "coordinator.limit.file",
    "data.settings.path",
    "data.settings.prices_path",
    "feeder.settings.file",
    "market.settings.file",
    "market.settings.network_file",
)
WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
SLIPS = {  # names that match -> how many of a smaller unit make one, and the name of that unit
    r"_per_kwh$": (100, "cents"),
    r"_h$": (60, "minutes"),
    r"_kwh$": (1000, "watt-hours"),
    r"_(kw|kwp|kvar)$": (1000, "watts"),
    r"share": (100, "per cent"),
}


def problems_of(error: pydantic.ValidationError, model: Model, above: Place, where: Where) -> list[Problem]:
    """One problem for each error of a model that stands at `above` in the scenario."""
    return [_problem(found, model, above, where) for found in error.errors()]


def check_parts(tree: Tree, where: Where) -> list[Problem]:
    """Every named part must exist; settings are checked against it and filled with its defaults."""
    problems: list[Problem] = []
    for dotted, room, name, section in _named(tree):
        try:
            part = part_of(room, interface(room), name, _others(tree) if dotted.startswith("judge.") else ())
        except ScenarioError as error:
            problems += [_placed(problem, dotted, where) for problem in error.problems]
            continue
        if section is not None and isinstance(section.setdefault("settings", {}), dict):
            model, above = settings_model(part), tuple(dotted.split(".")[:-1])
            try:
                filled = model.model_validate_json(json.dumps(section["settings"], default=str))
            except pydantic.ValidationError as error:
                problems += problems_of(error, model, (*above, "settings"), where)
            else:
                section["settings"] = filled.model_dump(mode="json")
    return problems + _check_devices(tree, where)


def missing_files(tree: Tree, where: Where) -> list[Problem]:
    """Files and folders that a scenario names and that are not there."""
    told = {dotted: _at(tree, dotted) for dotted in FILES}
    return [
        Problem(where(dotted), dotted, path, "a file or folder that is there")
        for dotted, path in told.items()
        if isinstance(path, str) and path and not Path(path).exists()
    ]


def unknown_held_out(tree: Tree, where: Where) -> list[Problem]:
    """Homes to hold out that a source has not, where its homes are known without a file; others are told by `build`."""
    data = tree.get("data")
    held_out = data.get("homes_held_out") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(held_out, list | tuple) or not held_out:
        return []
    try:
        known = make(part_of("data", interface("data"), data["part"]), data["settings"]).bundled_homes()
        wanted = spelled(home for home in held_out if isinstance(home, str))
    except (ScenarioError, ValueError):  # which `check_parts` or the section has told
        return []
    return [
        Problem(where("data.homes_held_out"), "data.homes_held_out", home, nearest(home, known))
        for home in wanted
        if known and home not in known
    ]


def _at(tree: Tree, dotted: str) -> object:
    place: object = tree
    for key in dotted.split("."):
        place = place.get(key) if isinstance(place, dict) else None
    return place


def _check_devices(tree: Tree, where: Where) -> list[Problem]:
    """Fields of the devices of each kind of homes; devices that do not exist are told by `check_parts`."""
    problems: list[Problem] = []
    for dotted, name, given in _devices(tree):
        with contextlib.suppress(ScenarioError):
            device = part_of("homes", interface("homes"), name)
            problems += check_fields(device, given if isinstance(given, dict) else {}, dotted, where)
    return problems


def check_fields(device: type, given: Tree, dotted: str, where: Where) -> list[Problem]:
    """Values of a device's fields: each a number that the field allows, or two of them, the least first.

    Fields that belong together are held against each other, whatever homes draw of their ranges.

    Args:
        device: its fields carry their limits in `Annotated[..., Field(ge=0)]`; see also `Device.ordered`.
        given: field → value.
        dotted: the place of `given` in the scenario.
        where: tells the file or flag that set a field.
    """
    known = device_fields(device)
    problems = []
    for name, value in given.items():
        place = f"{dotted}.{name}"
        pair: Any = value if isinstance(value, list | tuple) and len(value) == 2 else (value, value)
        if name not in known:
            text = f"a field of {dotted.rpartition('.')[2]}, {nearest(name, known)}"
        elif not all(_number(each) and _fits(each, known[name]) for each in pair):
            text = (
                f"{_words(float, known[name].metadata)}, or a list of two, the least first: {known[name].description}"
            )
        elif pair[0] > pair[1]:
            text = "the least first, then the most"
        else:
            continue
        problems.append(Problem(where(place), place, value, text))
    wrong = {problem.field for problem in problems}
    fine = {name: value for name, value in given.items() if f"{dotted}.{name}" not in wrong}
    for name, text in disorder(device, fine):
        place = f"{dotted}.{name}"
        problems.append(Problem(where(place), place, given[name], text))
    return problems


def disorder(device: Any, given: Tree) -> Iterator[tuple[str, str]]:
    """Of each pair in `Device.ordered` that some home would not keep: the field that was given, and what is allowed.

    Args:
        device: a type of devices; what is not given has its own range, or is that of its example.
        given: field → value, or two of them, the least first; each by itself is allowed.
    """

    def pair(name: str) -> tuple[float, float]:
        value = given.get(name, device.ranges.get(name, getattr(device.example(), name)))
        return tuple(value) if isinstance(value, list | tuple) else (value, value)

    for low, sign, high in device.ordered:
        most, least = (np.float32(each) for each in (pair(low)[1], pair(high)[0]))  # examples are of this precision
        if given.keys().isdisjoint((low, high)) or most < least or (sign == "<=" and most == least):
            continue
        equal = " or equal to" if sign == "<=" else ""
        yield (low, f"below{equal} {high}, {least:g}") if low in given else (high, f"above{equal} {low}, {most:g}")


def device_fields(device: type) -> dict[str, FieldInfo]:
    """The fields of a device that a scenario can set, with their limits and meaning."""
    hints = typing.get_type_hints(device, include_extras=True)
    notes = {field.name: typing.get_args(hints[field.name])[1:] for field in dataclasses.fields(device)}
    numbers: dict[str, Any] = {name: typing.Annotated[float, *some, ""] for name, some in notes.items()}
    return {name: FieldInfo.from_annotation(kind) for name, kind in numbers.items()}


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def settings_model(part: type) -> Model:
    """A pydantic model of the fields of a part that a scenario can set: numbers, texts and lists of them.

    Ranges come from `Annotated[float, pydantic.Field(gt=0)]` on the part's own fields.
    """
    hints = typing.get_type_hints(part, include_extras=True)
    fields: dict[str, Any] = {
        field.name: (hints[field.name], _default(field))
        for field in dataclasses.fields(part)
        if field.init and _settable(hints[field.name])
    }
    return pydantic.create_model(part.__name__, __config__=STRICT, **fields)


def descriptions(part: type) -> dict[str, str]:
    """What the fields of a part mean, with their units, by name; fields without a description are left out."""
    hints = typing.get_type_hints(part, include_extras=True)
    notes = {name: typing.get_args(hint)[1:] for name, hint in hints.items() if _bare(hint) is not hint}
    found = {name: [each for each in note if isinstance(each, FieldInfo)] for name, note in notes.items()}
    return {name: infos[0].description for name, infos in found.items() if infos and infos[0].description}


def refuse_settings(part: Any) -> None:
    """Raises ScenarioError where plain fields of a part, numbers and texts, are not what their annotations allow."""
    model = _model_of(type(part))
    plain = {name: getattr(part, name) for name in model.model_fields}
    plain = {name: value for name, value in plain.items() if isinstance(value, str | int | float | tuple | list)}
    try:
        model.model_validate_json(json.dumps(plain, default=str))
    except pydantic.ValidationError as error:
        found = problems_of(error, model, (), lambda _: type(part).__name__)
        raise ScenarioError([each for each in found if each.field.partition(".")[0] in plain]) from None


_model_of = functools.cache(lambda part: settings_model(part))


def make(part: type, settings: dict[str, Any]) -> Any:
    """A part built from settings that were checked before; a list, as files have it, is a tuple in a part."""
    return part(**{name: _fixed(value) for name, value in settings.items()})


def _fixed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _fixed(inner) for key, inner in value.items()}
    return tuple(map(_fixed, value)) if isinstance(value, list) else value


def allowed(field: FieldInfo) -> str:
    """What a field may be, in words: kind, range and meaning."""
    words = _words(field.annotation, field.metadata)
    return f"{words}: {field.description}" if field.description else words


def _problem(found: Any, model: Model, above: Place, where: Where) -> Problem:
    place = found["loc"]
    dotted = ".".join(map(str, above + place))
    kind, value = found["type"], found["input"]
    holder, field = _follow(model, place)
    if kind == "extra_forbidden":
        section = ".".join(map(str, (above + place)[:-1])) or "the scenario"
        text = f"a field of {section}, {nearest(str(place[-1]), holder.model_fields)}"
    elif kind == "missing":
        value, text = "(missing)", allowed(field) if field else found["msg"]
    elif kind == "value_error":
        text = str(found["ctx"]["error"])
    else:
        text = allowed(field) + _hint(dotted, value, field) if field else found["msg"]
    return Problem(where(dotted), dotted, value, text)


def _follow(model: Model, place: Place) -> tuple[Model, FieldInfo | None]:
    """The model that holds a place, and the field there."""
    field = None
    for key in place:
        field = model.model_fields.get(str(key), field)
        if field and isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel):
            model = field.annotation
    return model, field


def _hint(dotted: str, value: object, field: FieldInfo) -> str:
    """A hint where the value is probably the right quantity in a smaller unit."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 2:
        return ""
    for pattern, (count, unit) in SLIPS.items():
        if re.search(pattern, dotted) and _fits(value / count, field):
            return f"; {value:g} looks like {unit}: write {value / count:g}"
    return ""


def misfits(values: list[float], field: FieldInfo) -> list[int]:
    """Places of the values that lie outside the limits of `field`."""
    adapter = pydantic.TypeAdapter(list[typing.Annotated[float, *field.metadata, ""]])
    try:
        adapter.validate_python(values)
    except pydantic.ValidationError as error:
        return [int(found["loc"][0]) for found in error.errors()]
    return []


def _fits(value: float, field: FieldInfo) -> bool:
    return not misfits([value], field)


def _default(field: dataclasses.Field) -> object:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return pydantic.Field(default_factory=field.default_factory)
    return ...


def _bare(kind: Any) -> Any:
    return typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind


def _settable(kind: Any) -> bool:
    kind = _bare(kind)
    if typing.get_origin(kind) is typing.Literal:
        return True
    if typing.get_origin(kind) in (tuple, list, dict, typing.Union, types.UnionType):
        return all(_settable(inner) for inner in typing.get_args(kind) if inner is not Ellipsis)
    return kind in (*WORDS, types.NoneType)


def _words(kind: Any, rules: list[Any]) -> str:
    """A type and its limits in words, inner types with their own."""
    kind, inner = _bare(kind), [arg for arg in typing.get_args(kind) if arg is not Ellipsis]
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin is tuple and any(arg != inner[0] for arg in inner):
        return f"a list of {', '.join(_words(arg, _rules(arg)) for arg in inner)}"
    if origin in (tuple, list):
        return f"a list, each {_words(inner[0], _rules(inner[0]))}"
    if origin is dict:
        return f"a table, each {_words(inner[1], _rules(inner[1]))}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(arg, _rules(arg)) for arg in inner if arg is not types.NoneType)
    limits = " and ".join(filter(None, map(_limit, rules)))
    return f"{WORDS.get(kind, 'a section')} {limits}".strip()


def _rules(kind: Any) -> list[Any]:
    found = typing.get_args(kind)[1:] if typing.get_origin(kind) is typing.Annotated else ()
    return [rule for field in found if isinstance(field, FieldInfo) for rule in field.metadata]


def _limit(rule: object) -> str:
    """One rule in words; a pattern is explained by the field's description."""
    bounds = ((word, getattr(rule, name, None)) for name, word in LIMITS.items())
    return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


def _named(tree: Tree) -> list[tuple[str, str, str, Tree | None]]:
    """Dotted field, room and name of every part that a scenario names, and the section of its settings."""
    sections = {key: value for key, value in tree.items() if isinstance(value, dict)}
    methods, others = sections.get("judge", {}).get("methods"), _others(tree)
    found: list[tuple[str, str, Any, Tree | None]] = [
        (f"{room}.part", room, sections[room].get("part"), sections[room]) for room in ROOMS if room in sections
    ]
    found += [(f"learn.others.{name}.part", "learn", each.get("part"), each) for name, each in others.items()]
    found += [(dotted, "homes", device, None) for dotted, device, _ in _devices(tree)]
    found += [
        (f"judge.methods.{place}", "learn", method, None)
        for place, method in enumerate(methods if isinstance(methods, list) else ())
        if isinstance(method, str) and method not in others
    ]
    return [(dotted, room, name, section) for dotted, room, name, section in found if isinstance(name, str)]


def _others(tree: Tree) -> dict[str, Tree]:
    """Sections of the learners that have names of their own."""
    learn = tree.get("learn")
    others = learn.get("others") if isinstance(learn, dict) else None
    return {name: each for name, each in others.items() if isinstance(each, dict)} if isinstance(others, dict) else {}


def _devices(tree: Tree) -> list[tuple[str, str, object]]:
    """Dotted field, name and settings of every device of every kind of homes."""
    homes = tree.get("homes")
    kinds = homes.get("kinds") if isinstance(homes, dict) else None
    found = []
    for place, kind in enumerate(kinds if isinstance(kinds, list | tuple) else ()):
        devices = kind.get("devices") if isinstance(kind, dict) else None
        named = devices if isinstance(devices, list | dict) else ()
        given = devices if isinstance(devices, dict) else {name: {} for name in named}
        found += [(f"homes.kinds.{place}.devices.{name}", name, settings) for name, settings in given.items()]
    return found


def _placed(problem: Problem, dotted: str, where: Where) -> Problem:
    """A problem of the registry, with the place where the scenario names the part."""
    known = problem.field == "part"
    return dataclasses.replace(problem, where=where(dotted), field=dotted) if known else problem
