"""Files of a run that every reader shares: a summary that lists the sha256 of its tables, and timings beside them.

What depends on the clock stands in files of its own, so that the same scenario gives the same bytes in all others.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from wattflock.core.errors import RunError
from wattflock.core.files import checksum, no_panic, read_json, reason, regular, write_json, write_table

SUMMARY, TIMINGS = "summary.json", "timings.json"
SEAL = "summary_sha256"
CLOCK = ("date", "seconds")  # of a summary
OF_METHOD = ("train_seconds", "warm_seconds")  # of each of its methods


def write_run(folder: Path, tables: Mapping[str, pl.DataFrame], summary: dict[str, Any], chart: dict) -> None:
    """Everything that a report reads; the summary comes last and marks the run as complete."""
    timings = {name: summary[name] for name in CLOCK if name in summary}
    methods = {name: dict(row) for name, row in summary["methods"].items()}
    timings["methods"] = {name: {key: row[key] for key in OF_METHOD if key in row} for name, row in methods.items()}
    for name, spent in timings["methods"].items():
        methods[name] |= dict.fromkeys(spent)  # their places stay
    paths = [write_json(folder / "chart.json", chart)]
    for name, table in tables.items():
        if "seconds" in table.columns:
            timings[name] = {"column": table.columns.index("seconds"), "seconds": table["seconds"].to_list()}
            table = table.drop("seconds")
        paths.append(write_table(folder / f"{name}.parquet", table))
    write_json(folder / TIMINGS, timings)
    summary = {name: value for name, value in summary.items() if name not in CLOCK} | {"methods": methods}
    summary["sha256"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}
    write_json(folder / SUMMARY, sealed(summary))


def sealed(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary with its own checksum, instead of one that it had."""
    rest = {name: value for name, value in summary.items() if name != SEAL}
    return rest | {SEAL: checksum(rest)}


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of a complete run with its timings, where they are kept.

    Raises:
        RunError: it is missing, broken, or not the one that was written.
    """
    path = folder / SUMMARY
    found = read_json(path)
    if not isinstance(found, dict) or not _methods(found):
        raise RunError(f"{path}: lists no methods with plain figures")
    if (written := found.pop(SEAL, None)) is None:
        raise RunError(f"{path}: has no checksum, as of an older version; wattflock compare --fresh makes it again")
    if checksum(found) != written:
        raise RunError(f"{path}: is not the one that was written; wattflock compare --fresh makes it again")
    found.pop("sha256", None)
    timings = _timings(folder)
    for name, spent in (timings.get("methods") or {}).items():
        if name in found["methods"]:
            found["methods"][name] |= spent
    return found | {name: timings[name] for name in CLOCK if name in timings}


def lists(folder: Path, name: str) -> bool:
    """Whether a file belongs to the run: a table that an older version did not write does not."""
    return name in _hashes(folder) or (folder / name).exists()


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """A table of a run, with the seconds that are kept beside it.

    Raises:
        RunError: it is missing, damaged, or not the one that the summary was written with.
    """
    path = folder / f"{name}.parquet"
    try:
        data = regular(path).read_bytes()
    except OSError as error:
        raise RunError(f"{path}: {reason(error)}") from error
    written = _hashes(folder).get(path.name)
    if written is not None and hashlib.sha256(data).hexdigest() != written:
        raise RunError(f"{path}: is not the one that {SUMMARY} was written with; wattflock compare goes on")
    try:
        with no_panic():
            table = pl.read_parquet(data)
    except pl.exceptions.PolarsError as error:
        raise RunError(f"{path}: {reason(error)}") from error
    spent = _timings(folder).get(name)
    if isinstance(spent, dict) and len(spent.get("seconds") or ()) == table.height:
        table.insert_column(spent["column"], pl.Series("seconds", spent["seconds"], pl.Float64))
    return table


def _hashes(folder: Path) -> dict[str, str]:
    path = folder / SUMMARY
    found = read_json(path) if path.exists() else {}
    hashes = found.get("sha256") if isinstance(found, dict) else None
    return hashes if isinstance(hashes, dict) else {}


def _timings(folder: Path) -> dict[str, Any]:
    """None of them where the file is missing, as where a run was copied without it."""
    path = folder / TIMINGS
    found = read_json(path) if path.exists() else {}
    return found if isinstance(found, dict) else {}


def _methods(summary: dict[str, Any]) -> bool:
    rows = summary.get("methods")
    return isinstance(rows, dict) and bool(rows) and all(isinstance(row, dict) and _plain(row) for row in rows.values())


def _plain(row: dict[str, Any]) -> bool:
    """Whether figures are numbers, texts or unknown, and rounds are counts."""
    counts = (row.get(name) for name in ("rounds", "rounds_asked"))
    simple = all(each is None or isinstance(each, str | int | float) for each in row.values())
    return simple and all(each is None or type(each) is int for each in counts)
