"""Fits of clouds and temperature to a measured year; arrays in, arrays out, on the host."""

from typing import Any

import jax
import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from wattflock.data.calendar import When
from wattflock.synth import sun
from wattflock.synth.sky import MIDDLE_H, is_warm, seasons
from wattflock.synth.sun import Place

LEVELS = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 1.0])
KINDS = 6  # of days, from dull to clear
SLOW = 0.1  # share of a day in the slow mean of temperature


def standard(values: np.ndarray, when: When) -> np.ndarray:
    """Local clock hours (..., days, 24) as hours of standard time, day by day."""
    hour = (np.arange(24)[None] + np.round(np.asarray(when.summer_time_h)).astype(int)[:, None]) % 24
    return np.take_along_axis(values, np.broadcast_to(hour, values.shape), -1)


def hourly_clear(place: Place, when: When):
    """Horizontal light and beam of a clear sky, mean of each hour (days, 24) [kW/m²]."""

    def day(one):
        toward = sun.sun_vector(place, one, MIDDLE_H.astype(np.float32))
        beam, flat = sun.clear_sky(toward[:, 2], one.year_part)
        return flat.reshape(24, -1).mean(1), beam.reshape(24, -1).mean(1)

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(day))(when))


def fit_beam(flat_kw_per_m2, beam_kw_per_m2, place: Place, when: When) -> dict[str, Any]:
    """Mean share of a clear sky's beam at each clearness, from measured weather (days, 24)."""
    clear_flat, clear_beam = hourly_clear(place, when)
    bright = clear_flat > 0.15
    clearness, share = flat_kw_per_m2[bright] / clear_flat[bright], beam_kw_per_m2[bright] / clear_beam[bright]
    centres = np.arange(0.05, 1.11, 0.1)
    near = [np.abs(clearness - c) < 0.07 for c in centres]
    found = np.array([share[n].mean() if n.sum() > 20 else np.nan for n in near])
    found = np.interp(centres, centres[~np.isnan(found)], found[~np.isnan(found)])
    return {"clearness": centres.astype(np.float32), "share": np.maximum.accumulate(found).astype(np.float32)}


def fill_dark(clearness: np.ndarray) -> np.ndarray:
    """Dark hours take the nearest lit hour's clearness of the same day."""
    filled = clearness.copy()
    for row in filled:
        lit = np.nonzero(~np.isnan(row))[0]
        row[:] = row[lit[np.abs(np.arange(24)[:, None] - lit[None]).argmin(1)]] if len(lit) else 0.5
    return filled


def scores(values: np.ndarray) -> np.ndarray:
    """Normal scores of each column among the rows."""
    from scipy.stats import rankdata  # half a second to import

    return ndtri((rankdata(values, axis=0) - 0.5) / len(values))


def _quantiles(values: np.ndarray) -> np.ndarray:
    """Quantiles at LEVELS of each column (columns, n), so scaled that drawing between them keeps the mean."""
    knots = np.quantile(values, LEVELS, axis=0).T
    mean = (np.diff(LEVELS)[None] * (knots[:, 1:] + knots[:, :-1]) / 2).sum(1)
    return knots * (values.mean(0) / np.maximum(mean, 1e-6))[:, None]


def whole_days(clearness: np.ndarray, light: np.ndarray) -> np.ndarray:
    """A day's clearness (days,) from its hours', each weighed by the light of a clear sky; both (days, 24)."""
    lit = ~np.isnan(clearness) & (light > 0)
    return (np.where(lit, clearness, 0) * light).sum(1) / (light * lit).sum(1)


def cloud_scores(clearness: np.ndarray, light: np.ndarray, when: When) -> np.ndarray:
    """Normal score of each day's clearness among the days of its month; (days,)."""
    month, whole = np.asarray(when.month) - 1, whole_days(clearness, light)
    found = np.zeros(len(whole))
    for m in np.unique(month):
        found[month == m] = np.asarray(scores(whole[month == m, None])[:, 0], float)
    return found


def fit_clouds(clearness: np.ndarray, light: np.ndarray, when: When, count: int = 8) -> dict[str, Any]:
    """The cloud process from clearness (days, 24), NaN in the dark, in hours of standard time.

    `light` (days, 24) is that of a clear sky in the same hours; every month must have been measured.
    """
    month, whole = np.asarray(when.month) - 1, whole_days(clearness, light)
    if missing := sorted(set(range(12)) - set(month.tolist())):
        raise ValueError(f"clouds are fitted to a whole year; no day was measured in month {missing[0] + 1}")
    best = np.array([np.quantile(whole[month == m], 0.9) for m in range(12)])
    relative, warm = whole / best[month], is_warm(month)
    filled = fill_dark(clearness) / best[month][:, None]  # dust and haze of a season are not clouds
    days = np.stack([_quantiles(whole[month == m, None])[0] for m in range(12)])
    edges, hours, patterns = [], [], []
    for season in range(2):
        edge = np.quantile(relative[warm == season], np.arange(1, KINDS) / KINDS)
        edges.append(edge)
        for kind in range(KINDS):
            of = (warm == season) & ((relative[:, None] > edge[None]).sum(1) == kind)
            hours.append(_quantiles(filled[of]))
            patterns.append(_patterns(filled[of], light[of].mean(0), count))
    found: dict[str, Any] = {
        "keep": _keep(whole, days, month),
        "days": days,
        "best": best,
        "levels": LEVELS,
        "edges": edges,
    }
    found["hours"] = np.reshape(hours, (2, KINDS, 24, len(LEVELS)))
    found["patterns"] = np.reshape(patterns, (2, KINDS, count, 24))
    found["rest"] = np.sqrt(np.maximum(1 - (found["patterns"] ** 2).sum(2), 0))
    return {name: np.asarray(value, np.float32) for name, value in found.items()}


