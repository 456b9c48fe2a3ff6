"""How long a plan of one home takes, what it saves beside a timer, and how long an interview of eight slots takes.

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
SMALL = 0.005  # below which nothing is saved [currency]
ABOUT = (
    "Medians of homes, and the least and the most of them. Saved: of the costs without a plan. A plain timer starts "
    "car and appliances with the cheap hours (sooner where the car would not get full), fills the home battery in "
    "them, and leaves the thermostat at the comfort minimum."
)
APPLIANCES = [
    {"name": "dishwasher", "power_kw": 1.2, "earliest_start": "20:00", "latest_end": "06:00", "duration_min": 75.0},
    {"name": "dryer", "power_kw": 2.0, "earliest_start": "09:00", "latest_end": "17:10", "duration_min": 110.0},
]


WITHOUT: dict[str, tuple[dict, dict]] = {  # slots and other values that are told, for each kind of home
    "everything": ({}, {}),
    "no panels": ({"pv_peak_kw": 0}, {}),
    "no home battery": ({"home_battery_kwh": 0}, {}),
    "no heat pump": ({}, {"heat_pump_kw": 0.0}),
    "a car alone": ({"pv_peak_kw": 0, "home_battery_kwh": 0}, {"heat_pump_kw": 0.0, "appliances": []}),
    "one price all day": ({}, {"tariff": 0.3, "export_per_kwh": 0.1}),
}


def home(seed: int, kind: str = "everything") -> Parameters:
    """A home of a kind, three days in winter."""
    random = np.random.default_rng(seed)
    low_c = float(random.uniform(15, 19))
    slots = {"city": str(random.choice(["Leeds", "Munich", "San Diego"])), "ev_count": 1}
    slots |= {"date_start": "2024-01-30", "date_end": "2024-02-01", "ev_charger_kw": 7.4}
    slots |= {"ev_battery_kwh": float(random.uniform(30, 80)), "home_battery_kwh": 8.0, "pv_peak_kw": 5.0}
    slots |= {"comfort_temp_min_c": low_c, "comfort_temp_max_c": low_c + 2.5}
    less, told = WITHOUT[kind]
    return of_slots(slots | less, {"appliances": APPLIANCES, "heat_pump_kw": 6.0} | told, today=date(2024, 1, 29))


def beside_timer(kind: str, seeds: range) -> list[str]:
    """What homes of a kind save with a plan, and the share of it that a timer saves."""
    found = [plan(home(seed, kind)) for seed in seeds]
    saved = statistics.median(100 * each.saving / each.usual.cost for each in found)
    shares = [100 * each.timer_saving / each.saving for each in found if each.saving > SMALL]
    spread = (statistics.median(shares), min(shares), max(shares)) if shares else ()
    return [kind, f"{saved:.1f}", *([f"{each:.0f}" for each in spread] or ["–"] * 3)]


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
    heads = ["homes with", "the plan saves [%]", "of it a timer [%]", "least [%]", "most [%]"]
    shares = table(heads, [beside_timer(kind, seeds) for kind in WITHOUT], numbers=4)
    print(times, shares, sep="\n\n")
    if given.write:
        of = f"{head('A plan of one home')}{given.homes} homes; seconds of the processor."
        text = f"{of}\n\n## Seconds\n\n{times}\n\n## Beside a timer\n\n{shares}\n\n{ABOUT}\n"
        (HERE / "plan.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
