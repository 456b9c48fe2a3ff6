"""Load as a habit: how much a home draws next hour, given who lives there, the day, and its last hours."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.synth.flock import Flock
from wattflock.synth.hours import OWN, asked, coordinates, drawn, mixture, moods, remember
from wattflock.synth.lesson import FLOOR_KW, learned
from wattflock.synth.load import Around, Hours, LoadModel, Say

APART = 0.3  # how far a new home stands from a measured one [share of the homes' spread]


class Traits(NamedTuple):
    """What a home keeps: level and spread of its log load, its bounds, coordinates and hourly schedule."""

    level: Array
    spread: Array
    low: Array
    high: Array
    own: Array  # (OWN + 2,)
    schedule: Array  # (conditions, 24, CHANNELS)


class Memory(NamedTuple):
    """What a home remembers: its last hours, running means of its load, and of the temperature."""

    recent: Array  # (3,) normalised log load
    means: Array  # (3,)
    warm: Array  # [10 °C above 11 °C]


class Habits(LoadModel):
    """A network that is asked hour after hour for a mixture of normals of the log load, and drawn from.

    A measured home is a point in a small space that is learned together with the network; a new home is a point
    between and around them. Moods that a region shares (a match, a holiday, snow) come from a process of their own.
    Source: Germain et al. 2015 (autoregressive density), Bishop 1994 (mixture density networks).
    """

    weights: dict[str, Array]
    people: dict[str, Array]  # points of the measured homes: `each` (homes, points), `mean`, `spread`
    mood: dict[str, Array]  # day_sd, day_keep, hour_sd (24,), hour_keep

    @classmethod
    def fit(cls, measured: Flock, seed: int, say: Say) -> "Habits":
        """Maximum likelihood on the measured hours, all homes at once; a minute or less on two cores."""
        return cls(**learned(measured, seed, say))

    def traits(self, key: Array) -> Traits:
        """A measured home, drawn towards the mean and moved at random: the homes' covariance is kept.

        Source: Silverman 1986, smoothed bootstrap, eq. 6.15.
        """
        which, move = jax.random.split(key)
        people = self.people
        chosen = people["each"][jax.random.randint(which, (), 0, len(people["each"]))]
        moved = people["spread"] @ jax.random.normal(move, people["mean"].shape)
        point = people["mean"] + np.sqrt(1 - APART**2) * (chosen - people["mean"]) + APART * moved
        level, spread = point[OWN], jnp.maximum(point[OWN + 1], 0.2)
        low, high = (point[OWN + 2 :] - level) / spread
        own = coordinates(point[:OWN], level, spread)
        return Traits(level, spread, low, high, own, jnp.einsum("p,pchr->chr", own, self.weights["schedule"]))

    def begin(self, traits: Traits, key: Array) -> Memory:
        """As after a plain day."""
        del traits, key
        return Memory(jnp.zeros(3), jnp.zeros(3), jnp.zeros(()))

    def day(self, given: tuple[Traits, Memory], around: Around, key: Array) -> tuple[Memory, Hours]:
        """One day of one home; see `LoadModel.day`."""
        traits, memory = given
        weights, mood = self.weights, moods(self.mood, around.key, around.when.day)
        warm, conditions, facts = asked(around.when, around.outdoor_c, memory.warm)
        hourly = jnp.einsum("c,chr->hr", conditions, traits.schedule) @ weights["schedule_in"]
        hourly += weights["hour"] + conditions[1] * weights["weekend"]
        hourly += (jnp.concatenate([facts, traits.own]) @ weights["still_in"])[None]
        hourly += mood[:, None] * weights["mood_in"][None, 0] + mood.mean() * weights["mood_in"][None, 1]
        chance = jax.random.uniform(key, (24, 2), minval=1e-6)

        def hour(memory: tuple[Array, Array], given: tuple[Array, Array]) -> tuple[Any, Array]:
            bias, chance = given
            mixed = mixture(weights, jnp.concatenate(memory), bias)
            value = drawn(mixed, chance)
            value = jnp.minimum(value, 2 * traits.high - value)  # what goes beyond the highest comes back below it
            value = jnp.maximum(value, traits.low)
            return remember(memory, value), value

        (recent, means), value = jax.lax.scan(hour, memory[:2], (hourly, chance), unroll=4)
        load_kw = jnp.exp(traits.level + traits.spread * value) - FLOOR_KW
        return Memory(recent, means, warm), jnp.maximum(load_kw, 0.0)
