"""Distance of made days from measured ones: pure functions on arrays, the same for every generator.

Days that hold a NaN are left out. Axes of load: (homes, days, steps) [kW], in local clock time.
"""

from typing import NamedTuple

import numpy as np

from wattflock.synth.behaviour import Behaviour, normalise

PERCENTS = (10, 25, 50, 75, 90)


class Sample(NamedTuple):
    """Data of a classifier: values (n, features) and the home each row comes from (n,)."""

    values: np.ndarray
    home: np.ndarray


class Auc(NamedTuple):
    """Area under the curve of a discriminator: 0.5 is chance, 1 is perfect; spread = standard deviation of folds."""

    mean: float
    spread: float


class Labelled(NamedTuple):
    """Single days: profiles that sum to 1 (n, 24), weekend (n,) 0 or 1, cluster (n,)."""

    profiles: np.ndarray
    weekend: np.ndarray
    label: np.ndarray


class Accuracy(NamedTuple):
    """Share of days whose cluster is found; trained on real or synthetic, tested on held-out or synthetic days."""

    real_to_real: float
    synthetic_to_real: float
    real_to_synthetic: float


def day_features(load_kw: np.ndarray) -> Sample:
    """Single days: all values, then sum, largest, smallest, standard deviation, lag-1 autocorrelation, time of peak."""
    home, day = np.nonzero(~np.isnan(load_kw).any(-1))
    days = load_kw[home, day].astype(np.float64)
    centred = days - days.mean(1, keepdims=True)
    lag = (centred[:, 1:] * centred[:, :-1]).sum(1) / np.maximum((centred**2).sum(1), 1e-12)
    more = [days.sum(1), days.max(1), days.min(1), days.std(1), lag, days.argmax(1)]
    return Sample(np.column_stack([days, *more]), home)


def week_features(load_kw: np.ndarray, weekday: np.ndarray) -> Sample:
    """Seven days from a Monday: all values, the seven sums, and the 21 correlations between two of the days.

    Args:
        load_kw: (homes, days, steps).
        weekday: of each day, 0 is Monday, (days,).
    """
    homes, days, steps = load_kw.shape
    monday = int(np.argmax(weekday == 0))
    count = (days - monday) // 7
    weeks = load_kw[:, monday : monday + 7 * count].reshape(homes, count, 7, steps)
    home, week = np.nonzero(~np.isnan(weeks).any((-1, -2)))
    chosen = weeks[home, week].astype(np.float64)
    centred = chosen - chosen.mean(-1, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-12)
    first, second = np.triu_indices(7, 1)
    between = (unit @ unit.swapaxes(1, 2))[:, first, second]
    return Sample(np.column_stack([chosen.reshape(len(chosen), -1), chosen.sum(-1), between]), home)


def discriminator_auc(real: Sample, synthetic: Sample, seed: int = 0, folds: int = 4, repeats: int = 3) -> Auc:
    """Gradient boosting that distinguishes made from measured days, in homes that it was not trained on.

    Each repeat takes as many homes of one side as of the other, at random where one has more, and as many rows;
    the folds never split a home. Two groups of real homes give the floor: the effect of chance and few homes.
    Raises a ValueError where a side has a single home.
    """
    if min(len(np.unique(side.home)) for side in (real, synthetic)) < 2:
        raise ValueError("a discriminator needs two homes or more on both sides")
    areas = []
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        count = min(len(np.unique(real.home)), len(np.unique(synthetic.home)))
        sides = [_some_homes(side, count, min(folds, count), rng) for side in (real, synthetic)]
        rows = min(len(side[0]) for side in sides)
        picked = [rng.permutation(len(side[0]))[:rows] for side in sides]
        values, fold = (np.concatenate([s[k][p] for s, p in zip(sides, picked, strict=True)]) for k in (0, 1))
        truth = np.repeat([0, 1], rows)
        areas += [_area(values, truth, fold == k, seed) for k in range(min(folds, count))]
    return Auc(float(np.mean(areas)), float(np.std(areas)))


def _some_homes(side: Sample, count: int, folds: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    chosen = rng.permutation(np.unique(side.home))[:count]
    fold_of = dict(zip(chosen.tolist(), (np.arange(count) % folds).tolist(), strict=True))
    fold = np.array([fold_of.get(home, -1) for home in side.home.tolist()])
    return side.values[fold >= 0], fold[fold >= 0]


def _area(values: np.ndarray, truth: np.ndarray, test: np.ndarray, seed: int) -> float:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    judge = HistGradientBoostingClassifier(max_iter=100, random_state=seed, early_stopping=False)
    judge.fit(values[~test], truth[~test])
    return float(roc_auc_score(truth[test], judge.predict_proba(values[test])[:, 1]))


def labelled(
    behaviour: Behaviour, load_kw: np.ndarray, weekend: np.ndarray, label: np.ndarray | None = None
) -> Labelled:
    """The whole days of (homes, days, 24) with their cluster: the one given, (homes, days), else the nearest."""
    home, day = np.nonzero(~np.isnan(load_kw).any(-1))
    days, kind = load_kw[home, day], weekend[day].astype(int)
    cluster = np.asarray(behaviour.assign(days, kind)) if label is None else label[home, day]
    return Labelled(np.asarray(normalise(days)), kind, cluster)


def cluster_accuracy(train: Labelled, held_out: Labelled, synthetic: Labelled, seed: int = 0) -> dict[str, Accuracy]:
    """The paper's test: a random forest finds the cluster of a day from its shape; weekdays and weekends apart.

    Source: Charbonnier et al. 2024 (HEDGE, MethodsX 12, 102618), train on synthetic and test on real, and the reverse.
    """
    found = {}
    for name, kind in (("weekday", 0), ("weekend", 1)):
        own, other, made = (
            (s.profiles[s.weekend == kind], s.label[s.weekend == kind]) for s in (train, held_out, synthetic)
        )
        on_real, on_made = (_forest(*_at_most(*days, seed), seed) for days in (own, made))
        found[name] = Accuracy(
            float(on_real.score(*other)), float(on_made.score(*other)), float(on_real.score(*_at_most(*made, seed)))
        )
    return found


def _at_most(profiles: np.ndarray, label: np.ndarray, seed: int, rows: int = 8000) -> tuple[np.ndarray, np.ndarray]:
    keep = np.random.default_rng(seed).permutation(len(label))[:rows]
    return profiles[keep], label[keep]


def _forest(profiles: np.ndarray, label: np.ndarray, seed: int):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, random_state=seed, n_jobs=1).fit(profiles, label)


