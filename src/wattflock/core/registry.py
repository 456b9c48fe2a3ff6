"""The folder of parts is the registry: the name of a part in a scenario is the name of its file."""

import difflib
import importlib
import inspect
import os
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from wattflock.core.errors import Problem, ScenarioError

# room -> its interface, and the folder of its parts
ROOMS = {
    "synth": ("wattflock.synth.load_model:LoadModel", "wattflock.synth.models"),
    "data": ("wattflock.data.source:DataSource", "wattflock.sources"),
    "homes": ("wattflock.homes.device:Device", "wattflock.homes.devices"),
    "feeder": ("wattflock.feeder.source:FeederSource", "wattflock.feeder.feeders"),
    "market": ("wattflock.market.market:Market", "wattflock.market.markets"),
    "coordinator": ("wattflock.world.sharing:Sharing", "wattflock.world.coordinators"),
    "learn": ("wattflock.learn.learner:Learner", "wattflock.learn.learners"),
}
NAMED = 30  # names in a message


def interface(room: str) -> type:
    """The class that every part of a room implements."""
    module, name = ROOMS[room][0].split(":")
    return getattr(importlib.import_module(module), name)


def parts(room: str, interface: type) -> dict[str, type]:
    """All parts of a room by file name; a file without a part is left out.

    Raises:
        ScenarioError: a file cannot be imported, or holds more than one part.
    """
    found = {name: _part_in(room, name, interface) for name in files(room)}
    return {name: kind for name, kind in found.items() if kind is not None}


def part(room: str, interface: type, name: str, more: Iterable[str] = ()) -> type:
    """One part by its name; only its own file is imported, so that a broken neighbour does no harm.

    Args:
        more: names that are no parts, and would be allowed in its place.

    Raises:
        ScenarioError: there is no such part; the nearest name is suggested.
    """
    kind = _part_in(room, name, interface) if name in files(room) else None
    if kind is None:
        known = parts(room, interface)
        raise ScenarioError([Problem(room, "part", name, nearest(name, [*known, *more]))])
    return kind


def files(room: str) -> list[str]:
    """Names of the files in a room's folder of parts, sorted, with those in WATTFLOCK_PARTS/<room>."""
    return sorted({found.name for found in pkgutil.iter_modules(_package(room).__path__) if not found.ispkg})


def nearest(name: str, known: Iterable[str]) -> str:
    """What is allowed instead of `name`, and which is the likeliest."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return f"one of {', '.join(known[:NAMED]) or '(none)'}{more}{hint}"


def _package(room: str) -> ModuleType:
    package = importlib.import_module(ROOMS[room][1])
    for folder in os.environ.get("WATTFLOCK_PARTS", "").split(os.pathsep):
        extra = str(Path(folder).resolve() / room)
        if folder and Path(extra).is_dir() and extra not in package.__path__:
            package.__path__.append(extra)
    importlib.invalidate_caches()
    return package


def _part_in(room: str, name: str, interface: type) -> type | None:
    try:
        module = importlib.import_module(f"{ROOMS[room][1]}.{name}")
    except Exception as error:
        problem = Problem(f"{room}/{name}.py", "import", f"{type(error).__name__}: {error}", "a file that imports")
        raise ScenarioError([problem]) from error
    own = [kind for kind in vars(module).values() if _is_part(kind, interface, module.__name__)]
    if len(own) > 1:
        names = [kind.__name__ for kind in own]
        raise ScenarioError([Problem(f"{room}/{name}.py", "parts", names, "one part in a file")])
    return own[0] if own else None


def _is_part(kind: object, interface: type, module: str) -> bool:
    return (
        inspect.isclass(kind)
        and kind is not interface
        and issubclass(kind, interface)
        and kind.__module__ == module
        and not inspect.isabstract(kind)
        and not kind.__name__.startswith("_")
    )
