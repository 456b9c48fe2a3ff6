"""An append-only log of set-points: one JSON object a line, on the disk before anything is sent."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Audit:
    """Numbers and writes records; a line that was torn by a power cut stays, and is passed over."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.next = 1 + max((record["number"] for record in records(path)), default=0)
        if path.exists() and path.stat().st_size and not _ends_whole(path):
            self._write(b"\n")

    def append(self, record: dict[str, Any]) -> int:
        """Write a record with the next number, which is returned, and wait for the disk."""
        number, self.next = self.next, self.next + 1
        self._write(json.dumps({"number": number} | record, separators=(",", ":")).encode() + b"\n")
        return number

    def _write(self, line: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The whole records of a log, in their order; none where there is no file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("number"), int):
                yield record


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
