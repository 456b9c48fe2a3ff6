"""Measured figures stand in one generated file; this puts them where the pages show them.

    python docs/fill.py

A page marks the place. A whole section of a file, by its heading:

    <!-- from benchmarks/demo.md: In short -->
    <!-- end -->

or one cell, by its section and the beginnings of its row and of its column's heading; the section may be left out:

    <!-- from benchmarks/demo.md: In short / learned (gradmap) / captured -->92.8<!-- end -->
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = re.compile(r"(<!-- from (?P<file>\S+): (?P<what>[^\n]+?) -->)(?P<kept>.*?)(<!-- end -->)", re.DOTALL)


def filled(text: str) -> str:
    """A page with every marked place as its source has it.

    Raises:
        LookupError: a file, section, row or column that is not there, or not once.
    """
    return MARK.sub(lambda mark: f"{mark[1]}{_found(mark['file'], mark['what'])}{mark[5]}", text)


def _found(file: str, what: str) -> str:
    path = ROOT / file
    if not path.exists():
        raise LookupError(f"{file}: there is no such file")
    text = path.read_text(encoding="utf-8")
    *where, last = what.split(" / ")
    if not where:
        return f"\n{section(text, last, file)}\n"
    *heading, row = where
    return cell(section(text, *heading, file) if heading else text, row, last, file)


def section(text: str, heading: str, file: str) -> str:
    """What stands below a heading, up to the next one."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    found = [body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title.strip() == heading]
    return _only(found, f"{file}: sections called {heading!r}").strip()


def cell(text: str, row: str, column: str, file: str) -> str:
    """A cell of a table; the row is told by how its line begins: its first cell, or several with ` | ` between."""
    lines, heads, found = text.splitlines(), [], []
    for above, line in zip(["", *lines], lines, strict=False):
        if re.fullmatch(r"\|[-:| ]+\|", line):
            heads = _cells(above)
        elif line.startswith(f"| {row}"):
            whole = [place for place, head in enumerate(heads) if head == column]
            at = whole or [place for place, head in enumerate(heads) if head.startswith(column)]
            found.append(_cells(line)[_only(at, f"{file}: columns that begin with {column!r}")])
    return _only(found, f"{file}: rows that begin with {row!r}")


def _cells(line: str) -> list[str]:
    return [each.strip() for each in line.strip()[1:-1].split("|")]


def _only(found: list, what: str):
    if len(found) != 1:
        raise LookupError(f"{what}: {len(found)}, not one")
    return found[0]


def main() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if (new := filled(text)) != text:
            page.write_text(new, encoding="utf-8")
            print(f"filled {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
