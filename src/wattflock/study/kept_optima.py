"""Optima that are kept beside the runs by what they are of: seeds and methods of a study share them."""

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from wattflock.core.files import pack, write_whole
from wattflock.core.kept import code_of, digest, read_kept
from wattflock.core.types import Profile, cast
from wattflock.study.bound import USUAL, Optimum, Settings, bound
from wattflock.world.world import World

FOLDER = "optima"
ARRAYS = ("power_kw", "action")
FIGURES = [field.name for field in dataclasses.fields(Optimum) if field.name not in ARRAYS]
OURS = ("bound.py", "lp.py")


def optima(world: World, profile: Profile, folder: Path | None = None, settings: Settings = USUAL) -> Iterator[Optimum]:
    """`bound`, day by day; with a folder each day is kept there, and one that is there is not solved again.

    What is kept is found by a hash of the world, the day, the settings and the code. A file that is not whole is solved
    anew.

    Args:
        world: float64, or float32 values that are used as exact.
        profile: (days, steps, homes).
        folder: where they are kept; None keeps nothing.
        settings: of the search.

    Raises:
        WattflockError: a market that has no plan.
    """
    if folder is None:
        yield from bound(world, profile, settings)
        return
    every = jax.tree.map(np.asarray, profile)
    paths = [folder / f"{key}.safetensors" for key in keys(world, every, settings)]
    found = [read(path) for path in paths]
    missing = [day for day, each in enumerate(found) if each is None]
    rest = bound(world, jax.tree.map(lambda x: x[missing], every), settings) if missing else iter(())
    for path, each in zip(paths, found, strict=True):
        optimum = each or next(rest)
        if each is None:
            write(path, optimum)
        yield optimum


def keys(world: World, profile: Profile, settings: Settings) -> list[str]:
    """What each day's optimum is kept under."""
    own = code(), str(settings), *content(world.bare())
    days = [jax.tree.map(lambda x, day=day: x[day], profile) for day in range(profile.days())]
    return [digest((*own, *content(day)))[:24] for day in days]


@functools.cache
def code() -> str:
    """The code from which an optimum follows."""
    ours = Path(__file__).parents[1]
    rooms = [ours / room for room in ("core", "homes", "feeder", "market", "world")]
    return code_of(
        [*(file for room in rooms for file in sorted(room.rglob("*.py"))), *map((ours / "study").joinpath, OURS)]
    )


def content(tree: Any) -> list[str | np.ndarray]:
    """A tree's structure, with all that is no array, and its arrays, of floats as float64."""
    leaves, structure = jax.tree.flatten(cast(jax.tree.map(np.asarray, tree), np.float64))
    return [str(structure), *leaves]


def write(path: Path, optimum: Optimum) -> None:
    """Keep an optimum, whole or not at all."""
    told: dict[str, Any] = dataclasses.asdict(optimum)
    write_whole(path, pack({name: told.pop(name) for name in ARRAYS}, told))


def read(path: Path) -> Optimum | None:
    """An optimum that was kept; None where there is none, or no whole one."""
    found = read_kept(path)
    if found is None:
        return None
    arrays, card = found
    fields: dict[str, Any] = {name: arrays[name] for name in ARRAYS} | {name: card[name] for name in FIGURES}
    return Optimum(**fields)
