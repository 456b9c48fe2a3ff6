"""Charging sessions → steps: plugged in or not, what a session asks for, what was driven before."""

import datetime

import numpy as np
import polars as pl

from wattflock.data.check_sessions import backward, strange_energy, strange_power
from wattflock.data.place import LOGGED, span
from wattflock.synth.flock import Flock

STEPS = 24
MICRO_PER_H = 3_600_000_000


def sessions_flock(sessions: pl.DataFrame) -> tuple[Flock, pl.DataFrame]:
    """Hourly days of each user from the first session to the last, and the log of sessions left out.

    `ev_charging_need_kwh` stands in the step in which a session begins. Driving is not observed: the energy of the
    session stands for it, in the step before. Days outside a user's first and last session are NaN.
    """
    sessions, log = _sound(sessions)
    sessions = sessions.sort("user", "plug_in")
    users = tuple(sessions["user"].unique(maintain_order=True))
    first, last = span(pl.concat([sessions["plug_in"], sessions["plug_out"]]))
    days = (last - first).days + 1
    shape = len(users), days * STEPS
    user = sessions["user"].replace_strict(list(users), list(range(len(users))), return_dtype=pl.Int64).to_numpy()
    begin, end = (_hours(sessions[name], first) for name in ("plug_in", "plug_out"))
    need, driven = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    at, energy = begin.astype(int), sessions["energy_kwh"].to_numpy()
    np.add.at(need, (user, at), energy)
    np.add.at(driven, (user, np.maximum(at - 1, 0)), energy)
    own = {"ev_plugged": _plugged(user, begin, end, shape), "ev_charging_need_kwh": need, "ev_driving_kwh": driven}
    seen = _seen(user, begin, end, (len(users), days))
    arrays = {
        name: np.where(seen[:, :, None], values.reshape(len(users), days, STEPS), np.nan).astype(np.float32)
        for name, values in own.items()
    }
    return Flock(users, first, **arrays), log


def _sound(sessions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sessions that a car can have made, and the log of the others."""
    wrong = {
        "session left out: unplugged before plugged in": backward(),
        "session left out: energy outside 0 to 200 kWh": strange_energy(),
        "session left out: more than 50 kW": strange_power(),
    }
    logs = []
    for what, mask in wrong.items():
        out = sessions.filter(mask)
        logs.append(out.select(home="user", time="plug_in", column=pl.lit("energy_kwh"), what=pl.lit(what),
                               before="energy_kwh", after=pl.lit(None, pl.Float64)))  # fmt: skip
        sessions = sessions.filter(~mask)
    return sessions, pl.concat([pl.DataFrame(schema=LOGGED), *logs]).select(list(LOGGED))


def _hours(stamps: pl.Series, first: datetime.date) -> np.ndarray:
    since = stamps - datetime.datetime.combine(first, datetime.time())
    return since.dt.total_microseconds().to_numpy() / MICRO_PER_H


def _plugged(user: np.ndarray, begin: np.ndarray, end: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(users, steps) share of each step with the plug in; overlapping sessions count once."""
    share = np.zeros(shape, np.float32)
    for who, start, stop in zip(user, begin, end, strict=True):
        step = np.arange(int(start), min(int(np.ceil(stop)), shape[1]))
        share[who, step] += np.minimum(stop, step + 1) - np.maximum(start, step)
    return np.minimum(share, 1.0)


def _seen(user: np.ndarray, begin: np.ndarray, end: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(users, days) from the day of the first session to that of the last."""
    low, high = np.full(shape[0], shape[1]), np.zeros(shape[0], int)
    np.minimum.at(low, user, (begin // STEPS).astype(int))
    np.maximum.at(high, user, (end // STEPS).astype(int))
    day = np.arange(shape[1])[None]
    return (day >= low[:, None]) & (day <= high[:, None])
