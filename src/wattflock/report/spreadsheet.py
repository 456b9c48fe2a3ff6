"""Tables as files for a spreadsheet, in which text never becomes a formula: CSV, XLSX and Parquet."""

import io
import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl

from wattflock.core.errors import Problem
from wattflock.core.files import csv_bytes, refuse_place, write_whole

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml."


def write_sheets(path: Path, tables: Mapping[str, pl.DataFrame]) -> Path:
    """Writes tables by the ending of the path: a sheet each in XLSX; of CSV and Parquet only the first table.

    Source: OWASP, CSV Injection: text that begins like a formula gets an apostrophe in CSV; XLSX marks it as text.

    Raises:
        RunError: the disk is full or the folder cannot be written.
    """
    return write_whole(path, FORMATS[path.suffix.lower()](tables))


def refuse_ending(where: str, field: str, path: Path | None, known: Mapping[str, object]) -> list[Problem]:
    """What is wrong with a path: it ends otherwise than the files that can be written, or cannot be written."""
    if path is None or path.suffix.lower() in known:
        return refuse_place(where, field, path)
    return [Problem(where, field, str(path), f"a file that ends with {', '.join(known)}")]


def to_csv(tables: Mapping[str, pl.DataFrame]) -> bytes:
    """The first table, as `csv_bytes` has it."""
    return csv_bytes(next(iter(tables.values())))


def to_parquet(tables: Mapping[str, pl.DataFrame]) -> bytes:
    """The first table as it is."""
    content = io.BytesIO()
    next(iter(tables.values())).write_parquet(content)
    return content.getvalue()


def to_xlsx(tables: Mapping[str, pl.DataFrame]) -> bytes:
    """A workbook with a sheet for each table: numbers as numbers, all else as text. Source: ECMA-376, part 1, 18.3."""
    names = [name[:31] for name in tables]
    sheets = "".join(f'<sheet name="{escape(name)}" sheetId="{k}" r:id="r{k}"/>' for k, name in enumerate(names, 1))
    links = "".join(
        f'<Relationship Id="r{k}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{k}.xml"/>'
        for k in range(1, len(names) + 1)
    )
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{k}.xml" ContentType="{KIND}worksheet+xml"/>'
        for k in range(1, len(names) + 1)
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}sheet.main+xml"/>{kinds}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>',
    }  # fmt: skip
    files |= {f"xl/worksheets/sheet{k}.xml": _sheet(table) for k, table in enumerate(tables.values(), 1)}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in files.items():
            book.writestr(name, HEAD + text)
    return content.getvalue()


def _sheet(table: pl.DataFrame) -> str:
    lines = (f"<row>{''.join(map(_cell, row))}</row>" for row in (table.columns, *table.iter_rows()))
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return f"<c><v>{value!r}</v></c>"
    text = "".join(letter for letter in str(value) if letter >= " " or letter in "\t\n\r")  # no others in XML 1.0
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


FORMATS: dict[str, Callable[[Mapping[str, pl.DataFrame]], bytes]] = {
    ".csv": to_csv, ".xlsx": to_xlsx, ".parquet": to_parquet,
}  # fmt: skip
