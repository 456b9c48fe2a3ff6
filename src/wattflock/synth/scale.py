"""Daily energy of a home on consecutive days: a Markov chain over intervals."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

INTERVALS = 50


class Scale(eqx.Module):
    """p(interval of the day | interval of the day before), for each pair of day types, learned from single homes.

    What is learned from may be divided by the mean of each home first: then a home that multiplies with its own mean
    keeps its magnitude. Source: Charbonnier et al. 2024 (HEDGE, MethodsX 12, 102618), Markov chain of scaling factors.
    """

    edge: Any  # percentiles of the factors of both days, (2 before, 2 day, intervals + 1)
    cumulative: Any  # of p(day | before) along the last axis, (2 before, 2 day, intervals, intervals)

    def begin(self, chance: Array) -> Array:
        """A factor of a weekday, shape (); `chance` is uniform in 0 to 1."""
        edge = jnp.asarray(self.edge)[0, 0]
        return jnp.interp(chance, jnp.linspace(0.0, 1.0, len(edge)), edge)

    def next(self, before: Array, kinds: tuple[Array, Array], chance: Array) -> Array:
        """The factor of a day: the middle of an interval.

        Args:
            before: factor of the day before, shape ().
            kinds: weekend of the day before and of the day, integers 0 or 1, shape ().
            chance: uniform in 0 to 1, shape ().
        """
        edge = jnp.asarray(self.edge)[kinds]
        row = jnp.clip((edge[1:-1] <= before).sum(), 0, len(edge) - 2)
        cumulative = jnp.asarray(self.cumulative)[kinds][row]
        place = jnp.clip((cumulative <= chance).sum(), 0, len(edge) - 2)
        return (edge[place] + edge[place + 1]) / 2


def fit(energy: np.ndarray, weekend: np.ndarray, intervals: int = INTERVALS) -> Scale:
    """The chain of daily energies.

    Args:
        energy: of each day of each home, in any unit; NaN where a day is left out, (homes, days).
        weekend: 0 or 1, (days,).
        intervals: between the percentiles of the factors of each pair of day types.
    """
    edge = np.zeros((2, 2, intervals + 1))
    chance = np.zeros((2, 2, intervals, intervals))
    for before in (0, 1):
        for day in (0, 1):
            pairs = _pairs(energy, (weekend[:-1] == before) & (weekend[1:] == day))
            edge[before, day] = np.percentile(pairs, np.linspace(0, 100, intervals + 1))
            chance[before, day] = fill(_counts(pairs, edge[before, day]))
    return Scale(edge.astype(np.float32), chance.cumsum(-1).astype(np.float32))


def fill(counts: np.ndarray) -> np.ndarray:
    """Rows that sum to 1, (n, n); an empty row is interpolated between the nearest rows that are not."""
    total = counts.sum(1, keepdims=True)
    seen = np.flatnonzero(total[:, 0])
    rows = counts[seen] / total[seen]
    place = np.arange(len(counts))
    filled = np.stack([np.interp(place, seen, column) for column in rows.T], axis=1)
    return filled / filled.sum(1, keepdims=True)


def _pairs(energy: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Consecutive days of one home, (pairs, 2)."""
    pairs = np.stack([energy[:, :-1][:, chosen], energy[:, 1:][:, chosen]], -1).reshape(-1, 2)
    pairs = pairs[~np.isnan(pairs).any(1)]
    if len(pairs) == 0:
        raise ValueError("consecutive days of each pair of day types are needed: a full week or more")
    return pairs


def _counts(pairs: np.ndarray, edge: np.ndarray) -> np.ndarray:
    place = np.searchsorted(edge[1:-1], pairs, side="right")
    counts = np.zeros((len(edge) - 1, len(edge) - 1))
    np.add.at(counts, (place[:, 0], place[:, 1]), 1)
    return counts
