"""Files of a run that every reader shares: a summary that lists the sha256 of its tables, and timings beside them.

What depends on the clock stands in files of its own, so that the same scenario gives the same bytes in all others.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from wattflock.core.errors import RunError
from wattflock.core.files import checksum, read_json, reason, write_json, write_table

SUMMARY, TIMINGS = "summary.json", "timings.json"
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
    write_json(folder / SUMMARY, summary | {"summary_sha256": checksum(summary)})


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of a complete run with its timings, where they are kept.

    Raises:
        RunError: it is missing, broken, or not the one that was written.
    """
    path = folder / SUMMARY
    found = read_json(path)
    if not isinstance(found, dict) or not _methods(found):
        raise RunError(f"{path}: lists no methods")
    if (written := found.pop("summary_sha256", None)) is not None and checksum(found) != written:
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
        data = path.read_bytes()
        table = pl.read_parquet(data)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{path}: {reason(error)}") from error
    written = _hashes(folder).get(path.name)
    if written is not None and hashlib.sha256(data).hexdigest() != written:
        raise RunError(f"{path}: is not the one that {SUMMARY} was written with; wattflock compare goes on")
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
    return isinstance(rows, dict) and bool(rows) and all(isinstance(row, dict) for row in rows.values())
