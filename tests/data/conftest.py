"""The measured sets, where they are; and files to read."""

from pathlib import Path

import polars as pl
import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measured sets beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the measured sets are not beside the project")
    return SHARED


@pytest.fixture
def write(tmp_path):
    """Writes a table as CSV or Parquet and gives its path."""

    def save(table: pl.DataFrame, name: str = "homes.csv") -> str:
        path = tmp_path / name
        table.write_parquet(path) if name.endswith("parquet") else table.write_csv(path)
        return str(path)

    return save
