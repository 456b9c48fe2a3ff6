"""What a feeder takes: heat pumps and cars that come together, before and after, and in money.

    python benchmarks/whatif.py [--feeder ieee123] [--small] [--runs FOLDER] [--write]

`--write` keeps the tables in benchmarks/whatif.md or whatif-ieee123.md, and the figure beside it. Finished cells in the
folder of runs are not run again. `--small` sweeps two shares of cars of ten homes on two days, in a minute.
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
SETS = ["homes.volt_var=[0.94, 0.97, 1.03, 1.06]", "learn.rounds=200"]
ALL = {"together": True, "reliability": 0.9, "methods": "idle,timer,timer_droop,gradmap"}
SWEEPS: dict[str, dict] = {  # of a feeder: what is asked of it
    "european_lv": {
        "heat_pumps": "0:1:0.2", "cars": "0:1:0.2", "panels": "0.3", "seeds": 3, "days": 28, "limits": "en50160",
        "sets": [*BAND, *SETS],
    },
    "ieee123": {
        "heat_pumps": "0.1:1:0.15", "cars": "0.1:1:0.15", "seeds": 6, "days": 14, "homes": 300, "homes_per_agent": 10,
        "sets": SETS,
    },
}  # fmt: skip
HOMES = {
    "european_lv": "one at each of the feeder's loads, 30 % with a panel; its transformer is tapped to 1.0 pu",
    "ieee123": "300, of which each stands for ten, in proportion to the feeder's loads",
}
TITLE = "What the feeder {} takes"
ABOUT = (
    "Made homes of the region london, {}; inverters answer their voltage (volt-var) under all methods. A cell keeps "
    "its limits where nine of ten days do, in every step; timers and GradMAP are told so. Each seed is other homes, "
    "another weather, and another draw of who lives where and owns what. Timers are fitted, and GradMAP learns for 200 "
    "rounds, in each cell and seed; no setting of theirs was searched for here. [docs/whatif.md](../docs/whatif.md) "
    "says what the quantities are."
)


def swept(feeder: str, runs: Path, small: bool) -> Swept:
    """The sweep; the small one has no other purpose than to show that it runs."""
    few = {"cars": "0:1:1", "homes": 10, "seeds": 1, "days": 2, "methods": "idle,timer"}
    found = whatif(feeder, runs=runs, **(few if small else SWEEPS[feeder] | ALL))
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
    parser = argparse.ArgumentParser(description="What a feeder takes of heat pumps and cars.")
    parser.add_argument("--feeder", choices=tuple(SWEEPS), default="european_lv", help="what is swept")
    parser.add_argument("--small", action="store_true", help="a sweep of a minute")
    parser.add_argument("--runs", type=Path, help="folder of runs, whose finished cells are not run again")
    parser.add_argument("--write", action="store_true", help="also write the page in benchmarks and its figure")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = swept(given.feeder, given.runs or Path(folder), given.small)
        body = text(found).strip()
        print(body)
        if given.write and not given.small:
            name = "whatif" if given.feeder == "european_lv" else f"whatif-{given.feeder}"
            picture = save(WhatIf(Path(), found).figures["growth"], HERE.with_name(f"{name}.png"))
            shown = f"![Use of the tightest limit as more homes own heat pumps and cars, by method]({picture.name})"
            page = f"{head(TITLE.format(given.feeder))}{ABOUT.format(HOMES[given.feeder])}\n\n{shown}\n\n{body}\n"
            HERE.with_name(f"{name}.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
