"""Text files as tables: packing, encoding, lines before the header, separator; every cell stays text."""

import csv
import re
from collections import Counter
from dataclasses import dataclass

import polars as pl

from wattflock.data.units import bare
from wattflock.data.unpack import Packed, content, start
from wattflock.data.words import HOME, TIME, role_of

SEPARATORS = ("\t", ";", "|", ",")  # the comma comes last, as it may be the decimal sign
MORE = "(fields beyond the header)"
LOOKED_AT = 80  # lines in which the header is looked for
BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
NUMBER = re.compile(r"[+-]?[\d.,' \u00a0]*\d[\d.,]*(?:e[+-]?\d+)?", re.IGNORECASE)
MOST_LETTERS = 2_000_000  # of a line
MOST_COLUMNS = 20_000  # of a table


def decoded(path: Packed) -> str:
    """The whole text of a file, unpacked where it is packed."""
    return _text_of(content(path))


def _text_of(held: bytes) -> str:
    """UTF-8, UTF-16 or else Windows-1252; the end may be cut within a letter."""
    encoding = next((name for mark, name in BOMS.items() if held.startswith(mark)), "")
    if not encoding and b"\0" in held[:400]:
        encoding = "utf-16-le" if held[1:2] == b"\0" else "utf-16-be"
    if encoding:
        return held.decode(encoding, errors="replace")
    try:
        return held.decode("utf-8")
    except UnicodeDecodeError as error:
        return held[: error.start].decode("utf-8") if error.start > len(held) - 4 else held.decode("cp1252", "replace")


def first_lines(path: Packed, count: int = 3) -> list[str]:
    """The first lines of a text file, unpacked where it is packed; none of a Parquet."""
    if path.suffix == ".parquet":
        return []
    return _text_of(start(path, 400 * max(count, 40))).splitlines()[:count]


@dataclass(frozen=True)
class Shape:
    """How the lines of a text are cut."""

    separator: str
    header: int  # which line names the columns; that before the first row where none does
    names: list[str]
    score: tuple[bool, bool, int, int]  # several fields; a header; lines with the commonest number of fields; that


def shape_of(lines: list[str]) -> Shape:
    """The separator with which most lines have the same number of fields, below a header; ties go to the rarer one.

    Raises:
        ValueError: a line is longer than `MOST_LETTERS`, or has more than `MOST_COLUMNS` fields.
    """
    refuse_size(max(map(len, lines)), max(line.count(sign) + 1 for line in lines for sign in SEPARATORS))
    told = re.fullmatch(r'"?sep=(.)"?', lines[0].strip(), re.IGNORECASE)
    tried = [_cut(lines, each, 1 if told else 0) for each in ([told[1]] if told else SEPARATORS)]
    return max(tried, key=lambda shape: shape.score)


def _cut(lines: list[str], separator: str, first: int) -> Shape:
    rows = [_fields(line, separator) for line in lines]
    count, fields = _usual(rows[first:])
    wide = [place for place in range(first, len(rows)) if len(rows[place]) >= max(2, fields - 1)]
    wide = wide or list(range(first, len(rows)))
    data = next((k for k, place in enumerate(wide) if _is_data(rows[place])), len(wide))
    if not data and len(wide) > 1:
        return Shape(
            separator, wide[0] - 1, [f"column_{k + 1}" for k in range(fields)], (fields > 1, False, count, fields)
        )
    above = wide[:data] if data < len(wide) else wide[:1]
    header = max(above, key=lambda place: (_known(rows[place]), -abs(len(rows[place]) - fields)), default=wide[0])
    return Shape(separator, header, rows[header], (fields > 1, True, count, fields))


def _known(cells: list[str]) -> int:
    """How many cells are words of a header."""
    return sum(bare(cell) in (*TIME, *HOME) or role_of(cell)[0] not in ("", "part") for cell in cells)


