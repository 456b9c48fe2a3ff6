"""Thirty new homes in a London winter week: what the busiest hour asks of the feeder, with and without their cars."""

import numpy as np

import wattflock as wf

homes = wf.generate("london", homes=30, days=7, seed=3)
load_kw = homes.load_kw.sum(0)
car_kw = np.zeros_like(homes.load_kw)
left = np.zeros(len(homes.homes))
for day, hour in np.ndindex(load_kw.shape):  # each car charges with 7 kW as soon as it is plugged in
    left += homes.ev_charging_need_kwh[:, day, hour]
    car_kw[:, day, hour] = np.minimum(left, 7.0 * homes.ev_plugged[:, day, hour])
    left -= car_kw[:, day, hour]
cars = (homes.battery_kwh > 0).sum()
print(f"{homes.load_kw.sum():.0f} kWh of load, {car_kw.sum():.0f} kWh into {cars} cars")
print(f"busiest hour: {load_kw.max():.1f} kW of load, {(load_kw + car_kw.sum(0)).max():.1f} kW with cars")
