"""Thirty new homes in a London winter week: what the busiest hour asks of the feeder, with and without their cars."""

import datetime

import numpy as np

from wattflock.synth.bundle import load
from wattflock.synth.generate import Wanted, made
from wattflock.synth.region import Mix

region, card = load("london")
homes = made(region, Wanted(30, 7, datetime.date(2027, 1, 11), card["zone"], seed=3, mix=Mix(car_share=0.5)))
load_kw = homes.load_kw.sum(0)
car_kw = np.zeros_like(homes.load_kw)
left = np.zeros(len(homes.homes))
for day, hour in np.ndindex(load_kw.shape):  # each car charges with 7 kW as soon as it is plugged in
    left += homes.ev_charging_need_kwh[:, day, hour]
    car_kw[:, day, hour] = np.minimum(left, 7.0 * homes.ev_plugged[:, day, hour])
    left -= car_kw[:, day, hour]
cars = (homes.battery_kwh > 0).sum()
print(f"{card['name']}: {homes.load_kw.sum():.0f} kWh of load, {car_kw.sum():.0f} kWh into {cars} cars")
print(f"busiest hour: {load_kw.max():.1f} kW of load, {(load_kw + car_kw.sum(0)).max():.1f} kW with cars")
