"""A tree of arrays as safetensors with a card beside it; nothing is pickled."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import safetensors
import safetensors.numpy
from numpy import asarray

from wattflock.errors import RunError
from wattflock.store.folder import write_whole

CARD = "wattflock"


def save(path: Path, tree, card: dict) -> None:
    """Arrays and card in one file, whole or not at all.

    Args:
        path: ends in .safetensors.
        tree: any tree whose leaves are arrays.
        card: what the arrays are: scenario hash, learner, rounds, seconds; JSON values.
    """
    arrays = {name: asarray(leaf) for name, leaf in _named(tree)}
    write_whole(path, safetensors.numpy.save(arrays, {CARD: json.dumps(card)}))


def card(path: Path) -> dict:
    """The card of a checkpoint.

    Raises:
        RunError: there is no such file, or it is not ours.
    """
    try:
        with safetensors.safe_open(path, "np") as file:
            return json.loads((file.metadata() or {})[CARD])
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        raise RunError(f"{path}: not a checkpoint that can be read: {error}") from error


def load(path: Path, like):
    """The tree of a checkpoint, in the structure of `like`.

    Raises:
        RunError: names or shapes differ from `like`: the checkpoint is of another scenario.
    """
    card(path)
    arrays = safetensors.numpy.load_file(path)
    wanted = dict(_named(like))
    shapes = {name: leaf.shape for name, leaf in arrays.items()}
    if shapes != {name: leaf.shape for name, leaf in wanted.items()}:
        raise RunError(f"{path}: its arrays do not fit this scenario; use the settings it was trained with")
    leaves = [jnp.asarray(arrays[name]) for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _named(tree) -> list[tuple[str, Any]]:
    return [(jax.tree_util.keystr(path).lstrip("."), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]
