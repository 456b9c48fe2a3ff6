"""What a plan must know of a home: slots with unit, range, default and question; and cross-checks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from wattflock.assistant.grammar.words import YEARS

KINDS = ("number", "count", "time", "date", "text")


@dataclass(frozen=True)
class Slot:
    """A parameter; numbers are in [`low`, `high`] and `unit`, times HH:MM, dates ISO; `says` is for a read-back.

    The `default` of a date is the number of days from today, or from the first day; `usual` makes a date of it.
    """

    name: str
    kind: str
    unit: str
    says: str
    question: str
    default: float | int | str
    low: float = 0.0
    high: float = 0.0

    def told(self, value: object) -> str:
        """A value in words: "you have 1 electric car"."""
        text = self.says.format(value)
        return re.sub(r"\b1 (electric car|minute)s\b", r"1 \1", text)

    def allowed(self) -> str:
        """The values it may have, in words."""
        if self.kind in ("number", "count"):
            return f"{self.low:g} to {self.high:g} {self.unit}".strip()
        dates = f"YYYY-MM-DD, {YEARS[0]} to {YEARS[-1]}"
        return {"time": "HH:MM, 00:00 to 23:59", "date": dates, "text": "a name"}[self.kind]

    def accepts(self, value: object) -> bool:
        """Whether a value is of the slot's kind and range."""
        if self.kind in ("number", "count"):
            if not isinstance(value, int | float) or isinstance(value, bool):
                return False
            return self.low <= value <= self.high and (self.kind == "number" or value == int(value))
        if self.kind == "text":
            return isinstance(value, str) and 0 < len(value.strip()) <= 100
        return isinstance(value, str) and _reads(self.kind, value)


def _reads(kind: str, value: str) -> bool:
    try:
        if kind == "date":
            return len(value) == 10 and date.fromisoformat(value).year in YEARS
        hour, _, minute = value.partition(":")
        return len(value) == 5 and 0 <= int(hour) < 24 and 0 <= int(minute) < 60
    except ValueError:
        return False


_ALL = (
    Slot(
        "ev_battery_kwh",
        "number",
        "kWh",
        "the battery of the car holds {} kWh",
        "How big is the battery of your car, or which car is it?",
        50,
        5,
        250,
    ),
    Slot(
        "ev_charger_kw",
        "number",
        "kW",
        "the car charges with up to {} kW",
        "How fast can the car charge at home?",
        7.4,
        0.5,
        50,
    ),
    Slot(
        "ev_arrival_time",
        "time",
        "",
        "the car is back at {}",
        "When is the car usually back home and plugged in?",
        "18:00",
    ),
    Slot("ev_departure_time", "time", "", "the car leaves at {}", "When does the car usually leave home?", "08:00"),
    Slot(
        "ev_target_soc_pct",
        "number",
        "%",
        "the car should be {} % full when it leaves",
        "How full should the car be when it leaves?",
        80,
        1,
        100,
    ),
    Slot(
        "home_battery_kwh",
        "number",
        "kWh",
        "the home battery holds {} kWh",
        "Do you have a home battery, and how big is it?",
        0,
        0,
        200,
    ),
    Slot(
        "pv_peak_kw",
        "number",
        "kW",
        "the panels have a peak of {} kW",
        "Do you have solar panels, and how many kilowatts at their peak?",
        0,
        0,
        100,
    ),
    Slot(
        "comfort_temp_min_c",
        "number",
        "°C",
        "at home it should never be colder than {} °C",
        "What is the coldest your home may be?",
        18,
        5,
        30,
    ),
    Slot(
        "comfort_temp_max_c",
        "number",
        "°C",
        "at home it should never be warmer than {} °C",
        "What is the warmest your home may be?",
        21,
        10,
        35,
    ),
    Slot(
        "appliance_earliest_start",
        "time",
        "",
        "the appliance may start at {}",
        "When may the appliance start at the earliest?",
        "21:00",
    ),
    Slot(
        "appliance_latest_end",
        "time",
        "",
        "the appliance must have finished at {}",
        "When must the appliance have finished?",
        "07:00",
    ),
    Slot(
        "appliance_duration_min",
        "number",
        "minutes",
        "the appliance runs {} minutes",
        "How long does the appliance run?",
        120,
        1,
        1440,
    ),
    Slot("date_start", "date", "", "the plan begins on {}", "On which day should the plan begin?", 1),
    Slot("date_end", "date", "", "the last day of the plan is {}", "What is the last day of the plan?", 2),
    Slot("ev_count", "count", "", "you have {} electric cars", "How many electric cars do you have?", 1, 0, 20),
    Slot("city", "text", "", "you live in or near {}", "In or near which city do you live?", "Oxford"),
)
SLOTS = {slot.name: slot for slot in _ALL}


def usual(name: str, values: Mapping[str, object], today: date) -> float | int | str:
    """The usual value of a slot beside those that are told.

    The first day is tomorrow, or the last day where that is earlier; the last day is two days after the first.
    """
    slot = SLOTS[name]
    if slot.kind != "date":
        return slot.default
    tomorrow = (today + timedelta(int(SLOTS["date_start"].default))).isoformat()
    if name == "date_start":
        return min(tomorrow, str(values.get("date_end", tomorrow)))
    start = date.fromisoformat(str(values.get("date_start", tomorrow)))
    return (start + timedelta(int(slot.default))).isoformat()


def problems(values: Mapping[str, object]) -> list[str]:
    """What is wrong with these values of slots, each by itself and together; one sentence for each problem."""
    found = [
        f"{name} is {value!r}; allowed: {SLOTS[name].allowed()}"
        for name, value in values.items()
        if not SLOTS[name].accepts(value)
    ]
    return found or [*_comfort(values), *_window(values), *_days(values)]


def _comfort(values: Mapping) -> list[str]:
    low, high = values.get("comfort_temp_min_c"), values.get("comfort_temp_max_c")
    if low is None or high is None or low < high:
        return []
    return [f"the coldest temperature ({low:g} °C) must be below the warmest ({high:g} °C)"]


def _window(values: Mapping) -> list[str]:
    names = ("appliance_earliest_start", "appliance_latest_end", "appliance_duration_min")
    start, end, duration = (values.get(name) for name in names)
    if start is None or end is None or duration is None:
        return []
    minutes = minutes_between(start, end)
    if minutes >= duration:
        return []
    return [f"the appliance runs {duration:g} minutes, and there are only {minutes} from {start} to {end}"]


def _days(values: Mapping) -> list[str]:
    start, end = values.get("date_start"), values.get("date_end")
    return [] if start is None or end is None or start <= end else [f"the plan ends ({end}) before it begins ({start})"]


def notes(values: Mapping) -> list[str]:
    """What a plan of these values may only come near: a target that an empty battery cannot reach at home."""
    names = ("ev_battery_kwh", "ev_charger_kw", "ev_target_soc_pct", "ev_arrival_time", "ev_departure_time")
    battery, charger, target, arrival, departure = (values.get(name) for name in names)
    if battery is None or charger is None or target is None or arrival is None or departure is None:
        return []
    hours = minutes_between(arrival, departure) / 60
    if hours * charger >= battery * target / 100:
        return []
    return [
        f"from empty, {charger:g} kW fill at most {100 * hours * charger / battery:.0f} % of {battery:g} kWh"
        f" between {arrival} and {departure}; asked for: {target:g} %"
    ]


def minutes_between(start: str, end: str) -> int:
    """From one HH:MM to the next time that the clock shows the other; a day where they are equal."""
    first, last = (60 * int(time[:2]) + int(time[3:]) for time in (start, end))
    return (last - first) % 1440 or 1440
