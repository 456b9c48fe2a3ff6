"""Laws of electric cars: sessions fit the battery and the window, and every resolution tells of the same sessions."""

import datetime
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.data.calendar import calendar
from wattflock.data.check import PLACES
from wattflock.data.home_days import HomeDays
from wattflock.data.sessions import DRIVE_KW, Sessions, clean, held_out, home_days_of_sessions, switches
from wattflock.sources.norway_ev import NorwayEv
from wattflock.synth import bundle
from wattflock.synth.car_fit import BATTERY_KWH, CHARGER_KW, fit_cars, fit_size
from wattflock.synth.car_statistics import (
    car_statistics,
    day_sample,
    fit_clusters,
    label_days,
    labelled_days,
    transitions,
    week_sample,
    weekends,
)
from wattflock.synth.cars import LEAST_KW, LEAST_KWH, USABLE, Cars
from wattflock.synth.judge import cluster_accuracy, discriminator_auc

MEASURED = Path(__file__).parents[3] / "shared" / "data" / "norway_ev" / "sessions.parquet"
HELD_OUT = Path(__file__).with_name("held_out_cars.json")
COLUMNS = ["user", "plug_in", "plug_out", "connected_h", "energy_kwh", "power_kw", "battery_kwh"]
FIRST_DAY = datetime.datetime(2019, 1, 1, 18)
FIRST, HOMES, DAYS = datetime.date(2019, 3, 1), 30, 21
needs_measured = pytest.mark.skipif(not MEASURED.exists(), reason="the Norwegian sessions are not here")


def invent(users: int, days: int) -> pl.DataFrame:
    """Sessions of made-up users: home at about six, gone at about eight."""
    rng, rows = np.random.default_rng(4), []
    for user in range(users):
        for day in range(days):
            if rng.uniform() < 0.4 + 0.1 * (user % 5):
                start = datetime.datetime(2019, 1, 1) + datetime.timedelta(days=day, hours=rng.normal(18, 1.2))
                hours = rng.normal(10, 1)
                kwh = min(rng.gamma(3, 2 + user % 3), 30.0)
                rows.append((f"car {user}", start, start + datetime.timedelta(hours=hours), hours, kwh, 7.2, 40.0))
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


@pytest.fixture(scope="module")
def sessions() -> Sessions:
    return clean(invent(6, 60))[0]


@pytest.fixture(scope="module")
def cars(sessions) -> Cars:
    fitted = fit_cars(sessions, sessions.users[:5], 0, lambda share, text: None)
    return jax.tree.map(jnp.asarray, fitted)


@eqx.filter_jit
def live(cars: Cars, key: jax.Array, days: int, steps: int, homes: int = HOMES):
    """Traits of `homes` cars and `days` days of them: (homes, days, steps)."""
    keys = jax.random.split(key, homes)
    when = jax.tree.map(jnp.asarray, calendar(FIRST, days, "Europe/Oslo"))

    def one(key):
        traits = cars.traits(jax.random.fold_in(key, 0))
        start = cars.begin(traits, jax.random.fold_in(key, 1))

        def day(state, when):
            return cars.day((traits, state), when, jax.random.fold_in(key, when.day), steps)

        return traits, jax.lax.scan(day, start, when)[1]

    return jax.vmap(one)(keys)


def flock_of(days) -> HomeDays:
    """Days of made cars as a flock."""
    values = [np.asarray(each) for each in (days.plugged, days.need_kwh, days.driving_kwh)]
    names = tuple(map(str, range(len(values[0]))))
    return HomeDays(names, FIRST, ev_plugged=values[0], ev_charging_need_kwh=values[1], ev_driving_kwh=values[2])


