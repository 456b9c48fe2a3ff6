"""Throwaway rooms: small interfaces and parts, written as files, so that no other part is needed here."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from wattflock.core import registry

INTERFACE = """
import abc
from typing import ClassVar
import equinox as eqx

class Shape(eqx.Module):
    ordered: ClassVar = ()

    @abc.abstractmethod
    def area(self): ...
"""
PART = """
from typing import Annotated, Literal
import jax
from pydantic import Field
from .shape import Shape

class {kind}(Shape):
    width_kw: Annotated[float, Field(gt=0, le=10, description="how wide [kW]")] = 2
    hidden: tuple[int, ...] = (32, 32)
    colour: Literal["red", "blue"] = "red"
    table: jax.Array | None = None

    def area(self):
        return self.width_kw
"""
PARTS = {
    "data": ["california"],
    "homes": ["battery", "heat_pump", "generator", "panel", "ev"],
    "feeder": ["ieee123"],
    "market": ["tariff"],
    "learn": ["gradmap", "idle", "rules", "timer", "timer_droop"],
}


COUNT = itertools.count()


@pytest.fixture
def rooms(tmp_path, monkeypatch) -> Iterator[Path]:
    """A folder with a file for every part that the demo names; writing another file adds a part."""
    package = f"throwaway_{next(COUNT)}"  # a new name each time: imported modules are remembered
    for room, names in PARTS.items():
        folder = tmp_path / package / room
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "shape.py").write_text(INTERFACE)
        for name in names:
            (folder / f"{name}.py").write_text(PART.format(kind=name.title().replace("_", "")))
        monkeypatch.setitem(registry.ROOMS, room, (f"{package}.{room}.shape:Shape", f"{package}.{room}"))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / package
