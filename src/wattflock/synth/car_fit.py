"""Fits the model of electric cars to measured sessions: days, habits, and the energy of a session."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy.special import ndtr, ndtri

from wattflock.data.sessions import DRIVE_KW, SWITCHES, Sessions, active_days, switches
from wattflock.synth.cars import AGES, LAST_SCORE, OPEN_AGES, USABLE, Cars
from wattflock.synth.cloud_fit import scores as normal_scores
from wattflock.synth.lbfgs import Tables, minimise
from wattflock.synth.load_model import Say

AWAY_H = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 24.0, 36.0, 48.0, 72.0, 120.0)
STAY_H = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 20.0, 24.0)
# From the smallest plug-in hybrids of the years measured (BMW 225xe 7.6 kWh, VW Golf GTE 8.7) to the largest cars
# (Tesla, 100); from the least current of IEC 61851-1 (6 A at 230 V) to three phases of 32 A.
BATTERY_KWH = (7.6, 100.0)
CHARGER_KW = (1.4, 22.0)
SCORES = np.linspace(-LAST_SCORE, LAST_SCORE, 25)


def fit_size(sessions: Sessions) -> tuple[np.ndarray, np.ndarray]:
    """Battery [kWh] and power [kW] of each user, within what cars and home chargers have.

    The largest session is at most the usable share of the battery. Where the owner gives none, the median user's is
    taken if it allows the sessions: a session's mean power and energy are only lower bounds.
    """
    users = len(sessions.users)
    most_kwh, most_kw = np.zeros(users), np.zeros(users)
    np.maximum.at(most_kwh, sessions.user, sessions.energy_kwh)
    np.maximum.at(most_kw, sessions.user, sessions.energy_kwh / (sessions.end_h - sessions.start_h))
    battery_kwh = np.maximum(_told(sessions.battery_kwh, 0.0), most_kwh / USABLE)
    return np.clip(battery_kwh, *BATTERY_KWH), np.clip(_told(sessions.power_kw, most_kw), *CHARGER_KW)


def _told(values: np.ndarray, least: np.ndarray | float) -> np.ndarray:
    """Values of users; where unknown the middle of the others, or `least` where that is more or no user is known."""
    known = values[~np.isnan(values)]
    middle = np.median(known) if len(known) else 0.0
    return np.where(np.isnan(values), np.maximum(middle, least), values)


class SessionEnergy(NamedTuple):
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


def _asked(sessions: Sessions) -> SessionEnergy:
    battery_kwh, power_kw = fit_size(sessions)
    known = np.diff(sessions.user, prepend=sessions.user[0]) == 0
    known[0] = False
    away_h = (sessions.start_h - np.append(0.0, sessions.end_h[:-1]))[known]
    span_h = (sessions.end_h - sessions.start_h)[known]
    user, start_h = sessions.user[known], sessions.start_h[known]
    trip_kwh = DRIVE_KW * np.minimum(away_h, start_h % 24)
    most_kwh = np.minimum(np.minimum(power_kw[user] * span_h, USABLE * battery_kwh[user]), trip_kwh)
    rows = np.searchsorted(AWAY_H, away_h, side="right"), np.searchsorted(STAY_H, span_h, side="right")
    return SessionEnergy(user, sessions.energy_kwh[known], most_kwh, *rows, 2 * np.pi * (start_h / (24 * 365.25) % 1))


def fit_energy(sessions: Sessions) -> tuple[Tables, np.ndarray]:
    """Energy wanted by a session: log level of a user + by hours away, stay and season, spread of a user × a score.

    Sessions that took all they could give only a lower bound of the energy wanted (a Tobit regression, Tobin 1958).

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


def _level(asked: SessionEnergy, best: Tables, scores: np.ndarray) -> np.ndarray:
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


MOST_CLUSTERS, FEWEST_DAYS = 5, 300
HABITS = 8  # numbers of a habit
PENALTY = {"weekday": 0.1, "before": 1.0, "age": 1.0, "habit": 0.3, "users": 0.3}  # on squares, in the logit
ALIKE = 4  # neighbours a car is mixed with
JITTER = 0.15  # of the spread between cars


