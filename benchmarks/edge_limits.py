"""Operating envelopes on a real broker: measured powers of boxes that are told of a schedule of limits, or not.

python benchmarks/edge_limits.py            # prints the table
python benchmarks/edge_limits.py --write    # also writes benchmarks/edge_limits.md
"""

from functools import partial
from pathlib import Path

from edge import options, rows, tried
from pages.head import head

from wattflock.verbs.edge import trial

SPARE = 5  # homes of the world beyond those with a box, as some have no device

ABOUT = """\
Homes of the scenario `mixed`, as in [edge.md](edge.md), from 14 h of a test day on; a step of 5 minutes lasts
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
    given = options("Operating envelopes on a broker.", homes=10).parse_args()
    play = partial(trial, homes=given.homes, steps=2, envelopes=True)
    found = tried(given.homes + SPARE, given.runs, play).envelopes
    assert found is not None
    print(rows(found))
    if given.write:
        page = f"{head('Operating envelopes on a broker')}{ABOUT}\n\n{rows(found)}\n"
        Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
