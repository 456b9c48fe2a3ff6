"""Files that are whole or not there (written beside, then renamed), and arrays with a card beside them."""

import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import polars as pl
import safetensors
import safetensors.numpy
from numpy import asarray

from wattflock.core.errors import RunError


def write_whole(path: Path, content: bytes) -> Path:
    """Write beside and rename, so that a reader finds the old file or the new one and never half of one.

    Raises:
        RunError: the disk is full or the folder cannot be written; the old file is then untouched.
    """
    beside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if beside and os.path.exists(beside):
            os.unlink(beside)
    return path


def write_json(path: Path, value: object) -> Path:
    """Readable JSON; NaN is refused."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(path, f"{text}\n".encode())


def write_table(path: Path, table: pl.DataFrame) -> Path:
    """Parquet."""
    content = io.BytesIO()
    table.write_parquet(content)
    return write_whole(path, content.getvalue())


def read_json(path: Path) -> Any:
    """A JSON file of a run.

    Raises:
        RunError: it is missing or broken.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Why a file could not be read, in words."""
    return "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"


CARD = "wattflock"


def save_tree(path: Path, tree, read_card: dict) -> None:
    """Arrays and card in one file, whole or not at all.

    Args:
        path: ends in .safetensors.
        tree: any tree whose leaves are arrays.
        card: what the arrays are: scenario hash, learner, rounds, seconds; JSON values.
    """
    arrays = {name: asarray(leaf) for name, leaf in _named(tree)}
    write_whole(path, safetensors.numpy.save(arrays, {CARD: json.dumps(read_card)}))


def read_card(path: Path) -> dict:
    """The card of a checkpoint.

    Raises:
        RunError: there is no such file, or it is not ours.
    """
    try:
        with safetensors.safe_open(path, "np") as file:
            return json.loads((file.metadata() or {})[CARD])
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        raise RunError(f"{path}: not a checkpoint that can be read: {error}") from error


def load_tree(path: Path, like):
    """The tree of a checkpoint, in the structure of `like`.

    Raises:
        RunError: names or shapes differ from `like`: the checkpoint is of another scenario.
    """
    read_card(path)
    arrays = safetensors.numpy.load_file(path)
    wanted = dict(_named(like))
    shapes = {name: leaf.shape for name, leaf in arrays.items()}
    if shapes != {name: leaf.shape for name, leaf in wanted.items()}:
        raise RunError(f"{path}: its arrays do not fit this scenario; use the settings it was trained with")
    leaves = [jnp.asarray(arrays[name]) for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _named(tree) -> list[tuple[str, Any]]:
    return [(jax.tree_util.keystr(path).lstrip("."), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]
