"""Files that are whole or not there: written beside, then renamed."""

import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from wattflock.errors import RunError


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
