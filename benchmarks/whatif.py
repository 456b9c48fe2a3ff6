"""What the European low voltage feeder takes: heat pumps and cars that come together, before and after, and in money.

    python benchmarks/whatif.py [--small] [--runs FOLDER] [--write]

`--write` keeps the tables in benchmarks/whatif.md and the figure beside it. Finished cells in the folder of runs are
not run again. `--small` sweeps two shares of cars of ten homes on two days, in a minute.
"""

import argparse
import tempfile
from pathlib import Path
from typing import cast

from pages.head import head

from wattflock.report.theme import save
from wattflock.report.whatif_tables import before_and_after, takens, told_cells, worths
from wattflock.report.whatif_words import story
from wattflock.study.whatif.outcome import Swept
from wattflock.verbs.results import WhatIf
from wattflock.verbs.whatif import whatif

HERE = Path(__file__)
BAND = ["feeder.low_pu=0.94"]  # with 1.10: 230 V + 10 %, - 6 %, the band of Great Britain (ESQCR 2002, 27)
SETS = [*BAND, "homes.volt_var=[0.94, 0.97, 1.03, 1.06]", "learn.rounds=200"]
ABOUT = (
    "Made homes of the region london, one at each of the feeder's loads, 30 % with a panel; inverters answer their "
    "voltage (volt-var) under all methods; the feeder's transformer is tapped for 1.0 pu without load. A cell keeps "
    "its limits where nine of ten days do, in every step. Each seed is other homes, another weather, and another draw "
    "of who lives where and owns what. Timers are fitted, and GradMAP learns for 200 rounds, in each cell and seed; no "
    "setting of theirs was searched for here. [docs/whatif.md](../docs/whatif.md) says what the quantities are."
)


def swept(runs: Path, small: bool) -> Swept:
    """The sweep; the small one has no other purpose than to show that it runs."""
    if small:
        found = whatif(
            "european_lv", cars="0:1:1", homes=10, seeds=1, days=2, methods="idle,timer", sets=BAND, runs=runs,
            limits="en50160",
        )  # fmt: skip
    else:
        found = whatif(
            "european_lv", "0:1:0.2", "0:1:0.2", "0.3", together=True, reliability=0.9, seeds=3, days=28, sets=SETS,
            runs=runs, limits="en50160", methods="idle,timer,timer_droop,gradmap",
        )  # fmt: skip
    return cast(WhatIf, found).found


def text(found: Swept) -> str:
    """The answer, what is taken, and a few cells before and after."""
    answer = cast(str, WhatIf(Path(), found).headline)
    tables = [f"## {each.title}\n\n{each.markdown()}" for each in (*worths(found), *takens(found))]
    tables += [
        f"## {title.capitalize()}: {each.title}\n\n{each.markdown()}"
        for title, each in ((title, before_and_after(found, shares)) for title, shares in told_cells(found))
    ]
    said = "".join(f"- {line}\n" for line in story(found))
    return f"**{answer}.**\n\n{said}\n" + "\n\n".join(map(str.strip, tables))


def main() -> None:
    """Sweep, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description="What the European low voltage feeder takes.")
    parser.add_argument("--small", action="store_true", help="a sweep of a minute")
    parser.add_argument("--runs", type=Path, help="folder of runs, whose finished cells are not run again")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/whatif.md and its figure")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = given.runs or Path(folder)
        found = swept(runs, given.small)
        body = text(found).strip()
        print(body)
        if given.write and not given.small:
            picture = save(WhatIf(Path(), found).figures["growth"], HERE.with_suffix(".png"))
            shown = f"![Use of the tightest limit as more homes own heat pumps and cars, by method]({picture.name})"
            page = f"{head('What the European low voltage feeder takes')}{ABOUT}\n\n{shown}\n\n{body}\n"
            HERE.with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
