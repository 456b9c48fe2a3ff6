"""Methods compared, as sections of a page of measured figures."""

from collections.abc import Iterator
from typing import Any

from wattflock.report.tables import compared


def sections(title: str, summary: dict[str, Any], wide: bool = False) -> Iterator[str]:
    """All days; and, where some methods were judged on fewer, all of them on those days: a section each."""
    every, *same = compared(summary, wide)
    yield f"## {title}\n\n{every.markdown().strip()}\n\n"
    for table in same:
        yield f"## {title}, days with perfect foresight\n\n{table.markdown().strip()}\n\n"