def _fields(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a control character, or a field without an end
        return line.split(separator)


def _usual(rows: list[list[str]]) -> tuple[int, int]:
    """How many of the lines have the commonest number of fields, if it is above one; and that number."""
    counts = Counter(len(row) for row in rows[len(rows) // 3 :] if len(row) > 1)
    if not counts:
        return 0, 1
    fields, lines = max(counts.items(), key=lambda item: (item[1], item[0]))
    return lines, fields


def _is_data(cells: list[str]) -> bool:
    """Whether a line holds a number and no name: what is no number begins with a digit, as a date does."""
    told = [cell.strip().strip('="') for cell in cells if cell.strip()]
    numbers = [bool(NUMBER.fullmatch(cell)) for cell in told]
    dates = [bool(re.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{8}T?|\d{1,2}:\d\d", cell)) for cell in told]
    return (any(dates) and any(numbers)) or (len(told) > 1 and all(numbers))


def text_table(text: str, skip: int = 0) -> pl.DataFrame:
    """A text as a table of text, with a column `row`: the line of the file, as an editor counts.

    Rows with more fields than the header keep the rest in a last column `MORE`.

    Raises:
        ValueError: as `shape_of`, or a cell is longer than `MOST_LETTERS`.
    """
    lines = [line.rstrip("\r") for line in text.split("\n", skip + LOOKED_AT)[skip : skip + LOOKED_AT]]
    if not any(line.strip() for line in lines):
        return pl.DataFrame({"row": pl.Series([], dtype=pl.UInt32)})
    shape = shape_of(lines)
    body = _after(text, skip + shape.header + 1)
    return _cells(body, distinct(shape.names), shape.separator).with_row_index("row", skip + shape.header + 2)


def refuse_size(letters: int, columns: int) -> None:
    """Raises ValueError where a line or a cell has too many letters, or a table too many columns."""
    if letters > MOST_LETTERS:
        raise ValueError(f"a line or a cell of {letters:,} letters; at most {MOST_LETTERS:,}")
    if columns > MOST_COLUMNS:
        raise ValueError(f"{columns:,} columns; at most {MOST_COLUMNS:,}")


def _after(text: str, lines: int) -> str:
    place = 0
    for _ in range(lines):
        place = text.find("\n", place) + 1
        if not place:
            return ""
    return text[place:]


def distinct(names: list[str]) -> list[str]:
    """Names of columns, cleaned; an empty one is named by its place, a repeated one gets its number."""
    seen: Counter[str] = Counter()
    made = []
    for place, name in enumerate(names):
        short = " ".join(name.strip('\ufeff \t\r"').split()) or f"column_{place + 1}"
        short = f"{short} " if short == "row" else short
        seen[short] += 1
        made.append(short if seen[short] == 1 else f"{short} ({seen[short]})")
    return made


def _cells(body: str, names: list[str], separator: str) -> pl.DataFrame:
    if not body.strip():
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    most = max(len(names), max(line.count(separator) for line in body.split("\n", LOOKED_AT)[:LOOKED_AT]) + 1) + 1
    places = [str(place) for place in range(most)]  # a first line of our own, one field longer than those looked at
    options = {"separator": separator, "infer_schema": False, "truncate_ragged_lines": True}
    table = pl.read_csv(f"{separator.join(places)}\n{body}".encode(), **options)
    refuse_size(max(table.select(pl.all().str.len_bytes().max().fill_null(0)).row(0)), table.width)
    rest = [f"{MORE} {place}" for place in range(most - len(names))]
    return _more(table.rename(dict(zip(places, [*names, *rest], strict=True))), names, rest)


def _more(table: pl.DataFrame, names: list[str], rest: list[str]) -> pl.DataFrame:
    """Fields beyond the header as one column `MORE`, where a row has one that is not empty."""
    cells = [pl.col(name).fill_null("") for name in (rest or names[:1])]
    extra = pl.concat_str(cells, separator=" ").str.strip_chars()
    if not rest or not table.select((extra != "").any()).item():
        return table.select(names)
    return table.select(*names, extra.alias(MORE))