def charge_on_arrival(traits, days) -> tuple[np.ndarray, np.ndarray]:
    """Stored energy from a full battery, and what was asked for and not yet charged, after every step [kWh]."""
    plugged, need, driving = (np.asarray(v, float).reshape(HOMES, -1) for v in jax.tree.leaves(days))
    battery_kwh, power_kw = np.asarray(traits["battery_kwh"], float), np.asarray(traits["power_kw"], float)
    stored, asked, history = battery_kwh.copy(), np.zeros(HOMES), []
    for step in range(plugged.shape[1]):
        stored, asked = stored - driving[:, step], asked + need[:, step]
        charge = np.minimum(asked, power_kw * plugged[:, step] * 24 * DAYS / plugged.shape[1])
        stored, asked = stored + charge, asked - charge
        history.append((stored, asked))
    return tuple(np.array(history).transpose(1, 2, 0))


@pytest.mark.slow
@pytest.mark.parametrize("steps", [24, 288])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_sessions_respect_the_battery_the_charger_and_the_window(cars, steps, seed):
    traits, days = live(cars, jax.random.key(seed), DAYS, steps)
    battery_kwh = np.asarray(traits["battery_kwh"])[:, None]
    stored, asked = charge_on_arrival(traits, days)
    assert (stored > (1 - USABLE) * battery_kwh - 1e-2).all() and (stored < battery_kwh + 1e-2).all()
    assert (np.asarray(days.need_kwh) <= USABLE * battery_kwh[..., None] * 1.0001).all()
    away = np.asarray(days.plugged).reshape(HOMES, -1) == 0
    assert asked[away].max() < 2e-2  # whatever was asked for was charged before the plug went out


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_a_car_drives_what_it_asks_for_and_no_faster_than_it_can(cars, seed):
    _, days = live(cars, jax.random.key(seed), DAYS, 24)
    plugged, need, driving = (np.asarray(each) for each in jax.tree.leaves(days))
    assert (plugged >= 0).all() and (plugged <= 1).all() and (need >= 0).all() and (driving >= 0).all()
    assert (driving <= DRIVE_KW * (1 - plugged) * 1.001 + 1e-3).all()
    np.testing.assert_allclose(driving.sum(-1), need.sum(-1), atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [48, 96, 288])
def test_a_finer_resolution_tells_of_the_same_sessions(cars, steps):
    hourly, finer = (flock_of(live(cars, jax.random.key(8), DAYS, each)[1]) for each in (24, steps))
    summed = finer.hourly().columns()
    for name, values in hourly.columns().items():
        np.testing.assert_allclose(summed[name], values, atol=2e-3, err_msg=name)


def test_what_is_not_told_of_a_car_is_that_of_the_middle_one_and_never_absurd():
    """One short session is the least that a battery and a charger can be, not their size."""
    table = invent(6, 60)
    silent = pl.DataFrame([("silent", FIRST_DAY, FIRST_DAY + datetime.timedelta(hours=12), 12.0, 1.0, None, None)],
                          schema=table.schema, orient="row")  # fmt: skip
    tiny = silent.with_columns(user=pl.lit("tiny"), power_kw=pl.lit(0.5), battery_kwh=pl.lit(2.0), energy_kwh=0.5)
    found, _ = clean(pl.concat([table, silent, tiny]))
    battery_kwh, power_kw = fit_size(found)
    sizes = dict(zip(found.users, zip(battery_kwh, power_kw, strict=True), strict=True))
    assert sizes["silent"] == pytest.approx((40.0, 7.2))
    assert sizes["tiny"] == pytest.approx((BATTERY_KWH[0], CHARGER_KW[0]))


@pytest.mark.study
@pytest.mark.parametrize("region", sorted(bundle.bundled()))
def test_cars_of_the_bundled_regions_are_such_as_there_are(region):
    cars = bundle.load(region)[0].cars
    made, users = jax.vmap(cars.traits)(jax.random.split(jax.random.key(0), 500)), cars.users
    assert made["battery_kwh"].min() == LEAST_KWH, "some are drawn smaller than any on sale"
    assert made["power_kw"].min() >= LEAST_KW
    for name, (least, most) in {"log_battery": BATTERY_KWH, "log_power": CHARGER_KW}.items():
        low, high = np.exp(np.asarray(users[name]))
        assert least - 1e-3 <= low < high <= most + 1e-3


