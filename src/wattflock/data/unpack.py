"""Bytes of files, unpacked where they are packed; a file that unpacks to more than a limit is refused by its name."""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import regular

MOST_BYTES = 4 << 30  # of a file that is not packed
MOST_UNPACKED = 1 << 30  # bytes of a packed file, and of all members of a zip or a spreadsheet
MOST_RATIO = 100  # unpacked over packed bytes, beyond `FREE_BYTES`
FREE_BYTES = 32 << 20  # unpacked, whatever the ratio
MOST_MEMBERS = 20_000  # of a zip
MOST_CELLS = 20_000_000  # of a spreadsheet: its last row times its last column
CHUNK = 4 << 20
CELL = re.compile(rb'r="([A-Z]{1,3})(\d{1,7})"')
BROKEN = (EOFError, OSError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)
Packed = Path | zipfile.Path


def content(path: Packed) -> bytes:
    """The bytes of a file, unpacked where it is gzip or in a zip.

    Raises:
        ScenarioError: it is not whole, or unpacks to more than `MOST_UNPACKED` or `MOST_RATIO` allow.
    """
    return start(path, None)


def start(path: Packed, count: int | None) -> bytes:
    """The first bytes of a file, unpacked; all of them with None.

    Raises:
        ScenarioError: as `content`.
    """
    try:
        with _opened(path) as file:
            if path.suffix.lower() == ".gz":
                return _read(path.name, gzip.GzipFile(fileobj=file), _size(path), count)
            return _read(path.name, file, _size(path) if isinstance(path, zipfile.Path) else None, count)
    except BROKEN as error:
        wanted = "a whole gzip file" if path.suffix.lower() == ".gz" else "a whole file that can be read"
        raise ScenarioError([Problem(path.name, "file", str(error), wanted)]) from None


def _opened(path: Packed) -> IO[bytes]:
    return path.open("rb") if isinstance(path, zipfile.Path) else regular(path).open("rb")


def _size(path: Packed) -> int:
    """Bytes that the file takes as it is packed."""
    return path.root.getinfo(path.at).compress_size if isinstance(path, zipfile.Path) else path.stat().st_size


def _read(name: str, file: IO[bytes] | Any, packed: int | None, count: int | None) -> bytes:
    if packed is None and count is not None:
        return file.read(count)
    held = bytearray()
    while part := file.read(min(CHUNK, CHUNK if count is None else count - len(held))):
        held += part
        if said := _too_much(len(held), packed):
            raise ScenarioError([Problem(name, "file", *said)])
    return bytes(held)


def _too_much(unpacked: int, packed: int | None) -> tuple[str, str] | None:
    """What is wrong with so many bytes, and what is allowed."""
    most, which = (MOST_BYTES, "") if packed is None else (MOST_UNPACKED, ", unpacked")
    if unpacked > most:
        return f"more than {most >> 20:,} MB{which}", f"at most {most >> 20:,} MB{which}"
    if packed is not None and unpacked > max(FREE_BYTES, MOST_RATIO * packed):
        return f"{packed:,} bytes that unpack to more than {unpacked >> 20:,} MB", f"at most {MOST_RATIO} times as much"
    return None


def members(path: Path, endings: tuple[str, ...]) -> list[Any]:
    """The files within a zip that end so, in order of their names; none of what is no zip.

    Raises:
        ScenarioError: too many members, too much unpacked, or names that lead out of the zip.
    """
    try:
        packed = zipfile.ZipFile(regular(path))
    except (*BROKEN, ValueError):
        return []
    if problems := zip_problems(path.name, packed):
        raise ScenarioError(problems)
    names = [name for name in sorted(packed.namelist()) if name.lower().endswith(endings) and "__MACOSX" not in name]
    return [zipfile.Path(packed, name) for name in names]


def zip_problems(name: str, packed: zipfile.ZipFile) -> list[Problem]:
    """What is wrong with a zip by its own list: names, how many members, how much they unpack to."""
    infos = packed.infolist()
    problems = [
        Problem(name, "member", info.filename[:80], "a name within the zip")
        for info in infos
        if info.filename.startswith(("/", "\\")) or re.search(r"(^|[/\\])\.\.([/\\]|$)|^[A-Za-z]:", info.filename)
    ][:5]
    if len(infos) > MOST_MEMBERS:
        problems.append(Problem(name, "members", len(infos), f"at most {MOST_MEMBERS:,}"))
    if said := _too_much(sum(info.file_size for info in infos), sum(info.compress_size for info in infos)):
        problems.append(Problem(name, "file", *said))
    return problems


def spreadsheet(path: Packed) -> bytes:
    """The bytes of a spreadsheet whose members and cells are within the limits.

    Raises:
        ScenarioError: it unpacks to more than `MOST_UNPACKED`, has more than `MOST_CELLS`, or is damaged.
    """
    held = content(path)
    if not zipfile.is_zipfile(io.BytesIO(held)):
        return held
    try:
        with zipfile.ZipFile(io.BytesIO(held)) as packed:
            problems = zip_problems(path.name, packed) or _sheet_problems(path.name, packed)
    except BROKEN as error:
        problems = [Problem(path.name, "file", str(error), "a whole spreadsheet")]
    if problems:
        raise ScenarioError(problems)
    return held


def _sheet_problems(name: str, packed: zipfile.ZipFile) -> list[Problem]:
    """Reads every member, as sizes may be forged, and finds the last cell of each sheet."""
    for info in packed.infolist():
        rows, columns = 1, 1
        with packed.open(info) as file:
            for part in _overlapping(file):
                found = CELL.findall(part) if info.filename.startswith("xl/worksheets/") else ()
                rows = max([rows, *(int(row) for _, row in found)])
                columns = max([columns, *(_number(letters) for letters in {letters for letters, _ in found})])
        if rows * columns > MOST_CELLS:
            said = f"{rows:,} rows × {columns:,} columns"
            return [Problem(name, "sheet", said, f"at most {MOST_CELLS:,} cells; save it as CSV")]
    return []


def _overlapping(file: IO[bytes]) -> Iterator[bytes]:
    """Parts of a file, each with the end of the one before, so that no name of a cell is cut."""
    end = b""
    while part := file.read(CHUNK):
        yield end + part
        end = part[-20:]


def _number(letters: bytes) -> int:
    """Column AB as 28."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
