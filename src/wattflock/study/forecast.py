"""A home's forecast of its day: known prices and temperature, a sun forecast, its own mean load and car use."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.types import Profile, by_day, by_episode
from wattflock.data.sample import Sampler, recent
from wattflock.data.sun_forecast import factor

COMMUTES = 40  # training days whose mean is the car's forecast where cars were not measured


@dataclasses.dataclass(frozen=True)
class Forecast:
    """Days as they are expected; and how long a deviation of the load from its mean lasts."""

    profile: Profile  # numpy, (days, steps, homes) like the days themselves; its sun without `sun_error`
    memory: float  # of the load's deviation, from one step to the next [share]

    def rest(self, day: int, truth: Profile, step: int, load_known: bool = False) -> Profile:
        """The rest of a day from `step`: this step is known except for its load, later ones are forecast.

        Args:
            day: number of the day in this forecast.
            truth: the true day, (steps, homes).
            step: where the rest begins.
            load_known: the load of this step is known too, else the last one; its deviation from the mean fades.

        Returns:
            Profile of shape (steps - step, homes).
        """
        later = jax.tree.map(lambda x: x[day, step:], self.profile)
        if load_known:
            away_kw = truth.load_kw[step] - later.load_kw[0]
        else:  # before the first step the mean of the last one is that of the first day's own
            last = (step or round(24 / float(truth.dt_h[0]))) - 1
            away_kw = self.memory * (truth.load_last_kw[step] - self.profile.load_kw[day, last])
        fades = self.memory ** np.arange(len(later.load_kw))[:, None]
        lead_h = np.cumsum(later.dt_h) - later.dt_h
        later = dataclasses.replace(
            later,
            load_kw=np.maximum(later.load_kw + fades * away_kw, 0),
            sun_kw_per_kwp=later.sun_kw_per_kwp * factor(later.sun_error, lead_h)[:, None],
        )
        rest = jax.tree.map(lambda now, rest: np.concatenate([now[step : step + 1], rest[1:]]), truth, later)
        load_kw = rest.load_kw if load_known else later.load_kw
        dt_h = float(truth.dt_h[0])
        days = np.concatenate([truth.load_kw[:step], load_kw]).reshape(-1, round(24 / dt_h), load_kw.shape[1])
        recent_kwh = recent(days, dt_h).reshape(-1, load_kw.shape[1])[step:]
        return dataclasses.replace(rest, load_kw=load_kw, load_recent_kwh=recent_kwh)


def perfect(profile: Profile) -> Forecast:
    """A perfect forecast."""
    return Forecast(dataclasses.replace(profile, sun_error=0 * profile.sun_error), 0.0)


def forecast(sampler: Sampler, profile: Profile, split: str = "test") -> Forecast:
    """Forecasts of given days for the homes of a split.

    Load and car: the home's own mean by step and part of the week over the training days; the load also by
    its last deviation. Sun: the truth with the errors of `sun_error`, which homes' own forecasts have too.
    Prices and temperature: the truth, as published the day before.

    Args:
        sampler: where the days come from.
        profile: (days, steps, homes).
        split: of the homes' sources.
    """
    steps = sampler.load_kw.shape[-1]
    days, profile = profile.load_kw.shape[1] // steps, by_day(profile, steps)
    free = np.asarray(profile.weekend[:, 0]) > 0
    mean_kw, memory = load_habits(sampler, split)
    plugged, driving_kwh = car_habits(sampler, split)
    thought = dataclasses.replace(
        profile,
        load_kw=pick(mean_kw, free) * np.asarray(sampler.scale),
        ev_plugged=pick(plugged, free),
        ev_driving_kwh=pick(driving_kwh, free),
    )
    return Forecast(jax.tree.map(np.asarray, by_episode(thought, days)), memory)


def pick(habits: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Habits (part of the week, homes, steps) → (days, steps, homes)."""
    return habits[free.astype(int)].swapaxes(1, 2).astype(float)


def load_habits(sampler: Sampler, split: str) -> tuple[np.ndarray, float]:
    """Each home's mean load (part of the week, homes, steps) [kW], before its scale; and the memory of deviations."""
    table, free = of_training(sampler, sampler.load_kw)
    mean = by_part(table, free)
    away = table - mean[free.astype(int)]
    memory = (away[..., 1:] * away[..., :-1]).sum() / (away[..., :-1] ** 2).sum()
    return mean[:, np.asarray(sampler.source[split])], float(np.clip(memory, 0, 1))


def car_habits(sampler: Sampler, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Share of time plugged in and energy driven, each (part of the week, homes, steps)."""
    source = np.asarray(sampler.source[split])
    if sampler.car is not None:
        plugged, driving_kw = (by_part(*of_training(sampler, table))[:, source] for table in sampler.car)
        return plugged, sampler.dt_h * driving_kw
    drawn = eqx.filter_jit(sampler.train)(jax.random.key(0), -(-COMMUTES // sampler.episode_days))
    drawn = by_day(drawn, sampler.load_kw.shape[-1])
    tables = (
        np.broadcast_to(jnp.swapaxes(x, 1, 2).mean(1, keepdims=True), (len(x), len(source), x.shape[1]))
        for x in (drawn.ev_plugged, drawn.ev_driving_kwh)
    )
    free = np.asarray(drawn.weekend[:, 0]) > 0
    plugged, driving_kwh = (by_part(table, free) for table in tables)
    return plugged, driving_kwh


def of_training(sampler: Sampler, table) -> tuple[np.ndarray, np.ndarray]:
    """The training days of a table (days, sources, steps), and which of them are weekends and holidays."""
    days = np.asarray(sampler.split_days["train"])
    return np.asarray(table)[days], np.asarray(sampler.common["weekend"])[days, 0] > 0


def by_part(table: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Means over work days and over free days, (2, …); over all where there are none of a kind."""
    return np.stack([table[kind if kind.any() else slice(None)].mean(0) for kind in (~free, free)])
