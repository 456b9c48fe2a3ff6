"""Critics: networks that estimate what the rest of a day costs a home, trained on minibatches."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from wattflock.learn.nets import Networks, flock


def flat(x: Array) -> Array:
    """(days, steps, homes, k) → (rows, homes, k)."""
    return x.reshape(-1, *x.shape[2:])


def shuffled(count: int, rows: int, epochs: int, key: Array, most: int | None = None) -> Array:
    """Numbers of rows, (minibatches, rows): each of `epochs` passes in an order of its own.

    A pass has as many minibatches as `count` rows fill, at most `most`; the rest is left out of it.
    """
    size = min(rows, count)
    batches = min(count // size, most or count)

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


class Critic(eqx.Module):
    """One network per home with a linear head: weights (homes, hidden, 1), bias (homes, 1)."""

    body: Networks
    weight: Array
    bias: Array

    def __call__(self, features: Array) -> Array:
        """(homes, rows, seen) → (homes, rows, 1) [currency]."""
        return jnp.einsum("nrh,nho->nro", self.body(features), self.weight) + self.bias[:, None]

    def days(self, features: Array) -> Array:
        """(days, steps, homes, seen) → (days, steps, homes) [currency]."""
        return on_days(self, features)


def on_days(critic: Callable, features: Array) -> Array:
    """What a critic of (homes, rows, seen) says of days (days, steps, homes, seen): (days, steps, homes)."""
    rows = jnp.moveaxis(features, 2, 0)
    values = critic(rows.reshape(rows.shape[0], -1, rows.shape[-1]))
    return jnp.moveaxis(values.reshape(rows.shape[:-1]), 0, 2)


class Critics(eqx.Module):
    """Training state of all homes' critics."""

    critic: Critic
    target: Critic  # its running mean, which makes the targets
    adam: optax.OptState


def critic(sizes: tuple[int, ...], homes: int, adam: Any, key: Array) -> Critics:
    """Fresh critics with output zero; `sizes` from the features to the last hidden layer."""
    net = fresh_critic(sizes, homes, key)
    return Critics(net, net, adam.init(net))


def fresh_critic(sizes: tuple[int, ...], count: int, key: Array, outputs: int = 1) -> Critic:
    """A stack of critics with output zero."""
    return Critic(flock(sizes, count, key), jnp.zeros((count, sizes[-1], outputs)), jnp.zeros((count, outputs)))


def values(critics: Critic, *given: Array) -> Array:
    """What each critic of a stack says of inputs (groups, rows, …), (stack, groups, rows)."""
    inputs = jnp.concatenate(given, -1)
    return jax.vmap(lambda critic: critic(inputs)[..., 0])(critics)


def to_go(cost: Array, value: Array, trace: float, discount: float = 1.0) -> Array:
    """TD(λ) targets: the cost from each step to the end of the day, (days, steps, homes) [currency].

    With V the critic's value and V = 0 after the last step, whose cost holds the value of the final state:
    target_t = V_t + Σ_k (γλ)^k (cost_{t+k} + γ V_{t+k+1} - V_{t+k}); λ = γ = 1 is the plain sum of costs.
    Source: Sutton & Barto 2018, eq. 12.2, as a sum of one-step errors; the target less V is the negative of the
    generalised advantage, Schulman et al. 2016 (arXiv 1506.02438), eq. 16.

    Args:
        cost, value: (days, steps, homes).
        trace: λ.
        discount: γ.
    """
    after = jnp.concatenate([value[:, 1:], jnp.zeros_like(value[:, :1])], 1)
    step = jnp.arange(cost.shape[1])
    ahead = step[None, :] - step[:, None]
    weight = jnp.where(ahead >= 0, (discount * trace) ** jnp.maximum(ahead, 0), 0.0)
    return value + jnp.einsum("ts,dsn->dtn", weight, cost + discount * after - value)


def miss(critic: Critic, features: Array, target: Array) -> Array:
    """Sum over homes of the mean over rows of (V - target)² / 2; target (homes, rows, 1)."""
    return ((critic(features) - jax.lax.stop_gradient(target)) ** 2).sum() / (2 * features.shape[1])
