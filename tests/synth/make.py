"""Made-up days of load, and a home that lives in them."""

import datetime

import jax
import jax.numpy as jnp
import numpy as np

from wattflock.data.calendar import calendar
from wattflock.data.home_days import HomeDays
from wattflock.synth.load_model import Around, LoadModel

MONDAY, YEAR = datetime.date(2024, 1, 1), datetime.date(2027, 1, 1)
PEAKS_H = (3, 9, 15, 20)


def quiet(share: float, words: str) -> None:
    """Says nothing."""


def peaked(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Days with a peak at one of `PEAKS_H`, (..., 24)."""
    hour = np.arange(24) - np.array(PEAKS_H)[label][..., None]
    return (0.2 + np.exp(-(hour**2) / 4)) * rng.lognormal(0, 0.2, (*label.shape, 24))


def flock(weeks: int) -> HomeDays:
    """Eight homes of 2 to 16 kWh/day from a Monday, with days of four kinds and a cold that passes."""
    rng, days = np.random.default_rng(0), 7 * weeks
    load = peaked(rng.integers(0, 4, (8, days)), rng)
    energy_kwh = np.arange(2.0, 18, 2)[:, None] * rng.lognormal(0, 0.2, (8, days))
    load_kw = (load / load.sum(-1, keepdims=True) * energy_kwh[..., None]).astype(np.float32)
    outdoor_c = np.tile(np.linspace(-5, 15, days, dtype=np.float32)[:, None], (1, 24))
    return HomeDays(tuple(f"home {k}" for k in range(8)), MONDAY, load_kw=load_kw, outdoor_c=outdoor_c)


def live(model: LoadModel, key: jax.Array, days: int) -> tuple:
    """Traits, last state and load of one home: any, any, (days, 24)."""
    for_traits, for_start, for_days = jax.random.split(key, 3)
    traits = model.traits(for_traits)

    def step(state, when):
        return model.day((traits, state), Around(when, jnp.zeros(24)), jax.random.fold_in(for_days, when.day))

    days_on = jax.tree.map(jnp.asarray, calendar(YEAR, days, "Europe/London"))
    return traits, *jax.lax.scan(step, model.begin(traits, for_start), days_on)
