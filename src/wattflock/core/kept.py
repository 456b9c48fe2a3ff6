"""Results that are kept on disk by what they follow from: the code, the version of HiGHS, and all that it was given."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import highspy
import numpy as np

from wattflock.core.files import regular, unpack
from wattflock.core.progress import say

Content = Iterable[str | float | np.ndarray]  # what a result follows from


def code_of(files: Iterable[Path]) -> str:
    """sha256 of source files and of the version of HiGHS."""
    return hashlib.sha256(
        b"".join(file.read_bytes() for file in files) + highspy.Highs().version().encode()
    ).hexdigest()


def digest(content: Content) -> str:
    """sha256 of words, numbers and arrays, in their order; of an array its kind, shape and values."""
    made = hashlib.sha256()
    for part in content:
        if isinstance(part, np.ndarray):
            made.update(f" {part.dtype.kind}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        else:
            made.update(f" {part!r}".encode())
    return made.hexdigest()


def read_kept(path: Path) -> tuple[dict[str, np.ndarray], dict] | None:
    """Arrays and card that `pack` made; None where there is no file, or one that is not whole, which is told."""
    if not path.exists():
        return None
    try:
        return unpack(regular(path).read_bytes())
    except (OSError, ValueError) as error:
        say(f"{path}: {error}; it is worked out again")
        return None
