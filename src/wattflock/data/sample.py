"""Readings → batches of days for any number of homes; all randomness of the world is here."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.types import DAY_KINDS, Profile, by_episode
from wattflock.data.source import Readings
from wattflock.data.sun_forecast import errors, forecasts

RECENT_H = 5  # of `Profile.load_recent_kwh` [h]
SPLITS = ("train", "validation", "test")


def split_of_week(week: int, fold: int = 4) -> str:
    """Whole weeks of every season are held out: every fifth for the test, every tenth for validation.

    Fold 4 is the study's. With another fold, other weeks are the test and the study's test weeks are in no split
    ("away"): settings are chosen there.
    """
    if week % 5 == fold:
        return "test"
    if week % 5 == 4:
        return "away"
    return "validation" if week % 10 == (3 if fold == 2 else 2) else "train"


def split_of_day(day: int, fold: int, episode_days: int) -> str:
    """As `split_of_week`, in blocks of as many weeks as an episode needs."""
    return split_of_week(day // 7 // -(-episode_days // 7), fold)


def first_days(split: np.ndarray, name: str, episode_days: int) -> np.ndarray:
    """First days of the episodes that lie within a split: in training every one, else those that do not overlap."""
    inside = split == name
    ends = np.convolve(inside, np.ones(episode_days, int))[episode_days - 1 :] == episode_days
    if name == "train" or episode_days == 1:
        return np.flatnonzero(ends)
    found: list[int] = []
    for day in np.flatnonzero(ends):
        if not found or day >= found[-1] + episode_days:
            found.append(int(day))
    return np.array(found, int)


def nearby_weeks(split: np.ndarray, window: int) -> np.ndarray:
    """For each week those of its split within ± window days, itself among them, (weeks, most), repeated to fill."""
    of_week = split[::7]
    whole = len(split) // 7
    week = np.arange(len(of_week))
    rows = [
        np.flatnonzero((of_week == of_week[w]) & (7 * abs(week - w) <= window) & ((week < whole) | (week == w)))
        for w in week
    ]
    return np.stack([np.resize(row, max(map(len, rows))) for row in rows])


class Augment(eqx.Module):
    """Variation of training days, so that policies meet more than the measured days; other splits stay as measured."""

    load_low: float  # all loads of a day are scaled by one number between these
    load_high: float
    sun_spread: float  # the sun of a day is scaled by 1 ± this
    temperature_spread_c: float  # the temperature of a day moves by ± this [°C]
    noise_share: float  # from step to step, common to all loads [share of load]
    swap_share: float = 0.0  # of days on which an agent has the readings of another agent's home


NO_CHANGE = Augment(1.0, 1.0, 0.0, 0.0, 0.0)


class Sampler(eqx.Module):
    """Draws batches of (home, day) on the device from tables of a few measured homes.

    An agent is a measured home times a scale. Its load on a calendar day is that of a nearby day of the same
    split and part of the week, for all agents out of one calendar week: so the neighbours' common load differs from
    week to week, on training days as on test days. Sun, temperature, price and carbon are those of the calendar day
    itself, so that all homes share one sky.
    """

    load_kw: Array  # (days, sources, steps)
    last_kw: Array  # (days, sources, steps) one step before
    sun: Array  # (days, sources, steps) [kW per kW peak]
    car: tuple[Array, Array] | None  # plugged in [share], driving [kW], each (days, sources, steps); None: a commute
    common: dict[str, Array]  # each (days, steps)
    nearby: Array  # (days, weeks, most) days whose load may be used, repeated to fill
    near_weeks: Array  # (weeks, most) weeks whose loads may be used in episodes of several days, repeated to fill
    split_days: dict[str, Array]  # name of a split → first days of its episodes
    source: dict[str, Array]  # name of a split → (homes,) which measured home an agent is
    scale: Array  # (homes,) its size relative to the measured home
    augment: Augment
    forecast_error: float  # standard deviation of a sun forecast four hours ahead, as a share
    dt_h: float
    episode_days: int = eqx.field(default=1, static=True)

    def draw(self, key: Array, split: str, days: int) -> Profile:
        """A random batch of days, or episodes, (days, steps, homes) of a split; the training split is augmented."""
        key, which = jax.random.split(key)
        calendar = jax.random.choice(which, self.split_days[split], (days,))
        return self._profile(calendar, key, split)

    def train(self, key: Array, days: int) -> Profile:
        """A random batch of training days."""
        return self.draw(key, "train", days)

    def every(self, key: Array, split: str, days: int = 0) -> Profile:
        """Each day of a split once, or `days` of them `spread` over seasons and weekdays."""
        return self._profile(self.calendar(split, days), key, split)

    def calendar(self, split: str, days: int = 0) -> Array:
        """Numbers of the (first) days that `every` gives, counted from the first of the readings."""
        all_days = self.split_days[split]
        weekdays = np.arange(len(all_days)) % 7  # a split is whole weeks
        return all_days[np.array(spread(weekdays, days or len(all_days)), int)]

    def _profile(self, calendar: Array, key: Array, split: str) -> Profile:
        """Episodes that begin on days `calendar`: their days one by one, then joined."""
        if self.episode_days == 1:
            return self._told(self._days(calendar, self._loads_of_days(calendar, key), key, split))
        every = calendar[:, None] + jnp.arange(self.episode_days)[None]
        days = self._days(every.ravel(), self._loads_of_weeks(every, key), key, split)
        joined = by_episode(days, self.episode_days)
        return self._told(dataclasses.replace(joined, start=jnp.broadcast_to(joined.start[:, :1], joined.start.shape)))

    def _told(self, profile: Profile) -> Profile:
        """With the hours until cars leave, where a limit is shared."""
        if profile.limit_kw is None:
            return profile
        return dataclasses.replace(profile, ev_leaves_h=leaves_h(profile.ev_plugged, self.dt_h))

    def _loads_of_days(self, calendar: Array, key: Array) -> Array:
        """The day from which each home has its load, (days, homes)."""
        which, pick = jax.random.split(jax.random.split(key, 8)[5])
        days = len(calendar)
        week = jax.random.randint(which, (days, 1), 0, self.nearby.shape[1])
        pick = jax.random.randint(pick, (days, len(self.scale)), 0, self.nearby.shape[2])
        return self.nearby[calendar[:, None], week, pick]

    def _loads_of_weeks(self, every: Array, key: Array) -> Array:
        """The same for episodes (episodes, days): within a calendar week a home's load is that of one other week."""
        week = every // 7 - every[:, :1] // 7
        shape = (len(every), self.episode_days // 7 + 2, len(self.scale))
        pick = jax.random.randint(jax.random.split(key, 8)[5], shape, 0, self.near_weeks.shape[1])
        pick = jnp.take_along_axis(pick, week[..., None], 1)
        other = 7 * self.near_weeks[every[..., None] // 7, pick] + every[..., None] % 7
        return other.reshape(-1, len(self.scale))

    def _days(self, calendar: Array, other: Array, key: Array, split: str) -> Profile:
        augment = self.augment if split == "train" else NO_CHANGE
        homes, days = len(self.scale), len(calendar)
        keys = jax.random.split(key, 8)
        scale = jax.random.uniform(keys[0], (days, 1, 1), minval=augment.load_low, maxval=augment.load_high) * (
            1 + augment.noise_share * jax.random.normal(keys[1], (days, self.load_kw.shape[-1], 1))
        )
        bright = 1 + augment.sun_spread * jax.random.uniform(keys[2], (days, 1, 1), minval=-1)
        warm = augment.temperature_spread_c * jax.random.uniform(keys[3], (days, 1), minval=-1)
        sun_error = errors(keys[4], days, self.load_kw.shape[-1], self.forecast_error)

        source = self._swapped(self.source[split], days, augment.swap_share, keys[5])

        def own(table, day):
            return jnp.swapaxes(table[day, source], 1, 2)

        load_kw = own(self.load_kw, other) * self.scale[None, None] * scale
        sun = own(self.sun, calendar[:, None]) * bright
        sun_ahead, sun_rest = forecasts(sun, sun_error, self.dt_h)
        common = {name: table[calendar] for name, table in self.common.items()}
        common["outdoor_c"] = common["outdoor_c"] + warm
        if self.car is None:
            plugged, driving_kwh = self._commute(keys[7], common["hour"], common["weekend"], homes)
        else:
            plugged, driving_kwh = own(self.car[0], other), self.dt_h * own(self.car[1], other)
        start = jax.random.uniform(keys[6], (days, 1, homes))
        return Profile(
            start=jnp.broadcast_to(start, sun.shape),
            load_kw=load_kw,
            load_last_kw=own(self.last_kw, other) * self.scale[None, None] * scale,
            load_recent_kwh=recent(load_kw, self.dt_h),
            sun_kw_per_kwp=sun,
            sun_ahead_kw_per_kwp=sun_ahead,
            sun_rest_kwh_per_kwp=sun_rest,
            sun_error=sun_error,
            ev_plugged=plugged,
            ev_driving_kwh=driving_kwh,
            **common,
        )

    def _swapped(self, source: Array, days: int, share: float, key: Array) -> Array:
        """Which measured home each agent is, (homes,); where some are swapped, (days, homes)."""
        if not share:
            return source
        which, other = jax.random.split(jax.random.fold_in(key, 1))
        shape = days, len(source)
        others = source[jax.random.randint(other, shape, 0, len(source))]
        return jnp.where(jax.random.uniform(which, shape) < share, others, source[None])

    def _commute(self, key: Array, hour: Array, weekend: Array, homes: int) -> tuple[Array, Array]:
        """Plug-in windows and driving: away from about 8 to 18 h on weekdays, 11 to 15 h on half the weekends.

        Used where cars were not measured: 5 to 15 kWh a trip, driven in the last step away.
        """
        keys = jax.random.split(key, 4)
        shape = (hour.shape[0], 1, homes)
        free, clock = weekend[:, :1, None] > 0, hour[..., None]
        leave_h = jnp.where(free, 11.0, 8.0) + jax.random.uniform(keys[0], shape, minval=-1.5, maxval=1.5)
        back_h = jnp.where(free, 15.0, 18.0) + jax.random.uniform(keys[1], shape, minval=-1.5, maxval=1.5)
        goes = jax.random.uniform(keys[2], shape) < jnp.where(free, 0.5, 0.95)
        away = goes & (clock >= leave_h) & (clock < back_h)
        arrives = away & (clock + self.dt_h >= back_h)
        trip_kwh = jax.random.uniform(keys[3], shape, minval=5.0, maxval=15.0)
        return jnp.where(away, 0.0, 1.0), jnp.where(arrives, trip_kwh, 0.0)


def spread(weekdays: Sequence[int] | np.ndarray, wanted: int) -> list[int]:
    """Places of `wanted` of some days in order, one from each of as many equal parts of the year.

    A part gives a day of the weekday that was taken least so far, the nearest to its middle: the order of the weekdays
    (0, 3, 6, 2, 5, 1, 4) puts weekends into every season. All places where there are no more days than wanted.

    Args:
        weekdays: of each day, 0 to 6.
        wanted: how many.
    """
    count, used, places = len(weekdays), [0] * 7, []
    wanted = min(wanted, count)
    for part in range(wanted):
        first, end = part * count // wanted, (part + 1) * count // wanted
        days = [(used[day], 5 * day % 7, abs(2 * place + 1 - first - end), place, day)
                for place, day in enumerate(map(int, weekdays[first:end]), first)]  # fmt: skip
        *_, place, day = min(days)
        used[day] += 1
        places.append(place)
    return places


def ahead(values: Array, steps: int) -> Array:
    """Mean of the next `steps` values along axis 1; fewer at the end of the day, where the last value is used."""
    padded = jnp.concatenate([values, jnp.repeat(values[:, -1:], steps, 1)], 1)
    return jnp.stack([padded[:, k + 1 : k + 1 + values.shape[1]] for k in range(steps)]).mean(0)


def leaves_h(plugged: Array, dt_h: float) -> Array:
    """Hours from the beginning of a step until the plug is out, (days, steps, homes); at the latest when days end."""
    steps = plugged.shape[1]
    number = jnp.arange(steps)[None, :, None]
    out = jax.lax.cummin(jnp.where(plugged > 0, steps, number), axis=1, reverse=True)
    return ((out - number) * dt_h).astype(plugged.dtype)


def recent(load_kw: Any, dt_h: float) -> Any:
    """Energy of the last five hours of each day, (days, steps, homes) [kWh]; numpy or JAX."""
    total_kwh = load_kw.cumsum(1) * dt_h
    before = np.arange(load_kw.shape[1]) - round(RECENT_H / dt_h)
    return total_kwh - total_kwh[:, np.maximum(before, 0)] * (before >= 0)[None, :, None]


def sampler(
    readings: Readings,
    source: dict[str, np.ndarray],
    scale: np.ndarray,
    dt_h: float,
    near: tuple[int, int, int],
    more: tuple[Augment, float],
) -> Sampler:
    """A Sampler of `len(scale)` agents on steps of `dt_h`; readings are held or averaged, energy is kept.

    Args:
        source: for each split (homes,) index into `readings.homes`.
        scale: (homes,) size relative to the measured home.
        near: fold of the weeks (`split_of_week`); a load may come from a day at most so many days away; days of an
            episode.
        more: augmentation of training days, forecast error.
    """
    (fold, window, episode_days), (augment, forecast_error) = near, more
    load, sun = (resample(x, dt_h).swapaxes(1, 2) for x in (readings.load_kw, readings.sun_kw_per_kwp))
    car = None
    if readings.ev_plugged is not None and readings.ev_driving_kw is not None:
        plugged, driving = (resample(x, dt_h).swapaxes(1, 2) for x in (readings.ev_plugged, readings.ev_driving_kw))
        car = jnp.asarray(plugged, jnp.float32), jnp.asarray(driving, jnp.float32)
    flat = load.transpose(1, 0, 2).reshape(load.shape[1], -1)
    last = np.concatenate([flat[:, :1], flat[:, :-1]], 1).reshape(load.shape[1], load.shape[0], -1)
    days, steps = load.shape[0], load.shape[2]
    split = np.array([split_of_day(day, fold, episode_days) for day in range(days)])
    alone = np.flatnonzero(np.append(True, split[1:] != split[:-1]))  # the day before is not to be seen: as their own
    last[:, alone, 0] = load[alone, :, -1].T
    price = resample(readings.import_price_per_kwh, dt_h)
    kind = np.searchsorted(list(DAY_KINDS.values())[1:], readings.outdoor_c.mean(1), "right")
    common = {
        "outdoor_c": resample(readings.outdoor_c, dt_h),
        "day_kind": np.repeat(kind[:, None], steps, 1),
        "import_price_per_kwh": price,
        "export_price_per_kwh": resample(readings.export_price_per_kwh, dt_h),
        "price_ahead_per_kwh": np.asarray(ahead(jnp.asarray(price), round(4 / dt_h))),
        "carbon_kg_per_kwh": resample(readings.carbon_kg_per_kwh, dt_h),
        "hour": np.tile(np.arange(steps) * dt_h, (days, 1)),
        "weekend": np.repeat(readings.weekend[:, None], steps, 1),
        "dt_h": np.full((days, steps), dt_h),
    }
    single = jnp.float32
    return Sampler(
        load_kw=jnp.asarray(load, single),
        last_kw=jnp.asarray(last.transpose(1, 0, 2), single),
        sun=jnp.asarray(sun, single),
        car=car,
        common={name: jnp.asarray(table, single) for name, table in common.items()},
        nearby=jnp.asarray(nearby_days(split, readings.weekend, window)),
        near_weeks=jnp.asarray(nearby_weeks(split, window)),
        split_days={name: jnp.asarray(first_days(split, name, episode_days)) for name in SPLITS},
        source={name: jnp.asarray(index) for name, index in source.items()},
        scale=jnp.asarray(scale, single),
        augment=augment,
        forecast_error=forecast_error,
        dt_h=dt_h,
        episode_days=episode_days,
    )


def nearby_days(split: np.ndarray, weekend: np.ndarray, window: int) -> np.ndarray:
    """For each day the days of its split and part of the week within ± window, by calendar week; (days, weeks, most).

    Both axes are repeated to equal length.
    """
    day = np.arange(len(split))
    rows = [np.flatnonzero((split == split[d]) & (weekend == weekend[d]) & (abs(day - d) <= window)) for d in day]
    weeks = [np.split(row, np.flatnonzero(np.diff(row // 7)) + 1) for row in rows]
    most = max(len(week) for row in weeks for week in row)
    filled = [np.stack([np.resize(week, most) for week in row]) for row in weeks]
    count = max(map(len, filled))
    return np.stack([np.resize(row, (count, most)) for row in filled])


def resample(values: np.ndarray, dt_h: float) -> np.ndarray:
    """(days, steps, …) at another step: a power is held over finer steps and averaged over coarser ones."""
    steps = values.shape[1]
    wanted = round(24 / dt_h)
    fine = np.lcm(steps, wanted)
    held = np.repeat(values, fine // steps, axis=1)
    return held.reshape(values.shape[0], wanted, fine // wanted, *values.shape[2:]).mean(2)
