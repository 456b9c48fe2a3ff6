"""Folders of runs that are worked on where our disk is not: files go there as bytes, and come back whole."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from wattflock.core.errors import RunError
from wattflock.core.files import pack, unpack, write_whole
from wattflock.core.run_files import SUMMARY
from wattflock.study.parallel import Executor, Lost, Results, Work
from wattflock.study.run import Run


def carried(far: Executor, folder: Callable[[Any], Path]) -> Executor:
    """An executor without our disk: the files of an item's folder are sent along, and the changed ones come back."""

    def run(work: Work, shared: tuple, items: Iterable) -> Results:
        sent: list[Path] = []

        def with_files() -> Iterator[tuple[Any, str, bytes]]:
            for item in items:
                sent.append(folder(item))
                yield item, sent[-1].name, _packed(_files(sent[-1]))

        with closing(far(_with_folder, (work, shared[1:]), with_files())) as results:
            for number, told in results:
                yield number, told if isinstance(told, Lost) else _kept(sent[number], *told)

    return run


def _with_folder(shared: tuple[Work, tuple], item: tuple[Any, str, bytes]) -> tuple[Any, bytes]:
    """On the other machine: the work in a folder of its own; its result, and the files that it wrote or changed."""
    (work, others), (each, name, data) = shared, item
    before = _unpacked(data)
    with tempfile.TemporaryDirectory(prefix="wattflock-") as runs:
        for file, content in before.items():
            write_whole(Path(runs, name, file), content)
        result = work((Path(runs), *others), each)
        after = _files(Path(runs, name))
    return result, _packed({file: content for file, content in after.items() if before.get(file) != content})


def _kept(folder: Path, result: Any, data: bytes) -> Any:
    """Write what came back, in the order of the work: what marks a run as complete is last; the result of the work."""
    try:
        files = _unpacked(data)
        with Run(folder).locked():
            for file, content in files.items():
                write_whole(folder / file, content)
    except (ValueError, RunError) as error:  # the others go on
        return Lost(str(error))
    return result


def _files(folder: Path) -> dict[str, bytes]:
    """Name → content of all files below a folder, the oldest first; none of those that are being written."""
    every = sorted(folder.rglob("*"), key=lambda path: (path.stat().st_mtime_ns, path.name == SUMMARY))
    found = [path for path in every if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.name != "lock.json"}


def _packed(files: dict[str, bytes]) -> bytes:
    """Files as one, with sizes and a checksum."""
    return pack({name: np.frombuffer(content, np.uint8) for name, content in files.items()}, {"order": list(files)})


def _unpacked(data: bytes) -> dict[str, bytes]:
    """Files of `_packed`; ValueError where it is not whole, or a name leads out of the folder."""
    arrays, card = unpack(data)
    files = {name: arrays[name].tobytes() for name in card["order"]}
    if wrong := [name for name in files if Path(name).is_absolute() or ".." in Path(name).parts]:
        raise ValueError(f"names of files that lead elsewhere: {', '.join(wrong)}")
    return files
