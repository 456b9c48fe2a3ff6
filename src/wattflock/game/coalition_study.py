"""A study of sharing: rows of homes with several seeds, each shared in several ways; one table of figures."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from wattflock.core.scenario import Scenario, dump
from wattflock.game.outcome import Outcome, outcome
from wattflock.game.sharing import EXACT, Settings, refuse_unknown, usual
from wattflock.game.values import flock
from wattflock.study.study_file import Plan, StudyRow
from wattflock.study.summary import paired_mean

EXACTLY = ("nucleolus", "shapley")  # concepts of the homes' own game, up to 16 homes


@dataclasses.dataclass(frozen=True)
class Case:
    """A row of the study with one seed."""

    row: StudyRow
    scenario: Scenario
    methods: tuple[str, ...]
    settings: Settings

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.row.name}, seed {self.scenario.seed}"

    def file(self, folder: Path) -> Path:
        """Where its figures are kept; another scenario, method or setting is another file."""
        asked = f"{dump(self.scenario)}{self.methods}{self.settings}"
        return (
            folder
            / "cases"
            / f"{self.row.name}-{self.scenario.seed}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}.json"
        )


def cases(plan: Plan, rows: tuple[StudyRow, ...]) -> list[Case]:
    """Every row with every seed, which draws homes, their loads and the day.

    Raises:
        ScenarioError: names of the plan that are no methods.
    """
    refuse_unknown(plan.methods)
    return [_case(plan, row, scenario) for row in rows for scenario in row.scenarios]


def _case(plan: Plan, row: StudyRow, scenario: Scenario) -> Case:
    seed, homes = scenario.seed, scenario.homes.count
    drawn = {"homes": scenario.homes.model_copy(update={"seed": seed})}
    drawn |= {"judge": scenario.judge.model_copy(update={"seed": seed})}
    allowed = [name for name in usual(homes) if homes <= EXACT or name not in EXACTLY]
    methods = tuple(name for name in plan.methods if name in allowed)
    clusters = min(plan.clusters, max(homes // 2, 2)) if plan.clusters else 0
    return Case(row, scenario.model_copy(update=drawn), methods, Settings(clusters, seed=seed))


def solved(_: None, case: Case) -> list[dict]:
    """Figures of a case, a line for each method; the work of an executor."""
    scenario = case.scenario
    found = outcome(flock(scenario, scenario.judge.test_days), case.methods, case.settings)
    place = {"row": case.row.name, "sweep": case.row.sweep, "seed": scenario.seed, "homes": scenario.homes.count}
    return [place | line for line in figures(found)]


def figures(found: Outcome) -> Iterator[dict]:
    """A line for each method: shares of the saving, of the homes, seconds; and how far it is from exact concepts."""
    known = {name: found.homes[name].to_numpy() for name in EXACTLY if name in found.homes.columns}
    total, homes = found.saving or 1.0, found.players
    for row in found.methods.iter_rows(named=True):
        own = found.homes[row["method"]].to_numpy()
        upper = row["largest_excess_upper"]
        yield {
            "method": row["method"],
            "saving_share": found.saving / found.cost_alone,
            "saving_kept": row["saving_kept"],
            "better_off": row["better_off"] / homes,
            "worse_off": row["worse_off"] / homes,
            "above_feed_in": row["above_feed_in"] / homes,
            "excess": row["largest_excess"] / total,
            "excess_upper": None if upper is None else upper / total,
            **{f"from_{name}": apart(own, payoff, total) for name, payoff in known.items()},
            "jain": row["jain"],
            "seconds": row["seconds"],
            "optimum_seconds": found.seconds,
            "programs": row["programs"],
        }


def apart(one: np.ndarray, other: np.ndarray, total: float) -> float:
    """What share of the saving two payoffs give to other homes."""
    return float(abs(one - other).sum() / 2 / total)


def spreads(lines: pl.DataFrame) -> pl.DataFrame:
    """A line for each row and method: the mean of every figure over seeds, and half of its 95 % interval (`_half`)."""
    keys = ("row", "sweep", "homes", "method")
    made = []
    for key, part in lines.group_by(keys, maintain_order=True):
        numbers = {name: part[name].drop_nulls().to_numpy() for name in part.columns if name not in (*keys, "seed")}
        line = dict(zip(keys, key, strict=True)) | {"seeds": part.height}
        for name, values in numbers.items():
            line[name], line[f"{name}_half"] = paired_mean(values)
        made.append(line)
    return pl.DataFrame(made, infer_schema_length=None)


def differences(lines: pl.DataFrame, figure: str, reference: str) -> pl.DataFrame:
    """Each method less the reference on the same seeds: `mean`, and `half` of the 95 % interval."""
    made = []
    for (row,), part in lines.group_by(("row",), maintain_order=True):
        base = part.filter(pl.col("method") == reference).select("seed", base=figure)
        for (method,), own in part.filter(pl.col("method") != reference).group_by(("method",), maintain_order=True):
            both = own.join(base, on="seed").drop_nulls([figure, "base"]).sort("seed")
            mean, half = paired_mean((both[figure] - both["base"]).to_numpy())
            if mean is not None:
                made.append({"row": row, "method": method, "mean": mean, "half": half})
    return pl.DataFrame(made, schema={"row": pl.String, "method": pl.String, "mean": pl.Float64, "half": pl.Float64})
