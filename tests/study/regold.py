"""The golden run: twenty homes, four test days. Shows what changed; `--write` keeps it as the new truth.

Run from the root of the repository:

    .venv/bin/python tests/study/regold.py
    .venv/bin/python tests/study/regold.py --write
"""

import argparse
import dataclasses
import json
import math
import sys
from pathlib import Path

from wattflock.core.scenario import Scenario, load
from wattflock.core.types import on_device
from wattflock.learn.learner import begin
from wattflock.study.build import Built, build, learner
from wattflock.study.compare import figures, judge_method, unseen
from wattflock.study.train import Course, train

EXPECTED = Path(__file__).parents[2] / "cases" / "golden_small" / "expected.json"
SETS = ("homes.count=20", "homes.homes_per_agent=100", "judge.test_days=4", "learn.settings={days=2, hidden=[8]}")
ROUNDS = 10
KEPT = (
    "cost_per_home_day", "violation_pu_h", "violated_share", "worst_pu", "comfort_violation_c_h",
    "co2_kg_per_home_day", "peak_kw", "reverse_peak_kw", "import_kwh_per_home_day",
)  # fmt: skip
TOLERANCE = {"idle": 1e-6, "rules": 1e-6, "gradmap": 1e-3}  # relative; a few rounds of float32 drift apart
FLOOR = {"violated_share": 1e-3, "violation_pu_h": 1e-6, "worst_pu": 1e-6}  # absolute, after learning
Figures = dict[str, dict[str, float]]


def golden_scenario() -> Scenario:
    """What is run."""
    return load(None, SETS)


def policies(scenario: Scenario, built: Built) -> dict:
    """The policy of each method; GradMAP after a few rounds."""
    found = {}
    for name in TOLERANCE:
        who = learner(scenario, name)
        world = on_device(built.world, "float32")
        progress = begin(who, world, scenario.seed)
        if who.rounds():
            *_, mark = train(Course(who, world, built.sampler, scenario.seed, ROUNDS), progress)
            progress = mark.progress
        found[name] = who.policy(progress.state)
    return found


def measure(scenario: Scenario, built: Built, methods: dict) -> Figures:
    """The figures of some methods on the test days."""
    days = unseen(built, scenario.judge.test_days, scenario.seed)
    result = {}
    for name, policy in methods.items():
        tables = judge_method(built, days, name, policy)
        found = figures(tables | {"days": tables["days"].with_columns(optimum_cost_per_home=None)})[name]
        result[name] = {figure: found[figure] for figure in KEPT}
    return result


def differences(found: Figures, expected: Figures) -> list[str]:
    """A line for each figure that is farther from what is expected than its method's tolerance."""
    lines = []
    for method in sorted(found.keys() | expected.keys()):
        mine, theirs = found.get(method, {}), expected.get(method, {})
        for figure in sorted(mine.keys() | theirs.keys()):
            new, old = mine.get(figure, math.nan), theirs.get(figure, math.nan)
            floor = FLOOR.get(figure, 0.0) if TOLERANCE[method] > 1e-6 else 0.0
            if not math.isclose(new, old, rel_tol=TOLERANCE[method], abs_tol=max(floor, 1e-12)):
                lines.append(f"{method:8} {figure:24} {old:.9g} → {new:.9g} ({new - old:+.3g})")
    return lines


def perturbed(built: Built) -> Built:
    """The same study in which batteries are one per cent less efficient: what a golden run must notice."""
    battery = built.world.fleet.devices["battery"]
    worse = dataclasses.replace(battery, efficiency=0.99 * getattr(battery, "efficiency"))  # noqa: B009
    fleet = dataclasses.replace(built.world.fleet, devices=built.world.fleet.devices | {"battery": worse})
    return dataclasses.replace(built, world=dataclasses.replace(built.world, fleet=fleet))


def main() -> int:
    """Measure, show the difference, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep what is measured now")
    wanted = parser.parse_args()
    scenario = golden_scenario()
    built = build(scenario)
    found = measure(scenario, built, policies(scenario, built))
    expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    lines = differences(found, expected)
    print("\n".join(lines) or "nothing changed")
    if wanted.write:
        EXPECTED.write_text(json.dumps(found, indent=1) + "\n")
        print(f"written: {EXPECTED}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
