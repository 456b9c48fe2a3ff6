"""What each device saves: the usual home becomes the planned one device by device, and each step has its price."""

from collections.abc import Iterator

from wattflock.assistant.plan.course import Powers, course, covered
from wattflock.assistant.plan.schedule import Plan

Key = tuple[str, int]  # a device, and for the car the number of its stay


def savings(found: Plan) -> dict[Key, float]:
    """Device → what it saves [currency]; in the order car, appliances, heat, battery, and together all that is saved.

    The usual battery covers what it can of each home on the way; what the plan does with it is the last step.
    """
    home, powers, cost = found.home, dict(found.usual.power_kw), found.usual.cost
    saved: dict[Key, float] = {}
    for key, some in _steps(found):
        powers[key[0]] = powers[key[0]].copy()
        powers[key[0]][some] = found.planned.power_kw[key[0]][some]
        after = course(home, _with_battery(found, powers)).cost
        saved[key], cost = cost - after, after
    if "battery" in home.devices:
        saved["battery", 0] = cost - found.planned.cost
    return saved


def _steps(found: Plan) -> Iterator[tuple[Key, slice]]:
    home = found.home
    if "ev" in home.devices:
        for number, stay in enumerate(home.stays):
            yield ("ev", number), stay.steps
    names = (
        *(wish.name for wish in home.parameters.appliances),
        *(["heat pump"] if "heat pump" in home.devices else []),
    )
    for name in names:
        yield (name, 0), slice(None)


def _with_battery(found: Plan, powers: Powers) -> Powers:
    if "battery" not in found.home.devices:
        return powers
    others = {name: power for name, power in powers.items() if name != "battery"}
    return {**others, "battery": covered(found.home, others)}
