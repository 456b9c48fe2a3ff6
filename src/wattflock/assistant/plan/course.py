"""What powers lead to: levels, misses and money; and homes without a plan: one plugs in at once, one has timers."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from wattflock.assistant.plan.home import DT_H, Home, Stay
from wattflock.assistant.plan.parameters import Wish

Powers = dict[str, np.ndarray]  # device → (steps,) power drawn [kW]


@dataclasses.dataclass(frozen=True)
class Course:
    """The steps of a home as they go with some powers; arrays are (steps,)."""

    power_kw: Powers  # of every device and appliance
    level: dict[str, np.ndarray]  # after each step: kWh of car and battery, °C indoors
    missed_kwh: np.ndarray  # that the car lacks when it leaves
    below_c: np.ndarray  # by how much it is colder than the comfort minimum
    net_kw: np.ndarray  # drawn from the grid
    cost: float  # bill and wear, less what the home battery has gained [currency]
    bill: float  # [currency]


def course(home: Home, powers: Powers) -> Course:
    """Levels, misses and money of a plan of powers from the beginning."""
    level, missed_kwh, below_c = {}, np.zeros(home.steps), np.zeros(home.steps)
    for name, power_kw in powers.items():
        if name == "ev":
            level[name], missed_kwh = _car(home, power_kw)
        elif name == "battery":
            level[name] = home.start[name] + np.cumsum(_inside(home.devices[name], power_kw)) * DT_H
        elif name == "heat pump":
            level[name] = _indoor(home, power_kw)
            below_c = np.maximum(home.parameters.comfort_temp_min_c - level[name], 0)
    net_kw = home.load_kw + sum(powers.values(), np.zeros(home.steps))
    bill = bill_of(home, net_kw)
    return Course(powers, level, missed_kwh, below_c, net_kw, bill + _store(home, powers, level), bill)


def bill_of(home: Home, net_kw: np.ndarray) -> float:
    """What the energy drawn costs, less what is earned for energy fed in [currency]."""
    return float(DT_H * (home.bought_per_kwh * np.maximum(net_kw, 0) + home.sold_per_kwh * np.minimum(net_kw, 0)).sum())


def at_once(home: Home, extra: Powers) -> Powers:
    """The car charges when it arrives, the house is held at the comfort minimum, the battery covers what it can.

    Args:
        home: steps and devices.
        extra: powers of appliances.
    """
    return _simple(home, extra, np.zeros(home.steps, bool))


def by_timer(home: Home, extra: Powers) -> Powers:
    """The car waits for the cheap hours, as long as it still gets full, and the battery fills in them; else `at_once`.

    Args:
        home: steps and devices.
        extra: powers of appliances, as from `timed`.
    """
    return _simple(home, extra, cheap_hours(home))


def cheap_hours(home: Home) -> np.ndarray:
    """Whether a kWh is cheapest in a step, (steps,); nowhere, where one price is all there is."""
    cheap = home.bought_per_kwh <= home.bought_per_kwh.min() + 1e-9
    return cheap & ~cheap.all()


def timed(home: Home) -> list[float]:
    """When a timer starts each of `home.runs`: with the cheap hours of its window, else at once [h]."""
    cheap_h = DT_H * np.flatnonzero(cheap_hours(home))
    starts: list[float] = []
    for wish, window in home.runs:
        last_h = window.ends_h - wish.duration_min / 60
        fits = cheap_h[(cheap_h > window.begins_h - DT_H) & (cheap_h <= last_h + 1e-9)]
        starts.append(max(float(fits[0]), window.begins_h) if fits.size else window.begins_h)
    return starts


def _simple(home: Home, extra: Powers, cheap: np.ndarray) -> Powers:
    powers = dict(extra)
    if "panel" in home.devices:
        powers["panel"] = -home.parameters.pv_peak_kw * home.sun_kw_per_kwp
    if "ev" in home.devices:
        powers["ev"] = _charged(home, _after_timer(home, cheap))
    if "heat pump" in home.devices:
        powers["heat pump"] = _held(home, home.parameters.comfort_temp_min_c)
    if "battery" in home.devices:
        powers["battery"] = covered(home, powers, cheap)
    return powers


def covered(home: Home, others: Powers, fills: np.ndarray | None = None) -> np.ndarray:
    """The power (steps,) of a battery that stores what is left over and gives what the home lacks [kW].

    In the steps `fills` (steps,) it takes all that it can instead.
    """
    battery, net_kw = _numbers(home.devices["battery"]), home.load_kw + sum(others.values(), np.zeros(home.steps))
    wanted_kw = -net_kw if fills is None else np.where(fills, np.inf, -net_kw)
    power_kw, now, way = np.zeros(home.steps), home.start["battery"], battery["efficiency"]
    for step in range(home.steps):
        room_kw = (battery["high_share"] * battery["size_kwh"] - now) / (way * DT_H)
        left_kw = (now - battery["low_share"] * battery["size_kwh"]) * way / DT_H
        most_kw, least_kw = min(battery["limit_kw"], max(room_kw, 0)), -min(battery["limit_kw"], max(left_kw, 0))
        power_kw[step] = min(max(wanted_kw[step], least_kw), most_kw)
        now += (way * max(power_kw[step], 0) + min(power_kw[step], 0) / way) * DT_H
    return power_kw


def running(home: Home, wish: Wish, start_h: float) -> np.ndarray:
    """The power of an appliance that starts at an hour, (steps,) [kW]."""
    return wish.power_kw * Stay(start_h, start_h + wish.duration_min / 60).share(home.steps)


def runs_at(home: Home, starts: Sequence[float]) -> Powers:
    """Powers of the appliances by name, from the hour at which each of `home.runs` starts."""
    powers: Powers = {}
    for (wish, _), start_h in zip(home.runs, starts, strict=True):
        powers[wish.name] = powers.get(wish.name, 0) + running(home, wish, start_h)
    return powers


def warmest(home: Home, low_c: float, limit_kw: float) -> np.ndarray:
    """Indoor temperature (steps,) with all the heat that the comfort maximum leaves room for, from `low_c` [°C]."""
    home = dataclasses.replace(home, start=home.start | {"heat pump": low_c})
    return _indoor(home, _held(home, home.parameters.comfort_temp_max_c, limit_kw))


def _numbers(device: Any) -> dict[str, float]:
    return {field.name: float(getattr(device, field.name)[0]) for field in dataclasses.fields(device)}


def _inside(device: Any, power_kw: np.ndarray) -> np.ndarray:
    efficiency = float(device.efficiency[0])
    return efficiency * np.maximum(power_kw, 0) + np.minimum(power_kw, 0) / efficiency


def _car(home: Home, power_kw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    car = _numbers(home.devices["ev"])
    level_kwh, missed_kwh, now = np.zeros(home.steps), np.zeros(home.steps), home.start["ev"]
    for step in range(home.steps):
        now += car["efficiency"] * power_kw[step] * DT_H - home.driving_kwh[step]
        missed_kwh[step] = max(car["low_share"] * car["size_kwh"] - now, 0.0)
        now += missed_kwh[step]
        level_kwh[step] = now + home.driving_kwh[step] - missed_kwh[step]  # as it is when it leaves
    return level_kwh, missed_kwh


def _after_timer(home: Home, cheap: np.ndarray) -> np.ndarray:
    """The share of each step in which the car is plugged in and its timer has gone off, (steps,)."""
    car, on = _numbers(home.devices["ev"]), home.plugged.copy()
    needs = car["size_kwh"] * (1 - car["low_share"]) / (car["efficiency"] * car["limit_kw"] * DT_H)  # whole steps
    for stay in home.stays:
        some = stay.steps
        left = np.cumsum(home.plugged[some][::-1])[::-1]
        waits = (np.maximum.accumulate(cheap[some]) == 0) & (np.append(left[1:], 0) >= needs) & cheap[some].any()
        on[some][waits] = 0
    return on


def _charged(home: Home, plugged: np.ndarray) -> np.ndarray:
    car = _numbers(home.devices["ev"])
    power_kw, now, low_kwh = np.zeros(home.steps), home.start["ev"], car["low_share"] * car["size_kwh"]
    for step in range(home.steps):
        room_kw = (car["size_kwh"] - now) / (car["efficiency"] * DT_H)
        power_kw[step] = min(car["limit_kw"] * plugged[step], max(room_kw, 0.0))
        now = max(now + car["efficiency"] * power_kw[step] * DT_H - home.driving_kwh[step], low_kwh)
    return power_kw


def _heat(home: Home) -> tuple[float, np.ndarray, dict[str, float]]:
    """What is kept of the temperature in a step, how much a kW adds to it [°C per kW], and the pump's numbers."""
    pump = _numbers(home.devices["heat pump"])
    keep = float(np.exp(-DT_H / (pump["resistance_c_per_kw"] * pump["capacity_kwh_per_c"])))
    cop = np.maximum(pump["cop_at_zero"] + pump["cop_per_c"] * home.outdoor_c, 1.0)
    return keep, (1 - keep) * pump["resistance_c_per_kw"] * cop, pump


