"""Damaged, forged and senseless files for every reader, for as long as is asked; a fault is anything but plain words.

    python benchmarks/fuzz.py [--seconds 3600] [--only READER] [--first 1000] [--write]

Readers take turns, so that each has the same time. A fault is printed with the smallest file that shows it, and its
reader is left out from then on. `--first` is the number of the first round: others throw other files. `--write` makes
fuzz.md. The exit code is 1 where there is a fault.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from pages.head import head
from pages.table import table

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # readers and what is thrown at them are those of the tests

from tests.properties.readers import READERS, throw  # noqa: E402 (after the path)

AT_ONCE = 25  # files in a round


def fuzz(names: list[str], seconds: float, first: int) -> tuple[dict[str, Counter], dict[str, str]]:
    """What each reader did with how many files, and the faults by reader."""
    done, faults, spent = {name: Counter() for name in names}, {}, dict.fromkeys(names, 0.0)
    begun = time.monotonic()
    while time.monotonic() < begun + seconds and len(faults) < len(names):
        name = min((each for each in names if each not in faults), key=lambda each: spent[each])
        start = time.monotonic()
        try:
            done[name] += throw(READERS[name], AT_ONCE, first + sum(done[name].values()) // AT_ONCE)
        except AssertionError as error:
            faults[name] = str(error)
            print(name, error, *getattr(error, "__notes__", ()), sep="\n", flush=True)
        spent[name] += time.monotonic() - start
    return done, faults


def page(done: dict[str, Counter], faults: dict[str, str], seconds: float) -> str:
    """A row for each reader."""
    total = sum(sum(each.values()) for each in done.values())
    lines = [head("Fuzzing", f"python benchmarks/fuzz.py --seconds {seconds:.0f} --write")]
    told = "*read*: without an error. *refused*: in plain words. A fault is a traceback, or a panic of a library."
    spent = f"{seconds / 60:.0f} minutes, {time.process_time() / 60:.0f} of them of a processor"
    counts = (
        (name, f"{sum(each.values()):,}", f"{each['read']:,}", f"{each['refused']:,}", faults.get(name, "none"))
        for name, each in done.items()
    )
    lines += [f"{total:,} files in {spent}. {told}", "", table(("reader", "files", "read", "refused", "fault"), counts)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Fuzzes all readers, or one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=3600)
    options.add_argument("--only", choices=READERS)
    options.add_argument("--first", type=int, default=1000)
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    done, faults = fuzz([asked.only] if asked.only else list(READERS), asked.seconds, asked.first)
    text = page(done, faults, asked.seconds)
    print(text)
    if asked.write:
        (HERE / "fuzz.md").write_text(text, encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
