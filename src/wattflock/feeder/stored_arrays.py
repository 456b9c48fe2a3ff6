"""Lists of small records and of small matrices as few flat arrays, and back; bit for bit."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from wattflock.feeder.circuit import Matrix

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
    """What `table` made, as keyword arguments of the record.

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


def unpack_ends(name: str, arrays: dict[str, Matrix], nodes: int) -> tuple[list[Ends], list[Matrix]]:
    """What `pack_ends` made.

    Raises:
        ValueError: numbers that do not fit together, or a node beyond the last of `nodes`.
    """
    index = arrays[f"{name}_nodes"].tolist()
    if index and not -1 <= min(index) <= max(index) < nodes:
        raise ValueError(f"{name}: nodes {min(index)} to {max(index)}, expected -1 to {nodes - 1}")
    at, width = iter(index), iter(arrays[f"{name}_widths"].tolist())
    ends = [
        tuple(tuple(next(at) for _ in range(next(width))) for _ in range(count))
        for count in arrays[f"{name}_ends"].tolist()
    ]
    sizes = [sum(len(end) for end in one) for one in ends]
    blocks = split(arrays[f"{name}_admittance"], [size**2 for size in sizes])
    return ends, [block.reshape(size, size) for block, size in zip(blocks, sizes, strict=True)]


def checksum(arrays: dict[str, Matrix]) -> str:
    """sha256 of names, kinds, shapes and numbers."""
    digest = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        digest.update(json.dumps([name, str(values.dtype), list(values.shape)]).encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
