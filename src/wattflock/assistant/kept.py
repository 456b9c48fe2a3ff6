"""Whether a plan that is made of what an interview understood keeps what is true of the home."""

from collections.abc import Mapping

import numpy as np

from wattflock.assistant.plan.course import at_once, course
from wattflock.assistant.plan.home import Home, home_of
from wattflock.assistant.plan.parameters import of_slots
from wattflock.assistant.plan.schedule import plan
from wattflock.assistant.rules.filling import Value
from wattflock.core.errors import ScenarioError

CHARGED, WARM = "plan: cars charged when they leave", "plan: home within its comfort band"
LACKS_KWH, OFF_C = 0.5, 0.5  # that count as nothing
DAYS = ("date_start", "date_end")


def plan_keeps(values: Mapping[str, Value], truth: Mapping[str, Value]) -> dict[str, bool]:
    """What is kept where the plan's powers meet the true home: cars come and go, and it is cold, as is true.

    Cars lack no more at their true departures than if they had been plugged in at once; rooms stay in the true band for
    as long as the plan goes. A plan of other days, and one that cannot be made, keeps nothing.
    """
    nothing = {CHARGED: False, WARM: False}
    if any(slot not in values for slot in truth) or any(values[day] != truth[day] for day in DAYS):
        return nothing
    try:
        planned, real = plan(of_slots(values)).planned, home_of(of_slots(truth))
    except ScenarioError:
        return nothing
    car_kw, heat_kw = (_on(real, planned.power_kw.get(name)) for name in ("ev", "heat pump"))
    charged = course(real, {"ev": np.minimum(car_kw, real.parameters.cars_kw * real.plugged)}).missed_kwh.sum()
    usual = course(real, {"ev": at_once(real, {})["ev"]}).missed_kwh.sum()
    indoor_c = course(real, {"heat pump": heat_kw}).level["heat pump"][: len(planned.net_kw)]
    low, high = (float(truth[f"comfort_temp_{side}_c"]) for side in ("min", "max"))
    warm = low - OFF_C <= indoor_c.min() and indoor_c.max() <= high + OFF_C
    return {CHARGED: bool(charged <= usual + LACKS_KWH), WARM: bool(warm)}


def _on(home: Home, power_kw: np.ndarray | None) -> np.ndarray:
    """Powers over the steps of another home: cut off, or nothing more."""
    found, given = np.zeros(home.steps), power_kw if power_kw is not None else np.zeros(0)
    found[: len(given)] = given[: home.steps]
    return found
