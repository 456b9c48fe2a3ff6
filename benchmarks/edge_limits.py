"""Operating envelopes on a real broker: measured powers of boxes that are told of a schedule of limits, or not.

python benchmarks/edge_limits.py            # prints the table
python benchmarks/edge_limits.py --write    # also writes benchmarks/edge_limits.md
"""

import argparse
import tempfile
from pathlib import Path

from edge import SETS, rows
from pages.head import head

from wattflock.verbs.edge import trial
from wattflock.verbs.results import EdgeTrial
from wattflock.verbs.study import train

ABOUT = """\
Homes of the scenario `demo`, as in [edge.md](edge.md), from 14 h of a test day on; a step of 5 minutes lasts
2.5 s. Limits are shares of the home's own largest import and export of that day under its policy without limits.
Seconds of the schedule: 90 % by default; event A, 50 %, from 10 to 80 with a ramp of 10 s; B, 25 %, from 30 to 55, of
higher priority; C, 0 %, from 90 to 115, cancelled at 60; E, 30 %, from 120 to 150. The home that needs E the most has
no broker from 115 to 175: its box has no readings, and its devices follow it by wire. Those home-steps have a row.

Measured is the net power at the meter of the simulated world, after its devices did what they could: the load changes
with each step, the box is told of it within the step, and the power counts after the answer. The limit is the loosest
of the last 15 s, by a table written beside the schedule. `outside`: home-steps beyond it by more than the lower
of 4 % and 100 W, where other set-points would have kept it; `worst_kw`: by how much. `cannot`: beyond it, with devices
at the least (import) or the most (export) that they can draw in this step: load or panels that nobody controls are
larger than the limit by themselves. `until_read`: outside between the change of the load and the next reading.
`misnamed`: home-steps at which the audit log names another limit than the one in force."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Operating envelopes on a broker.")
    parser.add_argument("--homes", type=int, default=10)
    parser.add_argument("--runs", type=Path, help="folder of runs, where an earlier training is taken up again")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/edge_limits.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = given.runs or Path(folder) / "runs"
        counts = [f"homes.count={given.homes + 5}", "homes.homes_per_agent=10", "judge.test_days=2"]
        train(sets=[*SETS, *counts], runs=runs)
        found = trial("latest", given.homes, 1, 2, False, True, "", Path(folder) / "trial", runs)
    assert isinstance(found, EdgeTrial) and found.envelopes is not None
    print(rows(found.envelopes))
    if given.write:
        page = f"{head('Operating envelopes on a broker')}{ABOUT}\n\n{rows(found.envelopes)}\n"
        Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
