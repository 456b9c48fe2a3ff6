"""One run on disk: its scenario, checkpoints, tables and summary."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from wattflock.core.errors import RunError
from wattflock.core.files import load_tree, read_card, read_json, save_tree, write_json, write_table, write_whole
from wattflock.core.scenario import Scenario, dump, fingerprint, run_id

if TYPE_CHECKING:
    from wattflock.learn.learner import Learner, Progress

LATEST = "latest"


@dataclasses.dataclass(frozen=True)
class Run:
    """A folder `runs/<id>`; the id ends with a hash of the scenario, so that a folder is one experiment."""

    folder: Path

    def begin(self, scenario: Scenario) -> None:
        """Make the folder, with the scenario in it; called after all checks."""
        write_whole(self.folder / "scenario.toml", dump(scenario).encode())

    def checkpoint(self, method: str) -> Path:
        """The checkpoint of a method's training."""
        return self.folder / "checkpoints" / f"{method}.safetensors"

    def demonstrations(self, episodes: int) -> Path:
        """The optimum's actions of so many training episodes."""
        return self.folder / f"demonstrations-{episodes}.safetensors"

    def save(self, method: str, who: "Learner", progress: "Progress", card: dict) -> None:
        """Save a training run: the arrays that its learner wants to be kept, and the card: rounds, seconds, curve."""
        kept = dataclasses.replace(progress, state=who.saved(progress.state))
        save_tree(self.checkpoint(method), kept, card | {"method": method, "run": self.folder.name})

    def resume(self, method: str, who: "Learner", fresh: "Progress") -> tuple["Progress", dict] | None:
        """A saved training run and its card; None where there is none. `fresh` is the beginning of such a run."""
        path = self.checkpoint(method)
        if not path.exists():
            return None
        card = read_card(path)
        if card.get("run") != self.folder.name:
            raise RunError(f"{path}: belongs to run {card.get('run')}, not to {self.folder.name}")
        saved = load_tree(path, dataclasses.replace(fresh, state=who.saved(fresh.state)))
        return dataclasses.replace(saved, state=who.restored(saved.state, fresh.state)), card

    def write(self, tables: dict[str, pl.DataFrame], summary: dict, chart: dict) -> None:
        """Everything that the report reads; the summary comes last and marks the run as complete."""
        for name, table in tables.items():
            write_table(self.folder / f"{name}.parquet", table)
        write_json(self.folder / "chart.json", chart)
        write_json(self.folder / "summary.json", summary)

    def summary(self) -> dict | None:
        """The figures of a complete run, or None."""
        path = self.folder / "summary.json"
        return read_json(path) if path.exists() else None

    def tables(self) -> dict[str, pl.DataFrame]:
        """All tables of a complete run, by the names of their files."""
        return {path.stem: pl.read_parquet(path) for path in sorted(self.folder.glob("*.parquet"))}


def open_run(scenario: Scenario, runs: Path, more: str = "") -> Run:
    """The folder of a scenario, which `Run.begin` makes; a folder of the same fingerprint is taken, whatever its name.

    Args:
        scenario: what the run is of.
        runs: where runs are kept.
        more: describes parts that have no file.
    """
    same = sorted(runs.glob(f"*-{fingerprint(scenario, more)}"))
    return Run(same[0] if same else runs / run_id(scenario, more))


def find(runs: Path, name: str) -> Run:
    """A run by its id, the beginning of it, or `latest`: the one that was begun or continued last.

    Raises:
        RunError: there is none, or more than one begins so.
    """
    every = listed(runs)
    if name == LATEST and every:
        return Run(every[0])
    found = [folder for folder in every if folder.name == name] or [
        folder for folder in every if folder.name.startswith(name)
    ]
    if len(found) != 1:
        known = "".join(f"\n  {folder.name}" for folder in found or every) or " none yet"
        raise RunError(f"{runs}/{name}: {len(found)} runs begin so; {'which' if found else 'known'}:{known}")
    return Run(found[0])


def listed(runs: Path) -> list[Path]:
    """Folders of runs, newest first."""
    files = sorted(runs.glob("*/scenario.toml"), key=lambda path: -path.stat().st_mtime_ns)
    return [path.parent for path in files]


def table_of_runs(runs: Path) -> pl.DataFrame:
    """One row per run and method: run, method, state and the figures of `summary.json`."""
    rows = []
    for folder in listed(runs):
        summary = Run(folder).summary()
        if summary is None:
            rows.append({"run": folder.name, "method": None, "state": "not complete"})
            continue
        for method, figures in summary["methods"].items():
            rows.append({"run": folder.name, "method": method, "state": _state(figures)} | figures)
    return pl.DataFrame(rows, infer_schema_length=None)


def _state(figures: dict) -> str:
    done, asked = figures.get("rounds") or 0, figures.get("rounds_asked") or 0
    return f"{done} of {asked} rounds" if done < asked else "complete"
