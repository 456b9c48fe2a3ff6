"""Atomic writing of files (a temporary file, then a rename), and files of arrays with a JSON card."""

import contextlib
import errno
import functools
import hashlib
import io
import json
import os
import platform
import re
import stat
import tempfile
from collections.abc import Generator
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

    Temporary files that a killed process left in the folder are removed.

    Raises:
        RunError: the disk is full or the folder cannot be written; the old file is then untouched.
    """
    beside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent.absolute())
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.{_here()}-{os.getpid()}.")
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


@functools.cache
def _here() -> str:
    """The machine, in the names of temporary files: another's processes are not known here."""
    return safe_name(platform.node())[:30].replace(".", "-")


@functools.cache
def _sweep(folder: Path) -> None:
    """Once in a process: remove the temporary files of processes of this machine that are gone."""
    with contextlib.suppress(OSError):
        for file in folder.glob(f".*.{_here()}-*.*"):
            owner = re.search(r"-(\d+)\.[^.]*$", file.name)
            if owner and not is_alive(int(owner[1])):
                file.unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # it runs, and is another user's
    return True


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


FORMULA = r"^[=+\-@\t\r]"  # what a spreadsheet takes for the beginning of a formula


def csv_bytes(table: "pl.DataFrame") -> bytes:
    """CSV; text and names of columns that begin with = + - @ get an apostrophe before it (OWASP, CSV Injection)."""
    import polars as pl

    text = pl.selectors.string()
    quoted = pl.when(text.str.contains(FORMULA)).then("'" + text).otherwise(text)
    named = {name: f"'{name}" for name in table.columns if re.match(FORMULA, name)}
    return table.with_columns(quoted.name.keep()).rename(named).write_csv().encode()


def regular(path: Path) -> Path:
    """The path of a file that can be read to its end: a pipe, socket or device would wait for somebody, or never end.

    Raises:
        OSError: it is one of those, or missing.
    """
    kind = path.stat().st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # a folder refuses to be read by itself
        raise OSError(errno.EINVAL, "a pipe, socket or device, not a file")
    return path


@contextlib.contextmanager
def no_panic() -> Generator[None]:
    """Around what Polars reads: its panic is an error like others, and what Rust says of it reaches no terminal."""
    import polars as pl

    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    except pl.exceptions.PanicException as error:
        raise pl.exceptions.ComputeError(str(error)) from None
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def read_json(path: Path) -> Any:
    """A JSON file of a run.

    Raises:
        RunError: it is missing or broken.
    """
    try:
        return json.loads(regular(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Why a file could not be read, in words."""
    return "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"


CARD = "card"
LARGEST = 1e30  # of a checkpoint's numbers: squares of a gradient of 10¹⁵
BROKEN = (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


def pack(arrays: dict[str, np.ndarray], card: dict) -> bytes:
    """Arrays by name and their card as one safetensors file; `unpack` reads it back bit for bit.

    The card holds JSON values and gains two checksums: of the arrays, and of the card with that.
    """
    arrays = {name: np.asarray(values, order="C") for name, values in arrays.items()}  # others are written out of order
    card = json.loads(json.dumps(card, allow_nan=False)) | {"sha256": _checksum(arrays)}
    card |= {"card_sha256": checksum(card)}
    return safetensors.numpy.save(arrays, {CARD: json.dumps(card, ensure_ascii=False)})


def unpack(data: bytes) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and card of a file that `pack` made.

    Raises:
        ValueError: the file is not whole, has no card, or its arrays or card are not those that were written.
    """
    try:
        arrays = safetensors.numpy.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        card, written = _checked(header["__metadata__"][CARD])
    except BROKEN as error:
        raise ValueError(f"not a whole file of arrays with a card: {type(error).__name__}: {error}") from error
    if (found := _checksum(arrays)) != written:
        raise ValueError(f"sha256 {found} is not {written}: the numbers are not those that were written")
    return arrays, card


def read_card(path: Path) -> dict:
    """The card of a file that `pack` made; its arrays are not read.

    Raises:
        RunError: there is no such file, it has no card, or the card is not the one that was written.
    """
    try:
        with safetensors.safe_open(regular(path), "np") as file:
            return _checked((file.metadata() or {})[CARD])[0]
    except (OSError, *BROKEN) as error:
        raise RunError(f"{path}: not a file of arrays with a card: {error}") from error


def _checked(text: str) -> tuple[dict, str]:
    """A card and the checksum of its arrays; ValueError where its own checksum is another, or there is none."""
    card = json.loads(text)
    written = card.pop("card_sha256", None)
    if written is None:
        raise ValueError("the card has no checksum: the file is of an older version; make it again")
    if checksum(card) != written:
        raise ValueError("the card is not the one that was written")
    return card, card.pop("sha256")


def checksum(value: object) -> str:
    """sha256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


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
        RunError: the file is broken, names, shapes or kinds of numbers differ from `like`, for it is of another
            scenario, or some number is not finite.
    """
    import jax
    import jax.numpy as jnp

    try:
        arrays, _ = unpack(regular(path).read_bytes())
    except OSError as error:
        raise RunError(f"{path}: {reason(error)}") from error
    except ValueError as error:
        raise RunError(f"{path}: {error}") from error
    wanted = {name: np.asarray(leaf) for name, leaf in named_leaves(like)}
    if misfits := _misfits(arrays, wanted):
        told = "; ".join(misfits[:5])
        raise RunError(f"{path}: its arrays do not fit this scenario; use the settings it was trained with ({told})")
    if wrong := [name for name, each in arrays.items() if not _is_sound(each)]:
        named = ", ".join(wrong[:5])
        raise RunError(
            f"{path}: numbers that are not finite in {named}, or above {LARGEST:g}, or counts below 0; "
            "train again with --fresh"
        )
    leaves = [jnp.asarray(arrays[name]) for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _misfits(arrays: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> list[str]:
    """Where names, shapes or kinds of numbers differ, in words."""

    def kind(those: dict[str, np.ndarray], name: str) -> str:
        return f"{those[name].dtype} {those[name].shape}" if name in those else "none"

    names = sorted({*arrays, *wanted})
    pairs = [(name, kind(arrays, name), kind(wanted, name)) for name in names]
    return [f"{name} is {found}, not {right}" for name, found, right in pairs if found != right]


def _is_sound(values: np.ndarray) -> bool:
    """Whether numbers of a checkpoint can be: finite and at most `LARGEST`; counts are at least 0."""
    if values.dtype.kind in "fc":
        return bool((np.abs(values) <= LARGEST).all())
    return values.dtype.kind != "i" or bool((values >= 0).all())


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
