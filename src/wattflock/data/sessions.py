"""Measured sessions of electric cars at the plug at home: cleaning, users to hold back, and whole days."""

import dataclasses
import datetime

import numpy as np
import polars as pl

from wattflock.data.home_days import HomeDays

TRIP_KW = 12.0  # energy of driving in an hour at 60 km/h and 0.2 kWh/km
DRIVE_KW = 30.0  # no car drives more than this in an hour: 150 km at 0.2 kWh/km
SWITCHES = 6  # times a day at which the plug goes in or out, at most
REPLUG_H = 0.25  # a plug that is out for a shorter time belongs to one session
HELD_OUT_EVERY, HELD_OUT_SESSIONS = 4, 20
MOST_KWH, MOST_KW = 200.0, 50.0  # no car's battery takes more in a session, no home charger gives more
TOLERANCE = 1.1  # on the charging power that the owner gives
CLOCK_CHANGE_H = 1.1  # what clock changes and rounding explain of a connection time
EPOCH, HOUR = datetime.datetime(1970, 1, 1), pl.duration(hours=1)


@dataclasses.dataclass(frozen=True)
class Sessions:
    """Sessions sorted by user and time, (sessions,), no two of a user at the same time; hours are local since 1970."""

    users: tuple[str, ...]
    user: np.ndarray  # index into `users`
    start_h: np.ndarray
    end_h: np.ndarray
    energy_kwh: np.ndarray
    power_kw: np.ndarray  # (users,) NaN where the owner of the data gives none
    battery_kwh: np.ndarray  # (users,)

    def only(self, keep: tuple[str, ...]) -> "Sessions":
        """The sessions of these users, in this order."""
        index = [self.users.index(name) for name in keep]
        rows = np.concatenate([np.flatnonzero(self.user == one) for one in index])
        count = np.bincount(self.user, minlength=len(self.users))[index]
        own = (self.start_h[rows], self.end_h[rows], self.energy_kwh[rows])
        user = np.repeat(np.arange(len(keep)), count)
        return Sessions(tuple(keep), user, *own, self.power_kw[index], self.battery_kwh[index])


def clean(table: pl.DataFrame) -> tuple[Sessions, pl.DataFrame]:
    """Plausible sessions; and the other rows, with a `code` for why they were left out or joined.

    Args:
        table: user, plug_in, plug_out (local clock), energy_kwh; connected_h, power_kw, battery_kwh, null where the
            owner gives none.
    """
    table = table.sort("user", "plug_in", maintain_order=True).with_columns(code=_doubt())
    sound = table.filter(pl.col("code").is_null())
    sessions, codes = _apart(sound)
    told = sound.with_columns(code=pl.Series(codes, dtype=pl.String)).drop_nulls("code")
    return sessions, pl.concat([table.drop_nulls("code"), told])


def _doubt() -> pl.Expr:
    """Why a session is not plausible; null where it is."""
    span_h = (pl.col("plug_out") - pl.col("plug_in")) / HOUR
    connected_h = pl.col("connected_h").fill_null(span_h)
    most_kwh = (TOLERANCE * pl.col("power_kw")).fill_null(MOST_KW) * connected_h
    rules = {
        "session-order": span_h > 0,
        "session-time": (span_h - connected_h).abs() < CLOCK_CHANGE_H,
        "session-energy": (pl.col("energy_kwh") > 0) & (pl.col("energy_kwh") <= MOST_KWH),
        "session-power": pl.col("energy_kwh") <= most_kwh,
    }
    return pl.coalesce([pl.when(~rule.fill_null(False)).then(pl.lit(code)) for code, rule in rules.items()])


def _apart(table: pl.DataFrame) -> tuple[Sessions, list[str | None]]:
    """Overlaps (a second car) dropped; sessions less than `REPLUG_H` apart joined if the battery holds both."""
    car = table.group_by("user", maintain_order=True).agg(pl.col("power_kw", "battery_kwh").median())
    power_kw, battery_kwh = (car[name].cast(float).fill_null(np.nan).to_numpy() for name in car.columns[1:])
    users = tuple(car["user"])
    index = dict(zip(users, range(len(users)), strict=True))
    hours = ((pl.col(name) - EPOCH) / HOUR for name in ("plug_in", "plug_out"))
    rows: list[list] = []
    codes: list[str | None] = []
    for name, start, end, energy in table.select("user", *hours, "energy_kwh").iter_rows():
        last = rows[-1] if rows and rows[-1][0] == index[name] else None
        if last and start < last[2]:
            codes.append("session-overlap")
        elif last and start - last[2] < REPLUG_H and not last[3] + energy > battery_kwh[last[0]]:
            last[2], last[3] = end, last[3] + energy
            codes.append("session-joined")
        else:
            rows.append([index[name], start, end, energy])
            codes.append(None)
    user, start_h, end_h, energy_kwh = np.array(rows, float).reshape(-1, 4).T
    return Sessions(users, user.astype(int), start_h, end_h, energy_kwh, power_kw, battery_kwh), codes


