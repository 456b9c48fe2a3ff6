"""What a study found: a line for each run and method, and their means and spreads over seeds."""

import dataclasses
from pathlib import Path
from typing import Any

import polars as pl

from wattflock.core.run_files import read_summary
from wattflock.study.quantities import Quantity
from wattflock.study.scaling import PowerLaw, power_law
from wattflock.study.study_file import Claim, Published

ALL, SOME = "all test days", "days with a bound"
KEYS = ("row", "sweep", "homes", "method", "judged_on")
WORST = ("worst_pu", "worst_loading")  # the greatest of all seeds instead of their mean
Law = tuple[str, str, str]  # sweep, method, figure


@dataclasses.dataclass(frozen=True)
class Done:
    """A finished run of a study."""

    row: str
    seed: int
    folder: Path
    sweep: str = ""  # the row of the file that `row` is one number of homes of


@dataclasses.dataclass(frozen=True)
class Findings:
    """A study, told: its finished runs, and what a reader must know beside them, a sentence each."""

    name: str
    about: str
    done: list[Done]
    notes: list[str]
    references: tuple[str, ...] = ()  # methods that all others are held against; empty: each row's learner
    published: tuple[Published, ...] = ()
    claims: tuple[Claim, ...] = ()


def figures(done: list[Done]) -> tuple[pl.DataFrame, str]:
    """A line for each run and method on all test days, and on those with a bound; and the currency."""
    lines, currency = [], ""
    for each in done:
        summary = read_summary(each.folder)
        currency, some = summary["currency"], summary.get("on_bound_days") or {}
        place = {"row": each.row, "sweep": each.sweep, "seed": each.seed, "run": each.folder.name}
        place |= {"homes": summary["homes"], "learner": summary["scenario"]["learn"]["part"]}
        most = max(found.get("days") or 0 for found in summary["methods"].values())
        for days, methods_on in ((ALL, summary["methods"]), (SOME, some)):
            lines += [
                place | {"method": name, "judged_on": days} | _numbers(found)
                for name, found in methods_on.items()
                if days == SOME or (found.get("days") or 0) == most
            ]
    table = pl.DataFrame(lines, infer_schema_length=None)
    names = (*KEYS, "seed", "run", "learner")
    return table.with_columns(pl.exclude(*names).cast(pl.Float64)), currency


def said_of(done: list[Done]) -> list[str]:
    """What runs say of their own tables, a sentence each with the row, and each once."""
    notes = [(each.row, note) for each in done for note in read_summary(each.folder).get("notes", ())]
    return list(dict.fromkeys(f"{row}: {note}." for row, note in notes))


def _numbers(found: dict[str, Any]) -> dict[str, Any]:
    """The figures of a method without what is said of it in words, such as why its training stopped."""
    return {name: value for name, value in found.items() if not isinstance(value, str)}


def spreads(runs: pl.DataFrame) -> pl.DataFrame:
    """A line for each row, method and set of days: seeds, and `_mean`, `_sd`, `_least`, `_most` of every figure."""
    found = pl.selectors.numeric() - pl.selectors.by_name("seed", "homes")
    return runs.group_by(KEYS, maintain_order=True).agg(
        pl.len().alias("seeds"),
        found.mean().name.suffix("_mean"),
        found.std().name.suffix("_sd"),
        found.min().name.suffix("_least"),
        found.max().name.suffix("_most"),
    )


def middle(quantity: Quantity, row: dict[str, Any]) -> float | None:
    """The figure that stands for all seeds, of a line of `spreads`."""
    return row.get(f"{quantity.name}_{'most' if quantity.name in WORST else 'mean'}")


def known(found: pl.DataFrame, name: str) -> bool:
    """Whether a figure of `spreads` has any value."""
    return f"{name}_mean" in found.columns and found[f"{name}_mean"].null_count() < found.height


def laws(runs: pl.DataFrame, names: tuple[str, ...]) -> dict[Law, PowerLaw]:
    """How figures grow with the number of homes, fitted to all seeds; where there are too few numbers there is none."""
    found = {}
    swept = runs.filter((pl.col("sweep") != "") & (pl.col("judged_on") == ALL))
    for (sweep, method), some in swept.group_by("sweep", "method", maintain_order=True):
        for name in names:
            points = some.select("homes", name).drop_nulls()
            if points.height and (law := power_law(*(points[column].to_list() for column in ("homes", name)))):
                found[str(sweep), str(method), name] = law
    return found
