"""Separate networks of all homes as one stack of arrays; nothing is shared between homes."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.world.rollout import Policy


class Networks(eqx.Module):
    """One multilayer perceptron per home: weights (homes, in, out), biases (homes, out); tanh throughout."""

    weights: list[Array]
    biases: list[Array]

    def __call__(self, features: Array) -> Array:
        """(homes, rows, seen) → (homes, rows, controls) in (-1, 1); each home's own weights."""
        x = features
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = jnp.tanh(jnp.einsum("nrf,nfh->nrh", x, weight) + bias[:, None])
        return x


def flock(sizes: tuple[int, ...], homes: int, key: Array) -> Networks:
    """Fresh networks: variance 1/in, the last layer a tenth of that so that all start near zero action."""
    weights, last = [], len(sizes) - 2
    for layer, (into, out) in enumerate(itertools.pairwise(sizes)):
        scale = (0.1 if layer == last else 1.0) / into**0.5
        drawn = jax.random.normal(jax.random.fold_in(key, layer), (homes * into * out,))  # flat: compiles in a fifth
        weights.append(scale * drawn.reshape(homes, into, out))
    return Networks(weights, [jnp.zeros(w.shape[::2]) for w in weights])


def turned(tree):
    """The same arrays, those of (homes, …) with the homes axis last; values are unchanged."""
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1) if leaf.ndim > 1 else leaf, tree)


def turned_back(tree):
    """The inverse of `turned`."""
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0) if leaf.ndim > 1 else leaf, tree)


def across(nets: Networks, features: Array) -> Array:
    """(seen, rows, homes) → (controls, rows, homes) of networks that were `turned`.

    The small products are sums of whole vectors over homes, without a call of a matrix product (docs/learn-gradmap.md).
    The barriers keep each layer from being computed again for everything that reads it.
    """
    x = features
    for weight, bias in zip(nets.weights, nets.biases, strict=True):
        x = _held(jnp.tanh(_product(x, weight) + bias[:, None]))
    return x


_held = jax.lax.optimization_barrier


@jax.custom_vjp
def _product(x: Array, weight: Array) -> Array:
    """(in, rows, homes), (in, out, homes) → (out, rows, homes)."""
    return _held(sum(x[k][None] * weight[k][:, None] for k in range(x.shape[0])))


def _product_back(saved, slope):
    x, weight = saved
    to_x = sum(slope[k][None] * weight[:, k][:, None] for k in range(slope.shape[0]))
    to_weight = sum(x[:, row][:, None] * slope[:, row][None] for row in range(x.shape[1]))
    return _held(to_x), _held(to_weight)


_product.defvjp(lambda x, weight: (_product(x, weight), (x, weight)), _product_back)


class Separate(Policy):
    """Every home evaluates its own network; no memory, deterministic."""

    nets: Networks

    def __call__(self, memory, seen, key):
        return memory, self.nets(seen.features[:, None])[:, 0]
