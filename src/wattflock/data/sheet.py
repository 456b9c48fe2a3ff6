"""The process in which a spreadsheet is read: calamine ends its own where a forged file asks for too much memory."""

import io
import sys

from python_calamine import CalamineError, CalamineWorkbook

from wattflock.core.apart import answer
from wattflock.core.errors import Problem, ScenarioError
from wattflock.data.unpack import MOST_CELLS

SECONDS = 120
MEMORY_BYTES = 4 << 30
READABLE = (
    f"CSV or Parquet, or a spreadsheet that can be read within {SECONDS // 60} minutes and {MEMORY_BYTES >> 30} GB"
)


def text(book: CalamineWorkbook) -> str:
    """The fullest sheet, cells parted by tabs."""
    sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
    fullest = max(sheets, key=lambda sheet: sheet.height * sheet.width, default=None)
    if fullest and fullest.height * fullest.width > MOST_CELLS:
        raise CalamineError(f"{fullest.height:,} rows × {fullest.width:,} columns; at most {MOST_CELLS:,} cells")
    rows = fullest.to_python() if fullest else []
    return "\n".join("\t".join(_cell(value) for value in row) for row in rows)


def _cell(value: object) -> str:
    said = f"{value:.15g}" if isinstance(value, float) else str(value)
    return " ".join(said.split())


def main() -> None:
    """Read the spreadsheet on the standard input; the name that problems tell is the first word."""
    held, name = sys.stdin.buffer.read(), sys.argv[1]

    def read() -> bytes:
        try:
            return text(CalamineWorkbook.from_filelike(io.BytesIO(held))).encode()
        except CalamineError as error:
            raise ScenarioError([Problem(name, "file", f"cannot be read: {error}", READABLE)]) from None

    answer(read, [], SECONDS, MEMORY_BYTES)


if __name__ == "__main__":
    main()
