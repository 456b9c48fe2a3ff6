"""A table of a page of measured figures."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Iterable[str]], numbers: int = 0) -> str:
    """Markdown without a line's end; the last `numbers` columns stand to the right."""
    sides = ["---"] * (len(heads) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, sides, *rows))
