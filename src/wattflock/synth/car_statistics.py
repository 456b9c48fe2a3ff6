"""Statistics that compare measured and made electric cars: sessions, hours, energies, sequences of days."""

import numpy as np

from wattflock.data.home_days import HomeDays
from wattflock.synth.judge import Labelled, Sample

CLUSTERS, FROM_HOUR, TO_HOUR = 3, 6, 22  # of HEDGE's days of driving
LAGS = 14
PASSAGES = ("weekday to weekday", "weekday to weekend", "weekend to weekday", "weekend to weekend")


def car_statistics(flock: HomeDays) -> dict[str, np.ndarray]:
    """Figures of the ev_ columns of some homes; NaN days are left out.

    Returns:
        sessions_per_day: share of days with 0, 1, 2, 3, more sessions, (5,).
        plug_in_hour: share of the sessions by hour, (24,).
        stay_h: hours at the plug by session, in whole hours, (sessions,).
        session_kwh: (sessions with energy,). daily_kwh: (days,).
        daily_autocorrelation: of daily energy about the mean of all cars, by 1 to 14 days, (14,).
        plugged_by_hour: mean share on weekdays and weekends, (2, 24).
    """
    flock = flock.hourly()
    plugged, need = flock.ev_plugged, flock.ev_charging_need_kwh
    assert plugged is not None and need is not None
    known, weekend = ~np.isnan(need[:, :, 0]), weekends(flock)
    begins, daily_kwh = need > 0, need.sum(-1)
    number = np.bincount(np.minimum(begins[known].sum(1), 4), minlength=5)
    hours = begins.sum((0, 1))
    return {
        "sessions_per_day": number / number.sum(),
        "plug_in_hour": hours / hours.sum(),
        "stay_h": _stays(np.where(known[..., None], plugged, 0.0), begins),
        "session_kwh": need[begins],
        "daily_kwh": daily_kwh[known],
        "daily_autocorrelation": _autocorrelation(daily_kwh),
        "plugged_by_hour": np.stack([np.nanmean(plugged[:, weekend == kind], (0, 1)) for kind in (0, 1)]),
    }


def weekends(flock: HomeDays) -> np.ndarray:
    """1 on Saturdays and Sundays, else 0, (days,)."""
    return np.asarray(flock.when().weekend, int)


def _autocorrelation(daily_kwh: np.ndarray) -> np.ndarray:
    centred = daily_kwh - np.nanmean(daily_kwh)
    later = [centred[:, :-lag] * centred[:, lag:] for lag in range(1, LAGS + 1)]
    return np.array([np.nanmean(each) for each in later]) / np.nanvar(daily_kwh)


def _stays(plugged: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Hours plugged in from the step of each plug-in to the next step that is not plugged or the next plug-in."""
    flat, start = plugged.reshape(len(plugged), -1), begins.reshape(len(begins), -1)
    cut = start | (flat < 1e-6)
    total = np.pad(np.cumsum(flat, 1), ((0, 0), (1, 0)))
    home, step = np.nonzero(start)
    last = flat.shape[1]
    ends = np.where(cut, np.arange(last)[None], last)
    following = np.minimum.accumulate(ends[:, ::-1], 1)[:, ::-1]
    following = np.concatenate([following, np.full((len(flat), 1), last)], 1)
    return total[home, following[home, step + 1]] - total[home, step]


def fit_clusters(flock: HomeDays, seed: int = 0) -> np.ndarray:
    """Centres of the days of driving from 6 to 22 h, weekdays and weekends apart, (2, CLUSTERS, hours); as in HEDGE."""
    from sklearn.cluster import KMeans

    days, weekend = _driving_days(flock)
    keep = days.sum(1) > 0
    found = [KMeans(CLUSTERS, n_init=10, random_state=seed) for _ in (0, 1)]
    return np.stack([means.fit(days[keep & (weekend == kind)]).cluster_centers_ for kind, means in enumerate(found)])


def _driving_days(flock: HomeDays) -> tuple[np.ndarray, np.ndarray]:
    driving = flock.hourly().ev_driving_kwh
    assert driving is not None
    home, day = np.nonzero(~np.isnan(driving[:, :, 0]))
    return driving[home, day, FROM_HOUR:TO_HOUR], weekends(flock)[day]


def label_days(centres: np.ndarray, flock: HomeDays) -> np.ndarray:
    """The cluster of each day, 1 to CLUSTERS; 0 without driving, -1 where the day is left out; (homes, days)."""
    days, weekend = _driving_days(flock)
    label = ((days[:, None] - centres[weekend]) ** 2).sum(2).argmin(1) + 1
    assert flock.ev_driving_kwh is not None
    known = ~np.isnan(flock.ev_driving_kwh[:, :, 0])
    labels = np.full(known.shape, -1)
    labels[known] = np.where(days.sum(1) > 0, label, 0)
    return labels


def labelled_days(centres: np.ndarray, flock: HomeDays) -> Labelled:
    """Days with driving: shape of a day, weekend and cluster, for the random forest test."""
    days, weekend = _driving_days(flock)
    label = label_days(centres, flock)
    keep = days.sum(1) > 0
    return Labelled(days[keep] / days[keep].sum(1, keepdims=True), weekend[keep], label[label >= 0][keep])


def transitions(label: np.ndarray, weekend: np.ndarray) -> np.ndarray:
    """Share of days of each cluster that follow a day of each cluster, by `PASSAGES`: (4, from, to)."""
    counts = np.zeros((2, 2, CLUSTERS + 1, CLUSTERS + 1))
    home, day = np.nonzero((label[:, :-1] >= 0) & (label[:, 1:] >= 0))
    np.add.at(counts, (weekend[day], weekend[day + 1], label[home, day], label[home, day + 1]), 1)
    return (counts / np.maximum(counts.sum(-1, keepdims=True), 1)).reshape(4, *counts.shape[2:])


def day_sample(flock: HomeDays) -> Sample:
    """Single days for a discriminator: plugged and need of each hour, (days, 48)."""
    home, values = _hours(flock, 1, np.arange(len(flock.dates())))
    return Sample(values, home)


def week_sample(flock: HomeDays) -> Sample:
    """Weeks from Monday for a discriminator: plugged and need of each hour, (weeks, 336)."""
    monday = flock.when().weekday == 0
    home, values = _hours(flock, 7, np.flatnonzero(monday[: len(monday) - 6]))
    return Sample(values, home)


def _hours(flock: HomeDays, days: int, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flock = flock.hourly()
    assert flock.ev_plugged is not None and flock.ev_charging_need_kwh is not None
    both = np.concatenate([flock.ev_plugged, flock.ev_charging_need_kwh], 2)
    runs = np.stack([both[:, day : day + days].reshape(len(both), -1) for day in first], 1)
    home, run = np.nonzero(~np.isnan(runs).any(2))
    return home, runs[home, run]
