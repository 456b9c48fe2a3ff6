"""Fits how much energy a session of an electric car asks for, on the host."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy.special import ndtr, ndtri

from wattflock.synth.cars import LAST_SCORE, USABLE
from wattflock.synth.minimise import Tables, minimise
from wattflock.synth.trips import DRIVE_KW, Sessions

AWAY_H = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 24.0, 36.0, 48.0, 72.0, 120.0)
STAY_H = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 20.0, 24.0)
SCORES = np.linspace(-LAST_SCORE, LAST_SCORE, 25)


def fit_size(sessions: Sessions) -> tuple[np.ndarray, np.ndarray]:
    """Battery [kWh] and power [kW] of each user; the largest session is at most the usable share of the battery."""
    users = len(sessions.users)
    most_kwh, most_kw = np.zeros(users), np.zeros(users)
    np.maximum.at(most_kwh, sessions.user, sessions.energy_kwh)
    np.maximum.at(most_kw, sessions.user, sessions.energy_kwh / (sessions.end_h - sessions.start_h))
    battery_kwh = np.fmax(sessions.battery_kwh, most_kwh / USABLE)
    return battery_kwh, np.where(np.isnan(sessions.power_kw), most_kw, sessions.power_kw)


class Asked(NamedTuple):
    """Sessions whose hours away are known, each (sessions,)."""

    user: np.ndarray
    kwh: np.ndarray
    most_kwh: np.ndarray  # what battery, window and trip allow
    away: np.ndarray  # row of the table
    stay: np.ndarray
    angle: np.ndarray  # of the year

    def level(self, tables: Tables) -> Array:
        """Middle of the log energy wanted."""
        season = tables["season"][0] * jnp.cos(self.angle) + tables["season"][1] * jnp.sin(self.angle)
        return tables["away"][self.away] + tables["stay"][self.stay] + tables["log_need"][self.user] + season


def _asked(sessions: Sessions) -> Asked:
    battery_kwh, power_kw = fit_size(sessions)
    known = np.diff(sessions.user, prepend=sessions.user[0]) == 0
    known[0] = False
    away_h = (sessions.start_h - np.append(0.0, sessions.end_h[:-1]))[known]
    span_h = (sessions.end_h - sessions.start_h)[known]
    user, start_h = sessions.user[known], sessions.start_h[known]
    trip_kwh = DRIVE_KW * np.minimum(away_h, start_h % 24)
    most_kwh = np.minimum(np.minimum(power_kw[user] * span_h, USABLE * battery_kwh[user]), trip_kwh)
    rows = np.searchsorted(AWAY_H, away_h, side="right"), np.searchsorted(STAY_H, span_h, side="right")
    return Asked(user, sessions.energy_kwh[known], most_kwh, *rows, 2 * np.pi * (start_h / (24 * 365.25) % 1))


def fit_energy(sessions: Sessions) -> tuple[Tables, np.ndarray]:
    """Energy wanted by a session: log level of a user + by hours away, stay and season, spread of a user × a score.

    Sessions that took all they could tell only that no less was wanted (a Tobit regression, Tobin 1958).

    Returns:
        Tables, and (users, 2): log level and log spread.
    """
    asked = _asked(sessions)
    full, log_kwh = asked.kwh > 0.95 * asked.most_kwh, np.log(asked.kwh)

    def residual(tables: Tables):
        return (log_kwh - asked.level(tables)) / jnp.exp(tables["log_spread"][asked.user])

    def loss(tables: Tables) -> Array:
        left = jnp.asarray(residual(tables))
        density = jax.scipy.stats.norm.logpdf(left) - tables["log_spread"][asked.user]
        likely = jnp.where(full, jax.scipy.stats.norm.logsf(left), density)
        usual = tables["log_need"] - tables["log_need"].mean()
        prior = (usual**2).sum() + 4 * (tables["log_spread"] ** 2).sum()
        return 0.5 * (prior + (tables["away"] ** 2).sum() + (tables["stay"] ** 2).sum()) - likely.sum()

    users = len(sessions.users)
    sizes = {"away": len(AWAY_H) + 1, "stay": len(STAY_H) + 1, "season": 2, "log_need": users, "log_spread": users}
    best = minimise(loss, {name: np.zeros(size) for name, size in sizes.items()}, 300, lambda share: None)
    scores = _survival_scores(np.asarray(residual(best)), full)
    tables = {"away_h": np.array(AWAY_H), "stay_h": np.array(STAY_H), "scores": scores}
    tables |= {name: best[name] for name in ("away", "stay", "season")}
    return tables, np.stack([_level(asked, best, scores), best["log_spread"]], 1)


def _level(asked: Asked, best: Tables, scores: np.ndarray) -> np.ndarray:
    """Log level of each user, moved until the mean energy after the limits is the measured one."""
    user, users = asked.user, len(best["log_need"])
    middle = ndtri((np.arange(40) + 0.5) / 40)
    spread = np.exp(best["log_spread"])[user, None] * np.interp(middle, SCORES, scores)
    wanted = np.exp(np.asarray(asked.level(best))[:, None] + spread)
    measured, move = np.bincount(user, asked.kwh, users), np.zeros(users)
    for _ in range(6):
        made = np.minimum(wanted * np.exp(move)[user, None], asked.most_kwh[:, None]).mean(1)
        move = np.clip(move + np.log(measured / np.bincount(user, made, users)), -0.7, 0.7)
    return best["log_need"] + move


def _survival_scores(values: np.ndarray, censored: np.ndarray) -> np.ndarray:
    """Quantiles at `SCORES` where some values are only lower bounds (Kaplan and Meier 1958)."""
    order = np.argsort(values)
    at_risk = len(values) - np.arange(len(values))
    above = np.cumprod(1 - ~censored[order] / at_risk)
    return np.interp(ndtr(SCORES), 1 - above, values[order])