def held_out(sessions: Sessions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Users to fit and users kept back: every fourth of those with at least 20 sessions, sorted by their number."""
    count = np.bincount(sessions.user, minlength=len(sessions.users))
    order = sorted((int(n), name) for n, name in zip(count, sessions.users, strict=True) if n >= HELD_OUT_SESSIONS)
    names = [name for _, name in order]
    kept = set(names[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])
    return tuple(name for name in names if name not in kept), tuple(sorted(kept))


def active_days(sessions: Sessions, user: int) -> tuple[int, int]:
    """First whole day and the day after the last whole day of a user, days since 1970."""
    starts = sessions.start_h[sessions.user == user]
    first, last = int(starts[0] // 24) + 1, int(starts[-1] // 24)
    return first, max(first, last)


def switches(sessions: Sessions, user: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When the plug goes in or out on each active day of a user.

    Returns:
        Hours of the day in order, (days, SWITCHES), NaN where there are fewer; whether plugged in at midnight (days,);
        how many (days,). Beyond `SWITCHES` the shortest time between two is left out.
    """
    mine = sessions.user == user
    times_h = np.stack([sessions.start_h[mine], sessions.end_h[mine]], 1).ravel()
    first, end = active_days(sessions, user)
    edges = np.searchsorted(times_h, 24.0 * np.arange(first, end + 1))
    hours = np.full((end - first, SWITCHES), np.nan)
    for day in range(end - first):
        today = times_h[edges[day] : edges[day + 1]] - 24.0 * (first + day)
        while len(today) > SWITCHES:
            shortest = int(np.argmin(np.diff(today)))
            today = np.delete(today, [shortest, shortest + 1])
        hours[day, : len(today)] = today
    return hours, edges[:-1] % 2, (~np.isnan(hours)).sum(1)


def home_days_of_sessions(sessions: Sessions, steps: int = 24) -> HomeDays:
    """Measured cars on local days: session energy as driving before the plug-in; NaN when not active."""
    spans = [active_days(sessions, user) for user in range(len(sessions.users))]
    first, end = min(a for a, _ in spans), max(b for _, b in spans)
    shape = (len(spans), end - first, steps)
    plugged, need, driving = (np.full(shape, np.nan, np.float32) for _ in range(3))
    for user, (begin, stop) in enumerate(spans):
        rows, own = sessions.user == user, slice(begin - first, stop - first)
        parts = _user_days(
            sessions.start_h[rows], sessions.end_h[rows], sessions.energy_kwh[rows], (begin, stop, steps)
        )
        plugged[user, own], need[user, own], driving[user, own] = parts
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=first)
    return HomeDays(sessions.users, day, ev_plugged=plugged, ev_charging_need_kwh=need, ev_driving_kwh=driving)


def _user_days(start_h, end_h, energy_kwh, span: tuple[int, int, int]) -> list[np.ndarray]:
    """Share plugged in, need [kWh] and driving [kWh], each (days, steps)."""
    begin, stop, steps = span
    edges_h = np.linspace(24.0 * begin, 24.0 * stop, (stop - begin) * steps + 1)
    away_h = start_h - np.append(start_h[0] - 24.0, end_h[:-1])
    today_h = np.minimum(away_h, start_h % 24)
    trip_h = np.minimum(np.maximum(np.minimum(energy_kwh / TRIP_KW, today_h), energy_kwh / DRIVE_KW), away_h)

    def within(from_h, to_h, amount) -> np.ndarray:
        times = np.stack([from_h, to_h], 1).ravel()
        total = np.repeat(np.cumsum(amount), 2) - np.stack([amount, 0 * amount], 1).ravel()
        return np.diff(np.interp(edges_h, times, total)).reshape(-1, steps)

    need = np.zeros((stop - begin) * steps)
    slot = ((start_h - 24.0 * begin) * steps / 24).astype(int)
    inside = (start_h >= 24.0 * begin) & (start_h < 24.0 * stop)
    np.add.at(need, slot[inside], energy_kwh[inside])
    share = within(start_h, end_h, end_h - start_h) * steps / 24
    return [share, need.reshape(-1, steps), within(start_h - trip_h, start_h, energy_kwh)]
