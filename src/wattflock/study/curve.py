"""Learning curves: rows at the marks of a training run, and the note of its progress bar."""

import numpy as np
import polars as pl

from wattflock.study.train import Mark
from wattflock.world.world import MEASURED

MEASURES = ("cost", "reward", *(name for names in MEASURED.values() for name in names))
NUMBERS = ("seconds", "objective", *MEASURES)


def points(mark: Mark, method: str, seed: int) -> list[dict]:
    """Rows of the learning curve at a mark."""
    place = {"method": method, "seed": seed, "seconds": mark.seconds, "round": mark.rounds}
    scores = {"train": mark.train, "validation": mark.validation}
    return [
        place | {"split": split, "objective": found.get("objective")}
        | {name: found.get(name) for name in MEASURES}
        for split, found in scores.items()
        if found
    ]  # fmt: skip


def curves(rows: list[dict], idle_cost: float, optimum_cost: float | None = None) -> pl.DataFrame:
    """The learning curves of all methods on the validation days.

    `saving` is relative to the uncontrolled homes there; `captured` is its share of the optimum's, null where that is
    not known.
    """
    schema = {"method": pl.String, "seed": pl.Int64, "round": pl.Int64, "split": pl.String}
    table = pl.DataFrame(rows, schema=schema | dict.fromkeys(NUMBERS, pl.Float64))
    saving = pl.when(pl.col("split") == "validation").then(idle_cost - pl.col("cost"))
    possible = None if optimum_cost is None or optimum_cost >= idle_cost else idle_cost - optimum_cost
    return table.with_columns(saving=saving, captured=saving / pl.lit(possible, pl.Float64))


def warm_seconds(rows: list[dict]) -> float | None:
    """Seconds that all rounds of a method take once they are compiled, from the rows of its marks; None of one mark.

    The median time of a round between two marks times the number of rounds: marks that compile stand out.
    """
    marks = sorted({(row["round"], row["seconds"]) for row in rows})
    if len(marks) < 2:
        return None
    rounds, seconds = np.array(marks).T
    return float(np.median(np.diff(seconds) / np.diff(rounds)) * rounds[-1])


def note(scores: dict[str, float], idle: dict[str, float], currency: str) -> str:
    """Note of a progress bar about the validation days; `idle` are the scores of the uncontrolled homes."""
    mine, theirs = scores["violation_pu_h"], idle["violation_pu_h"]
    if theirs > 0:
        said = f"violation {100 * mine / theirs:.3g} % of uncontrolled"
    else:
        said = f"violation {1e6 * mine:.3g} µpu·h, uncontrolled none" if mine > 0 else "no violation"
    worth = f"reward {scores['reward']:.0f}, " if "reward" in scores else ""
    return f"{worth}{scores['cost']:.3f} {currency}/home-day, {said}"
