"""Boxes in the hall on a real broker: a process for each home, a day of 5-minute steps over MQTT, then faults.

python benchmarks/edge.py            # prints the tables
python benchmarks/edge.py --write    # also writes benchmarks/edge.md
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
from pages.head import head
from pages.table import table

from wattflock.verbs.edge import trial
from wattflock.verbs.results import EdgeTrial
from wattflock.verbs.study import train

SETS = ["data.dt_h=0.08333333333", "learn.part=gradmap", "learn.settings={days=2, hidden=[16,16]}", "learn.rounds=5"]
ABOUT = """\
Homes of the scenario `mixed` (a network of their own each, a few rounds of training: the figures do not depend on what
was learned), steps of 5 minutes. Mosquitto on the same machine, TLS and a user for each home; a controller process for
each home; a simulator plays all meters and devices, and makes a step as soon as all set-points of the last are there.
An answer is the time from a reading's stamp to its set-point at the simulator, with all homes asked at once: on few
cores they wait for one another. `policy` is the network alone: time that passed, and that of the processor (`cpu`).
`outside`: set-points, as they came, beyond the limits of the simulated device; no envelope is in force here, see
[edge_limits.md](edge_limits.md). `fell_back`: set-points that came and were the fallback.
`recovered_after`: steps after the fault until every home follows its policy, within 1e-5 of the library's action; 0: it
never stopped; none: not within four. `missing_in_logs`: set-points that came and are not in the audit logs as they
came, and numbers that the logs lack."""


def text(found: EdgeTrial) -> str:
    """Figures and rows as Markdown."""
    figures = table(("figure", ""), ((name, f"{value:.4g}") for name, value in found.figures.items()), numbers=1)
    return f"{figures}\n\n{rows(found.faults)}"


def rows(found: pl.DataFrame) -> str:
    """A table of a trial as Markdown; its first column is a name."""
    return table(found.columns, (map(cell, row) for row in found.rows()), numbers=found.width - 1)


def cell(value: object) -> str:
    """A value of such a table."""
    return f"{value:.3g}" if isinstance(value, float) else "none" if value is None else str(value)


def options(about: str, homes: int) -> argparse.ArgumentParser:
    """Options of a benchmark that plays with boxes."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--homes", type=int, default=homes)
    parser.add_argument("--runs", type=Path, help="folder of runs, where an earlier training is taken up again")
    parser.add_argument("--write", action="store_true", help="also write the page beside this file")
    return parser


def tried(homes: int, runs: Path | None, play: Callable[..., object]) -> EdgeTrial:
    """A trial in a world of so many homes, whose policy is trained before; `play` is `trial` with its own options."""
    with tempfile.TemporaryDirectory() as folder:
        runs = runs or Path(folder) / "runs"
        counts = [f"homes.count={homes}", "homes.homes_per_agent=10", "judge.test_days=2"]
        train(sets=[*SETS, *counts], runs=runs)
        found = play("latest", out=Path(folder) / "trial", runs=runs)
    assert isinstance(found, EdgeTrial)
    return found


def main() -> None:
    parser = options("Boxes on a broker.", homes=100)
    parser.add_argument("--days", type=int, default=1)
    given = parser.parse_args()
    found = tried(given.homes, given.runs, partial(trial, homes=given.homes, days=given.days, faults=True))
    print(text(found))
    if given.write:
        page = f"{head('Boxes in the hall on a broker')}{ABOUT}\n\n{text(found)}\n"
        Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
