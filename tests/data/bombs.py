"""Files that are small and unpack to much, are wide, or are no Parquet: each by the word that its refusal says."""

import gzip
import io
import zipfile
from collections.abc import Callable

import polars as pl

HEADER = "time,load_kwh\n"
ROW = "2025-01-06 00:00,0.5\n"


def packed_gzip(megabytes: int) -> bytes:
    """Rows that repeat, packed; a thousand times as much unpacked."""
    content, part = io.BytesIO(), (ROW * (1 << 15)).encode()
    with gzip.GzipFile(fileobj=content, mode="wb", compresslevel=6) as file:
        file.write(HEADER.encode())
        for _ in range(max(1, (megabytes << 20) // len(part))):
            file.write(part)
    return content.getvalue()


def packed_zip(names: dict[str, str], megabytes: int = 0) -> bytes:
    """A zip of texts; with `megabytes`, each is followed by so many spaces."""
    content, part = io.BytesIO(), b" " * (1 << 20)
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in names.items():
            with packed.open(name, "w", force_zip64=True) as file:
                file.write(text.encode())
                for _ in range(megabytes):
                    file.write(part)
    return content.getvalue()


def sheet(cells: str, megabytes: int = 0) -> bytes:
    """An XLSX with these cells."""
    main, package = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org"
    office = f"{package}/officeDocument/2006/relationships"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/package/2006/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/package/2006/relationships"><Relationship '
        f'Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    return packed_zip(files, megabytes)


def far(column: str, row: int, quote: str = '"') -> bytes:
    """A sheet with two cells, the second far off."""
    last = f'<row r="{row}"><c r="{column}{row}"><v>2</v></c></row>'.replace('"', quote)
    return sheet(f'<row r="1"><c r="A1"><v>1</v></c></row>{last}')


def parquet(table: pl.DataFrame) -> bytes:
    """A table as Parquet."""
    content = io.BytesIO()
    table.write_parquet(content)
    return content.getvalue()


def long_parquet(rows: int) -> bytes:
    """Rows that are all the same."""
    content = io.BytesIO()
    pl.LazyFrame({"load_kwh": pl.repeat(0.5, 1, eager=True)}).select(
        pl.repeat(0.5, rows).alias("load_kwh"), pl.repeat(0, rows).alias("home")
    ).collect().write_parquet(content)
    return content.getvalue()


def lying_parquet(rows: int) -> bytes:
    """The same, whose footer says that there are ten."""
    data, said = long_parquet(rows), bytearray()
    size = int.from_bytes(data[-8:-4], "little")
    number = 2 * rows  # as the footer writes it: seven bits a byte, the lowest first
    while number:
        said.append(number & 127 | 128)
        number >>= 7
    said[-1] &= 127
    ten = bytes([20 | 128, *[128] * (len(said) - 2), 0])
    return data[: -8 - size] + data[-8 - size :].replace(said, ten, 1)


WHOLE = parquet(pl.DataFrame({"time": ["2025-01-06 00:00"] * 50, "load_kwh": [0.5] * 50}))
NOISE = bytes(range(52))
SMALL: dict[str, tuple[str, Callable[[], bytes], str]] = {  # what is tried → name, bytes, a word of the refusal
    "gzip that unpacks to 100 times as much": ("a.csv.gz", lambda: packed_gzip(64), "at most 100 times"),
    "gzip cut short": ("a.csv.gz", lambda: packed_gzip(1)[:500], "a whole gzip file"),
    "zip that unpacks to 100 times as much": ("a.zip", lambda: packed_zip({"a.csv": HEADER}, 40), "at most 100 times"),
    "zip with many members that unpack to much": (
        "a.zip", lambda: packed_zip({f"{k}.csv": HEADER for k in range(20)}, 2), "at most 100 times",
    ),
    "zip with ../a.csv": ("a.zip", lambda: packed_zip({"../a.csv": HEADER + ROW}), "a name within the zip"),
    "zip with /etc/a.csv": ("a.zip", lambda: packed_zip({"/etc/a.csv": HEADER + ROW}), "a name within the zip"),
    "zip with ..\\a.csv": ("a.zip", lambda: packed_zip({"b\\..\\..\\a.csv": HEADER}), "a name within the zip"),
    "zip with C:\\a.csv": ("a.zip", lambda: packed_zip({"C:\\a.csv": HEADER}), "a name within the zip"),
    "zip with 20,001 members": (
        "a.zip", lambda: packed_zip({f"{k}.csv": "" for k in range(20_001)}), "at most 20,000",
    ),
    "a million columns": ("a.csv", lambda: (HEADER[:-1] + ",a" * 999_998 + "\n").encode(), "at most 2,000,000"),
    "21,000 columns": ("a.csv", lambda: (HEADER[:-1] + ",a" * 20_998 + "\n" + ROW).encode(), "at most 20,000"),
    "a million columns of Parquet": (
        "a.parquet", lambda: parquet(pl.DataFrame({f"c{k}": [1] for k in range(21_000)})), "at most 20,000",
    ),
    "XLSX that unpacks to 100 times as much": ("a.xlsx", lambda: sheet("", 40), "at most 100 times"),
    "XLSX with a cell in its last place": ("a.xlsx", lambda: far("XFD", 1_048_576), "at most 20,000,000 cells"),
    "XLSX with a cell in its last place, written otherwise": (
        "a.xlsx", lambda: far("XFD", 1_048_576, "'"), "its process broke down",
    ),
    "XLSX with a cell beyond its last place": ("a.xlsx", lambda: far("ZZZZ", 4_000_000_000), "its process broke down"),
    "Parquet cut short": ("a.parquet", lambda: WHOLE[: len(WHOLE) // 2], "file"),
    "Parquet that is empty": ("a.parquet", lambda: b"", "file"),
    "Parquet that is text": ("a.parquet", lambda: (HEADER + ROW).encode(), "file"),
    "Parquet of lists": (
        "a.parquet", lambda: parquet(pl.DataFrame({"time": ["2025-01-06"], "load_kwh": [[0.5, 1.0]]})), "List",
    ),
    "Parquet of records": ("a.parquet", lambda: parquet(pl.DataFrame({"a": [{"load_kwh": 0.5}]})), "Struct"),
    "Parquet of bytes": ("a.parquet", lambda: parquet(pl.DataFrame({"load_kwh": [b"\x00\xff"]})), "Binary"),
    "Parquet that holds 1,000 times as much": ("a.parquet", lambda: long_parquet(5_000_000), "at most 1,000 times"),
    "Parquet that says it has ten rows": ("a.parquet", lambda: lying_parquet(5_000_000), "10 rows, and has 5,000,000"),
    "Parquet with a footer of noise": ("a.parquet", lambda: WHOLE[:-60] + NOISE + WHOLE[-8:], "CSV or Parquet"),
}  # fmt: skip
LARGE: dict[str, tuple[str, Callable[[], bytes], str]] = {  # too slow for a test
    "gzip of 3 GB": ("a.csv.gz", lambda: packed_gzip(3000), "at most"),
    "zip of 3 GB": ("a.zip", lambda: packed_zip({"a.csv": HEADER}, 3000), "at most"),
    "XLSX of 3 GB": ("a.xlsx", lambda: sheet("", 600), "at most"),
    "one line of 200 MB": ("a.csv", lambda: b"x" * 200_000_000, "at most 2,000,000"),
    "one line of 200 MB after the header": (
        "a.csv", lambda: (HEADER + ROW * 200).encode() + b"x" * 200_000_000, "at most 2,000,000",
    ),
    "one line of 200 MB of commas": ("a.csv", lambda: b"," * 200_000_000, "at most 2,000,000"),
    "Parquet of a billion cells": ("a.parquet", lambda: long_parquet(500_000_000), "at most 600,000,000"),
}  # fmt: skip
