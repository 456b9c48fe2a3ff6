"""Throwaway rooms: small interfaces and parts, written as files into a folder that each room's path gets."""

import importlib
import sys
from pathlib import Path

import pytest

from wattflock import registry

INTERFACE = """
import abc
import equinox as eqx

class Shape(eqx.Module):
    @abc.abstractmethod
    def area(self): ...
"""
PART = """
from typing import Annotated, Literal
import jax
from pydantic import Field
from wattflock.{room}.shape import Shape

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
    "homes": ["battery", "heat_pump", "generator"],
    "feeder": ["ieee123"],
    "market": ["tariff"],
    "learn": ["gradmap", "idle", "rules"],
}


@pytest.fixture
def rooms(tmp_path, monkeypatch) -> Path:
    """A folder with a file for every part that the demo names; writing another file adds a part."""
    for room, names in PARTS.items():
        folder = tmp_path / "rooms" / room
        folder.mkdir(parents=True)
        (folder / "shape.py").write_text(INTERFACE)
        for name in names:
            text = PART.format(room=room, kind=name.title().replace("_", ""))
            (folder / f"{name}.py").write_text(text)
        package = importlib.import_module(f"wattflock.{room}")
        monkeypatch.setattr(package, "__path__", [str(folder)])
        monkeypatch.setitem(registry.ROOMS, room, f"wattflock.{room}.shape:Shape")
    _forget(monkeypatch)
    yield tmp_path / "rooms"
    _forget(monkeypatch)


def _forget(monkeypatch) -> None:
    for module in list(sys.modules):
        if module.startswith(tuple(f"wattflock.{room}." for room in PARTS)):
            monkeypatch.delitem(sys.modules, module)
