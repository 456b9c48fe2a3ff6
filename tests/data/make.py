"""Small tables and files in the layouts of the sources; all numbers are made up."""

import datetime

import numpy as np
import polars as pl

LABELS = [f"{(k + 1) // 2 % 24}:{(k + 1) % 2 * 30:02d}" for k in range(48)]
MONDAY = datetime.datetime(2024, 1, 8)


def made_up(homes: int, days: int, steps: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Load [kW] and sun [kW per kW peak] of homes, (homes, days * steps)."""
    random = np.random.default_rng(seed)
    hour = np.tile(np.arange(steps) * 24 / steps, days)[None]
    size = random.uniform(0.6, 1.4, (homes, 1))
    load = size * (0.3 + 0.8 * np.exp(-(((hour - 19) / 2.5) ** 2))) * random.uniform(0.7, 1.3, (homes, days * steps))
    bright = np.repeat(random.uniform(0.3, 1, (1, days)), steps, 1)
    return load, np.maximum(0, np.sin(np.pi * (hour - 6) / 12)) * (hour > 6) * bright * np.ones((homes, 1))


def long(homes: int = 2, days: int = 14, minutes: int = 60, first: datetime.datetime = MONDAY) -> pl.DataFrame:
    """A table home, time, load_kw, pv_kw."""
    steps = 1440 // minutes
    load, sun = made_up(homes, days, steps)
    times = [first + datetime.timedelta(minutes=minutes * k) for k in range(days * steps)]
    names = [f"H{k}" for k in range(homes) for _ in times]
    return pl.DataFrame({"home": names, "time": times * homes, "load_kw": load.ravel(), "pv_kw": 3 * sun.ravel()})


def ausgrid_text(customers: int, days: int, first: datetime.date, form: str = "%d/%m/%Y", kwp: float = 2.0) -> str:
    """A file of solar homes; every second customer has a controlled load."""
    load, sun = made_up(customers, days, 48, seed=3)
    header = ["Customer", "Generator Capacity", "Postcode", "Consumption Category", "date", *LABELS, "Row Quality"]
    lines = ["Solar home electricity data" + "," * 53, ",".join(header)]
    for customer in range(customers):
        for day in range(days):
            date = (first + datetime.timedelta(days=day)).strftime(form).lstrip("0")
            own = slice(48 * day, 48 * day + 48)
            rows = {"GC": load[customer, own] / 2, "GG": kwp * sun[customer, own] / 2}
            if customer % 2:
                rows["CL"] = np.where(np.arange(48) < 6, 0.6, 0.0)
            for kind, values in rows.items():
                cells = ",".join(f"{value:.4f}" for value in values)
                lines.append(f"{customer + 1},{kwp},2000,{kind},{date},{cells},")
    return "\n".join(lines) + "\n"


def london_text(homes: int, days: int, first: datetime.datetime) -> str:
    """A file of the London Datastore, all homes on the flat tariff."""
    load, _ = made_up(homes, days, 48, seed=4)
    lines = ["LCLid,stdorToU,DateTime,KWH/hh (per half hour) "]
    for home in range(homes):
        for step, value in enumerate(load[home] / 2):
            time = first + datetime.timedelta(minutes=30 * step)
            lines.append(f"MAC{home:06d},Std,{time:%Y-%m-%d %H:%M:%S}.0000000, {value:.3f} ")
    return "\r\n".join(lines) + "\r\n"


def agile_text(days: int, first: datetime.datetime) -> str:
    """Half-hourly prices and carbon of Great Britain."""
    lines = ["step_start,agile_import_p_per_kwh,agile_export_p_per_kwh,carbon_gco2_per_kwh"]
    for step in range(48 * days):
        time = first + datetime.timedelta(minutes=30 * step)
        lines.append(f"{time:%Y-%m-%d %H:%M:%S},{30 if 16 <= time.hour < 19 else 10},5,{150 + step % 48}")
    return "\n".join(lines) + "\n"


def sessions_text(users: int, days: int, first: datetime.datetime) -> str:
    """Charging sessions of the Norwegian set: every evening, till the morning."""
    lines = ["user_id,plugin_time,plugout_time,energy_session"]
    for user in range(users):
        for day in range(days):
            time = first + datetime.timedelta(days=day, hours=18)
            lines.append(f"U{user},{time},{time + datetime.timedelta(hours=13)},{8 + user + day % 3}")
    return "\n".join(lines) + "\n"
