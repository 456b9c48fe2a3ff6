"""The folder of one home: `policy.safetensors` and `card.json`, which are hostile until they are checked."""

import dataclasses
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import reason, regular, unpack, write_json, write_whole

FORMAT = 1
POLICY, CARD = "policy.safetensors", "card.json"
MOST_BYTES, MOST_WEIGHT = 10_000_000, 1e6
NAME = set("abcdefghijklmnopqrstuvwxyz0123456789-_")  # of a home in a topic


@dataclasses.dataclass(frozen=True)
class Observed:
    """One number that the policy is told: (value − offset) / scale."""

    name: str
    unit: str
    offset: float
    scale: float


@dataclasses.dataclass(frozen=True)
class Control:
    """One set-point: from `low` at action -1 to `high` at action 1, never outside `least` to `most`."""

    name: str
    device: str
    unit: str
    low: float
    high: float
    least: float
    most: float
    base: float  # action to which the network's output is added
    fallback: float | None  # set-point without a policy; None: the device's own control
    power_kw: tuple[float, float, float] | None  # most power drawn at actions -1, 0 and 1; None: not known
    follows: str | None  # the observation of the power fed in at action 1 [kW]

    @property
    def slug(self) -> str:
        """Its name in a topic."""
        return "".join(letter if letter in NAME else "_" for letter in self.name.lower())


@dataclasses.dataclass(frozen=True)
class Card:
    """What a policy observes and sets."""

    name: str  # of the home, in topics
    step_s: float
    observation: tuple[Observed, ...]
    controls: tuple[Control, ...]
    reach: float  # the network's output is multiplied by it
    adds: tuple[str, ...]  # observations of power that no control moves, drawn [kW]
    gives: tuple[str, ...]  # the same, fed in [kW]
    about: dict[str, Any]  # the whole card


def write(folder: Path, packed: bytes, card: dict[str, Any]) -> Path:
    """Write a folder: the arrays, and the card with the sha256 of both.

    Args:
        packed: arrays as `core.files.pack` makes them: weight0, bias0, …
        card: JSON values.
    """
    card = {"format": FORMAT} | card
    write_whole(folder / POLICY, packed)
    write_json(folder / CARD, card | {"sha256": digest(packed, card)})
    return folder


def digest(packed: bytes, card: dict[str, Any]) -> str:
    """sha256 of the arrays' file and of the card without its own."""
    told = json.dumps({key: value for key, value in card.items() if key != "sha256"}, sort_keys=True)
    return hashlib.sha256(packed + told.encode()).hexdigest()


def read(folder: Path) -> tuple[Card, dict[str, np.ndarray]]:
    """Card and arrays of a folder.

    Raises:
        ScenarioError: lists all that is wrong: files, checksum, fields, shapes, numbers that are not finite.
    """
    packed, card = _files(folder)
    where, problems = str(folder / CARD), []
    if card.get("format") != FORMAT:
        problems.append(Problem(where, "format", card.get("format"), str(FORMAT)))
    elif card.get("sha256") != digest(packed, card):
        problems.append(
            Problem(where, "sha256", card.get("sha256"), "that of the card and its arrays: one was changed")
        )
    if problems:
        raise ScenarioError(problems)
    try:
        arrays, _ = unpack(packed)
    except ValueError as error:
        raise ScenarioError([Problem(str(folder / POLICY), "content", str(error), "a whole file")]) from error
    found = _card(where, card, problems)
    problems += [] if found is None else _shapes(str(folder / POLICY), found, arrays)
    if problems or found is None:
        raise ScenarioError(problems)
    return found, arrays


def _files(folder: Path) -> tuple[bytes, dict[str, Any]]:
    problems, read = [], {}
    for name in (POLICY, CARD):
        path = folder / name
        try:
            if regular(path).stat().st_size > MOST_BYTES:
                problems.append(Problem(str(path), "bytes", path.stat().st_size, f"at most {MOST_BYTES}"))
            else:
                read[name] = path.read_bytes()
        except OSError as error:
            problems.append(Problem(str(path), "file", reason(error), "a folder that `wattflock export` wrote"))
    card: Any = None
    if CARD in read:
        try:
            card = json.loads(read[CARD])
        except (ValueError, RecursionError) as error:
            problems.append(Problem(str(folder / CARD), "content", str(error), "JSON"))
        else:
            if not isinstance(card, dict):
                problems.append(Problem(str(folder / CARD), "content", type(card).__name__, "a JSON object"))
    if problems:
        raise ScenarioError(problems)
    return read[POLICY], card


