"""Networks that see a set of homes at once: what they say does not depend on the order or the number of homes."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.learn.critic import Critic, fresh_critic, on_days
from wattflock.learn.nets import Networks, flock

Pool = Literal["mean", "median", "trimmed"]
TRIM = 0.3  # of the homes, at either end of each number, that a trimmed mean leaves out


class SetNetworks(eqx.Module):
    """Actions of every home from what is seen of it and the mean over homes of what a network makes of each.

    If homes change places, their actions do, too. Source: Zaheer et al. 2017, Deep Sets (arXiv 1703.06114), section 3.
    """

    each: Networks  # one perceptron (1, …), of every home: (rows, seen) → (rows, hidden)
    head: Networks  # of what it says of a home, and its mean over homes
    pool: Pool = eqx.field(default="mean", static=True)

    def __call__(self, features: Array) -> Array:
        """(1, rows, homes · seen) → (1, rows, homes · controls) in (-1, 1)."""
        own = homes_of(self.each, features)
        mean = jnp.broadcast_to(pooled(own, self.pool)[:, :, None], own.shape)
        both = jnp.concatenate([own, mean], -1)
        return self.head(both.reshape(1, -1, both.shape[-1])).reshape(*features.shape[:2], -1)


class SetCritic(eqx.Module):
    """A value of all homes: of the mean over homes of what a network makes of each."""

    each: Networks
    head: Critic
    pool: Pool = eqx.field(default="mean", static=True)

    def __call__(self, features: Array) -> Array:
        """(1, rows, homes · seen) → (1, rows, 1)."""
        return self.head(pooled(homes_of(self.each, features), self.pool))

    def days(self, features: Array) -> Array:
        """(days, steps, 1, homes · seen) → (days, steps, 1)."""
        return on_days(self, features)


def homes_of(each: Networks, features: Array) -> Array:
    """What a network says of every home: (1, rows, homes · seen) → (1, rows, homes, hidden)."""
    seen = each.weights[0].shape[1]
    return each(features.reshape(1, -1, seen)).reshape(*features.shape[:2], features.shape[2] // seen, -1)


def pooled(own: Array, pool: Pool) -> Array:
    """(1, rows, homes, hidden) → (1, rows, hidden): mean, median or trimmed mean over homes of each number.

    Source: Yin et al. 2018 (arXiv 1803.01498), definitions 1 and 2, of gradients.
    """
    if pool == "mean":
        return own.mean(2)
    if pool == "median":
        return jnp.median(own, 2)
    cut = int(TRIM * own.shape[2])
    return jnp.sort(own, 2)[:, :, cut : own.shape[2] - cut].mean(2)


def set_networks(seen: int, hidden: tuple[int, ...], controls: int, key: Array, pool: Pool = "mean") -> SetNetworks:
    """Fresh networks, which say nearly zero."""
    return SetNetworks(body(seen, hidden, key), flock((2 * hidden[-1], *hidden, controls), 1, key), pool)


def set_critic(seen: int, hidden: tuple[int, ...], key: Array, pool: Pool = "mean") -> SetCritic:
    """A fresh critic with output zero."""
    return SetCritic(body(seen, hidden, key), fresh_critic((hidden[-1], *hidden), 1, key), pool)


def body(seen: int, hidden: tuple[int, ...], key: Array) -> Networks:
    """A perceptron whose last layer is no smaller than the others."""
    drawn = flock((seen, *hidden), 1, key)
    return Networks([*drawn.weights[:-1], 10 * drawn.weights[-1]], drawn.biases)
