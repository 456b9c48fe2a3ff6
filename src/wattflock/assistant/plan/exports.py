"""A home for other programs: a scenario in which it joins a flock, runtime parameters of EMHASS, plans of evcc."""

import json
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from wattflock.assistant.plan.climate import place_of, region_of
from wattflock.assistant.plan.home import BATTERY, CAR, DT_H, Home, Stay, home_of, hours_of
from wattflock.assistant.plan.parameters import Parameters
from wattflock.assistant.plan.schedule import plan
from wattflock.core import toml
from wattflock.core.sections import COMMON_KINDS

FLOCK = 20  # homes of the scenario, of which this is one
ZONES = {"GB": "Europe/London", "IE": "Europe/Dublin", "PT": "Europe/Lisbon", "GR": "Europe/Athens",
         "FI": "Europe/Helsinki"}  # fmt: skip
CENTRAL = "Europe/Berlin"  # of the other European countries of the table of cities
UNITED_STATES = ((-115, "America/Los_Angeles"), (-100, "America/Denver"), (-87, "America/Chicago"))  # west of [°]


def scenario(parameters: Parameters) -> str:
    """A scenario as TOML: this home and others around it, on its tariff; `wattflock compare` takes it."""
    share = 1 / FLOCK
    rest = (1 - share) / sum(kind.share for kind in COMMON_KINDS)
    others = [
        {"name": kind.name, "share": round(rest * kind.share, 6), "devices": {name: {} for name in kind.devices}}
        for kind in COMMON_KINDS
    ]
    devices = _devices(parameters)
    mine = [{"name": "my home", "share": share, "devices": devices}] if devices else []
    region = region_of(parameters.city)
    source = {"part": "california"} if region == "california" else {
        "part": "synthetic", "settings": {"region": region, "homes": 3 * FLOCK}}  # fmt: skip
    tree = {
        "name": "my-home",
        "data": source,
        "homes": {"count": FLOCK, "homes_per_agent": 1.0, "kinds": [*mine, *others]},
        "feeder": {"part": "none"},
        "market": {"part": "tariff", "settings": {
            "prices_from": "bands", "bands": parameters.import_bands,
            "exports_from": "fixed", "export_per_kwh": parameters.export_per_kwh}},
        "judge": {"methods": ["idle", "rules"], "test_days": 7},
    }  # fmt: skip
    words = f"# A home in or near {parameters.city} joins {FLOCK - 1} others; made by `wattflock assistant export`.\n"
    return words + toml.write(tree)


def _devices(parameters: Parameters) -> dict[str, dict[str, float]]:
    """What the home has, in the fields of the flock's devices; cars together are one, appliances another."""
    found: dict[str, dict[str, float]] = {}
    if parameters.pv_peak_kw:
        found["panel"] = {"size_kwp": parameters.pv_peak_kw}
    if parameters.home_battery_kwh:
        found["battery"] = {"size_kwh": parameters.home_battery_kwh, "limit_kw": parameters.home_battery_kw}
    if parameters.ev_count:
        size = {"size_kwh": parameters.cars_kwh, "limit_kw": parameters.cars_kw}
        found["ev"] = {**size, "full_share": parameters.ev_target_soc_pct / 100}
    if parameters.heat_pump_kw:
        found["heat_pump"] = {
            "limit_kw": parameters.heat_pump_kw, "resistance_c_per_kw": parameters.resistance_c_per_kw,
            "capacity_kwh_per_c": parameters.capacity_kwh_per_c, "low_c": parameters.comfort_temp_min_c,
            "high_c": parameters.comfort_temp_max_c,
        }  # fmt: skip
    if wishes := parameters.appliances:
        opens, closes = hours_of(wishes[0].earliest_start), hours_of(wishes[0].latest_end)
        need_kwh = sum(wish.power_kw * wish.duration_min / 60 for wish in wishes)
        close_h = closes if closes > opens else 24.0  # the flock's days end at midnight
        limit_kw = sum(wish.power_kw for wish in wishes)
        found["appliance"] = {"limit_kw": limit_kw, "need_kwh": need_kwh, "open_h": opens, "close_h": close_h}
    return found


