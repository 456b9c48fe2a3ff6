"""A timetable that learns nothing beside learned control: how much of the demo's headline is the timetable's already?

    python benchmarks/timer.py [--small]

The timetable is told by `ABOUT`. Writes timer.md.
"""

import argparse
from pathlib import Path

import jax.numpy as jnp
from pages.compared import sections
from pages.head import head

import wattflock as wf
from wattflock.homes.device import ratio

ABOUT = """\
Batteries fill from 10 to 16 h, empty evenly in the dear hours from 16 to 21 h and return evenly to half of their
size by midnight. A generator runs where its cost of one kWh more is the price. Heat pumps preheat from 14 to 16 h
and else hold the lower end of the comfort band. The world and its unseen days are the demo's; the table says what
differs."""
COOL_C, WARM_C = 0.05, 2.5  # above the lower end of the comfort band: held, and reached by preheating [°C]
WORLDS = {
    "The demo's world": {},
    "Inverters that answer their voltage": {"homes.volt_var": [0.95, 0.97, 1.03, 1.05]},
    "Exports paid at 30 % of the import price": {"market.settings.export_share": 0.3},
}
SMALL = {
    "homes.count": 20,
    "homes.homes_per_agent": 100,
    "judge.test_days": 2,
    "judge.bound_days": 1,
    "learn.rounds": 2,
}


class Timer(wf.Policy):
    """Every home follows the clock, and its generator the price."""

    def __call__(self, memory, seen, key):
        devices = seen.fleet.devices
        ways = {"battery": battery, "generator": generator, "heat_pump": heat_pump}
        own = [ways[name](device, seen.state[name], seen.now) for name, device in devices.items() if name in ways]
        return memory, jnp.stack(own, -1)


def battery(device, state, now):
    """Action of batteries, shape (homes,)."""
    fill, empty = (now.hour >= 10) & (now.hour < 16), (now.hour >= 16) & (now.hour < 21)
    share = jnp.where(fill, device.high_share, jnp.where(empty, device.low_share, 0.5))
    until = jnp.where(now.hour < 10, 0.0, jnp.where(fill, 16, jnp.where(empty, 21, 24)) - now.hour)
    inside_kwh = share * device.size_kwh - state
    most = jnp.where(
        inside_kwh > 0, device.high_share * device.size_kwh - state, state - device.low_share * device.size_kwh
    )
    scale = jnp.where(inside_kwh > 0, 1 / device.efficiency, device.efficiency)
    wanted_kw = ratio(inside_kwh * scale, until)
    room_kw = jnp.minimum(device.limit_kw, jnp.maximum(most, 0) * scale / now.dt_h)
    return jnp.clip(ratio(wanted_kw, room_kw), -1, 1)


def generator(device, state, now):
    """Action of generators, shape (homes,)."""
    best_kw = (now.import_price_per_kwh - device.fuel_per_kwh) / (2 * device.fuel_per_kw_kwh)
    return 2 * ratio(jnp.clip(best_kw, 0, device.limit_kw), device.limit_kw) - 1


def heat_pump(device, state, now):
    """Action of heat pumps, shape (homes,): the power that reaches the temperature of the hour."""
    target_c = device.low_c + jnp.where((now.hour >= 14) & (now.hour < 16), WARM_C, COOL_C)
    keep = jnp.exp(-now.dt_h / (device.resistance_c_per_kw * device.capacity_kwh_per_c))
    heat_kw = ((target_c - keep * state) / (1 - keep) - now.outdoor_c) / device.resistance_c_per_kw
    cop = jnp.maximum(device.cop_at_zero + device.cop_per_c * now.outdoor_c, 1.0)
    return 2 * ratio(jnp.clip(heat_kw / cop, 0, device.limit_kw), device.limit_kw) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description="A timetable beside learned control.")
    parser.add_argument("--small", action="store_true", help="few homes and rounds, nothing is written")
    small = parser.parse_args().small
    page = [head("A timetable beside learned control"), f"{ABOUT}\n\n"]
    for title, changes in WORLDS.items():
        scenario = wf.load(changes=changes | (SMALL if small else {}))
        found = wf.compare(scenario, {"rules": "rules", "timer": Timer(), "gradmap": "gradmap"})
        page += sections(title, found.summary)
    print("".join(page))
    if not small:
        Path(__file__).with_suffix(".md").write_text("".join(page).rstrip() + "\n")


if __name__ == "__main__":
    main()
