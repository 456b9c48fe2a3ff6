"""A thousand separate networks as one stack; nothing is shared between homes."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.world.rollout import Policy


class Flock(eqx.Module):
    """One multilayer perceptron per home: weights (homes, in, out), biases (homes, out); tanh throughout."""

    weights: list[Array]
    biases: list[Array]

    def __call__(self, features: Array) -> Array:
        """(homes, rows, seen) → (homes, rows, controls) in (-1, 1); each home's own weights."""
        x = features
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = jnp.tanh(jnp.einsum("nrf,nfh->nrh", x, weight) + bias[:, None])
        return x


def flock(sizes: tuple[int, ...], homes: int, key: Array) -> Flock:
    """Fresh networks: variance 1/in, the last layer a tenth of that so that all start near zero action."""
    weights, last = [], len(sizes) - 2
    for layer, (into, out) in enumerate(itertools.pairwise(sizes)):
        scale = (0.1 if layer == last else 1.0) / into**0.5
        weights.append(scale * jax.random.normal(jax.random.fold_in(key, layer), (homes, into, out)))
    return Flock(weights, [jnp.zeros(w.shape[::2]) for w in weights])


class Separate(Policy):
    """Every home asks its own network; no memory, no chance."""

    nets: Flock

    def __call__(self, memory, seen, key):
        return memory, self.nets(seen.features[:, None])[:, 0]
