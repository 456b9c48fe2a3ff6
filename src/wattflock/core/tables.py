"""What the arrays of a file must be: their kinds, sizes that agree with each other, and ranges of their numbers."""

import dataclasses
import math
import re
from collections.abc import Mapping

import numpy as np

from wattflock.core.errors import Problem

MOST = 10_000_000  # a size at most
Arrays = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Table:
    """One array: its shape as sizes by number or by name, such as "users 4" or "edges+1 24", and its numbers."""

    shape: str
    low: float = -1e6
    high: float = 1e6
    of: str = ""  # a size: its numbers are places in a table of that size, from `low`; see `places`
    whole: bool = False  # it holds whole numbers
    unknown: bool = False  # nan stands where a number is not known
    rising: bool = False  # along its last axis
    reaches: float = -math.inf  # its last number is at least this

    def sizes(self) -> list[tuple[str, int]]:
        """Name of a size ("" for a number) and what is added to it, for each axis."""
        return [(name, int(more or 0)) for name, more in re.findall(r"([a-z_]*)\+?(\d*)", self.shape) if name or more]

    def shape_of(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape by the sizes."""
        return tuple(sizes[name] + more if name else more for name, more in self.sizes())


def places(shape: str, of: str, low: int = 0) -> Table:
    """Places in a table of a size, from `low` to the last."""
    return Table(shape, low, of=of, whole=True)


def sizes_of(arrays: Arrays, tables: Mapping[str, Table]) -> dict[str, int]:
    """The sizes that tables name, by the arrays; for a card."""
    found: dict[str, int] = {}
    for name, table in tables.items():
        for (size, more), axis in zip(table.sizes(), arrays[name].shape, strict=True):
            if size:
                found.setdefault(size, axis - more)
    return found


def size_names(tables: Mapping[str, Table]) -> list[str]:
    """Names of the sizes that tables need."""
    needed = ((*(size for size, _ in table.sizes()), table.of) for table in tables.values())
    return [name for name in dict.fromkeys(size for sizes in needed for size in sizes) if name]


def table_problems(where: str, arrays: Arrays, tables: Mapping[str, Table], sizes: object) -> list[Problem]:
    """Everything that is wrong with the arrays of a file that anybody can have written.

    Args:
        where: the file.
        arrays: as they were read.
        tables: what each of them must be.
        sizes: as the card says them.
    """
    problems = _size_problems(where, tables, sizes)
    allowed = f"the arrays {', '.join(tables)}"
    problems += [Problem(where, name, "(missing)", allowed) for name in tables if name not in arrays]
    problems += [Problem(where, name, "(present)", allowed) for name in arrays if name not in tables]
    if problems or not isinstance(sizes, dict):
        return problems
    told = (_problem(where, name, (arrays[name], table), sizes) for name, table in tables.items())
    return [each for each in told if each is not None]


def _size_problems(where: str, tables: Mapping[str, Table], sizes: object) -> list[Problem]:
    names = size_names(tables)
    if not isinstance(sizes, dict) or set(sizes) != set(names):
        said = list(sizes) if isinstance(sizes, dict) else sizes
        return [Problem(where, "card.sizes", said, f"whole numbers {', '.join(names)}; or make the file again")]
    return [
        Problem(where, f"card.sizes.{name}", size, f"a whole number, 0 to {MOST}")
        for name, size in sizes.items()
        if type(size) is not int or not 0 <= size <= MOST
    ]


def _problem(where: str, name: str, given: tuple[np.ndarray, Table], sizes: Mapping[str, int]) -> Problem | None:
    """The first thing that is wrong with one array."""
    values, table = given
    shape, kind = table.shape_of(sizes), "whole numbers" if table.whole else "finite numbers"
    if values.dtype.kind not in "fiu" or values.shape != shape:
        return Problem(where, name, f"{values.dtype} {values.shape}", f"{kind} of shape {shape}, as card.sizes says")
    known = values[~np.isnan(values)] if table.unknown else values
    low, high = table.low, sizes[table.of] - 1 if table.of else table.high
    wrong = ~((known >= low) & (known <= high))  # nan is neither
    if table.whole:
        wrong |= known != np.round(known)
    if wrong.any():
        return Problem(where, name, known[wrong].ravel()[0].item(), f"{kind}, {low:g} to {high:g}")
    if table.rising and (np.diff(values, axis=-1) < 0).any():
        return Problem(where, name, "numbers that fall", "numbers that rise along the last axis")
    if values.size and values.ravel()[-1] < table.reaches:
        return Problem(where, name, values.ravel()[-1].item(), f"a last number of at least {table.reaches:g}")
    return None
