"""One run on disk: its scenario, checkpoints, tables and summary."""

import contextlib
import dataclasses
import json
import os
import platform
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from wattflock.core.errors import RunError
from wattflock.core.files import is_alive, load_tree, read_card, read_json, save_tree, write_json, write_whole
from wattflock.core.progress import say
from wattflock.core.run_files import SUMMARY, read_summary, read_table, write_run
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

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """This process alone works in the folder; the lock of one that is gone is taken over.

        Raises:
            RunError: another process works in it.
        """
        path, mine = self.folder / "lock.json", {"process": os.getpid(), "machine": platform.node()}
        found = None
        with contextlib.suppress(RunError):  # there is none, or one that its owner could not finish
            found = read_json(path)
        if found == mine:  # a verb that calls another
            yield
            return
        if isinstance(found, dict) and not _gone(found):
            who = f"process {found.get('process')} on {found.get('machine')}"
            raise RunError(
                f"{self.folder}: {who} works in it; wait until it is done, or delete {path} if it is not there"
            )
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x") as file:
                json.dump(mine, file)
        except OSError as error:
            raise RunError(f"{self.folder}: another process has just begun in it ({error.strerror})") from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def checkpoint(self, method: str) -> Path:
        """The checkpoint of a method's training."""
        return self.folder / "checkpoints" / f"{method}.safetensors"

    def demonstrations(self, episodes: int) -> Path:
        """The optimum's actions of so many training episodes."""
        return self.folder / f"demonstrations-{episodes}.safetensors"

    def save(self, method: str, who: "Learner", progress: "Progress", card: dict) -> None:
        """Save a training run: the arrays that its learner wants to be kept, and the card: rounds, curve; and beside
        it the seconds, in a file of their own.
        """
        kept = dataclasses.replace(progress, state=who.saved(progress.state))
        clock = {"seconds": card["seconds"], "curve": [row["seconds"] for row in card["curve"]]}
        curve = [{key: value for key, value in row.items() if key != "seconds"} for row in card["curve"]]
        card = {key: value for key, value in card.items() if key != "seconds"} | {"curve": curve}
        write_json(self._timings(method), clock)
        save_tree(self.checkpoint(method), kept, card | {"method": method, "run": self.folder.name})

    def resume(self, method: str, who: "Learner", fresh: "Progress") -> tuple["Progress", dict] | None:
        """A saved training run and its card; None where there is none. `fresh` is the beginning of such a run.

        Raises:
            RunError: it is broken, of another run or method, or says what cannot be.
        """
        path = self.checkpoint(method)
        if not path.exists():
            return None
        card = read_card(path)
        if card.get("run") != self.folder.name:
            raise RunError(f"{path}: belongs to run {card.get('run')}, not to {self.folder.name}")
        saved = load_tree(path, dataclasses.replace(fresh, state=who.saved(fresh.state)))
        most = who.rounds() if "homes" not in card else None  # of homes that were tuned nobody asks
        if problems := card_problems(card, method, int(saved.done), most):
            raise RunError(f"{path}: {'; '.join(problems)}; train again with --fresh")
        return dataclasses.replace(saved, state=who.restored(saved.state, fresh.state)), self._with_seconds(
            method, card
        )

    def _timings(self, method: str) -> Path:
        return self.checkpoint(method).with_suffix(".timings.json")

    def _with_seconds(self, method: str, card: dict) -> dict:
        """0 where the file of seconds was lost: figures do not depend on it."""
        path = self._timings(method)
        clock = read_json(path) if path.exists() else {}
        clock = clock if isinstance(clock, dict) else {}
        spent = [*(clock.get("curve") or []), *[clock.get("seconds", 0.0)] * len(card["curve"])]
        curve = [row | {"seconds": at} for row, at in zip(card["curve"], spent, strict=False)]
        return card | {"seconds": clock.get("seconds", 0.0), "curve": curve}

    def write(self, tables: dict[str, pl.DataFrame], summary: dict, chart: dict) -> None:
        """Everything that the report reads; the summary comes last and marks the run as complete."""
        write_run(self.folder, tables, summary, chart)

    def summary(self) -> dict | None:
        """The figures of a complete run, or None."""
        return read_summary(self.folder) if (self.folder / SUMMARY).exists() else None

    def tables(self) -> dict[str, pl.DataFrame]:
        """All tables of a complete run, by the names of their files."""
        return {path.stem: read_table(self.folder, path.stem) for path in sorted(self.folder.glob("*.parquet"))}


def _gone(owner: dict) -> bool:
    """Whether the owner of a lock was a process of this machine that has ended."""
    process = owner.get("process")
    return owner.get("machine") == platform.node() and not (isinstance(process, int) and is_alive(process))


def card_problems(card: dict, method: str, done: int, most: int | None) -> list[str]:
    """What the card of a checkpoint says that cannot be, in words.

    Args:
        card: as it was read.
        method: whose checkpoint it should be.
        done: rounds that its arrays have seen.
        most: rounds that are asked for; None: any number.
    """
    rounds, curve = card.get("rounds"), card.get("curve")
    said = [] if card.get("method") == method else [f"is of method {card.get('method')}, not of {method}"]
    if type(rounds) is not int or rounds != done or not 0 <= rounds <= (most if most is not None else rounds):
        said.append(f"says {rounds} rounds; its arrays have seen {done} of {done if most is None else most}")
    if not isinstance(curve, list) or not all(isinstance(row, dict) and "round" in row for row in curve):
        said.append("has no learning curve")
    if not isinstance(card.get("stopped", ""), str):
        said.append("does not say in words why training stopped")
    return said


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
        try:
            summary = Run(folder).summary()
        except RunError as error:  # one broken run hides no other
            say(str(error))
            rows.append({"run": folder.name, "method": None, "state": "broken"})
            continue
        if summary is None:
            rows.append({"run": folder.name, "method": None, "state": "not complete"})
            continue
        for method, figures in summary["methods"].items():
            rows.append({"run": folder.name, "method": method, "state": _state(figures)} | figures)
    return pl.DataFrame(rows, infer_schema_length=None)


def _state(figures: dict) -> str:
    done, asked = figures.get("rounds") or 0, figures.get("rounds_asked") or 0
    return f"{done} of {asked} rounds" if done < asked else "complete"
