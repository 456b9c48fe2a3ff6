"""Tables and files of a run or study as they are asked for; what a browser gets is made on the way."""

from pathlib import Path

import polars as pl

from wattflock.core.errors import RunError
from wattflock.core.files import reason, regular
from wattflock.core.run_files import read_summary, read_table
from wattflock.report.spreadsheet import FORMATS
from wattflock.web.places import Absent, inside

SHEETS = {".csv": "text/csv; charset=utf-8",
          ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}  # fmt: skip
FILES = SHEETS | {".geojson": "application/geo+json"}
TABLES = {
    "methods": "every figure of each method.",
    "homes": "what each home pays, draws and emits on each test day.",
    "days": "each test day of each method.",
    "steps": "each step: voltages, prices, loadings.",
    "nodes": "voltages and violations of each node.",
    "branches": "loadings of lines and transformers.",
    "examples": "a few homes through a day.",
    "worst_day": "every home, voltage and loading through the worst day.",
    "curves": "learning.",
}
MOST_ROWS = 1_048_575  # of a sheet of XLSX, without its heading


def table_of_run(path: Path, name: str) -> pl.DataFrame:
    """A table of a run by its name in `TABLES`.

    Raises:
        Absent: there is none of that name.
        RunError: its file is damaged.
    """
    if name not in TABLES:
        raise Absent(f"A run has no table {name}.")
    if name == "worst_day":
        return _each_step(read_table(path, name))
    if name != "methods":
        return read_table(path, name)
    rows = [{"method": method} | figures for method, figures in read_summary(path)["methods"].items()]
    return pl.DataFrame(rows, infer_schema_length=None)


def tables_of_run(path: Path) -> dict[str, str]:
    """Names of the tables that a run has, and what is in them."""
    return {name: said for name, said in TABLES.items() if name == "methods" or (path / f"{name}.parquet").exists()}


def _each_step(table: pl.DataFrame) -> pl.DataFrame:
    """A row for each step in place of a list."""
    steps = table.with_columns(step=pl.int_ranges(pl.col("values").list.len()))
    return steps.explode("step", "values").rename({"values": "value"})


def tables_of_study(path: Path) -> list[str]:
    """Names of the tables that a study has written."""
    return sorted(file.stem for file in path.glob("*.csv") if not file.is_symlink())


def files_of_study(path: Path) -> list[str]:
    """Names of the workbook and the map that a what-if has written."""
    return [name for name in ("whatif.xlsx", "whatif.geojson") if (path / name).is_file()]


def table_of_study(path: Path, name: str) -> pl.DataFrame:
    """A table that a study has written.

    Raises:
        Absent: there is none of that name.
        RunError: it is damaged.
    """
    file = inside(path, f"{name}.csv")
    try:
        return pl.read_csv(regular(file), infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{file.name}: {reason(error)}") from error


def sheet(table: pl.DataFrame, name: str, ending: str) -> bytes:
    """A table as a file.

    Raises:
        RunError: it has more rows than a sheet takes.
    """
    if ending == ".xlsx" and table.height > MOST_ROWS:
        raise RunError(f"{name}: {table.height:,} rows are more than a sheet takes ({MOST_ROWS:,}); take CSV")
    return FORMATS[ending]({name: table})
