"""A region in one file: arrays by name as safetensors, with a card; loading rebuilds and checks it."""

import dataclasses
import datetime
import typing
import zoneinfo
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.errors import Problem, RunError, ScenarioError
from wattflock.core.files import named_leaves, pack, read_card, regular, unpack
from wattflock.core.registry import files, part
from wattflock.core.tables import sizes_of, table_problems
from wattflock.data.calendar import calendar
from wattflock.synth.load_model import LoadModel
from wattflock.synth.region import Mix, Region, begin, live, settle
from wattflock.synth.tables import tables

FOLDER = Path(__file__).parent / "bundled"


def packed(module: eqx.Module, card: dict) -> bytes:
    """The file of a region or of a piece of one; the card lists what it was fitted to, the owners and all sizes."""
    model = module.load if isinstance(module, Region) else module
    load = type(model).__module__.rpartition(".")[2]
    arrays = {name: np.asarray(leaf) for name, leaf in named_leaves(module)}
    sizes = sizes_of(arrays, tables(type(module), load))
    return pack(arrays, card | {"load": load, "sizes": sizes})


def card(path: Path) -> dict[str, Any]:
    """The card of a region's file.

    Raises:
        ScenarioError: there is no such file, or it is not a region of ours.
    """
    try:
        return read_card(path)
    except RunError as error:
        raise _refused(path, error) from error


def load(name: str | Path) -> tuple[Region, dict[str, Any]]:
    """A bundled region by its name, or one from a file, on the device; and its card.

    Raises:
        ScenarioError: there is no such region, or its file is broken.
    """
    path = bundled().get(str(name), Path(name))
    region, facts = unpacked(Region, path)
    if str(name) not in bundled() and (problems := region_problems(region, facts, str(path))):
        raise ScenarioError(problems)
    return region, facts


def unpacked(kind: Any, path: Path) -> tuple[Any, dict[str, Any]]:
    """A region, or a piece of one, and its card.

    Raises:
        ScenarioError: there is no such file, or it is broken.
    """
    try:
        arrays, facts = unpack(regular(path).read_bytes())
    except (OSError, ValueError) as error:
        raise _refused(path, error) from error
    if problems := _table_problems(kind, path, arrays, facts):
        raise ScenarioError(problems)
    tree: dict[str, Any] = {}
    for dotted, values in arrays.items():
        *above, last = dotted.split(".")
        place = tree
        for key in above:
            place = place.setdefault(key, {})
        place[last] = jnp.asarray(values)
    try:
        return _built(kind, tree, facts["load"]), {name: fact for name, fact in facts.items() if name != "sizes"}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = Problem(str(path), "region", f"{type(error).__name__}: {error}", "a region of this version")
        raise ScenarioError([problem]) from error


def _table_problems(kind: Any, path: Path, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> list[Problem]:
    """What is wrong with the arrays by the tables of this version; those of a model without tables are left out."""
    model = facts.get("load")
    if not isinstance(model, str):
        return [Problem(str(path), "card.load", model, f"one of {', '.join(files('synth'))}")]
    known = tables(kind, model)
    if kind is Region and not any(name.startswith("load.") for name in known):
        arrays = {name: each for name, each in arrays.items() if not name.startswith("load.")}
    return table_problems(str(path), arrays, known, facts.get("sizes")) if known else []


def region_problems(region: Region, facts: dict[str, Any], where: str) -> list[Problem]:
    """What is wrong with a region that anybody can have written: its card, numbers that are none, sizes that misfit."""
    kinds = {"name": str, "zone": str, "currency": str, "seed": int}
    problems = [
        Problem(where, f"card.{key}", facts.get(key), f"a {kind.__name__}")
        for key, kind in kinds.items()
        if type(facts.get(key)) is not kind
    ]
    if not problems and facts["zone"] not in zoneinfo.available_timezones():
        problems.append(Problem(where, "card.zone", facts["zone"], "a time zone, such as Europe/London"))
    for name, leaf in named_leaves(region):
        values = np.asarray(leaf)
        if values.dtype.kind not in "fiub" or not np.isfinite(values).all():
            problems.append(Problem(where, name, str(values.dtype), "finite numbers"))
    try:
        jax.eval_shape(_a_day, region)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        said = " ".join(str(error).split())[:200]
        problems.append(Problem(where, "arrays", said, "arrays of the sizes that a region of this version has"))
    return problems


def _a_day(region: Region) -> Any:
    """A day of two homes, traced and never run."""
    homes = settle(region, Mix(), 0, jnp.arange(2))
    when = jax.tree.map(jnp.asarray, calendar(datetime.date(2026, 1, 1), 1, "UTC"))
    return live(region, homes, begin(region, homes, 0), (when, jnp.asarray(0), None), 48)


def bundled() -> dict[str, Path]:
    """Regions that come with the package, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.safetensors"))}


def _built(kind: Any, tree: Any, model: str) -> Any:
    """A module of a class from a tree of arrays by field; dicts of arrays stay as they are."""
    kind = part("synth", LoadModel, model) if kind is LoadModel else kind
    if not (isinstance(kind, type) and issubclass(kind, eqx.Module)):
        return tree
    hints = typing.get_type_hints(kind)
    return kind(
        **{field.name: _built(hints[field.name], tree[field.name], model) for field in dataclasses.fields(kind)}
    )


def _refused(path: Path, error: Exception) -> ScenarioError:
    allowed = f"a file that `wattflock data fit` wrote, or one of {', '.join(sorted(bundled()))}"
    return ScenarioError([Problem(str(path), "region", str(error), allowed)])
