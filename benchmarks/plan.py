"""How long a plan of one home takes, and an interview of eight slots that `rules` read.

    python benchmarks/plan.py [--homes 20] [--write]

Seconds of the processor, median and most of homes drawn by chance: a car, heat pump, battery, panel, two appliances
and three days each. Imports are not counted, nothing is compiled. `--write` makes plan.md.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
from pages.head import head
from pages.table import table

from wattflock.assistant.interview import Setting, interview
from wattflock.assistant.plan.parameters import Parameters, of_slots
from wattflock.assistant.plan.schedule import plan
from wattflock.assistant.residents.resident import Resident, drawn
from wattflock.verbs.planning import planned_for

HERE = Path(__file__).parent
APPLIANCES = [
    {"name": "dishwasher", "power_kw": 1.2, "earliest_start": "20:00", "latest_end": "06:00", "duration_min": 75.0},
    {"name": "dryer", "power_kw": 2.0, "earliest_start": "09:00", "latest_end": "17:10", "duration_min": 110.0},
]


def home(seed: int) -> Parameters:
    """A home with everything, three days in winter."""
    random = np.random.default_rng(seed)
    low_c = float(random.uniform(15, 19))
    slots = {"city": str(random.choice(["Leeds", "Munich", "San Diego"])), "ev_count": 1}
    slots |= {"date_start": "2024-01-30", "date_end": "2024-02-01", "ev_charger_kw": 7.4}
    slots |= {"ev_battery_kwh": float(random.uniform(30, 80)), "home_battery_kwh": 8.0, "pv_peak_kw": 5.0}
    slots |= {"comfort_temp_min_c": low_c, "comfort_temp_max_c": low_c + 2.5}
    return of_slots(slots, {"appliances": APPLIANCES, "heat_pump_kw": 6.0}, today=date(2024, 1, 29))


def seconds(what: Callable[[], object]) -> float:
    """Seconds of the processor of one call."""
    began = time.process_time()
    what()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a plan of one home takes.")
    parser.add_argument("--homes", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="write plan.md")
    given = parser.parse_args()
    seeds = range(given.homes)
    plan(home(0))
    rows = {
        "the plan": [seconds(lambda seed=seed: plan(home(seed))) for seed in seeds],
        "the plan, what binds, what it saves, all in words": [
            seconds(lambda seed=seed: planned_for(home(seed))) for seed in seeds
        ],
    }
    for kind in ("easy", "hard"):
        talk = [
            seconds(lambda seed=seed, kind=kind: interview(Resident(kind, drawn(seed), seed), Setting()))
            for seed in seeds
        ]
        rows[f"an interview of eight slots, {kind} resident"] = talk
    lines = [[name, f"{statistics.median(each):.3f}", f"{max(each):.3f}"] for name, each in rows.items()]
    times = table(["what", "median [s]", "most [s]"], lines, numbers=2)
    print(times)
    if given.write:
        text = f"{head('A plan of one home')}{given.homes} homes; seconds of the processor.\n\n## Seconds\n\n{times}\n"
        (HERE / "plan.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
