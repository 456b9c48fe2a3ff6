"""A run folder: read whole or refused with a word."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from wattflock.core.errors import RunError
from wattflock.core.files import read_json, reason

COLUMNS = {
    "steps": "method day date step hour voltage_min_pu voltage_p05_pu voltage_median_pu voltage_p95_pu "
    "voltage_max_pu import_price_per_kwh converged",
    "homes": "method home kind cost",
    "nodes": "method node bus phase voltage_min_pu voltage_max_pu violation_pu_h",
    "days": "method day date cost_per_home violation_pu_h worst_pu optimum_cost_per_home",
    "examples": "method home kind day date step hour series unit value",
    "curves": "method seed seconds objective cost violation_pu_h split saving",
}


@dataclass(frozen=True)
class Run:
    """All that a run folder says; the tables are described in docs/report.md."""

    summary: dict[str, Any]
    chart: dict[str, Any]
    steps: pl.DataFrame
    homes: pl.DataFrame
    nodes: pl.DataFrame
    days: pl.DataFrame
    examples: pl.DataFrame
    curves: pl.DataFrame


def read(folder: Path) -> Run:
    """Everything in a run folder.

    Raises:
        RunError: names the file that is missing, damaged or lacks a column.
    """
    summary, chart = _table_of_names(folder / "summary.json"), _table_of_names(folder / "chart.json")
    if not summary.get("methods"):
        raise RunError(f"{folder / 'summary.json'}: lists no methods")
    if missing := {"bus", "x", "y", "edges"} - chart.keys():
        raise RunError(f"{folder / 'chart.json'}: lacks {', '.join(sorted(missing))}")
    tables = {name: _read_table(folder / f"{name}.parquet", needs.split()) for name, needs in COLUMNS.items()}
    return Run(summary=summary, chart=chart, **tables)


def _read_table(path: Path, needs: list[str]) -> pl.DataFrame:
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{path}: {reason(error)}") from error
    if missing := [name for name in needs if name not in table.columns]:
        raise RunError(f"{path}: lacks the columns {', '.join(missing)}")
    return table.with_columns(pl.selectors.float().fill_nan(None))


def _table_of_names(path: Path) -> dict[str, Any]:
    found = read_json(path)
    if not isinstance(found, dict):
        raise RunError(f"{path}: is not a table of names and values")
    return _without_nan(found)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
