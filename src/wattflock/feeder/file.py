"""A circuit in one file: arrays with a card, checked when it is read."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import pack, unpack
from wattflock.core.tables import sizes_of
from wattflock.feeder.circuit import GROUND, Bus, Circuit, Control, Element, Infeed, Matrix, Regulator, Spot, terminals
from wattflock.feeder.file_tables import ARRAYS, array_problems

Ends = tuple[tuple[int, ...], ...]


def columns(kind: type, without: tuple[str, ...]) -> list[str]:
    """Numeric fields of a record; a complex one takes two columns."""
    names = []
    for field in dataclasses.fields(kind):
        if field.name not in without:
            names += [f"{field.name}.real", f"{field.name}.imag"] if field.type is complex else [field.name]
    return names


def table(things: Sequence[Any], names: list[str]) -> Matrix:
    """float64, shape (things, columns)."""
    rows = [[_get(thing, name) for name in names] for thing in things]
    return np.array(rows, float).reshape(len(things), len(names))


def _get(thing: Any, name: str) -> float:
    for part in name.split("."):
        thing = getattr(thing, part)
    return thing


def rows(values: Matrix, kind: type, names: list[str], count: int) -> list[dict[str, Any]]:
    """Rows that `table` made, as keyword arguments of the record.

    Raises:
        ValueError: another number of rows or columns.
    """
    if values.shape != (count, len(names)):
        raise ValueError(f"{kind.__name__}: shape {values.shape}, expected {(count, len(names))}")
    types = {field.name: field.type for field in dataclasses.fields(kind)}
    made = []
    for row in values.tolist():
        one = dict(zip(names, row, strict=True))
        for name in [name for name in one if name.endswith(".real")]:
            whole = name.removesuffix(".real")
            one[whole] = complex(one.pop(name), one.pop(f"{whole}.imag"))
        made.append({name: int(value) if types[name] is int else value for name, value in one.items()})
    return made


def flat(blocks: Sequence[Matrix]) -> Matrix:
    """Complex matrices one after another as float64 pairs."""
    if not blocks:
        return np.zeros(0)
    return np.concatenate([np.ascontiguousarray(block, complex).ravel() for block in blocks]).view(float)


def split(pairs: Matrix, sizes: list[int]) -> list[Matrix]:
    """What `flat` made, as complex vectors of given sizes.

    Raises:
        ValueError: more or fewer numbers.
    """
    whole = pairs.view(complex)
    if len(whole) != sum(sizes):
        raise ValueError(f"{len(whole)} complex numbers, expected {sum(sizes)}")
    return np.split(whole, np.cumsum(sizes)[:-1]) if sizes else []


def pack_ends(name: str, ends: Sequence[Ends], admittances: Sequence[Matrix]) -> dict[str, Matrix]:
    """Nodes of the ends of things, with how many there are, and their admittances."""
    return {
        f"{name}_ends": np.array([len(one) for one in ends], np.int32),
        f"{name}_widths": np.array([len(end) for one in ends for end in one], np.int32),
        f"{name}_nodes": np.array([node for one in ends for end in one for node in end], np.int32),
        f"{name}_admittance": flat(admittances),
    }


def unpack_ends(name: str, arrays: dict[str, Matrix]) -> tuple[list[Ends], list[Matrix]]:
    """What `pack_ends` made; numbers that do not fit together were refused before."""
    at, width = iter(arrays[f"{name}_nodes"].tolist()), iter(arrays[f"{name}_widths"].tolist())
    ends = [
        tuple(tuple(itertools.islice(at, wide)) for wide in itertools.islice(width, count))
        for count in arrays[f"{name}_ends"].tolist()
    ]
    sizes = [sum(len(end) for end in one) for one in ends]
    blocks = split(arrays[f"{name}_admittance"], [size**2 for size in sizes])
    return ends, [block.reshape(size, size) for block, size in zip(blocks, sizes, strict=True)]


FORMAT, VERSION = "wattflock circuit", 3
UNITS = "admittance S; voltage V; kv kV; kva kVA; kw kW; kvar kvar; _a A; _km km; _pu per unit; index -1 is the ground"
RECORDS = {"bus": Bus, "spot": Spot, "rating": Element, "regulator": Regulator, "control": Control}
COLUMNS = {
    "bus": columns(Bus, ("bus",)),
    "spot": columns(Spot, ("name",)),
    "rating": columns(Element, ("name", "ends", "admittance", "end_a")),
    "regulator": columns(Regulator, ("name", "shape", "control")),
    "control": columns(Control, ()),
}
NAMES = ("bus", "node", "element", "infeed", "spot", "regulator")
TEXTS = ("unwatched", "notes")  # lists of the card
KEYS = ("name", "frequency_hz", "names", *TEXTS, "origin", "columns", "sizes")


def to_bytes(circuit: Circuit) -> bytes:
    """The whole circuit, bit for bit; nan and inf survive. Read back by `from_bytes`."""
    controls = [unit.control for unit in circuit.regulators if unit.control is not None]
    arrays = {
        "node_kv": np.asarray(circuit.node_kv, float),
        "bus": table(circuit.buses, COLUMNS["bus"]),
        "spot": table(circuit.spots, COLUMNS["spot"]),
        "rating": table(circuit.elements, COLUMNS["rating"]),
        "regulator": table(circuit.regulators, COLUMNS["regulator"]),
        "control": table(controls, COLUMNS["control"]),
        "controlled": np.array([unit.control is not None for unit in circuit.regulators], np.int32),
        "shape": flat([unit.shape for unit in circuit.regulators]),
        "element_end_a": np.array([a for one in circuit.elements for a in one.end_a or (np.nan,) * len(one.ends)]),
        "emf": flat([one.voltage for one in circuit.infeeds]),
        **pack_ends("element", [one.ends for one in circuit.elements], [one.admittance for one in circuit.elements]),
        **pack_ends("infeed", [(one.nodes,) for one in circuit.infeeds], [one.admittance for one in circuit.infeeds]),
    }
    return pack(arrays, _card(circuit) | {"sizes": sizes_of(arrays, ARRAYS)})


def _card(circuit: Circuit) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "wattflock": version("wattflock"),
        "name": circuit.name,
        "frequency_hz": circuit.frequency_hz,
        "units": UNITS,
        "names": {
            "bus": [one.bus for one in circuit.buses],
            "node": list(circuit.nodes),
            "element": [one.name for one in circuit.elements],
            "infeed": [one.name for one in circuit.infeeds],
            "spot": [one.name for one in circuit.spots],
            "regulator": [one.name for one in circuit.regulators],
        },
        "unwatched": list(circuit.unwatched),
        "notes": list(circuit.notes),
        "origin": circuit.origin,
        "columns": COLUMNS,
    }


def from_bytes(data: bytes, name: str) -> Circuit:
    """The circuit in a file's content; `name` is for errors.

    Raises:
        ScenarioError: with everything that is wrong with the file.
    """
    try:
        arrays, card = unpack(data)
    except ValueError as error:
        raise ScenarioError([Problem(name, "file", str(error), "a whole circuit file of wattflock")]) from error
    if problems := _problems(card, name) or array_problems(name, card, arrays):
        raise ScenarioError(problems)
    try:
        return _circuit(card, arrays)
    except (ValueError, IndexError) as error:
        raise ScenarioError([Problem(name, "arrays", str(error), "as many numbers as the card says")]) from error


def _problems(card: dict[str, Any], name: str) -> list[Problem]:
    found = card.get("format"), card.get("version")
    if found != (FORMAT, VERSION):
        return [Problem(name, "format", found, f"{(FORMAT, VERSION)}; import the model again")]
    if lacking := [key for key in KEYS if key not in card]:
        return [Problem(name, "card", f"without {', '.join(lacking)}", f"one with {', '.join(KEYS)}")]
    if card["columns"] != COLUMNS:
        return [Problem(name, "columns", card["columns"], f"{COLUMNS}; import the model again")]
    names, origin, hertz = card["names"], card["origin"], card["frequency_hz"]
    lists = {f"names.{kind}": names.get(kind) if isinstance(names, dict) else None for kind in NAMES}
    lists |= {key: card[key] for key in TEXTS}
    problems = [
        Problem(name, field, type(found).__name__, "a list of texts")
        for field, found in lists.items()
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found)
    ]
    if not isinstance(card["name"], str):
        problems.append(Problem(name, "name", card["name"], "a text"))
    if type(hertz) not in (int, float) or not 1 <= hertz <= 1000:
        problems.append(Problem(name, "frequency_hz", hertz, "a number, 1 to 1000"))
    if not isinstance(origin, dict) or not all(isinstance(each, str) for each in origin.values()):
        problems.append(Problem(name, "origin", origin, "texts by name"))
    return problems


def _circuit(card: dict[str, Any], arrays: dict[str, Matrix]) -> Circuit:
    names = card["names"]
    elements = _elements(names["element"], arrays)
    return Circuit(
        name=card["name"],
        frequency_hz=card["frequency_hz"],
        buses=tuple(Bus(name, **row) for name, row in _named("bus", card, arrays)),
        nodes=tuple(names["node"]),
        node_kv=arrays["node_kv"],
        elements=elements,
        infeeds=_infeeds(names["infeed"], arrays),
        spots=tuple(Spot(name, **row) for name, row in _named("spot", card, arrays)),
        regulators=_regulators(card, arrays, elements),
        unwatched=tuple(card["unwatched"]),
        notes=tuple(card["notes"]),
        origin=card["origin"],
    )


def _named(kind: str, card: dict[str, Any], arrays: dict[str, Matrix]) -> list[tuple[str, dict[str, Any]]]:
    names = card["names"][kind]
    return list(zip(names, rows(arrays[kind], RECORDS[kind], COLUMNS[kind], len(names)), strict=True))


def _elements(names: list[str], arrays: dict[str, Matrix]) -> tuple[Element, ...]:
    ends, blocks = unpack_ends("element", arrays)
    ratings = rows(arrays["rating"], Element, COLUMNS["rating"], len(names))
    end_a = iter(arrays["element_end_a"].tolist())
    own = [tuple(itertools.islice(end_a, len(end))) for end in ends]
    made = zip(names, ends, blocks, ratings, own, strict=True)
    return tuple(
        Element(name, end, block, **rating, end_a=() if np.isnan(each).all() else each)
        for name, end, block, rating, each in made
    )


def _infeeds(names: list[str], arrays: dict[str, Matrix]) -> tuple[Infeed, ...]:
    ends, blocks = unpack_ends("infeed", arrays)
    voltages = split(arrays["emf"], [len(end[0]) for end in ends])
    made = zip(names, ends, voltages, blocks, strict=True)
    return tuple(Infeed(name, end[0], voltage, block) for name, end, voltage, block in made)


def _regulators(
    card: dict[str, Any], arrays: dict[str, Matrix], elements: tuple[Element, ...]
) -> tuple[Regulator, ...]:
    named = _named("regulator", card, arrays)
    sizes = [len(elements[row["element"]].conductors) for _, row in named]
    shapes = split(arrays["shape"], [3 * size**2 for size in sizes])
    flags = arrays["controlled"].tolist()
    made = [Control(**row) for row in rows(arrays["control"], Control, COLUMNS["control"], sum(flags))]
    widths = [size for size, flag in zip(sizes, flags, strict=True) if flag]
    if wrong := [unit.conductor for unit, width in zip(made, widths, strict=True) if unit.conductor >= width]:
        raise ValueError(f"control: conductor {wrong[0]} of an element that has fewer")
    controls = iter(made)
    return tuple(
        Regulator(name, shape=shape.reshape(3, size, size), control=next(controls) if flag else None, **row)
        for (name, row), size, shape, flag in zip(named, sizes, shapes, flags, strict=True)
    )


def summary(circuit: Circuit) -> list[tuple[str, str]]:
    """Short facts: number and kind of elements."""
    kinds = Counter(one.kind for one in circuit.elements)
    grounded = sum(minus == GROUND for _, minus in terminals(circuit))
    taps = ", ".join(f"{unit.name} {unit.tap:+d}" for unit in circuit.regulators)
    drawn, fed = (sum(s.kw for s in circuit.spots if (s.kw > 0) == sign) for sign in (True, False))
    return [
        ("feeder", f"{circuit.name}, {circuit.frequency_hz:g} Hz"),
        ("buses", f"{len(circuit.buses)} with {len(circuit.nodes)} nodes"),
        ("elements", ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())),
        ("terminals", f"{len(terminals(circuit))}, {grounded} of them to ground"),
        ("load", f"{drawn:.1f} kW and {sum(s.kvar for s in circuit.spots):.1f} kvar at rated voltage"),
        *([("feeding in", f"{-fed:.1f} kW")] if fed else []),
        ("regulators", taps or "none"),
        *(("note", note) for note in circuit.notes),
        *((key, value) for key, value in circuit.origin.items() if key != "taps"),
    ]