def emhass(parameters: Parameters) -> str:
    """Runtime parameters of EMHASS' action `naive-mpc-optim`, as JSON.

    Powers are in watts, a value for each half hour. The heat pump is in the load, as it is planned; each stay of the
    car and each run of an appliance is a deferrable load.

    Source: keys as in EMHASS' docs/passing_data.md.
    """
    found = plan(parameters)
    home = found.home
    loads = [*_car_loads(home), *((wish.power_kw, wish.duration_min / 60, window, True) for wish, window in home.runs)]
    heat_kw = found.planned.power_kw.get("heat pump", np.zeros(home.steps))
    told: dict[str, Any] = {
        "prediction_horizon": home.steps,
        "optimization_time_step": round(60 * DT_H),
        "pv_power_forecast": _watts(parameters.pv_peak_kw * home.sun_kw_per_kwp),
        "load_power_forecast": _watts(home.load_kw + heat_kw),
        "load_cost_forecast": home.bought_per_kwh.tolist(),
        "prod_price_forecast": home.sold_per_kwh.tolist(),
    }
    return json.dumps({**told, **_deferrable(loads), **_store(parameters)}, indent=1)


def _deferrable(loads: list[tuple[float, float, Stay, bool]]) -> dict[str, Any]:
    """Power [kW], hours, window and whether it runs as a whole, as EMHASS has them."""
    windows = [window for *_, window, _ in loads]
    return {
        "number_of_deferrable_loads": len(loads),
        "nominal_power_of_deferrable_loads": [round(1000 * kw) for kw, *_ in loads],
        "operating_hours_of_each_deferrable_load": [round(hours, 2) for _, hours, *_ in loads],
        "start_timesteps_of_each_deferrable_load": [math.ceil(each.begins_h / DT_H - 1e-9) for each in windows],
        "end_timesteps_of_each_deferrable_load": [math.floor(each.ends_h / DT_H + 1e-9) for each in windows],
        "treat_deferrable_load_as_semi_cont": [whole for *_, whole in loads],
        "set_deferrable_load_single_constant": [whole for *_, whole in loads],
    }


def _store(parameters: Parameters) -> dict[str, Any]:
    """The home battery, half full at both ends."""
    if not parameters.home_battery_kwh:
        return {}
    power_w = round(1000 * parameters.home_battery_kw)
    return {
        "soc_init": 0.5,
        "soc_final": 0.5,
        "battery_minimum_state_of_charge": BATTERY["low_share"],
        "battery_maximum_state_of_charge": BATTERY["high_share"],
        "battery_charge_power_max": power_w,
        "battery_discharge_power_max": power_w,
    }


def _car_loads(home: Home) -> list[tuple[float, float, Stay, bool]]:
    """Power, hours, window and whether it runs as a whole, for each stay."""
    limit_kw, metered_kwh = home.parameters.cars_kw, _metered_kwh(home.parameters)
    return [(limit_kw, metered_kwh / limit_kw, stay, False) for stay in home.stays if metered_kwh]


def _metered_kwh(wanted: Parameters) -> float:
    """What the meter sees of one stay of all cars."""
    return wanted.trip_kwh / CAR["efficiency"]


def _watts(power_kw: np.ndarray) -> list[int]:
    return [round(1000 * kw) for kw in power_kw]


def evcc(parameters: Parameters) -> str:
    """Requests to evcc's API for each departure, by level and by energy, and a plan that repeats, as JSON.

    evcc keeps one plan of a vehicle at a time: the next is sent when the car has left. The plan by energy is for
    cars whose level evcc does not see. Names of vehicle and loadpoint are to be replaced.

    Source: evcc's REST API, operations setVehicleSocPlan, setLoadpointEnergyPlan, updateVehicleRepeatingPlans.
    """
    home, zone = home_of(parameters), _zone(parameters.city)
    level, energy = round(parameters.ev_target_soc_pct), _metered_kwh(parameters) / max(parameters.ev_count, 1)
    plans = []
    for stay in home.stays:
        leaves = (home.first + timedelta(hours=stay.ends_h)).replace(tzinfo=ZoneInfo(zone)).isoformat()
        plans.append(
            {
                "leaves": leaves,
                "by_level": f"POST /api/vehicles/{{name}}/plan/soc/{level}/{leaves}",
                "by_energy": f"POST /api/loadpoints/{{id}}/plan/energy/{energy:.1f}/{leaves}",
            }
        )
    weekdays = sorted({(home.first + timedelta(hours=stay.ends_h)).isoweekday() % 7 for stay in home.stays})
    body = [{"active": True, "soc": level, "time": parameters.ev_departure_time, "tz": zone, "weekdays": weekdays}]
    repeating = {"request": "POST /api/vehicles/{name}/plan/repeating", "body": body if plans else []}
    return json.dumps({"plans": plans, "repeating": repeating}, indent=1)


def _zone(city: str) -> str:
    place = place_of(city)
    if place is None:
        return ZONES["GB"]
    if place.country == "US":
        return next((zone for west, zone in UNITED_STATES if place.longitude < west), "America/New_York")
    return ZONES.get(place.country, CENTRAL)


KINDS: dict[str, Callable[[Parameters], str]] = {"scenario": scenario, "emhass": emhass, "evcc": evcc}