def _indoor(home: Home, power_kw: np.ndarray) -> np.ndarray:
    keep, per_kw, _ = _heat(home)
    indoor_c, now = np.zeros(home.steps), home.start["heat pump"]
    for step in range(home.steps):
        now = keep * now + (1 - keep) * home.outdoor_c[step] + per_kw[step] * power_kw[step]
        indoor_c[step] = now
    return indoor_c


def _held(home: Home, target_c: float, limit_kw: float | None = None) -> np.ndarray:
    keep, per_kw, pump = _heat(home)
    most_kw = pump["limit_kw"] if limit_kw is None else limit_kw
    power_kw, now = np.zeros(home.steps), home.start["heat pump"]
    for step in range(home.steps):
        free_c = keep * now + (1 - keep) * home.outdoor_c[step]
        power_kw[step] = min(max((target_c - free_c) / per_kw[step], 0.0), most_kw)
        now = free_c + per_kw[step] * power_kw[step]
    return power_kw


def _store(home: Home, powers: Powers, level: dict[str, np.ndarray]) -> float:
    """Wear of the home battery, and what it has less in store than it began with, as the program prices both."""
    if "battery" not in level:
        return 0.0
    battery = _numbers(home.devices["battery"])
    gained_kwh = float(level["battery"][-1]) - 0.5 * battery["size_kwh"]
    price = battery["short_per_kwh" if gained_kwh < 0 else "spare_per_kwh"]
    return battery["wear_per_kwh"] * DT_H * float(abs(powers["battery"]).sum()) - price * gained_kwh
