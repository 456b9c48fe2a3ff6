"""Autoregressive load model: the load of the next hour given the home, the day, and its last hours."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.tables import Table
from wattflock.data.calendar import calendar
from wattflock.data.home_days import HomeDays
from wattflock.synth.habits_net import OWN, SHAPES, asked, coordinates, drawn, mixture, remember
from wattflock.synth.habits_training import FLOOR_KW, learned
from wattflock.synth.load_model import Around, Hours, LoadModel, Say

TUNED_ON = 256  # new homes that level and spread are tuned on
APART = 0.25  # distance of a new home from a measured one [share of the homes' spread]


class Traits(NamedTuple):
    """Constants of a home: level and spread of its log load, its bounds, coordinates and hourly schedule."""

    level: Array
    spread: Array
    low: Array
    high: Array
    own: Array  # (OWN + 2,)
    schedule: Array  # (conditions, 24, CHANNELS)


class Memory(NamedTuple):
    """Memory of a home: its last hours, running means of its load, and of the temperature."""

    recent: Array  # (3,) normalised log load
    means: Array  # (3,)
    warm: Array  # [6 °C above 11 °C]


class Habits(LoadModel):
    """A network that returns a mixture of normals of the log load for each hour, from which the load is drawn.

    A measured home is a point in a small space that is learned together with the network; a new home is a point
    between and around them.
    Source: Germain et al. 2015 (autoregressive density), Bishop 1994 (mixture density networks).
    """

    weights: dict[str, Array]
    people: dict[str, Array]  # points of the measured homes: `each` (homes, points), `mean`, `spread`, `tune`

    @classmethod
    def fit(cls, measured: HomeDays, seed: int, say: Say) -> "Habits":
        """Maximum likelihood on the measured hours, all homes at once; a minute or less on two cores."""
        model = cls(**learned(measured, seed, say))
        return eqx.tree_at(lambda it: it.people["tune"], model, _tuned(model, measured, seed))

    @classmethod
    def tables(cls) -> dict[str, Table]:
        """Weights of the network, and the points of measured homes."""
        people = {"each": f"homes {OWN + 4}", "mean": f"{OWN + 4}", "spread": f"{OWN + 4} {OWN + 4}", "tune": "2"}
        logs = {f"people.{name}": Table(shape, -12, 12) for name, shape in people.items()}  # of kW: 12 is 160 MW
        return {f"weights.{name}": Table(shape, -100, 100) for name, shape in SHAPES.items()} | logs

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
        own = coordinates(point[:OWN], level, spread)
        shift, stretch = people["tune"]
        level, spread = level + shift, spread * stretch
        low, high = (point[OWN + 2 :] - level) / spread
        return Traits(level, spread, low, high, own, jnp.einsum("p,pchr->chr", own, self.weights["schedule"]))

    def begin(self, traits: Traits, key: Array) -> Memory:
        """As after a plain day."""
        del traits, key
        return Memory(jnp.zeros(3), jnp.zeros(3), jnp.zeros(()))

    def day(self, given: tuple[Traits, Memory], around: Around, key: Array) -> tuple[Memory, Hours]:
        """One day of one home; see `LoadModel.day`."""
        traits, memory = given
        weights = self.weights
        warm, conditions, facts = asked(around.when, around.outdoor_c, memory.warm)
        hourly = jnp.einsum("c,chr->hr", conditions, traits.schedule) @ weights["schedule_in"]
        hourly += weights["hour"] + conditions[1] * weights["weekend"]
        hourly += (jnp.concatenate([facts, traits.own]) @ weights["still_in"])[None]
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


def _tuned(model: Habits, measured: HomeDays, seed: int) -> Array:
    """Shift and stretch of every new home's log load, so that mean and spread over all homes are as measured.

    Homes between the measured ones have a smaller spread, since the network interpolates smoothly.
    """
    assert measured.load_kw is not None and measured.outdoor_c is not None
    when = calendar(measured.first_day, len(measured.outdoor_c), "UTC")
    root = jax.random.key(seed)
    keys = jax.random.split(root, TUNED_ON)

    @jax.jit
    def drawn_homes(model, when, outdoor_c):
        traits = jax.vmap(model.traits)(keys)
        state = jax.vmap(model.begin)(traits, keys)

        def day(state, today):
            around = Around(*today)

            def one(traits, state, key):
                return model.day((traits, state), around, jax.random.fold_in(key, around.when.day))

            state, load_kw = jax.vmap(one)(traits, state, keys)
            value = jnp.log(load_kw + FLOOR_KW)
            return state, jnp.stack([value.mean(1), (value**2).mean(1)])

        return jax.lax.scan(day, state, (when, outdoor_c))[1].mean(0)

    given = jax.tree.map(jnp.asarray, (when, measured.outdoor_c.astype(np.float32)))
    mean, square = drawn_homes(model, *given)
    facts = model.people["each"][:, OWN : OWN + 2].mean(0)
    stretch = facts[1] / jnp.sqrt(square - mean**2).mean()
    return jnp.stack([facts[0] - mean.mean(), stretch])
