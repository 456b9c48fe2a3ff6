"""One run on disk: its scenario, checkpoints, tables and summary."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from wattflock.errors import RunError
from wattflock.scenario import Scenario, dump, run_id
from wattflock.store.folder import read_json, write_json, write_table, write_whole

if TYPE_CHECKING:
    from wattflock.learn.learner import Progress


@dataclasses.dataclass(frozen=True)
class Run:
    """A folder `runs/<id>`; the id is a hash of the scenario, so that a folder is one experiment."""

    folder: Path

    def checkpoint(self, method: str) -> Path:
        """Where a method's training stands."""
        return self.folder / "checkpoints" / f"{method}.safetensors"

    def save(self, method: str, progress: "Progress", card: dict) -> None:
        """A training run so far: arrays, and the card with rounds, seconds and curve."""
        from wattflock.store import checkpoint

        checkpoint.save(self.checkpoint(method), progress, card | {"method": method, "run": self.folder.name})

    def resume(self, method: str, like: "Progress") -> tuple["Progress", dict] | None:
        """A training run as it was saved, and its card; None where there is none."""
        from wattflock.store import checkpoint

        path = self.checkpoint(method)
        if not path.exists():
            return None
        card = checkpoint.card(path)
        if card.get("run") != self.folder.name:
            raise RunError(f"{path}: belongs to run {card.get('run')}, not to {self.folder.name}")
        return checkpoint.load(path, like), card

    def write(self, tables: dict[str, pl.DataFrame], summary: dict, chart: dict) -> None:
        """Everything that the report reads; the summary comes last and says that the run is complete."""
        for name, table in tables.items():
            write_table(self.folder / f"{name}.parquet", table)
        write_json(self.folder / "chart.json", chart)
        write_json(self.folder / "summary.json", summary)

    def summary(self) -> dict | None:
        """The figures of a complete run, or None."""
        path = self.folder / "summary.json"
        return read_json(path) if path.exists() else None


def open_run(scenario: Scenario, runs: Path) -> Run:
    """The folder of a scenario, made if need be, with the scenario in it."""
    run = Run(runs / run_id(scenario))
    write_whole(run.folder / "scenario.toml", dump(scenario).encode())
    return run


def find(runs: Path, name: str) -> Run:
    """A run by its id or the beginning of it.

    Raises:
        RunError: there is none, or more than one.
    """
    found = [folder for folder in listed(runs) if folder.name.startswith(name)]
    if len(found) != 1:
        known = ", ".join(folder.name for folder in found or listed(runs)) or "none yet"
        raise RunError(f"{runs}/{name}: {len(found)} runs begin so; known: {known}")
    return Run(found[0])


def listed(runs: Path) -> list[Path]:
    """Folders of runs, newest first."""
    return sorted((p.parent for p in runs.glob("*/scenario.toml")), key=lambda p: -p.stat().st_mtime)


def table_of_runs(runs: Path) -> pl.DataFrame:
    """One row per run and method: run, method, state and the figures of `summary.json`."""
    rows = []
    for folder in listed(runs):
        summary = Run(folder).summary()
        if summary is None:
            rows.append({"run": folder.name, "method": None, "state": "not complete"})
            continue
        for method, figures in summary["methods"].items():
            rows.append({"run": folder.name, "method": method, "state": "complete"} | figures)
    return pl.DataFrame(rows, infer_schema_length=None)
