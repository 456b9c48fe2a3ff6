"""How well Parquets of readings pack, as they come and made worse: is the limit of what a small one may hold fair?

python benchmarks/parquet.py [--data ../shared/data]            # prints the table
python benchmarks/parquet.py [--data ../shared/data] --write    # also writes benchmarks/parquet.md
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from pages.head import head
from pages.table import table

from wattflock.data.files import CELL_BYTES, PARQUET_RATIO
from wattflock.verbs.generate import generate

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # the file that is refused is that of the tests

from tests.data.bombs import long_parquet  # noqa: E402 (after the path)

SAME = {"export_kwh": 0.0, "pv_kwh": 0.0, "unit": "kWh", "quality": "A"}
ABOUT = f"""\
Times: {CELL_BYTES} bytes for each cell over the bytes of the file. A Parquet of more than {PARQUET_RATIO:,} times is
refused where it holds more than 32 MB ([trust.md](../docs/trust.md#limits)). First the measured sets and made homes as
they come, then the London readings as rows of time, home and kWh, then rows that are all the same.

"""


def packed(held: pl.DataFrame) -> int:
    """Bytes of a table as Parquet."""
    content = io.BytesIO()
    held.write_parquet(content)
    return len(content.getvalue())


def found(data: Path) -> Iterator[tuple[str, int, int, int]]:
    """What is in a file, its rows, columns and bytes."""
    with tempfile.TemporaryDirectory() as folder:
        generate(homes=20, days=28, out=Path(folder))
        for file in [*sorted(data.rglob("*.parquet")), Path(folder) / "homes.parquet"]:
            held = pl.read_parquet(file)
            yield (
                f"{file.parent.name if data in file.parents else 'made'}: {file.name}",
                *held.shape,
                file.stat().st_size,
            )
    london = pl.read_parquet(data / "london_load_2013" / "load_kwh_halfhour.parquet")
    time = next(name for name, kind in london.schema.items() if kind.is_temporal())
    long = london.unpivot(index=time, variable_name="home", value_name="kwh").sort("home", time)
    whole = long.with_columns(pl.col("kwh").round())
    more = [pl.lit(value).alias(name) for name, value in SAME.items()]
    rounded = {"": long, ", whole kWh": whole, ", whole kWh, four columns of one value": whole.with_columns(more)}
    for how, held in rounded.items():
        yield f"London, rows{how}", *held.shape, packed(held)
    yield "rows that are all the same", 30_000_000, 2, len(long_parquet(30_000_000))


def main() -> None:
    parser = argparse.ArgumentParser(description="How well Parquets of readings pack.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the measured sets")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/parquet.md")
    given = parser.parse_args()
    rows = [
        (name, f"{height:,}", str(width), f"{size:,}", f"{height * width * CELL_BYTES / size:,.0f}")
        for name, height, width, size in found(given.data)
    ]
    page = ABOUT + table(("file", "rows", "columns", "bytes", "times"), rows, numbers=4) + "\n"
    print(page)
    if given.write:
        Path(__file__).with_suffix(".md").write_text(head("What Parquets of readings pack to") + page, encoding="utf-8")


if __name__ == "__main__":
    main()
