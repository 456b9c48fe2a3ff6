"""Timers beside learned control: how much of the demo's headline do the clock's set-points reach already?

    python benchmarks/timer.py [--small]

Three timers: as installed (docs/learn-timer.md), fitted, and fitted with a droop. Writes timer.md.
"""

import argparse
from pathlib import Path

from pages.compared import sections
from pages.head import head

import wattflock as wf
from wattflock.learn.learners.timer import Timer
from wattflock.learn.learners.timer_droop import TimerDroop

ABOUT = """\
The timer as installed has learned nothing: batteries fill from 10 to 16 h, empty evenly in the dear hours from 16 to
21 h and return evenly to half of their size by midnight; a generator runs where its cost of one kWh more is the
price; heat pumps preheat from 14 to 16 h and else hold the lower end of the comfort band. The fitted timers begin
there (docs/learn-timer.md). The world is the scenario `gradmap`; the table says what differs."""
INSTALLED = "timer as installed"
WORLDS = {
    "The paper's world": {},
    "Inverters that answer their voltage": {"homes.volt_var": [0.95, 0.97, 1.03, 1.05]},
    "Exports paid at 30 % of the import price": {"market.settings.export_share": 0.3},
}
SMALL = {
    "homes.count": 20,
    "homes.homes_per_agent": 100,
    "judge.test_days": 2,
    "judge.bound_days": 1,
    "learn.rounds": 2,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Timers beside learned control.")
    parser.add_argument("--small", action="store_true", help="few homes and rounds, nothing is written")
    small = parser.parse_args().small
    page = [head("Timers beside learned control"), f"{ABOUT}\n\n"]
    few = {"total_rounds": 10} if small else {}
    timers = {INSTALLED: Timer(total_rounds=0), "timer": Timer(**few), "timer_droop": TimerDroop(**few)}
    for title, changes in WORLDS.items():
        scenario = wf.load(changes=changes | (SMALL if small else {}))
        found = wf.compare(scenario, {"rules": "rules"} | timers | {"gradmap": "gradmap"})
        page += sections(title, found.summary)
    print("".join(page))
    if not small:
        Path(__file__).with_suffix(".md").write_text("".join(page).rstrip() + "\n")


if __name__ == "__main__":
    main()