class Reader:
    """Takes fields of JSON objects and notes what is wrong with them."""

    def __init__(self, where: str, problems: list[Problem]):
        self.where, self.problems = where, problems

    def number(self, given: dict, field: str, low: float = -1e9, high: float = 1e9) -> float:
        """A finite number in a range."""
        value = given.get(field)
        if not is_number(value) or not low <= value <= high:
            self.problems.append(Problem(self.where, field, value, f"a number, {low:g} to {high:g}"))
            return low
        return float(value)

    def text(self, given: dict, field: str) -> str:
        """A text of at most 200 characters."""
        value = given.get(field)
        if not isinstance(value, str) or not 0 < len(value) <= 200:
            self.problems.append(Problem(self.where, field, value, "a text of 1 to 200 characters"))
            return "?"
        return value

    def objects(self, given: dict, field: str) -> list[dict]:
        """A list of 1 to 10,000 objects."""
        value = given.get(field)
        if (
            not isinstance(value, list)
            or not value
            or len(value) > 10_000
            or not all(isinstance(x, dict) for x in value)
        ):
            self.problems.append(Problem(self.where, field, type(value).__name__, "a list of objects"))
            return []
        return value


def is_number(value: Any) -> TypeGuard[float]:
    """A number that a float can hold, finite, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _card(where: str, card: dict, problems: list[Problem]) -> Card | None:
    read = Reader(where, problems)
    seen = tuple(
        Observed(
            read.text(each, "name"), read.text(each, "unit"), read.number(each, "offset"), read.number(each, "scale")
        )
        for each in read.objects(card, "observation")
    )
    names = {each.name for each in seen}
    if len(names) < len(seen) or any(each.scale == 0 for each in seen):
        problems.append(Problem(where, "observation", len(seen), "names that differ, and scales other than 0"))
    controls = tuple(_control(each, names, read) for each in read.objects(card, "controls"))
    if len({each.slug for each in controls}) < len(controls):
        problems.append(Problem(where, "controls", [each.name for each in controls], "names that differ"))
    name = read.text(card, "name")
    if not set(name) <= NAME:
        problems.append(Problem(where, "name", name, "small letters, digits, - and _"))
    step_s, reach = read.number(card, "step_s", 0.001, 86400), read.number(card, "reach", 0, 100)
    adds, gives = card.get("adds"), card.get("gives")
    for field, some in (("adds", adds), ("gives", gives)):
        if not isinstance(some, list) or not all(isinstance(each, str) and each in names for each in some):
            problems.append(Problem(where, field, some, "a list of names of observations"))
    return None if problems else Card(name, step_s, seen, controls, reach, tuple(adds or ()), tuple(gives or ()), card)


def _control(given: dict, names: set[str], read: Reader) -> Control:
    name, device, unit = (read.text(given, field) for field in ("name", "device", "unit"))
    low, high, least, most = (read.number(given, field) for field in ("low", "high", "least", "most"))
    if least > most:
        read.problems.append(Problem(read.where, f"{name}.least", least, f"at most {most:g}"))
    fallback = None if given.get("fallback") is None else read.number(given, "fallback", least, most)
    power, follows = given.get("power_kw"), given.get("follows")
    if power is not None and not (isinstance(power, list) and len(power) == 3 and all(map(is_number, power))):
        read.problems.append(Problem(read.where, f"{name}.power_kw", power, "three numbers, or null"))
        power = None
    if follows is not None and not (isinstance(follows, str) and follows in names):
        read.problems.append(Problem(read.where, f"{name}.follows", follows, "the name of an observation, or null"))
    base = read.number(given, "base", -1, 1)
    kw = None if power is None else (float(power[0]), float(power[1]), float(power[2]))
    return Control(name, device, unit, low, high, least, most, base, fallback, kw, follows)


def _shapes(where: str, card: Card, arrays: dict[str, np.ndarray]) -> list[Problem]:
    layers = len(arrays) // 2
    names = [f"{kind}{k}" for k in range(layers) for kind in ("weight", "bias")]
    if not layers or set(names) != set(arrays):
        return [Problem(where, "arrays", sorted(arrays), "weight0, bias0, weight1, bias1, …")]
    problems, width = [], len(card.observation)
    for k in range(layers):
        weight, bias = arrays[f"weight{k}"], arrays[f"bias{k}"]
        out = len(card.controls) if k == layers - 1 else bias.size
        if weight.shape != (width, out) or bias.shape != (out,):
            problems.append(
                Problem(where, f"weight{k}, bias{k}", (weight.shape, bias.shape), f"({width}, {out}), ({out},)")
            )
        for name, each in ((f"weight{k}", weight), (f"bias{k}", bias)):
            if each.dtype not in (np.float32, np.float64) or not (np.abs(each) <= MOST_WEIGHT).all():
                allowed = f"numbers of 32 or 64 bits, at most {MOST_WEIGHT:g} in size"
                problems.append(Problem(where, name, f"{each.dtype}, not finite or too large", allowed))
        width = out
    return problems
