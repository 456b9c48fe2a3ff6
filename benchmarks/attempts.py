"""Everything that is tried on the program, with a verdict each; faults are silent wrong numbers and tracebacks.

    python benchmarks/attempts.py [--only MODULE] [--write]

A module of `benchmarks/attempts/` holds one kind of attempts. `--write` makes attempts.md; with `--only`, the rows of
the other kinds stay as they are there. The exit code is 1 where there is a fault.
"""

import argparse
import importlib
import re
import sys
from collections import Counter
from pathlib import Path

from attempts.attempt import RIGHT, VERDICTS, Attempt
from pages.head import head

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # some inputs are those of the tests
MODULES = sorted(
    file.stem for file in (HERE / "attempts").glob("*.py") if "def attempts(" in file.read_text(encoding="utf-8")
)
FAULTS = VERDICTS[3:]
ORDER = ("bomb", "fault", "feeder text", "meter file", "checkpoint", "feeder file", "region file", "scenario")


def page(rows: list[Attempt]) -> str:
    """The table of counts for each kind, then every attempt; faults come first."""
    counts = Counter((each.kind, each.verdict) for each in rows)
    kinds = list(dict.fromkeys(each.kind for each in rows))
    lines = [head("Attempts", "python benchmarks/attempts.py --write")]
    lines += [f"{len(rows)} attempts. {' · '.join(f'{verdict}: {said}' for verdict, said in MEANT.items())}.", ""]
    lines += [f"| kind | {' | '.join(VERDICTS)} |", "|---" * (1 + len(VERDICTS)) + "|"]
    lines += [f"| {kind} | {' | '.join(str(counts[kind, verdict]) for verdict in VERDICTS)} |" for kind in kinds]
    lines += ["", f"| {' | '.join(HEADS)} |", "|---" * len(HEADS) + "|"]
    for each in sorted(rows, key=lambda each: each.verdict not in FAULTS):
        cells = (each.kind, each.tried, each.expected, each.verdict, each.said)
        lines.append("| " + " | ".join(map(plain, cells)) + " |")
    return "\n".join(lines) + "\n"


def kept(text: str, kinds: set[str]) -> list[Attempt]:
    """Attempts of a page that are of other kinds."""
    cells = (re.split(r"(?<!\\) \| ", line[2:-2]) for line in text.splitlines() if line.startswith("| "))
    rows = [Attempt(*(each.replace("\\|", "|") for each in row)) for row in cells if len(row) == len(HEADS)]
    return [row for row in rows if row.kind not in {*kinds, "kind"} and row.verdict in VERDICTS]


HEADS = ("kind", "tried", "expected", "verdict", "said")


def plain(cell: str) -> str:
    """A cell on one line, what cannot be printed by its code."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in cell).replace("|", "\\|")


MEANT = {
    RIGHT: "the right value",
    "told": "a finding names it, and the value is right or the file is not used",
    "refused": "an error names it",
    "WRONG": "a wrong value without a word",
    "TRACEBACK": "no plain message",
}


def _place(row: Attempt) -> int:
    return next(place for place, kind in enumerate(ORDER) if row.kind.startswith(kind))


def main() -> int:
    """Runs all modules, or one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=MODULES)
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    rows = [row for name in MODULES if asked.only in (None, name)
            for row in importlib.import_module(f"attempts.{name}").attempts()]  # fmt: skip
    faults = [row for row in rows if row.verdict in FAULTS]
    for row in faults:
        print(f"{row.verdict}: {row.kind}, {row.tried}: expected {row.expected}; {row.said}")
    print(dict(Counter(row.verdict for row in rows)))
    if asked.write:
        path = HERE / "attempts.md"
        others = kept(path.read_text(encoding="utf-8"), {row.kind for row in rows}) if asked.only else []
        path.write_text(page(sorted(others + rows, key=_place)), encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
