"""A plan in words: when each device runs, what that saves, and what the plan rests on."""

from collections.abc import Iterator

import numpy as np

from wattflock.assistant.plan.climate import place_of
from wattflock.assistant.plan.course import cheap_hours
from wattflock.assistant.plan.home import DT_H, Stay
from wattflock.assistant.plan.offers import Binding
from wattflock.assistant.plan.savings import Key, savings
from wattflock.assistant.plan.schedule import Plan

SIGNS = {"GBP": "£", "USD": "$", "EUR": "€"}
Saved = dict[Key, float]
SMALL_KW = 0.02  # below which nothing runs


def said(found: Plan) -> list[str]:
    """One sentence a device, then the whole."""
    saved = savings(found)
    devices = [*_car(found, saved), *_appliances(found, saved), *_heat(found, saved), *_battery(found, saved)]
    return [*devices, _whole(found), *_timer(found), _rests_on(found)]


def bound(found: Plan, bindings: list[Binding]) -> list[str]:
    """What binds and what it would save to loosen it, one sentence each."""
    return [f"The {each.wish} binds: {each.change} would save {_money(found, each.saves)}." for each in bindings]


def _money(found: Plan, amount: float) -> str:
    sign = SIGNS[found.home.parameters.currency]
    return f"{'-' if amount < 0 else ''}{sign}{abs(amount):.2f}"


def _against(found: Plan, saved: float, usual: str) -> str:
    if abs(saved) < 0.005:
        return f"that costs the same as {usual}"
    return f"that {'saves' if saved > 0 else 'costs'} {_money(found, abs(saved))} against {usual}"


def _car(found: Plan, saved: Saved) -> Iterator[str]:
    home, usual = found.home, "plugging in at once"
    if not home.stays:
        return
    if "ev" not in home.devices:
        yield "The car comes home with as much as it should leave with: it does not charge."
        return
    hours = {_blocks(found, stay) for stay in home.stays}
    if len(hours) == 1:
        when = "charges" if len(home.stays) == 1 else "charges each time"
        all_saved = sum(saved["ev", number] for number in range(len(home.stays)))
        yield f"The car {when} {hours.pop()}; {_against(found, all_saved, usual)}."
        return
    for number, stay in enumerate(home.stays):
        saves = _against(found, saved["ev", number], usual)
        yield f"{home.day(stay.begins_h)}: the car charges {_blocks(found, stay)}; {saves}."


def _blocks(found: Plan, stay: Stay) -> str:
    """Times between which the car charges in a stay, as 00:30 to 04:00; the last step ends when its energy is in."""
    home, power_kw = found.home, found.planned.power_kw["ev"]
    parts: list[list[int]] = []
    for step in range(home.steps)[stay.steps]:
        if power_kw[step] > SMALL_KW:
            goes_on = parts and parts[-1][-1] == step - 1
            parts = [*parts[:-1], [*parts[-1], step]] if goes_on else [*parts, [step]]
    said = []
    for part in parts:
        full_kw = power_kw[part].max() if len(part) > 1 else home.parameters.cars_kw
        begins_h, last_h = (max(DT_H * step, stay.begins_h) for step in (part[0], part[-1]))
        ends_h = min(last_h + DT_H * min(1.0, power_kw[part[-1]] / full_kw), stay.ends_h)
        said.append(f"{home.clock(begins_h)}–{home.clock(max(ends_h, begins_h + 1 / 60))}")
    return " and ".join(said) or "not at all"


def _appliances(found: Plan, saved: Saved) -> Iterator[str]:
    home = found.home
    for wish in home.parameters.appliances:
        starts = [at for at, (each, _) in zip(found.starts_h, home.runs, strict=True) if each is wish]
        clocks = dict.fromkeys(map(home.clock, starts))
        usual = f"starting at {wish.earliest_start}"
        yield f"The {wish.name} starts at {' and '.join(clocks)}; {_against(found, saved[wish.name, 0], usual)}."


def _heat(found: Plan, saved: Saved) -> Iterator[str]:
    home = found.home
    if "heat pump" not in home.devices:
        return
    power_kw, level_c = found.planned.power_kw["heat pump"], found.planned.level["heat pump"]
    usual = f"a thermostat at {home.parameters.comfort_temp_min_c:g} °C"
    if power_kw.max() <= SMALL_KW:
        yield "The heat pump stays off: it is warm enough outside."
        return
    if level_c.max() - level_c.min() < 0.05:
        yield f"The house is held at {level_c.min():.1f} °C; {_against(found, saved['heat pump', 0], usual)}."
        return
    warmest = int(level_c.argmax()) + 1
    ahead = f"most ahead of {home.clock(DT_H * warmest)}, when it has {level_c.max():.1f} °C"
    yield (
        f"The house is kept between {level_c.min():.1f} and {level_c.max():.1f} °C, {ahead};"
        f" {_against(found, saved['heat pump', 0], usual)}."
    )


def _battery(found: Plan, saved: Saved) -> Iterator[str]:
    if "battery" not in found.home.devices:
        return
    power_kw = found.planned.power_kw["battery"]
    into, out = (DT_H * float(np.maximum(way * power_kw, 0).sum()) for way in (1, -1))
    price = found.home.bought_per_kwh
    usual = "covering what it can at once"
    paid = float((np.maximum(-power_kw, 0) * price).sum() / max(float(np.maximum(-power_kw, 0).sum()), 1e-9))
    yield (
        f"The home battery takes {into:.1f} kWh and gives {out:.1f} kWh, when a kWh costs"
        f" {_money(found, paid)} on average; {_against(found, saved['battery', 0], usual)}."
    )


def _whole(found: Plan) -> str:
    home = found.home
    ends_h = DT_H * home.steps
    when = f"from {home.day(0)} until {home.day(ends_h)} {home.clock(ends_h)}"
    if abs(found.saving) < 0.005:
        return f"All in all {_money(found, found.planned.cost)} {when}, the same as without a plan."
    word = "less" if found.saving > 0 else "more"
    costs = f"{_money(found, found.planned.cost)} instead of {_money(found, found.usual.cost)}"
    return f"All in all {costs} {when}: {_money(found, abs(found.saving))} {word}."


def _timer(found: Plan) -> Iterator[str]:
    """How much of what the plan saves needs no plan."""
    if found.saving < 0.005:
        return
    saves, what = found.timer_saving, "A plain timer that starts with the cheap hours"
    if not cheap_hours(found.home).any():
        yield "A timer would save nothing of that: a kWh always costs the same."
    elif saves < 0:
        yield f"{what} would cost {_money(found, -saves)} more than no plan."
    else:
        yield f"{what} would save {_money(found, saves)}, {100 * saves / found.saving:.0f} % of that."


def _rests_on(found: Plan) -> str:
    city, region = found.home.parameters.city, found.home.region.capitalize()
    why = (
        f"the bundled region that is nearest in latitude to {city}" if place_of(city) else f"since no table has {city}"
    )
    return f"It rests on typical weather of {region}, {why}, and on the prices of the tariff."
