"""The plan of one home: a linear program with the devices' own `plan`, as the bound has it, solved by HiGHS."""

import dataclasses
import math
from typing import Any

import numpy as np

from wattflock.assistant.plan.course import Course, Powers, at_once, bill_of, by_timer, course, running, runs_at, timed
from wattflock.assistant.plan.home import DT_H, Home, Stay, home_of
from wattflock.assistant.plan.parameters import Parameters, Wish
from wattflock.core.types import Profile
from wattflock.homes.device import Device
from wattflock.homes.devices.appliance import Appliance
from wattflock.homes.home import Home as Fleet
from wattflock.market.plan import add_bills
from wattflock.study.lp import draft, minimise

EVERY_H = 6.0  # between two plans with a receding horizon


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a home does over its days, beside what it would do without a plan."""

    home: Home
    planned: Course
    usual: Course  # plugged in at once, thermostat at the comfort minimum, appliances at their earliest start
    timer: Course  # the same home with timers that wait for the cheap hours
    starts_h: tuple[float, ...]  # of each of `home.runs` [h since the plan begins]
    least_cost: float  # below which no plan of this home can be, also with appliances that may pause [currency]
    horizon_h: float = 0.0  # how far it saw; 0: to the end

    @property
    def saving(self) -> float:
        """What the plan costs less than the usual home [currency]."""
        return self.usual.cost - self.planned.cost

    @property
    def timer_saving(self) -> float:
        """What timers alone cost less than the usual home [currency]."""
        return self.usual.cost - self.timer.cost


def plan(parameters: Parameters, horizon_h: float = 0.0) -> Plan:
    """The cheapest plan that keeps the wishes, or comes as near to them as can be.

    An appliance that runs without a break is no linear program: it may pause in a first one, which is a lower bound;
    then it gets the start that costs least there, and everything else is planned anew around it.

    Args:
        parameters: of the home.
        horizon_h: how far it sees; a new plan every `EVERY_H` then. 0: to the end.
    """
    home = home_of(parameters)
    earliest = [window.begins_h for _, window in home.runs]
    usual = course(home, at_once(home, runs_at(home, earliest)))
    waiting = timed(home)
    timer = course(home, by_timer(home, runs_at(home, waiting)))
    starts, best, free = _cheapest(home, horizon_h)
    for rival, others in ((usual, earliest), (timer, waiting)):
        if best.cost > rival.cost and starts != others:
            found = _around(home, others, horizon_h)
            starts, best = min((starts, best), (others, found), key=lambda each: each[1].cost)
    return Plan(home, best, usual, timer, tuple(starts), free.cost, horizon_h)


def cheapest(parameters: Parameters, horizon_h: float = 0.0) -> float:
    """What the plan of a home that sees as far costs, without a look at the usual home [currency]."""
    return _cheapest(home_of(parameters), horizon_h)[1].cost


def _cheapest(home: Home, horizon_h: float = 0.0) -> tuple[list[float], Course, Course]:
    """Starts of the appliances, the course around them, and that of the program in which they may pause."""
    free = _solved(home, np.zeros(home.steps), slice(0, home.steps), home.start, flexible=True)
    starts = _starts(home, sum((free[name] for name in home.devices), home.load_kw))
    return starts, _around(home, starts, horizon_h), course(home, free)


def _around(home: Home, starts: list[float], horizon_h: float) -> Course:
    """The course of a home whose appliances start at given times."""
    runs = runs_at(home, starts)
    extra_kw = sum(runs.values(), np.zeros(home.steps))
    span = math.ceil(horizon_h / DT_H) or home.steps
    every = min(round(EVERY_H / DT_H), span) if horizon_h else home.steps
    state, done = home.start, {name: np.zeros(home.steps) for name in home.devices}
    for begin in range(0, home.steps, every):
        some = slice(begin, min(begin + span, home.steps))
        for name, power_kw in _solved(home, extra_kw, some, state).items():
            done[name][some] = power_kw
        level = course(home, {**runs, **done}).level
        after = min(begin + every, home.steps) - 1
        state = home.start | {name: float(each[after]) for name, each in level.items()}
        if "ev" in state and home.driving_kwh[after]:
            state["ev"] = home.start["ev"]  # it has left
    return course(home, {**runs, **done})


def _solved(home: Home, extra_kw: np.ndarray, steps: slice, state: dict[str, float], flexible: bool = False) -> Powers:
    """The cheapest powers of some steps; `flexible` adds appliances that may pause."""
    own = _pausing(home) if flexible else {}
    day = home.profile(extra_kw, steps)
    fleet = Fleet({**home.devices, **{name: device for name, (device, _) in own.items()}}, _one(0.0))
    states = {name: _one(state.get(name, 0.0)) for name in fleet.devices}
    days = {name: dataclasses.replace(day, hour=hour[steps]) for name, (_, hour) in own.items()}
    if not fleet.devices:
        return {}
    found = draft(fleet, day, states, _bills, days)
    return {name: power[:, 0] for name, power in found.plan(minimise(found.program, "simplex").column).items()}


def _bills(program: Any, power: Any, day: Profile) -> None:
    prices = (np.asarray(each)[:, None] for each in (day.import_price_per_kwh, day.export_price_per_kwh))
    add_bills(program, power, day.dt_h[:, None], *prices)


def _one(value: float) -> Any:
    return np.array([value])


def _pausing(home: Home) -> dict[str, tuple[Device, Any]]:
    """Each appliance as the device that may pause, on a clock that is 0 when its window opens, (steps,)."""
    found: dict[str, tuple[Device, Any]] = {}
    for wish in home.parameters.appliances:
        windows = [window for each, window in home.runs if each is wish]
        opens_h = [DT_H * math.ceil(window.begins_h / DT_H - 1e-9) for window in windows]
        length_h = windows[0].ends_h - opens_h[0]
        hour = np.full(home.steps, length_h)
        for step in range(home.steps):
            inside = [DT_H * step - each for each in opens_h if 0 <= DT_H * step - each < length_h]
            hour[step] = inside[0] if inside else length_h
        needs = {"limit_kw": wish.power_kw, "need_kwh": wish.power_kw * wish.duration_min / 60}
        fields: dict[str, Any] = {**needs, "open_h": 0.0, "close_h": length_h}
        found[wish.name] = Appliance(**{name: _one(value) for name, value in fields.items()}), hour
    return found


def _starts(home: Home, net_kw: np.ndarray) -> list[float]:
    """For each run the start that adds least to the bill, the earliest of equals [h since the plan begins]."""
    starts: list[float] = []
    for wish, window in home.runs:
        before, runs = bill_of(home, net_kw), {at: running(home, wish, at) for at in _candidates(wish, window)}
        added = {at: round(bill_of(home, net_kw + run) - before, 6) for at, run in runs.items()}
        starts.append(min(added, key=added.__getitem__))
        net_kw = net_kw + runs[starts[-1]]
    return starts


def _candidates(wish: Wish, window: Stay) -> list[float]:
    """Starts within a window, earliest first."""
    last_h = window.ends_h - wish.duration_min / 60
    grid = np.arange(math.ceil(window.begins_h / DT_H - 1e-9), math.floor(last_h / DT_H + 1e-9) + 1) * DT_H
    return sorted({window.begins_h, last_h, *map(float, grid)})