def test_cars_come_home_when_the_measured_ones_do(cars, sessions):
    many = [live(cars, jax.random.key(seed), DAYS, 24)[1] for seed in range(12)]
    made = car_statistics(flock_of(jax.tree.map(lambda *each: np.concatenate(each), *many)))
    real = car_statistics(home_days_of_sessions(sessions.only(sessions.users[:5])))
    assert abs(made["plug_in_hour"] - real["plug_in_hour"]).sum() / 2 < 0.12
    assert np.isclose(made["session_kwh"].mean(), real["session_kwh"].mean(), rtol=0.15)
    assert np.abs(made["sessions_per_day"] - real["sessions_per_day"]).max() < 0.1


def test_cleaning_counts_what_it_leaves_out():
    hour, start = datetime.timedelta(hours=1), datetime.datetime(2019, 5, 1, 18)
    good = ("a", start, start + 10 * hour, 10.0, 20.0, 7.2, 40.0)
    bad = [
        ("a", start + 24 * hour, None, None, 20.0, 7.2, 40.0),
        ("a", start + 48 * hour, start + 58 * hour, 13.0, 20.0, 7.2, 40.0),
        ("a", start + 72 * hour, start + 73 * hour, 1.0, 20.0, 7.2, 40.0),
        ("a", start + 96 * hour, start + 97 * hour, 1.0, 0.0, 7.2, 40.0),
        ("a", start + 1 * hour, start + 2 * hour, 1.0, 1.0, 7.2, 40.0),
        ("a", start + 10.1 * hour, start + 11 * hour, 0.9, 1.0, 7.2, 40.0),
    ]
    sessions, left_out = clean(pl.DataFrame([good, *bad], schema=COLUMNS, orient="row"))
    assert len(sessions.user) == 1 and sessions.energy_kwh[0] == 21.0
    assert sorted(left_out["code"]) == sorted(PLACES)


def test_measured_days_keep_every_session(sessions):
    fine, hourly = (home_days_of_sessions(sessions, steps).hourly() for steps in (288, 24))
    for name, values in hourly.columns().items():
        np.testing.assert_allclose(fine.columns()[name], values, atol=1e-3)
    hours, plugged, count = switches(sessions, 0)
    assert (np.diff(hours, axis=1)[~np.isnan(np.diff(hours, axis=1))] >= 0).all()
    assert ((plugged[:-1] + count[:-1]) % 2 == plugged[1:]).all()  # plugged in at midnight as the day before ended


@needs_measured
def test_the_users_held_back_are_the_listed_ones():
    fitted, kept = held_out(clean(NorwayEv(str(MEASURED)).raw().sessions)[0])
    assert list(kept) == json.loads(HELD_OUT.read_text()) and not set(kept) & set(fitted)


@needs_measured
@pytest.mark.study
def test_made_cars_pass_for_users_never_seen():
    """Single days and weeks against users held back, and the cluster test of HEDGE."""
    sessions = clean(NorwayEv(str(MEASURED)).raw().sessions)[0]
    users, kept = held_out(sessions)
    cars = jax.tree.map(jnp.asarray, fit_cars(sessions, users, 0, lambda share, text: None))
    assert sum(leaf.nbytes for leaf in jax.tree.leaves(cars)) < 300_000
    made = flock_of(live(cars, jax.random.key(2), 182, 24, 400)[1])
    train, real = home_days_of_sessions(sessions.only(users)), home_days_of_sessions(sessions.only(kept))
    some = made.only(made.homes[: len(users)])
    assert discriminator_auc(day_sample(real), day_sample(some), repeats=1, folds=2).mean <= 0.65
    assert discriminator_auc(week_sample(real), week_sample(some), repeats=1, folds=2).mean <= 0.75
    centres = fit_clusters(train)
    shapes = [labelled_days(centres, each) for each in (train, real, made)]
    for found in cluster_accuracy(shapes[0], shapes[1], shapes[2]).values():
        assert found.synthetic_to_real >= 0.95 * found.real_to_real
    passages = [transitions(label_days(centres, each), weekends(each)) for each in (train, made)]
    assert np.abs(passages[0] - passages[1]).mean() < 0.04
