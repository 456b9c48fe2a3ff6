"""The interface of ways to share a limit among chargers, and the equation that most of them solve."""

import abc
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.homes.device import Claim


class Asks(eqx.Module):
    """What chargers ask for in a step; all (chargers,). What was no number, or negative, is not here any more."""

    action: Array  # as policies say it, -1 to 1
    asked_kw: Array  # the most that each may get: what it can take, as far as its policy asks for it [kW]
    claim: Claim  # what each says of itself
    dt_h: Array  # () [h]


class Sharing(eqx.Module):
    """One way to share; a pure function of all chargers in one step. It may give less than the limit."""

    @classmethod
    def example(cls) -> Self:
        """One with default settings."""
        return cls()

    def asked_kw(self, action: Array, most_kw: Array) -> Array:
        """What actions (chargers,) ask for [kW]: by default a share of what can be taken; negative: nothing."""
        return jnp.maximum(action, 0) * most_kw

    def rest(self, action: Array) -> Array:
        """The action of a charger that is granted nothing: by default it may give energy, where it asked for that."""
        return jnp.minimum(action, 0)

    @abc.abstractmethod
    def share(self, asks: Asks, limit_kw: Array, memory: Array) -> Array:
        """What each charger gets (chargers,) [kW], from 0 to `asked_kw`, in all at most `limit_kw`.

        Args:
            asks: of all chargers.
            limit_kw: () [kW].
            memory: one number of each charger, (chargers,); 0 at the beginning of an episode.
        """

    def remember(self, asks: Asks, granted_kw: Array, memory: Array) -> Array:
        """The memory after a step in which `granted_kw` (chargers,) could be delivered; by default as it was."""
        del asks, granted_kw
        return memory


def fill(start: Array, slope: Array, cap: Array, total: Array) -> Array:
    """x = clip(slope · (λ - start), 0, cap) with the one λ for which Σ x = min(total, Σ cap); (chargers,).

    Exact: λ lies between two of the sorted ends of these ramps. The gradient is that of the equation with the ramps
    on which chargers stand held. Chargers with no slope get nothing. Source: water-filling, e.g. Boyd & Vandenberghe
    2004, Convex Optimization, example 5.2.
    """
    ramps = slope > 0
    cap, steep = jnp.where(ramps, cap, 0), jnp.where(ramps, slope, 1)
    first = jnp.min(jnp.where(ramps & (cap > 0), start, jnp.inf), initial=jnp.inf)
    begin = jnp.where(ramps, start - jax.lax.stop_gradient(jnp.where(jnp.isfinite(first), first, 0)), 0)
    level = jax.lax.stop_gradient(_level(begin, steep, cap, total))
    on = (level > begin) & (level < begin + cap / steep)
    full = (level >= begin + cap / steep) & (cap > 0)
    slope_on = jnp.where(on, steep, 0).sum()
    left = total - jnp.where(full, cap, 0).sum() + jnp.where(on, steep * begin, 0).sum()
    exact = jnp.where(slope_on > 0, left / jnp.where(slope_on > 0, slope_on, 1), level)
    return jnp.where(full, cap, jnp.where(on, jnp.clip(steep * (exact - begin), 0, cap), 0))


def _level(begin: Array, steep: Array, cap: Array, total: Array) -> Array:
    """The λ of `fill`: the sum of the ramps at each of their ends, and a straight line between two of them."""
    end = begin + cap / steep
    at = jnp.concatenate([begin, end])
    order = jnp.argsort(at)
    at, turn = at[order], jnp.concatenate([steep, -steep])[order]
    rising = jnp.cumsum(turn)[:-1]  # slope of the sum after each end
    reached = jnp.concatenate([jnp.zeros(1, at.dtype), jnp.cumsum(rising * jnp.diff(at))])
    place = jnp.clip(jnp.searchsorted(reached, total, side="right") - 1, 0, len(at) - 2)
    slope = rising[place]
    level = at[place] + jnp.where(slope > 0, (total - reached[place]) / jnp.where(slope > 0, slope, 1), 0)
    return jnp.where(total >= cap.sum(), at[-1] + 1, jnp.where(total > 0, level, at[0]))


def in_order(key: Array, cap: Array, total: Array) -> Array:
    """Each gets its cap in the order of `key`, the least first, until `total` is spent; (chargers,)."""
    order = jnp.argsort(key)
    before = jnp.cumsum(cap[order]) - cap[order]
    return jnp.zeros_like(cap).at[order].set(jnp.clip(total - before, 0, cap[order]))
