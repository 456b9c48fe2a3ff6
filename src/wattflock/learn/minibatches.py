"""Rows (home, step) in minibatches: every home's network fitted to its own rows, one Adam step each."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array


def flat(x: Array) -> Array:
    """(days, steps, homes, k) → (rows, homes, k)."""
    return x.reshape(-1, *x.shape[2:])


def shuffled(count: int, rows: int, epochs: int, key: Array) -> Array:
    """Numbers of rows, (minibatches, rows): each of `epochs` passes in an order of its own; a rest is left out."""
    size = min(rows, count)
    batches = count // size

    def epoch(key):
        return jax.random.permutation(key, count)[: batches * size].reshape(batches, size)

    return jax.vmap(epoch)(jax.random.split(key, epochs)).reshape(epochs * batches, size)


def fit(
    loss: Callable, start: tuple[Any, optax.OptState], adam: optax.GradientTransformation, rows: list, order: Array
) -> tuple[Any, optax.OptState]:
    """Networks and Adam's moments after one step on `loss(nets, *minibatch)` for each minibatch.

    Args:
        start: networks and moments.
        rows: arrays (rows, homes, k), or (rows, k, homes); a minibatch has its first two axes swapped.
        order: from `shuffled`.
    """

    def minibatch(carry, index):
        nets, moments = carry
        slope = jax.grad(loss)(nets, *(jnp.swapaxes(x[index], 0, 1) for x in rows))
        step, moments = adam.update(slope, moments)
        return (optax.apply_updates(nets, step), moments), None

    return jax.lax.scan(minibatch, start, order)[0]
