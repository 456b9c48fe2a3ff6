"""What a plan needs of a home: the slots that a resident agreed to, more in the same form, and defaults by name."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from wattflock.assistant.plan import tariffs
from wattflock.assistant.slots import SLOTS, Slot
from wattflock.assistant.slots import usual as usual_value
from wattflock.core import toml
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest
from wattflock.core.settings import STRICT, problems_of
from wattflock.data.price_table import Bands, wrong_bands

MOST_DAYS = 7  # that are planned
TAKEN = ("load", "panel", "battery", "ev", "heat pump")  # names that no appliance has
_MORE = (
    Slot("ev_arrival_soc_pct", "number", "%", "the car comes home {} % full", "", 40, 0, 100),
    Slot("home_battery_kw", "number", "kW", "the home battery charges and gives up to {} kW", "", 5, 0.1, 100),
    Slot("heat_pump_kw", "number", "kW", "the heat pump draws up to {} kW", "", 3, 0, 30),
    Slot("resistance_c_per_kw", "number", "°C per kW", "a kW of heat keeps the house {} °C warmer", "", 7, 0.5, 50),
    Slot("capacity_kwh_per_c", "number", "kWh per °C", "{} kWh of heat warm the house by a degree", "", 3, 0.2, 100),
    Slot("load_kwh_per_day", "number", "kWh", "everything else draws {} kWh a day", "", 8, 0, 200),
    Slot("appliance_kw", "number", "kW", "the appliance draws {} kW", "", 1, 0.01, 20),
)
MORE = {slot.name: slot for slot in _MORE}
KNOWN = {**SLOTS, **MORE}
_WINDOW = tuple(name for name in SLOTS if name.startswith("appliance_"))
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Wish(pydantic.BaseModel):
    """An appliance that runs once a day, without a break, within a window."""

    model_config = STRICT

    name: str = Field(default="appliance", min_length=1, max_length=40, description="what the plan calls it")
    power_kw: float = Field(default=1.0, gt=0, le=20, description="power while it runs [kW]")
    earliest_start: Clock = Field(default="21:00", description="HH:MM")
    latest_end: Clock = Field(default="07:00", description="HH:MM, the next time that the clock shows it")
    duration_min: float = Field(default=120.0, ge=1, le=1440, description="how long it runs [minutes]")


class Parameters(pydantic.BaseModel):
    """A home and its wishes; units and ranges of numbers are those of the slots of the same name."""

    model_config = STRICT

    date_start: str
    date_end: str
    city: str
    ev_count: int
    ev_battery_kwh: float
    ev_charger_kw: float
    ev_arrival_time: str
    ev_departure_time: str
    ev_target_soc_pct: float
    ev_arrival_soc_pct: float
    home_battery_kwh: float
    home_battery_kw: float
    pv_peak_kw: float
    comfort_temp_min_c: float
    comfort_temp_max_c: float
    heat_pump_kw: float
    resistance_c_per_kw: float
    capacity_kwh_per_c: float
    load_kwh_per_day: float
    appliances: tuple[Wish, ...] = Field(default=(), max_length=10, description="each runs once a day")
    currency: Literal["GBP", "USD", "EUR"]
    import_bands: Bands = Field(description="[from hour, to hour, price], as `market.settings.bands`")
    export_per_kwh: float = Field(ge=0, le=10, description="for a kWh that is fed in [currency per kWh]")
    assumed: tuple[str, ...] = Field(default=(), description="what is not known and was taken as usual, in words")

    @property
    def cars_kwh(self) -> float:
        """Size of the batteries of all cars."""
        return self.ev_count * self.ev_battery_kwh

    @property
    def cars_kw(self) -> float:
        """What the chargers of all cars draw together."""
        return self.ev_count * self.ev_charger_kw

    @property
    def trip_kwh(self) -> float:
        """What all cars leave with and do not come home with."""
        return self.cars_kwh * max(self.ev_target_soc_pct - self.ev_arrival_soc_pct, 0) / 100


def of_slots(
    values: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
    where: str = "slots",
    today: date | None = None,
) -> Parameters:
    """Parameters from agreed values of slots; `given` goes before them, and what nobody said is taken as usual.

    Args:
        values: slot → value, as a conversation keeps them.
        given: fields of `Parameters`, or `tariff`: a name of the table of tariffs, a price, or bands.
        where: what problems are said to be in.
        today: what the usual days count from; the day of this computer where it is not told.

    Raises:
        ScenarioError: every value that cannot be, or that does not fit the others.
    """
    told = {**values, **(given or {})}
    problems = [*_unknown(told, where), *_beyond(told, where)]
    usual = {name: usual_of(name, told, today) for name in KNOWN if name not in told}
    tariff = tariffs.of(told.get("tariff"), str(told.get("city", usual.get("city", ""))), where, problems)
    merged = {**usual, **told}
    problems += _order(merged, where) if not problems else []
    if problems or tariff is None:
        raise ScenarioError(problems)
    runs = "appliances" in told or any(name in told for name in _WINDOW)
    said = [KNOWN[name].told(usual[name]) for name in usual if _counts(name, merged, runs)]
    fields = {name: _number(merged[name]) for name in Parameters.model_fields if name in KNOWN}
    fields |= {"appliances": told.get("appliances", [_of_window(merged)] if runs else [])}
    fields |= {"currency": tariff.currency, "import_bands": tariff.bands, "export_per_kwh": tariff.export_per_kwh}
    fields |= {name: told[name] for name in ("import_bands", "export_per_kwh", "currency") if name in told}
    fields |= {"ev_count": int(merged["ev_count"]), "assumed": [*said, *([] if "tariff" in told else [tariff.said])]}
    return _checked(fields, where)


def read(path: Path, sets: Iterable[str] = ()) -> Parameters:
    """Parameters of a conversation that `wattflock chat` kept, with `name=value` on top.

    Raises:
        ScenarioError: lists every value that cannot be.
        RunError: there is no such file, or it is no conversation.
    """
    from wattflock.assistant.dialogue import opened

    given: dict[str, Any] = {}
    wrong = [problem for text in sets if (problem := toml.assign(given, text, {}))]
    if wrong:
        raise ScenarioError(wrong)
    kept = opened(path)
    return of_slots(kept.values, given, str(path), date.fromisoformat(kept.today))


def usual_of(name: str, told: Mapping[str, Any] | None = None, today: date | None = None) -> Any:
    """What is taken where nobody tells a value; days count from `today`, by default that of this computer."""
    known = {slot: value for slot, value in (told or {}).items() if slot in SLOTS and SLOTS[slot].accepts(value)}
    return MORE[name].default if name in MORE else usual_value(name, known, today or date.today())


def _unknown(told: Mapping[str, Any], where: str) -> list[Problem]:
    names = tuple(dict.fromkeys(("tariff", *Parameters.model_fields, *KNOWN)))
    return [Problem(where, name, told[name], nearest(name, names)) for name in told if name not in names]


def _beyond(told: Mapping[str, Any], where: str) -> list[Problem]:
    return [
        Problem(where, name, value, KNOWN[name].allowed())
        for name, value in told.items()
        if name in KNOWN and not KNOWN[name].accepts(value)
    ]


def _order(told: Mapping[str, Any], where: str) -> list[Problem]:
    """Dates and comfort; what the hours cannot hold is no fault of the input: the plan has an offer for it."""
    found = []
    if told["date_end"] < told["date_start"]:
        found.append(Problem(where, "date_end", told["date_end"], f"{told['date_start']} or later"))
    if told["comfort_temp_max_c"] <= told["comfort_temp_min_c"]:
        said = f"more than comfort_temp_min_c, which is {told['comfort_temp_min_c']:g}"
        found.append(Problem(where, "comfort_temp_max_c", told["comfort_temp_max_c"], said))
    return found


def _counts(name: str, told: Mapping[str, Any], runs: bool) -> bool:
    """Whether a value plays a part in this home's plan, so that taking it as usual must be said."""
    needs = {"ev": told["ev_count"], "appliance": runs, "home_battery_kw": told["home_battery_kwh"]}
    needs |= dict.fromkeys(("comfort", "resistance", "capacity"), told["heat_pump_kw"])
    return name == "ev_count" or bool(needs.get(name, needs.get(name.partition("_")[0], True)))


def _of_window(told: Mapping[str, Any]) -> dict[str, Any]:
    window = {name.removeprefix("appliance_"): _number(told[name]) for name in _WINDOW}
    return {"power_kw": float(told["appliance_kw"]), **window}


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _checked(fields: dict[str, Any], where: str) -> Parameters:
    try:
        made = Parameters.model_validate_json(json.dumps(fields))
    except pydantic.ValidationError as error:
        raise ScenarioError(problems_of(error, Parameters, (), lambda _: where)) from error
    wrong = [Problem(where, "import_bands", each.value, each.allowed) for each in wrong_bands("", made.import_bands)]
    names = [wish.name for wish in made.appliances]
    if len(set(names) - set(TAKEN)) < len(names):
        wrong.append(Problem(where, "appliances", names, f"no name twice, and none of {', '.join(TAKEN)}"))
    cheapest = min((price for *_, price in made.import_bands), default=0)
    if not wrong and not 0 <= made.export_per_kwh <= cheapest:
        said = f"0 to {cheapest:g}, the cheapest price of a kWh bought: else energy would be bought to be sold"
        wrong.append(Problem(where, "export_per_kwh", made.export_per_kwh, said))
    if wrong:
        raise ScenarioError(wrong)
    return made
