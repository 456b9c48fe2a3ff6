"""Boxes in the hall on a real broker: a process for each home, a day of 5-minute steps over MQTT, then faults.

python benchmarks/edge.py            # prints the tables
python benchmarks/edge.py --write    # also writes benchmarks/edge.md
"""

import argparse
import tempfile
from pathlib import Path

import polars as pl
from pages.head import head

from wattflock.verbs.edge import trial
from wattflock.verbs.results import EdgeTrial
from wattflock.verbs.study import train

SETS = ["data.dt_h=0.08333333333", "learn.part=gradmap", "learn.settings={days=2, hidden=[16,16]}", "learn.rounds=5"]
ABOUT = """\
Homes of the scenario `demo` (a network of their own each, a few rounds of training: the figures do not depend on what
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
    lines = ["| figure | |", "|---|---:|", *(f"| {name} | {value:.4g} |" for name, value in found.figures.items()), ""]
    return "\n".join([*lines, rows(found.faults)])


def rows(table: pl.DataFrame) -> str:
    """A table as Markdown."""
    lines = ["| " + " | ".join(table.columns) + " |", "|---|" + "---:|" * (table.width - 1)]
    told = [
        [f"{x:.3g}" if isinstance(x, float) else "none" if x is None else str(x) for x in row] for row in table.rows()
    ]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in told)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Boxes on a broker.")
    parser.add_argument("--homes", type=int, default=100)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--runs", type=Path, help="folder of runs, where an earlier training is taken up again")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/edge.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = given.runs or Path(folder) / "runs"
        counts = [f"homes.count={given.homes}", "homes.homes_per_agent=10", "judge.test_days=2"]
        train(sets=[*SETS, *counts], runs=runs)
        found = trial("latest", given.homes, given.days, 0, True, False, "", Path(folder) / "trial", runs)
    assert isinstance(found, EdgeTrial)
    print(text(found))
    if given.write:
        page = f"{head('Boxes in the hall on a broker')}{ABOUT}\n\n{text(found)}\n"
        Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
