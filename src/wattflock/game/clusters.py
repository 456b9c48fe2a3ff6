"""K-means of homes by their net-load profiles after the optimum of all homes together: a cluster becomes one player."""

import dataclasses
import warnings
from typing import Any

import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.study.study_file import MOST_CLUSTERS

FEWEST = 2  # clusters that are tried
TRIES = 8  # starts of K-means, of which the best is kept


@dataclasses.dataclass(frozen=True)
class Clusters:
    """Which home belongs to which cluster, and why there are so many."""

    label: np.ndarray  # (homes,) number of the cluster, from 0; no cluster is empty
    explained: dict[int, float]  # clusters that were tried → share of the profiles' variance between clusters

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return int(self.label.max()) + 1


def clustered(net_kw: np.ndarray, count: int = 0, scaled: bool = False, seed: int = 0) -> Clusters:
    """Clusters of homes; the same seed, the same clusters.

    Without a `count` the elbow of the explained variance decides: of 2 to 12 clusters those that stand farthest above
    the line from the fewest to the most.

    Args:
        net_kw: (days, steps, homes) net power after the optimum; a profile is its mean over the days.
        count: how many clusters; 0: the elbow.
        scaled: profiles are divided by their mean magnitude, so that shape counts and size does not.
        seed: of the starts of K-means.

    Raises:
        ScenarioError: a count that cannot be.

    Source: Han, Morstyn & McCulloch (K-means of prosumers' profiles after the grand coalition's optimisation); Arthur &
    Vassilvitskii 2007 (starts); Satopaa et al. 2011, DOI 10.1109/ICDCSW.2011.20 (elbow).
    """
    profile = net_kw.mean(0).T
    homes = len(profile)
    most = min(MOST_CLUSTERS, homes)
    if count and not 1 <= count <= most:
        raise ScenarioError([Problem("clusters", "count", count, f"1 to {most}, or 0: as the elbow says")])
    if scaled:
        size = abs(profile).mean(1, keepdims=True)
        profile = profile / np.where(size > 0, size, 1.0)
    asked = (count,) if count else range(min(FEWEST, homes), most + 1)
    found = {k: _kmeans(profile, k, seed) for k in asked}
    explained = {k: _explained(profile, label) for k, label in found.items()}
    return Clusters(found[elbow(explained)], explained)


def elbow(explained: dict[int, float]) -> int:
    """The number of clusters that stands farthest above the line between the first and the last."""
    counts, shares = np.array(list(explained)), np.array(list(explained.values()))
    line = np.interp(counts, counts[[0, -1]], shares[[0, -1]])
    return int(counts[(shares - line).argmax()])


def _kmeans(profile: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Labels (homes,), numbered by the first home of each cluster."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer unlike profiles than clusters: fewer clusters
        made: Any = KMeans
        label = made(count, n_init=TRIES, random_state=seed).fit_predict(profile)
    _, first, number = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]


def _explained(profile: np.ndarray, label: np.ndarray) -> float:
    """Share of the variance of profiles that is between clusters; 1 where there is none."""
    within = sum(((profile[label == k] - profile[label == k].mean(0)) ** 2).sum() for k in np.unique(label))
    total = ((profile - profile.mean(0)) ** 2).sum()
    return float(1 - within / total) if total > 0 else 1.0
