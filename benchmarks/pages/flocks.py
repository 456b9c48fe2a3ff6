"""Tables and page of flocks that were judged on the same test days: what benchmarks beside the studies print."""

import dataclasses
from pathlib import Path

import polars as pl
from pages.head import head

from wattflock.report.study_data import ALL, KEYS, spreads
from wattflock.report.study_page import markdown
from wattflock.report.study_tables import differences, tables_of

NAMES = (
    "cost_per_home_day", "saving_per_home_day", "violation_pu_h", "overload_share_h", "days_with_violation_share",
    "comfort_violation_c_h",
)  # fmt: skip


def figures_of(row: str, flock: str, seed: int, figures: dict, reference: str) -> dict:
    """A row of `text`: figures of a flock on the test days; differences are to the flock `reference`."""
    place = dict.fromkeys(KEYS, "") | {"row": row, "judged_on": ALL, "learner": reference}
    return place | {"method": flock, "seed": seed} | {name: figures[name] for name in NAMES}


def text(every: list[dict], title: str) -> str:
    """Tables of rows from `figures_of`: means over the seeds, and paired differences."""
    table = pl.DataFrame(every)
    (flocks,) = tables_of(spreads(table), "GBP", NAMES)
    tables = zip((title, "Paired differences"), (flocks, *differences(table, "GBP")), strict=True)
    return markdown([dataclasses.replace(each, title=title) for title, each in tables], [])


def write(script: str, about: str, title: str, body: str, name: str = "") -> None:
    """The page of a script beside it: a head, its docstring after the command and before `--small`, and the body.

    With a name the page is SCRIPT-NAME.md.
    """
    said = about.split("\n\n", 2)[2].split("\n`--small`")[0]
    page = f"{head(title)}{said}\n\n{body.rstrip()}\n"
    stem = f"{Path(script).stem}-{name}" if name else Path(script).stem
    Path(script).with_name(f"{stem}.md").write_text(page, encoding="utf-8")