def as_bright(clouds: dict[str, Any], clearness: np.ndarray) -> dict[str, Any]:
    """The same clouds with the mean clearness of each month (12,) as given: bright or dull days are drawn more often.

    One year is not a climate. The days of a month stay those that were measured; their scores move.
    """
    rank = ndtri(np.clip(LEVELS, 1e-6, 1 - 1e-6))

    def moved(days: np.ndarray, shift: float) -> np.ndarray:
        return np.interp(ndtr(rank + shift), LEVELS, days)

    def mean(days: np.ndarray) -> float:
        return float((np.diff(LEVELS) * (days[1:] + days[:-1]) / 2).sum())

    def shift(days: np.ndarray, wanted: float) -> float:
        root: Any = brentq(lambda shift: mean(moved(days, shift)) - wanted, -3, 3)
        return float(root)

    found = [moved(days, shift(days, wanted)) for days, wanted in zip(clouds["days"], clearness, strict=True)]
    return clouds | {"days": np.asarray(found, np.float32)}


def _keep(whole: np.ndarray, days: np.ndarray, month: np.ndarray, years: int = 50) -> float:
    """Autocorrelation of the scores at which clearness itself has its measured autocorrelation."""

    def lingers(value):
        away = value.copy()
        for m in np.unique(month):
            away[..., month == m] -= away[..., month == m].mean(-1, keepdims=True)
        return (away[..., 1:] * away[..., :-1]).mean() / (away**2).mean()

    draws, tries, found = np.random.default_rng(0).standard_normal((len(whole), years)), np.linspace(0, 0.9, 10), []
    for keep in tries:
        score = [draws[0]]
        for draw in draws[1:]:
            score.append(keep * score[-1] + np.sqrt(1 - keep**2) * draw)
        level = ndtr(score)
        made = [np.interp(level[d], LEVELS, days[m]) for d, m in enumerate(month)]
        found.append(lingers(np.transpose(made)))
    return float(np.interp(lingers(whole), found, tries))


def _patterns(hours: np.ndarray, light: np.ndarray, count: int) -> np.ndarray:
    """The main patterns (count, 24) of the hours' normal scores; hours with more light count for more."""
    score, root = scores(hours), np.sqrt(light / light.sum())
    _, _, axes = np.linalg.svd(score * root, full_matrices=False)
    amount = (score * root) @ axes[:count].T
    found = (amount / np.maximum(amount.std(0), 1e-6)).T @ score / len(score)
    return found / np.maximum(np.sqrt((found**2).sum(0)), 1.0)


def fit_warmth(outdoor_c: np.ndarray, when: When, cloud_score: np.ndarray, count: int = 8) -> dict[str, Any]:
    """Temperature from measured days (days, 24) in standard time and the clouds' scores on the same days (days,).

    Where clouds were not measured with the temperature, `cloud_score` is zeros and nothing follows them.
    """
    waves = np.asarray(seasons(np.asarray(when.year_part, np.float32)), float)
    season = np.linalg.lstsq(waves, outdoor_c, rcond=None)[0]
    away = outdoor_c - waves @ season
    _, sizes, axes = np.linalg.svd(away, full_matrices=False)
    scale = sizes[:count] / np.sqrt(len(away))
    state = away @ axes[:count].T / scale
    slow = np.zeros(len(state))  # a mean of the past fortnight or so: spells outlast what a day passes to the next
    for d in range(1, len(state)):
        slow[d] = (1 - SLOW) * slow[d - 1] + SLOW * state[d, 0]
    given = np.concatenate([state[:-1], slow[:-1, None], cloud_score[1:, None]], 1)
    weights = np.linalg.lstsq(given, state[1:], rcond=None)[0].T
    draw = np.linalg.cholesky(np.cov((state[1:] - given @ weights.T).T) + 1e-6 * np.eye(count))
    keep, follow = weights[:, : count + 1], weights[:, count + 1]
    last = SLOW * keep[:1] + (1 - SLOW) * np.eye(count + 1)[count:]  # the slow mean is one more number of the state
    found: dict[str, Any] = {
        "season": season,
        "patterns": np.concatenate([axes[:count] * scale[:, None], np.zeros((1, 24))]),
    }
    found |= {"keep": np.concatenate([keep, last]), "follow": np.append(follow, SLOW * follow[0])}
    found["draw"] = np.concatenate([draw, SLOW * draw[:1]])
    return {name: np.asarray(value, np.float32) for name, value in found.items()}
