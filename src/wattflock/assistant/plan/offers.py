"""Wishes that cannot be kept and the nearest that can, in words; and what a wish that is kept costs."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from wattflock.assistant.plan.course import warmest
from wattflock.assistant.plan.home import CAR, DT_H, Home, moved
from wattflock.assistant.plan.parameters import MOST_DAYS, Parameters
from wattflock.assistant.plan.schedule import Plan, cheapest
from wattflock.assistant.slots import minutes_between

LEAST_C, LEAST_KWH, LEAST_MONEY = 0.05, 0.05, 0.01  # what is worth a word
HALVINGS = 20


@dataclasses.dataclass(frozen=True)
class Binding:
    """A wish that makes the plan dearer: what would be different, and what that would save [currency]."""

    wish: str
    change: str
    saves: float


def offers(found: Plan) -> list[str]:
    """For every wish that cannot be kept the nearest offers, with numbers; empty where all are kept."""
    return [*_days(found.home.parameters), *_car(found), *_comfort(found), *_appliances(found.home.parameters)]


def bindings(found: Plan) -> list[Binding]:
    """What the wishes cost: each is loosened by one step, and everything is planned again as far; dearest first."""
    base, looser = found.planned.cost, _looser(found.home.parameters)
    made = (Binding(wish, change, base - cheapest(other, found.horizon_h)) for wish, change, other in looser)
    return sorted((each for each in made if each.saves >= LEAST_MONEY), key=lambda each: -each.saves)


def _days(parameters: Parameters) -> Iterator[str]:
    days = 1 + (date.fromisoformat(parameters.date_end) - date.fromisoformat(parameters.date_start)).days
    if days > MOST_DAYS:
        yield f"The plan has the first {MOST_DAYS} of {days} days: prices and weather beyond are not known well enough."


def _car(found: Plan) -> Iterator[str]:
    home, wanted = found.home, found.home.parameters
    if found.planned.missed_kwh.max(initial=0) < LEAST_KWH:
        return
    stay = home.stays[0]
    hours, battery = stay.ends_h - stay.begins_h, wanted.ev_battery_kwh
    need_kwh = battery * (wanted.ev_target_soc_pct - wanted.ev_arrival_soc_pct) / 100
    gain_kwh = CAR["efficiency"] * wanted.ev_charger_kw * hours
    reached, longer_h = wanted.ev_arrival_soc_pct + 100 * gain_kwh / battery, need_kwh / gain_kwh * hours
    late = f"{wanted.ev_target_soc_pct:g} % at {home.clock(stay.begins_h + longer_h)}"
    when = f"{late}, " if longer_h < 24 else ""
    target, leaves = f"{wanted.ev_target_soc_pct:g} %", wanted.ev_departure_time
    yield (
        f"{target} by {leaves} does not fit: from {wanted.ev_arrival_soc_pct:g} % the car needs {need_kwh:.1f} kWh in"
        f" its battery, and {wanted.ev_charger_kw:g} kW bring {gain_kwh:.1f} kWh between {wanted.ev_arrival_time} and"
        f" {leaves}. Nearest: {int(reached)} % at {leaves}, {when}or a charger of"
        f" {_up(wanted.ev_charger_kw * longer_h / hours)} kW. The plan charges all the time."
    )


def _comfort(found: Plan) -> Iterator[str]:
    home, wanted = found.home, found.home.parameters
    if "heat pump" not in home.devices:
        return
    indoor_c, below_c = found.planned.level["heat pump"], found.planned.below_c
    if below_c.max() >= LEAST_C:
        step, low_c = int(below_c.argmax()), wanted.comfort_temp_min_c
        held_c = _between(lambda c: _holds(home, c, wanted.heat_pump_kw), float(home.outdoor_c.min()), low_c)
        need_kw = _between(lambda kw: not _holds(home, low_c, kw), wanted.heat_pump_kw, 100 * wanted.heat_pump_kw)
        hour = DT_H * (step + 1)
        yield (
            f"{low_c:g} °C cannot be held: with {wanted.heat_pump_kw:g} kW the house is at {indoor_c[step]:.1f} °C on"
            f" {home.day(hour)} at {home.clock(hour)}. Nearest: {held_c - 0.05:.1f} °C at all hours, or a heat pump of"
            f" {_up(need_kw)} kW."
        )
    over_c = indoor_c - wanted.comfort_temp_max_c
    if over_c.max() >= LEAST_C:
        hour = DT_H * (int(over_c.argmax()) + 1)
        yield (
            f"{wanted.comfort_temp_max_c:g} °C cannot be held: nothing here cools, and the house gets to"
            f" {indoor_c.max():.1f} °C on {home.day(hour)} at {home.clock(hour)} without any heat."
        )


def _holds(home: Home, low_c: float, limit_kw: float) -> bool:
    return bool((warmest(home, low_c, limit_kw) >= low_c - 1e-9).all())


def _between(test: Callable[[float], bool], low: float, high: float) -> float:
    """The largest number for which a test holds that holds up to some number."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if test(middle) else (low, middle)
    return low


def _up(kw: float) -> float:
    return (int(10 * kw - 1e-6) + 1) / 10


def _appliances(parameters: Parameters) -> Iterator[str]:
    for wish in parameters.appliances:
        room = minutes_between(wish.earliest_start, wish.latest_end)
        if room < wish.duration_min:
            until, since = moved(wish.earliest_start, wish.duration_min), moved(wish.latest_end, -wish.duration_min)
            yield (
                f"The {wish.name} runs {wish.duration_min:g} minutes, and from {wish.earliest_start} to"
                f" {wish.latest_end} there are {room}. Nearest: until {until} (as planned), from {since}, or a"
                f" programme of {room} minutes."
            )


def _looser(wanted: Parameters) -> Iterator[tuple[str, str, Parameters]]:
    """Each wish, what would be different, and the parameters with it."""

    def but(**changes: Any) -> Parameters:
        return wanted.model_copy(update=changes)

    if wanted.ev_count:
        later, charger = moved(wanted.ev_departure_time, 60), wanted.ev_charger_kw + 1
        target = wanted.ev_target_soc_pct - 10
        if minutes_between(wanted.ev_arrival_time, wanted.ev_departure_time) <= 1380:
            yield "departure", f"leaving at {later}", but(ev_departure_time=later)
        yield "charger", f"{charger:g} kW for the car", but(ev_charger_kw=charger)
        if target > wanted.ev_arrival_soc_pct:
            yield "target", f"leaving with {target:g} %", but(ev_target_soc_pct=target)
    if wanted.heat_pump_kw:
        low_c, high_c = wanted.comfort_temp_min_c - 1, wanted.comfort_temp_max_c + 1
        yield "comfort minimum", f"{low_c:g} °C at the coldest", but(comfort_temp_min_c=low_c)
        yield "comfort maximum", f"{high_c:g} °C at the warmest", but(comfort_temp_max_c=high_c)
    for wish in wanted.appliances:
        if minutes_between(wish.earliest_start, wish.latest_end) <= 1380:
            end = moved(wish.latest_end, 60)
            longer = [
                each.model_copy(update={"latest_end": end}) if each is wish else each for each in wanted.appliances
            ]
            yield f"window of the {wish.name}", f"finished at {end}", but(appliances=tuple(longer))
