"""What the verbs find, as data: frozen, with tables in Polars; a door shows them on a terminal or as JSON."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from wattflock.world.rollout import Policy


@dataclasses.dataclass(frozen=True)
class Training:
    """A method as its training left it."""

    method: str
    policy: "Policy"
    rounds: int
    rounds_asked: int
    seconds: float  # of learning, compilation included
    curve: pl.DataFrame  # rows as in `curves` of a run
    checkpoint: Path | None  # None: it was kept nowhere


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Methods on the same unseen days."""

    summary: dict[str, Any]  # as `summary.json` says it
    tables: Mapping[str, pl.DataFrame]  # steps, homes, nodes, days, examples, curves
    folder: Path | None = None  # None: it was kept nowhere

    @property
    def methods(self) -> pl.DataFrame:
        """A row for each method with all its figures."""
        rows = [{"method": name} | figures for name, figures in self.summary["methods"].items()]
        return pl.DataFrame(rows, infer_schema_length=None)

    @property
    def unfinished(self) -> dict[str, tuple[int, int]]:
        """Methods that were judged before their last round: name → rounds done, rounds asked for."""
        rounds = {
            name: (each.get("rounds"), each.get("rounds_asked")) for name, each in self.summary["methods"].items()
        }
        return {name: (done, asked) for name, (done, asked) in rounds.items() if asked and (done or 0) < asked}


@dataclasses.dataclass(frozen=True)
class Tuned:
    """Some homes fitted anew: the flock before and after, and what each of these homes pays [currency per day]."""

    comparison: Comparison
    homes: pl.DataFrame  # home, kind, terminal, and a column for each method


@dataclasses.dataclass(frozen=True)
class Runs:
    """Runs of a folder, newest first: a row for each method."""

    table: pl.DataFrame  # run, method, state and the figures of `summary.json`


@dataclasses.dataclass(frozen=True)
class Listing:
    """Rows to read as they are, such as the parts of a room or the fields in which two scenarios differ."""

    table: pl.DataFrame


@dataclasses.dataclass(frozen=True)
class Study:
    """A study of many runs: figures of each, and their means and spreads over seeds."""

    folder: Path
    currency: str
    runs: pl.DataFrame  # a row for each run and method
    table: pl.DataFrame  # a row for each row of the study and method
