"""Clusters of days by their shape, and how one day's cluster follows another's."""

from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

WINDOWS_H = ((0, 7), (7, 11), (11, 14), (14, 17), (17, 21), (21, 24))
COUNTS = tuple(range(2, 10))
PAPER_COUNT = 4  # clusters of load in HEDGE


class Criteria(NamedTuple):
    """Criteria for the number of clusters; weekday and weekend averaged, (counts,) each."""

    counts: np.ndarray
    inertia: np.ndarray  # squared distance to the own centre, as a share of that of one single cluster
    silhouette: np.ndarray

    def elbow(self) -> int:
        """The count furthest below the straight line from the first to the last inertia."""
        line = np.linspace(self.inertia[0], self.inertia[-1], len(self.inertia))
        return int(self.counts[np.argmax(line - self.inertia)])

    def best_silhouette(self) -> int:
        """The count with the largest silhouette."""
        return int(self.counts[np.argmax(self.silhouette)])


class Behaviour(eqx.Module):
    """Clusters of the days of weekdays (index 0) and weekends (1), all as arrays.

    Source: Charbonnier et al. 2024 (HEDGE, MethodsX 12, 102618): standardised features, K-means,
    transitions per pair of day types.
    """

    mean: Any  # of each feature, (2, features)
    spread: Any  # standard deviation, (2, features)
    centre: Any  # standardised, (2, clusters, features)
    share: Any  # of the days in each cluster, (2, clusters)
    transition: Any  # p(cluster of the day | cluster of the day before), (2 before, 2 day, clusters, clusters)

    def assign(self, days: Any, weekend: Any) -> Any:
        """The nearest cluster of each day: numpy in, numpy out; JAX in, JAX out.

        Args:
            days: any positive multiple of a profile, (..., 24).
            weekend: 0 or 1, integers, (...).
        """
        space = days.__array_namespace__()
        mean, spread, centre = (space.asarray(table)[weekend] for table in (self.mean, self.spread, self.centre))
        place = ((features(days) - mean) / spread)[..., None, :]
        return space.argmin(((place - centre) ** 2).sum(-1), axis=-1)


def normalise(days: Any) -> Any:
    """Days divided by their sum, (..., steps); a day without any use stays zero."""
    space = days.__array_namespace__()
    return days / space.maximum(days.sum(-1)[..., None], 1e-9)


def features(days: Any) -> Any:
    """Largest normalised value, its hour, and the mean of six windows of the day, (..., 24) -> (..., 8)."""
    space = days.__array_namespace__()
    profile = normalise(days)
    windows = [profile[..., start:end].mean(-1) for start, end in WINDOWS_H]
    return space.stack([profile.max(-1), profile.argmax(-1).astype(profile.dtype), *windows], axis=-1)


def fit(load_kw: np.ndarray, weekend: np.ndarray, count: int | None = None, seed: int = 0) -> Behaviour:
    """Clusters of measured days, (homes, days, 24) [kW]; `count` None takes the elbow of the inertia.

    Args:
        load_kw: days with a NaN are left out.
        weekend: of each day, 0 or 1, (days,).
        count: clusters, the same for weekdays and weekends.
        seed: of the starts of K-means.
    """
    kinds = _kinds(load_kw, weekend)
    count = criteria(load_kw, weekend, seed=seed).elbow() if count is None else count
    fitted = [_cluster(values, count, seed) for values in kinds]
    mean, spread, centre = (np.stack([kind[k] for kind in fitted]).astype(np.float32) for k in range(3))
    empty = np.zeros((2, 2, count, count), np.float32)
    found = Behaviour(mean, spread, centre, empty[0, :, 0], empty)
    label = labels(found, load_kw, weekend)
    share = np.stack([np.bincount(own[own >= 0], minlength=count) for own in _split(label, weekend)])
    counts = transition_counts(label, weekend, count)
    return Behaviour(mean, spread, centre, _share(share), _share(counts))


def criteria(load_kw: np.ndarray, weekend: np.ndarray, counts: tuple[int, ...] = COUNTS, seed: int = 0) -> Criteria:
    """Inertia and silhouette of clusters of measured days, (homes, days, 24), for each count."""
    from sklearn.metrics import silhouette_score

    inertia, silhouette = np.zeros((2, len(counts))), np.zeros((2, len(counts)))
    for kind, values in enumerate(_kinds(load_kw, weekend)):
        for k, count in enumerate(counts):
            mean, spread, centre = _cluster(values, count, seed)
            place = (values - mean) / spread
            distance = np.sum((place[:, None] - centre[None]) ** 2, axis=-1)
            inertia[kind, k] = distance.min(1).mean() / values.shape[1]
            rows = np.random.default_rng(seed).permutation(len(place))[:2000]
            silhouette[kind, k] = silhouette_score(place[rows], distance.argmin(1)[rows])
    return Criteria(np.array(counts), inertia.mean(0), silhouette.mean(0))


def labels(behaviour: Behaviour, load_kw: np.ndarray, weekend: np.ndarray) -> np.ndarray:
    """Cluster of each day, (homes, days); -1 where the day is left out."""
    whole = ~np.any(np.isnan(load_kw), axis=-1)
    kind = np.broadcast_to(weekend.astype(int), whole.shape)
    return np.where(whole, behaviour.assign(np.where(whole[..., None], load_kw, 1.0), kind), -1)


def transition_counts(label: np.ndarray, weekend: np.ndarray, count: int) -> np.ndarray:
    """Pairs of consecutive days of one home, (2 before, 2 day, clusters, clusters); label -1 is no day."""
    before, after = label[:, :-1], label[:, 1:]
    kinds = weekend.astype(int)
    home, day = np.nonzero((before >= 0) & (after >= 0))
    counts = np.zeros((2, 2, count, count))
    np.add.at(counts, (kinds[day], kinds[day + 1], before[home, day], after[home, day]), 1)
    return counts


def _kinds(load_kw: np.ndarray, weekend: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(features(days[~np.isnan(days).any(-1)])) for days in _split(load_kw, weekend)]


def _split(values: np.ndarray, weekend: np.ndarray) -> list[np.ndarray]:
    return [values[:, weekend == kind] for kind in (0, 1)]


def _cluster(values: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(values)
    starts: Any = 20  # the stubs of scikit-learn know a word only
    centre = KMeans(count, n_init=starts, random_state=seed).fit(scaler.transform(values)).cluster_centers_
    order = np.argsort(centre[:, 1])  # by the hour of the peak, so that a refit names them alike
    return np.asarray(scaler.mean_), np.asarray(scaler.scale_), centre[order]


def _share(counts: np.ndarray) -> np.ndarray:
    """Rows that sum to 1; a row never seen is even."""
    total = counts.sum(-1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), 1 / counts.shape[-1]).astype(np.float32)
