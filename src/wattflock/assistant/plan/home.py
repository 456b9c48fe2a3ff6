"""One home as devices, days and beginnings, all numpy: what the linear program and its rivals start from."""

import dataclasses
import math
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from wattflock.assistant.grammar.clock import shown
from wattflock.assistant.plan.climate import region_of, typical
from wattflock.assistant.plan.parameters import MOST_DAYS, Parameters, Wish
from wattflock.assistant.slots import minutes_between
from wattflock.core.types import Profile
from wattflock.data.price_table import of_bands
from wattflock.homes.device import Device
from wattflock.homes.devices.battery import Battery
from wattflock.homes.devices.ev import EV
from wattflock.homes.devices.heat_pump import HeatPump
from wattflock.homes.devices.panel import Panel

DT_H = 0.5
MISSED_PER_KWH = 20.0  # keeps a program from missing a target or a degree [currency per kWh, per °C h]
BATTERY = {"efficiency": 0.95, "low_share": 0.10, "high_share": 0.95, "wear_per_kwh": 0.01}
CAR = {
    "give_kw": 0.0, "efficiency": 0.92, "short_per_kwh": 0.0, "spare_per_kwh": 0.0, "away_per_kwh": MISSED_PER_KWH,
    "present": 1.0, "wear_per_kwh": 0.0, "full_share": 1.0,
}  # fmt: skip
PUMP = {
    "cop_at_zero": 2.5, "cop_per_c": 0.06, "comfort_per_c_h": MISSED_PER_KWH, "short_per_kwh": 0.0,
    "spare_per_kwh": 0.0, "present": 1.0,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Stay:
    """From when to when a car is plugged in, or an appliance runs or may run [h since the plan begins]."""

    begins_h: float
    ends_h: float

    @property
    def steps(self) -> slice:
        """The steps of the plan that it touches."""
        return slice(int(self.begins_h / DT_H), math.ceil(self.ends_h / DT_H - 1e-9))

    def share(self, steps: int) -> np.ndarray:
        """The share of each of so many steps that it takes, (steps,)."""
        edges = DT_H * np.arange(steps)
        inside_h = np.minimum(edges + DT_H, self.ends_h) - np.maximum(edges, self.begins_h)
        return np.clip(inside_h, 0, DT_H) / DT_H


@dataclasses.dataclass(frozen=True)
class Home:
    """One home over the steps of a plan; arrays are (steps,)."""

    parameters: Parameters
    first: datetime
    region: str  # whose typical weather it has
    devices: dict[str, Device]  # as a fleet of one home
    start: dict[str, float]  # state of each device before the first step: kWh, °C
    stays: tuple[Stay, ...]
    runs: tuple[tuple[Wish, Stay], ...]  # of each appliance on each day, the window in which it may run
    load_kw: np.ndarray
    sun_kw_per_kwp: np.ndarray
    outdoor_c: np.ndarray
    bought_per_kwh: np.ndarray
    sold_per_kwh: np.ndarray
    plugged: np.ndarray  # share of the step
    driving_kwh: np.ndarray

    @property
    def steps(self) -> int:
        """How many steps of `DT_H` the plan has."""
        return len(self.load_kw)

    def clock(self, hours: float) -> str:
        """HH:MM of a time that is so many hours after the beginning."""
        return f"{self.first + timedelta(minutes=round(60 * hours)):%H:%M}"

    def day(self, hours: float) -> str:
        """The day of such a time, as Fri 3 May."""
        moment = self.first + timedelta(hours=hours)
        return f"{moment:%a} {moment.day} {moment:%b}"

    def profile(self, extra_kw: np.ndarray, steps: slice) -> Profile:
        """Some steps as a fleet of one home has them, with `extra_kw` (steps,) on top of the load."""
        zero = np.zeros(self.steps)
        tie = 1e-6 * np.arange(self.steps)  # of equally good hours the first
        own: dict[str, Any] = {
            "load_kw": self.load_kw + extra_kw, "sun_kw_per_kwp": self.sun_kw_per_kwp, "ev_plugged": self.plugged,
            "ev_driving_kwh": self.driving_kwh,
        }  # fmt: skip
        common: dict[str, Any] = {
            "outdoor_c": self.outdoor_c, "import_price_per_kwh": self.bought_per_kwh + tie,
            "export_price_per_kwh": self.sold_per_kwh, "hour": DT_H * np.arange(self.steps) % 24,
            "dt_h": np.full(self.steps, DT_H),
        }  # fmt: skip
        told = {name: each[steps, None] for name, each in own.items()} | {n: each[steps] for n, each in common.items()}
        names = [field.name for field in dataclasses.fields(Profile) if field.default is dataclasses.MISSING]
        return Profile(**{name: told.get(name, zero[steps]) for name in names})


def home_of(parameters: Parameters) -> Home:
    """The home over the days that were asked for, at most `MOST_DAYS`, and the night after the last of them."""
    first = datetime.fromisoformat(parameters.date_start)
    days = min(MOST_DAYS, 1 + (date.fromisoformat(parameters.date_end) - first.date()).days)
    stays = _windows(days, parameters.ev_arrival_time, parameters.ev_departure_time) if parameters.ev_count else ()
    runs = tuple((wish, window) for wish in parameters.appliances for window in _windows(days, *_window(wish)))
    ends_h = max([24.0 * days, *(stay.ends_h for stay in stays), *(window.ends_h for _, window in runs)])
    steps = math.ceil(ends_h / DT_H - 1e-9)
    region = region_of(parameters.city)
    weather = _weather(region, first, steps)
    plugged, driving = _car(parameters, stays, steps)
    hour = DT_H * np.arange(steps) % 24
    bought = np.asarray(of_bands(parameters.import_bands, hour), float)
    devices, start = _devices(parameters)
    return Home(
        parameters, first, region, devices, start, stays, runs,
        parameters.load_kwh_per_day / 24 * weather["load_share"], weather["sun_kw_per_kwp"], weather["outdoor_c"],
        bought, np.full(steps, parameters.export_per_kwh), plugged, driving,
    )  # fmt: skip


def _window(wish: Wish) -> tuple[str, str]:
    """Earliest start and latest end; where it does not fit in between, as late an end as it needs."""
    room_min = minutes_between(wish.earliest_start, wish.latest_end)
    if room_min >= wish.duration_min:
        return wish.earliest_start, wish.latest_end
    return wish.earliest_start, moved(wish.earliest_start, wish.duration_min)


def hours_of(clock: str) -> float:
    """HH:MM as hours since midnight."""
    return int(clock[:2]) + int(clock[3:]) / 60


def moved(clock: str, minutes: float) -> str:
    """HH:MM so much later, or earlier; a part of a minute counts as a whole one."""
    whole = math.ceil(minutes) if minutes > 0 else math.floor(minutes)
    return shown(60 * int(clock[:2]) + int(clock[3:]) + whole)


def _windows(days: int, begins: str, ends: str) -> tuple[Stay, ...]:
    start_h, length_h = hours_of(begins), minutes_between(begins, ends) / 60
    return tuple(Stay(24 * day + start_h, 24 * day + start_h + length_h) for day in range(days))


def _weather(region: str, first: datetime, steps: int) -> dict[str, np.ndarray]:
    """The typical day of each day's month, hour by hour."""
    means = typical(region)
    moments = [first + timedelta(hours=DT_H * step) for step in range(steps)]
    at = [moment.month - 1 for moment in moments], [moment.hour for moment in moments]
    return {name: getattr(means, name)[at] for name in ("outdoor_c", "sun_kw_per_kwp", "load_share")}


def _car(parameters: Parameters, stays: tuple[Stay, ...], steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The share of each step in which the car is plugged in, and what it drives away with at its departures [kWh]."""
    plugged, driving = np.zeros(steps), np.zeros(steps)
    for stay in stays:
        plugged += stay.share(steps)
        driving[stay.steps.stop - 1] += parameters.trip_kwh
    return np.minimum(plugged, 1.0), driving


def _devices(parameters: Parameters) -> tuple[dict[str, Device], dict[str, float]]:
    """Devices as a fleet of one home, absent ones left out, and their states before the first step."""
    devices: dict[str, Device] = {}
    start: dict[str, float] = {}
    prices = [price for *_, price in parameters.import_bands]
    if parameters.pv_peak_kw:
        devices["panel"], start["panel"] = _of(Panel, size_kwp=parameters.pv_peak_kw), 0.0
    if parameters.home_battery_kwh:
        devices["battery"] = _of(
            Battery, size_kwh=parameters.home_battery_kwh, limit_kw=parameters.home_battery_kw, **BATTERY,
            short_per_kwh=max(prices), spare_per_kwh=0.9 * min(prices), dear_per_kwh=0.0,
        )  # fmt: skip
        start["battery"] = 0.5 * parameters.home_battery_kwh
    if parameters.trip_kwh:
        full_kwh = parameters.cars_kwh * parameters.ev_target_soc_pct / 100
        low = parameters.ev_arrival_soc_pct / parameters.ev_target_soc_pct
        devices["ev"] = _of(EV, size_kwh=full_kwh, limit_kw=parameters.cars_kw, low_share=low, **CAR)
        start["ev"] = low * full_kwh
    if parameters.heat_pump_kw:
        devices["heat pump"] = _of(
            HeatPump, limit_kw=parameters.heat_pump_kw, resistance_c_per_kw=parameters.resistance_c_per_kw,
            capacity_kwh_per_c=parameters.capacity_kwh_per_c, low_c=parameters.comfort_temp_min_c,
            high_c=parameters.comfort_temp_max_c, **PUMP,
        )  # fmt: skip
        start["heat pump"] = parameters.comfort_temp_min_c
    return devices, start


def _of(kind: type[Device], **fields: float) -> Device:
    """A device of a fleet of one home, its fields as numpy arrays (1,)."""
    return kind(**{name: np.array([float(value)]) for name, value in fields.items()})
