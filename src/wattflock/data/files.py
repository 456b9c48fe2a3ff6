"""Files as tables: text with the numbers of its lines, Parquet as it is, sheets, Green Button and JSON."""

import contextlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl

from wattflock.core.apart import apart
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import no_panic, regular
from wattflock.data import sheet
from wattflock.data.green_button import green_button_table
from wattflock.data.stamps import odd_years_as_text
from wattflock.data.text import LOOKED_AT, decoded, distinct, first_lines, refuse_size, shape_of, text_table
from wattflock.data.unpack import FREE_BYTES, Packed, content, members, spreadsheet

KNOWN = (".csv", ".csv.gz", ".txt", ".tsv", ".dat", ".parquet", ".xlsx", ".xlsm", ".xls", ".ods", ".xml", ".json")
OF_A_FOLDER = (*KNOWN[:-1], ".zip")  # a folder may hold a card as JSON
SHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
MOST_CELLS = 600_000_000  # of a Parquet
CELL_BYTES, PARQUET_RATIO = 8, 1000  # of a Parquet, which packs columns that repeat better than gzip packs their text
COUNTED = pl.first().count() + pl.first().null_count()  # rows of a column as read; `pl.len()` is what the footer says
ODD = (pl.Binary, pl.Object, pl.Duration)
UNREAD = (
    pl.exceptions.PolarsError,
    OSError,
    ValueError,
    zipfile.BadZipFile,
    RecursionError,
)


def listed(path: str, wanted: str) -> list[Path]:
    """The file, or the data files of the folder or zip in order of their names.

    Raises:
        ScenarioError: there is nothing there; `wanted` names what should be there.
    """
    place = Path(path)
    if path and place.is_file() and place.suffix.lower() != ".zip":
        return [place]
    found: list[Any] = []
    if path and place.is_dir():
        found = [each for each in sorted(place.iterdir()) if each.name.lower().endswith(OF_A_FOLDER)]
        found = [file for each in found for file in (members(each, KNOWN) if each.suffix.lower() == ".zip" else [each])]
    elif path and place.is_file():
        found = members(place, KNOWN)
    if not found:
        raise ScenarioError([Problem(path or "data.settings", "path", path or "(missing)", wanted)])
    return found


def table_of(path: Packed, skip_rows: int = 0) -> pl.DataFrame:
    """A file as a table with a column `row`: its line in a text (all text), its number in a Parquet.

    Raises:
        ScenarioError: it cannot be read as a table.
    """
    try:
        ending = path.suffix.lower()
        if ending == ".parquet":
            return _parquet(path)
        if ending in SHEETS:
            return text_table(_sheet(path), skip_rows)
        if ending == ".json":
            return _records(json.loads(decoded(path)))
        text = decoded(path)
        if text.lstrip("\ufeff \r\n")[:1] == "<":
            return green_button_table(text, path.name)
        if text[:9] == "100,NEM12":
            raise ValueError("NEM12 (Australia): not read as it is; a CSV of it is, as nemreader makes it")
        return text_table(text, skip_rows)
    except UNREAD as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise ScenarioError([Problem(str(path), "file", said, "CSV or Parquet, XLSX, Green Button XML")]) from None


def _parquet(path: Packed) -> pl.DataFrame:
    """A Parquet as it is: numbers of rarer kinds as plain ones, stamps of years that no file is of as text.

    Raises:
        ValueError: more cells or columns than the limits, fewer or more rows than it says, or columns of lists, records
            or bytes.
    """
    held = content(path) if isinstance(path, zipfile.Path) else regular(path)
    packed = len(held) if isinstance(held, bytes) else held.stat().st_size
    lazy = pl.scan_parquet(io.BytesIO(held) if isinstance(held, bytes) else held)
    with no_panic():
        kinds, rows = lazy.collect_schema(), lazy.select(pl.len()).collect().item()
    refuse_size(0, len(kinds))
    if rows * len(kinds) > MOST_CELLS:
        raise ValueError(f"{rows:,} rows of {len(kinds)} columns; at most {MOST_CELLS:,} cells")
    if (unpacked := rows * len(kinds) * CELL_BYTES) > max(FREE_BYTES, PARQUET_RATIO * packed):
        raise ValueError(f"{packed:,} bytes that hold {unpacked >> 20:,} MB; at most {PARQUET_RATIO:,} times as much")
    if odd := [f"{name} ({kind})" for name, kind in kinds.items() if kind.is_nested() or kind in ODD]:
        raise ValueError(f"columns that hold no texts, numbers or stamps: {', '.join(odd[:5])}")
    with no_panic():
        if kinds and (there := lazy.select(COUNTED).collect(engine="streaming").item()) != rows:
            raise ValueError(f"says that it has {rows:,} rows, and has {there:,}")
        table = lazy.rename({"row": "row "} if "row" in kinds else {}).collect()
    plain = pl.selectors.by_dtype(pl.Categorical, pl.Enum, pl.Boolean, pl.Time, pl.Null).cast(pl.String)
    table = table.with_columns(plain, pl.selectors.decimal().cast(pl.Float64))
    return odd_years_as_text(table).with_row_index("row", 1)


def _sheet(path: Packed) -> str:
    """The fullest sheet as text with tabs."""
    told = Problem(str(path), "file", None, sheet.READABLE)
    return apart(sheet.__name__, [str(path)], sheet.SECONDS, told, spreadsheet(path)).decode()


def _records(content: Any) -> pl.DataFrame:
    """JSON as a table: a list of records, which may be a member of the whole, as in ACN-Data's `_items`."""
    if isinstance(content, dict):
        content = next((each for each in content.values() if isinstance(each, list)), [])
    if not isinstance(content, list) or not content or not all(isinstance(each, dict) for each in content):
        raise ValueError("no list of records")
    names = list(dict.fromkeys(str(name) for each in content for name in each))
    refuse_size(0, len(names))
    cells = {
        name: [None if each.get(key) is None else str(each[key]) for each in content]
        for name, key in zip(distinct(names), names, strict=True)
    }
    return pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)).with_row_index("row", 1)


def header(path: Packed) -> list[str]:
    """Names of the columns, without reading the rest; none where the file is neither text nor Parquet."""
    if path.suffix == ".parquet":
        with contextlib.suppress(*UNREAD), no_panic():  # `table_of` says what is wrong
            return list(
                pl.read_parquet_schema(io.BytesIO(content(path)) if isinstance(path, zipfile.Path) else regular(path))
            )
        return []
    if path.suffix.lower() in (*SHEETS, ".xml", ".json"):
        return []
    lines = first_lines(path, LOOKED_AT)
    try:
        return distinct(shape_of(lines).names) if any(line.strip() for line in lines) else []
    except ValueError:
        return []