def daily_kwh(load_kw: np.ndarray) -> np.ndarray:
    """Energy of each day [kWh], (homes, days)."""
    return load_kw.sum(-1) * (24 / load_kw.shape[-1])


def wasserstein_of_daily_energy(real_kw: np.ndarray, synthetic_kw: np.ndarray) -> float:
    """Distance between the distributions of daily energy, all homes together, as a share of the real mean."""
    from scipy.stats import wasserstein_distance

    real, made = (days[~np.isnan(days)] for days in (daily_kwh(real_kw), daily_kwh(synthetic_kw)))
    return float(wasserstein_distance(real, made) / real.mean())


def admd(load_kw: np.ndarray, counts: tuple[int, ...], draws: int = 100, seed: int = 0) -> np.ndarray:
    """After-diversity maximum demand [kW per home]: the peak of the mean of `count` random homes, mean over draws.

    Homes are drawn without replacement; a count above their number is NaN. A missing day of a home is left out.
    """
    return np.array([_peaks(load_kw, count, draws, seed)[0] for count in counts])


def coincidence(load_kw: np.ndarray, counts: tuple[int, ...], draws: int = 100, seed: int = 0) -> np.ndarray:
    """Peak of the mean of `count` random homes over the mean of their own peaks, mean over draws; NaN as in `admd`."""
    return np.array([np.divide(*_peaks(load_kw, count, draws, seed)) for count in counts])


def _peaks(load_kw: np.ndarray, count: int, draws: int, seed: int) -> tuple[float, float]:
    homes = len(load_kw)
    if count > homes:
        return np.nan, np.nan
    rng = np.random.default_rng([seed, count])
    chosen = np.zeros((1 if count == homes else draws, homes))
    for row in chosen:
        row[rng.permutation(homes)[:count]] = 1
    flat = load_kw.reshape(homes, -1).astype(np.float64)
    there = ~np.isnan(flat)
    together = (chosen @ np.where(there, flat, 0)) / np.maximum(chosen @ there, 1)
    return together.max(1).mean(), (chosen @ np.nanmax(flat, 1)).mean() / count


def load_factor(load_kw: np.ndarray) -> np.ndarray:
    """Mean over peak of each home, (homes,)."""
    flat = load_kw.reshape(len(load_kw), -1)
    return np.nanmean(flat, 1) / np.nanmax(flat, 1)


def peak_hours(load_kw: np.ndarray) -> np.ndarray:
    """Share of days that peak in each step, (steps,)."""
    days = load_kw[~np.isnan(load_kw).any(-1)]
    return np.bincount(days.argmax(-1), minlength=days.shape[-1]) / len(days)


def autocorrelation(energy_kwh: np.ndarray, lags: int = 14) -> np.ndarray:
    """Of the daily energy of a home about its own mean, for lags 1 to `lags`, mean over homes, (lags,)."""
    off = energy_kwh - np.nanmean(energy_kwh, 1, keepdims=True)
    spread = np.nanmean(off**2, 1)
    rows = [np.nanmean(off[:, k:] * off[:, :-k], 1) / np.maximum(spread, 1e-12) for k in range(1, lags + 1)]
    return np.nanmean(rows, 1)


def scale_correlation(energy_kwh: np.ndarray) -> float:
    """Correlation of the energy of a day with that of the day before, all homes together (HEDGE: 0.87)."""
    before, after = energy_kwh[:, :-1].ravel(), energy_kwh[:, 1:].ravel()
    both = ~(np.isnan(before) | np.isnan(after))
    return float(np.corrcoef(before[both], after[both])[0, 1])


def between_homes(energy_kwh: np.ndarray) -> float:
    """Mean correlation of the daily energy of two homes on the same days."""
    table = np.ma.corrcoef(np.ma.masked_invalid(energy_kwh)).filled(np.nan)
    return float(np.nanmean(table[np.triu_indices(len(table), 1)]))


def percentile_bands(load_kw: np.ndarray, percents: tuple[int, ...] = PERCENTS) -> np.ndarray:
    """Percentiles over all days of each step, (percents, steps)."""
    return np.percentile(load_kw[~np.isnan(load_kw).any(-1)], percents, axis=0)


def nearest_neighbours(train: np.ndarray, held_out: np.ndarray, synthetic: np.ndarray, seed: int = 0) -> dict:
    """Test for copies: distances of days to their nearest training day, (n, steps) each.

    Returns the distances of `held_out` and `synthetic`, sorted, of at most 3,000 days each, and `copied`: the share of
    synthetic days nearer to a training day than 99 of 100 held-out days are; far above 0.01 where days are copied.
    """
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train)
    rng = np.random.default_rng(seed)
    found = {
        name: np.sort(near.kneighbors(days[rng.permutation(len(days))[:3000]])[0][:, 0])
        for name, days in (("held_out", held_out), ("synthetic", synthetic))
    }
    return found | {"copied": float(np.mean(found["synthetic"] < np.percentile(found["held_out"], 1)))}
