"""Seconds for few and many made homes: 40 at a time, as they are made on a processor, and all at once.

python benchmarks/few_homes.py            # prints the table
python benchmarks/few_homes.py --write    # also writes benchmarks/few_homes.md
"""

import argparse
import datetime
import time
from pathlib import Path

from pages.head import head
from pages.table import table

from wattflock.synth import bundle, generate
from wattflock.synth.generate import Wanted, made

COUNTS, DAYS, REPEATS = (5, 40, 1000), 364, 3
ABOUT = f"""{DAYS} days, hourly, region `london`; the program is compiled before, best of {REPEATS}."""


def seconds(homes: int, together: int) -> float:
    """Best of some runs, in which so many homes live together."""
    generate.TILE = together
    region, wanted = bundle.load("london")[0], Wanted(homes, DAYS, datetime.date(2027, 1, 4), "Europe/London")
    made(region, wanted)
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        made(region, wanted)
        taken.append(time.perf_counter() - began)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds for few and many made homes.")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/few_homes.md")
    given, tile = parser.parse_args(), generate.TILE
    rows = [[f"{homes:,}", f"{seconds(homes, tile):.2f}", f"{seconds(homes, 1000):.2f}"] for homes in COUNTS]
    text = table(["homes", f"{tile} at a time [s]", "1,000 at a time [s]"], rows, 2)
    print(text)
    if given.write:
        page = f"{head('Few made homes, and many')}{ABOUT}\n\n{text}\n"
        Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
