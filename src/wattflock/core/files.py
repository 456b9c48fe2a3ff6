"""Atomic writing of files (a temporary file, then a rename), and files of arrays with a JSON card."""

import hashlib
import io
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors
import safetensors.numpy

from wattflock.core.errors import Problem, RunError

if TYPE_CHECKING:
    import polars as pl


def write_whole(path: Path, content: bytes) -> Path:
    """Write a temporary file and rename it, so that a reader finds the old file or the new one, never a part.

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


def safe_name(name: str) -> str:
    """A name of anybody's making as the name of a file: letters, digits, `_ . + -`, no dot or dash at its ends."""
    return re.sub(r"[^\w.+-]+", "-", name).strip(".-")[:80] or "unnamed"


def refuse_place(where: str, field: str, path: Path | None) -> list[Problem]:
    """What is wrong with the place of a file that is to be written; known before hours of work."""
    if path is None:
        return []
    folder = next(each for each in path.absolute().parents if each.exists())
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        return [Problem(where, field, str(path), "a file in a folder that can be written")]
    return []


def write_json(path: Path, value: object) -> Path:
    """Readable JSON; NaN is refused."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(path, f"{text}\n".encode())


def write_table(path: Path, table: "pl.DataFrame") -> Path:
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


CARD = "card"


def pack(arrays: dict[str, np.ndarray], card: dict) -> bytes:
    """Arrays by name and their card as one safetensors file; `unpack` reads it back bit for bit.

    The card holds JSON values and gains a checksum of the arrays.
    """
    arrays = {name: np.asarray(values, order="C") for name, values in arrays.items()}  # others are written out of order
    return safetensors.numpy.save(arrays, {CARD: json.dumps(card | {"sha256": _checksum(arrays)}, ensure_ascii=False)})


def unpack(data: bytes) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and card of a file that `pack` made.

    Raises:
        ValueError: the file is not whole, has no card, or its arrays are not those that were written.
    """
    try:
        arrays = safetensors.numpy.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        card = json.loads(header["__metadata__"][CARD])
        written = card.pop("sha256")
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a whole file of arrays with a card: {type(error).__name__}: {error}") from error
    if (found := _checksum(arrays)) != written:
        raise ValueError(f"sha256 {found} is not {written}: the numbers are not those that were written")
    return arrays, card


def read_card(path: Path) -> dict:
    """The card of a file that `pack` made; its arrays are not read.

    Raises:
        RunError: there is no such file, or it has no card.
    """
    try:
        with safetensors.safe_open(path, "np") as file:
            card = json.loads((file.metadata() or {})[CARD])
            return {key: value for key, value in card.items() if key != "sha256"}
    except (OSError, KeyError, ValueError, AttributeError, safetensors.SafetensorError) as error:
        raise RunError(f"{path}: not a file of arrays with a card: {error}") from error


def save_tree(path: Path, tree, card: dict) -> None:
    """Arrays and card in one file, whole or not at all.

    Args:
        path: ends in .safetensors.
        tree: any tree whose leaves are arrays.
        card: what the arrays are: scenario hash, learner, rounds, seconds; JSON values.
    """
    write_whole(path, pack({name: np.asarray(leaf) for name, leaf in named_leaves(tree)}, card))


def load_tree(path: Path, like):
    """The tree of a checkpoint, in the structure of `like`.

    Raises:
        RunError: the file is broken, or names or shapes differ from `like`: it is of another scenario.
    """
    import jax
    import jax.numpy as jnp

    try:
        arrays, _ = unpack(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: {reason(error)}") from error
    except ValueError as error:
        raise RunError(f"{path}: {error}") from error
    wanted = dict(named_leaves(like))
    shapes = {name: leaf.shape for name, leaf in arrays.items()}
    if shapes != {name: leaf.shape for name, leaf in wanted.items()}:
        raise RunError(f"{path}: its arrays do not fit this scenario; use the settings it was trained with")
    leaves = [jnp.asarray(arrays[name]) for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def named_leaves(tree) -> list[tuple[str, Any]]:
    """Leaves of a tree with their dotted names: fields, dictionary keys, numbers of a list."""
    import jax

    paths = jax.tree_util.tree_leaves_with_path(tree)
    return [
        (".".join(str(getattr(k, "name", getattr(k, "key", getattr(k, "idx", k)))) for k in p), x) for p, x in paths
    ]


def _checksum(arrays: dict[str, np.ndarray]) -> str:
    """sha256 of names, kinds, shapes and numbers."""
    digest = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        digest.update(json.dumps([name, str(values.dtype), list(values.shape)]).encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
