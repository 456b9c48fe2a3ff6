"""A central network that says what violations cost on a given day, for every hour and node; used in training only."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.types import Profile

SIZE = 272.0  # of a multiplier [currency per home and pu·h]: the network says numbers of order one
SEEN = 13


class Multipliers(eqx.Module):
    """One perceptron for all hours, whose last layer has few units: (hours, nodes) of low rank, and an offset."""

    weights: list[Array]  # (in, out)
    biases: list[Array]  # (out,); of the last layer (steps, nodes)

    def __call__(self, profile: Profile) -> Array:
        """What it says of each day, (days, steps, nodes) [currency per home and pu·h]; may be negative."""
        x = common(profile)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = jnp.tanh(x @ weight + bias[None, None])
        return SIZE * (x @ self.weights[-1] + self.biases[-1][None])


def multipliers(hidden: tuple[int, ...], steps: int, nodes: int, key: Array) -> Multipliers:
    """A fresh network that says zero."""
    sizes = (SEEN, *hidden)
    weights = [
        jax.random.normal(jax.random.fold_in(key, layer), size) / size[0] ** 0.5
        for layer, size in enumerate(itertools.pairwise(sizes))
    ]
    biases = [jnp.zeros(size) for size in hidden]
    return Multipliers([*weights, jnp.zeros((sizes[-1], nodes))], [*biases, jnp.zeros((steps, nodes))])


def common(profile: Profile) -> Array:
    """What a day is like to all homes, hour by hour and as a mean over it, (days, steps, SEEN); of order one."""
    angle = 2 * jnp.pi * profile.hour / 24
    weather = [
        (profile.outdoor_c - 10) / 10,
        2 * profile.sun_kw_per_kwp.mean(-1),
        profile.load_kw.mean(-1),
        8 * (profile.import_price_per_kwh - 0.3),
    ]
    whole = [jnp.broadcast_to(x.mean(1, keepdims=True), x.shape) for x in weather]
    clock = [jnp.sin(angle), jnp.cos(angle), jnp.sin(2 * angle), jnp.cos(2 * angle), profile.weekend]
    return jnp.stack([*weather, *whole, *clock], -1)