def fit_cars(sessions: Sessions, users: tuple[str, ...], seed: int, say: Say) -> Cars:
    """A model of the cars of these users; a car counts by the days it was observed.

    Args:
        sessions: cleaned.
        users: to fit to; hold others back.
        seed: of the clusters.
        say: gets the progress of the fit.
    """
    sessions = sessions.only(users)
    days = _days(sessions)
    say(0.1, f"{len(users)} cars, {len(days['user'])} days, {len(sessions.user)} sessions")
    kind, types = _day_types(days, seed)
    say(0.3, f"{len(types['count'])} types of days")
    habits, chain = _habits(_seen(days, kind, types), len(users), seed, say)
    shift, hours = _hours(days, kind, types)
    energy, need = fit_energy(sessions)
    say(0.95, "energy of the sessions")
    battery_kwh, power_kw = fit_size(sessions)
    traits = np.column_stack([np.log(battery_kwh), np.log(power_kw), need, shift, habits])
    weight = np.bincount(days["user"], minlength=len(users))
    own = _users(traits, weight)
    return jax.tree.map(_small, Cars(own, types | chain | hours, energy))


def _small(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    return values.astype(np.int32 if values.dtype.kind in "iu" else np.float32)


def _days(sessions: Sessions) -> dict[str, np.ndarray]:
    """Every active day of every user: user, day, hours of the switches, plugged at midnight, count."""
    parts = []
    for user in range(len(sessions.users)):
        hours, plugged, count = switches(sessions, user)
        first, end = active_days(sessions, user)
        parts.append((np.full(end - first, user), np.arange(first, end), hours, plugged, count))
    names = ("user", "day", "hours", "plugged", "count")
    return {name: np.concatenate([part[k] for part in parts]) for k, name in enumerate(names)}


def _day_types(days: dict[str, np.ndarray], seed: int) -> tuple[np.ndarray, Tables]:
    """The type of each day: plugged at midnight, how many switches, and a cluster of their hours.

    K-means on the hours; the number of clusters is the one of the largest silhouette, from 2 to `MOST_CLUSTERS`, where
    there are at least `FEWEST_DAYS` days.
    """
    kind, plugged, count = np.zeros(len(days["user"]), int), [], []
    for start in (0, 1):
        for number in range(SWITCHES + 1):
            mine = (days["plugged"] == start) & (days["count"] == number)
            if not mine.any():
                continue
            label = _clusters(days["hours"][mine, :number], seed)
            kind[mine] = label + len(count)
            clusters = int(label.max(initial=0)) + 1
            plugged += [start] * clusters
            count += [number] * clusters
    share = np.cumsum(np.bincount(kind, minlength=len(count)) / len(kind))
    share[-1] = 2.0  # rounding never goes past the last
    return kind, {"plugged": np.array(plugged), "count": np.array(count), "share": share}


def _clusters(hours: np.ndarray, seed: int) -> np.ndarray:
    if hours.shape[1] == 0 or len(hours) < FEWEST_DAYS:
        return np.zeros(len(hours), int)
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    sample = np.random.default_rng(seed).permutation(len(hours))[:1500]

    def quality(label: np.ndarray) -> float:
        return float(silhouette_score(hours[sample], label[sample]))

    counts = range(2, MOST_CLUSTERS + 1)
    tries = [KMeans(k, n_init=5, random_state=seed).fit_predict(hours) for k in counts]
    return max(tries, key=quality)


class CarDays(NamedTuple):
    """Days whose day before is known, as rows of the tables; each (days,), but `allowed` (days, types)."""

    weekday: np.ndarray
    before: np.ndarray
    age: np.ndarray
    user: np.ndarray
    kind: np.ndarray
    allowed: np.ndarray


def _seen(days: dict[str, np.ndarray], kind: np.ndarray, types: Tables) -> CarDays:
    known = np.flatnonzero(np.diff(days["user"], prepend=-1) == 0)
    user, plugged, age = days["user"][known], days["plugged"][known], _ages(days)[known]
    stands, away = np.minimum(age, OPEN_AGES - 1), np.searchsorted(AGES, age, side="right")
    row = np.where(plugged > 0, len(AGES) + 1 + stands, away)
    allowed = types["plugged"][None, :] == plugged[:, None]
    return CarDays((days["day"][known] + 3) % 7, kind[known - 1], row, user, kind[known], allowed)


def _habits(seen: CarDays, users: int, seed: int, say: Say) -> tuple[np.ndarray, Tables]:
    """A multinomial logit of the type of a day with a habit for each user; the most probable a posteriori.

    Returns:
        Habits (users, HABITS) and tables: weekday (7, types), before (types, types), age, habit (2, HABITS, types).
    """
    number = seen.allowed.shape[1]
    rng = np.random.default_rng(seed)
    start = {
        "weekday": np.zeros((7, number)),
        "before": np.zeros((number, number)),
        "age": np.zeros((len(AGES) + 1 + OPEN_AGES, number)),
        "habit": 0.1 * rng.normal(size=(2, HABITS, number)),
        "users": rng.normal(size=(users, HABITS)),
    }

    def loss(tables: Tables) -> Array:
        habit = jnp.einsum("uz,kzt->ukt", tables["users"], tables["habit"])
        logits = tables["weekday"][seen.weekday] + tables["before"][seen.before] + tables["age"][seen.age]
        logits = logits + habit[seen.user, (seen.weekday >= 5).astype(int)]
        chance = jax.nn.log_softmax(jnp.where(seen.allowed, logits, -1e9), axis=1)
        penalty = sum(0.5 * PENALTY[name] * (values**2).sum() for name, values in tables.items())
        return penalty - jnp.take_along_axis(chance, seen.kind[:, None], 1).sum()

    best = minimise(loss, start, 400, lambda share: say(0.3 + 0.5 * share, "habits"))
    return best.pop("users"), best


def _ages(days: dict[str, np.ndarray]) -> np.ndarray:
    """Midnights since the last day with a switch; 0 on the first day of a user."""
    age = np.zeros(len(days["user"]), int)
    for k in range(1, len(age)):
        same = days["user"][k] == days["user"][k - 1]
        age[k] = age[k - 1] + 1 if same and days["count"][k - 1] == 0 else 0
    return age


def _hours(days: dict[str, np.ndarray], kind: np.ndarray, types: Tables) -> tuple[np.ndarray, Tables]:
    """How early or late each user is (users, 2) for plug-ins and plug-outs, and tables of the hours of each type."""
    number, users = len(types["count"]), int(days["user"].max()) + 1
    table, mix = np.full((number, SWITCHES, len(SCORES)), 24.0), np.tile(np.eye(SWITCHES), (number, 1, 1))
    scores = np.full(days["hours"].shape, np.nan)
    for one in range(number):
        mine, count = kind == one, int(types["count"][one])
        for place in range(count):
            hours = days["hours"][mine, place]
            scores[mine, place] = normal_scores(hours)
            table[one, place] = np.quantile(hours, ndtr(SCORES))
        if count > 1 and mine.sum() > 10:
            likeness = np.corrcoef(scores[mine, :count].T)
            mix[one, :count, :count] = np.linalg.cholesky(0.98 * likeness + 0.02 * np.eye(count))
    goes_out = (np.arange(SWITCHES)[None, :] + days["plugged"][:, None]) % 2
    shift, own = np.zeros((users, 2)), np.zeros(2)
    for direction in (0, 1):
        shift[:, direction], own[direction] = _own(scores, goes_out == direction, days["user"], users)
    return shift, {"hours": table, "mix": mix, "own": own}


def _own(scores: np.ndarray, mine: np.ndarray, user: np.ndarray, users: int) -> tuple[np.ndarray, float]:
    """Standard score of each user's mean, and the share of the spread between users; by components of variance."""
    who, where = np.nonzero(mine & ~np.isnan(scores))
    values, who = scores[who, where], user[who]
    count = np.bincount(who, minlength=users)
    mean = np.bincount(who, values, users) / np.maximum(count, 1)
    inside = np.mean((values - mean[who]) ** 2)
    between = max(float(np.average(mean**2, weights=count) - inside * users / count.sum()), 1e-3)
    shrunk = mean * between / (between + inside / np.maximum(count, 1))
    return shrunk / np.sqrt(between), float(np.sqrt(between / (between + inside)))


def _users(traits: np.ndarray, weight: np.ndarray) -> Tables:
    """Cars to draw from: those alike by all traits, a jitter, and the ranges that battery and power stay in."""
    spread = traits.std(0)
    scaled = traits / np.maximum(spread, 1e-6)
    distance = ((scaled[:, None] - scaled[None]) ** 2).sum(2) + 1e9 * np.eye(len(traits))
    share = np.cumsum(weight / weight.sum())
    share[-1] = 2.0
    ranges = {"log_battery": traits[:, 0], "log_power": traits[:, 1]}
    limits = {name: np.array([values.min(), values.max()]) for name, values in ranges.items()}
    alike = np.argsort(distance, axis=1)[:, :ALIKE]
    return {"traits": traits, "jitter": JITTER * spread, "alike": alike, "share": share} | limits
