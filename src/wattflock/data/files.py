"""Files as tables: CSV as text with the numbers of its lines, Parquet as it is; text as numbers and stamps."""

import gzip
from pathlib import Path

import polars as pl

from wattflock.core.errors import Problem, ScenarioError

MISSING = ("", "null", "na", "nan", "none", "n/a", "-", "?")
SEPARATORS = (",", ";", "\t")
STAMPS = (
    "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M", "%d%b%y:%H:%M:%S", "%Y%m%d%H%M",
)  # fmt: skip
OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})$"
KNOWN = (".csv", ".csv.gz", ".txt", ".tsv", ".parquet")


def listed(path: str, wanted: str) -> list[Path]:
    """The file, or the data files of the folder in order of their names.

    Raises:
        ScenarioError: there is nothing there; `wanted` names what should be there.
    """
    place = Path(path)
    if path and place.is_file():
        return [place]
    found = sorted(file for file in place.iterdir() if file.name.lower().endswith(KNOWN)) if place.is_dir() else []
    if not path or not found:
        raise ScenarioError([Problem(path or "data.settings", "path", path or "(missing)", wanted)])
    return found


def table_of(path: Path, skip_rows: int = 0) -> pl.DataFrame:
    """A file as a table with a column `row`: its line in a CSV (all text), its number in a Parquet.

    Raises:
        ScenarioError: it cannot be read as a table.
    """
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path).with_row_index("row", 1)
        head = first_lines(path)[skip_rows:]
        if not head:
            return pl.DataFrame({"row": pl.Series([], dtype=pl.UInt32)})
        separator = max(SEPARATORS, key=head[0].count)
        table = pl.read_csv(
            path, separator=separator, skip_rows=skip_rows, infer_schema=False, truncate_ragged_lines=True,
            encoding="utf8-lossy",
        )  # fmt: skip
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ScenarioError([Problem(str(path), "file", str(error).splitlines()[0], "CSV or Parquet")]) from None
    return table.rename({name: name.strip("\ufeff \t") for name in table.columns}).with_row_index("row", 2 + skip_rows)


def first_lines(path: Path, count: int = 3) -> list[str]:
    """The first lines of a text file, unpacked where it is packed; none of a Parquet."""
    if path.suffix == ".parquet":
        return []
    opening = gzip.open if path.suffix == ".gz" else open
    with opening(path, "rt", errors="replace") as lines:
        return [line.rstrip("\r\n") for _, line in zip(range(count), lines, strict=False)]


def header(path: Path) -> list[str]:
    """Names of the columns, without reading the rest."""
    if path.suffix == ".parquet":
        return list(pl.read_parquet_schema(path))
    lines = first_lines(path)
    return [name.strip('\ufeff \t"') for name in lines[0].split(max(SEPARATORS, key=lines[0].count))] if lines else []


def numbers(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Text as float64, null where missing; and where there was text that is no number."""
    if values.dtype.is_numeric():
        plain = values.cast(pl.Float64).fill_nan(None)
        return _finite(plain), plain.is_infinite().fill_null(False)
    text = values.cast(pl.String).str.strip_chars()
    told = text.is_not_null() & ~text.str.to_lowercase().is_in(MISSING)
    plain = text.cast(pl.Float64, strict=False)
    if plain.is_null().sum() > (~told).sum():  # a comma may be the decimal point
        commas = text.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        plain = commas if plain.drop_nulls().is_empty() else plain
    plain = _finite(plain.fill_nan(None))
    return plain, told & plain.is_null()


def _finite(values: pl.Series) -> pl.Series:
    return values.set(values.is_infinite().fill_null(False), None)


def stamps(values: pl.Series) -> tuple[pl.Series, bool, bool]:
    """Text as naive stamps [µs], null where unreadable; whether they are certainly UTC; whether month/day fits too."""
    micro = pl.Datetime("us")
    if isinstance(values.dtype, pl.Datetime):
        zoned = values.dtype.time_zone is not None
        plain = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else values
        return plain.cast(micro), zoned, False
    if values.dtype == pl.Date:
        return values.cast(micro), False, False
    text = values.cast(pl.String).str.strip_chars()
    zoned = text.head(100).str.contains(r"\d:\d{2}.*" + OFFSET).any()
    bare = text.str.replace(OFFSET, "").str.strip_chars() if zoned else text
    sample = bare.drop_nulls().gather_every(max(1, len(bare) // 2000))
    read = {form: sample.str.to_datetime(form, strict=False).count() for form in STAMPS}
    best = max(read, key=lambda form: read[form])  # the first of equals
    either = best.startswith("%d/%m") and read[best.replace("%d/%m", "%m/%d")] == read[best] > 0
    plain = bare.str.to_datetime(best, strict=False, time_unit="us")
    return (plain - _offset(text) if zoned else plain), bool(zoned), bool(either)


def _offset(text: pl.Series) -> pl.Series:
    """How far stamps such as 2013-01-01T00:00+01:00 are before UTC."""
    parts = text.to_frame("text").select(
        sign=pl.when(pl.col("text").str.contains(r"-\d{2}:?\d{2}$")).then(-1).otherwise(1),
        hours=pl.col("text").str.extract(r"[+-](\d{2}):?\d{2}$").cast(pl.Int64).fill_null(0),
        minutes=pl.col("text").str.extract(r"[+-]\d{2}:?(\d{2})$").cast(pl.Int64).fill_null(0),
    )
    return parts.select(
        pl.duration(hours=pl.col("sign") * pl.col("hours"), minutes=pl.col("sign") * pl.col("minutes"))
    ).to_series()
