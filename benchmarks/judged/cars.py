"""Cars of a bundled region beside users that they were not fitted to."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from judged.loads import BARS, Row, area, listed, percent, spread
from scipy.stats import wasserstein_distance

from wattflock.data.home_days import HomeDays
from wattflock.data.sessions import clean, held_out, home_days_of_sessions
from wattflock.sources.norway_ev import NorwayEv
from wattflock.synth import car_statistics as statistics
from wattflock.synth.bundle import load as bundled
from wattflock.synth.cars import USABLE
from wattflock.synth.generate import Wanted, made
from wattflock.synth.judge import Labelled, cluster_accuracy
from wattflock.synth.region import Mix, Region, settle

MADE, DAYS, SEED = 600, 364, 0
START = datetime.date(2019, 1, 7)
MIX = Mix(panel_share=0.0, car_share=1.0, heat_pump_share=0.0)
DRAWS = 3  # of made cars for the discriminator
HEDGE = {"weekday": (94.2, 87.5), "weekend": (88.9, 80.2)}  # real to real, made to real
Figures = dict[str, np.ndarray]


def rows(folder: Path) -> Iterator[Row]:
    """All figures of cars."""
    region, card = bundled("london")
    raw = NorwayEv(str(folder / "norway_ev" / "sessions.parquet")).raw()
    assert raw.sessions is not None
    sessions = clean(raw.sessions)[0]
    users, kept_back = held_out(sessions)
    assert list(kept_back) == card["cars_data"]["held_out"]
    train, real = (home_days_of_sessions(sessions.only(names)) for names in (users, kept_back))
    ours = made(region, Wanted(MADE, DAYS, START, "Europe/Oslo", seed=SEED, mix=MIX))
    yield from figures(*(statistics.car_statistics(flock) for flock in (train, real, ours)))
    yield from told_apart(train, real, ours)
    yield from clusters(train, real, ours)
    yield (
        "times that a car charged on arrival runs empty or over, of 600 × 364 days",
        "–",
        str(trouble(region, ours)),
        "0",
    )
    for text, column, bar in (
        ("largest session [kWh]", "ev_charging_need_kwh", ""),
        ("most driven in an hour [kWh]", "ev_driving_kwh", "HEDGE's reaches 75"),
    ):
        yield text, *(f"{np.nanmax(flock.columns()[column]):.0f}" for flock in (real, ours)), bar


def figures(train: Figures, real: Figures, ours: Figures) -> Iterator[Row]:
    """Energies, hours and days one after another; the floor is fitted users against those held back."""
    for name, text, bar in (
        ("session_kwh", "energy of a session", ""),
        ("daily_kwh", "energy of a day", "≤ 10 %"),
        ("stay_h", "hours at the plug", ""),
    ):
        for side, told in (("users fitted to", train), ("users held back", real)):
            apart, floor = (
                wasserstein_distance(told[name], other[name]) / told[name].mean() for other in (ours, train)
            )
            beside = percent(floor, 1) if told is real else "–"
            yield f"{text}, Wasserstein / mean, to {side}", beside, percent(float(apart), 1), bar
    for text, name in (
        ("energy of a session, mean [kWh]", "session_kwh"),
        ("energy of a day, mean [kWh]", "daily_kwh"),
    ):
        yield text, f"{train[name].mean():.1f}; {real[name].mean():.1f}", f"{ours[name].mean():.1f}", ""
    none = [percent(float(each["sessions_per_day"][0]), 1) for each in (train, real, ours)]
    yield "days without a session", f"{none[0]}; {none[1]}", none[2], ""
    hours = [np.abs(other["plug_in_hour"] - real["plug_in_hour"]).sum() / 2 for other in (train, ours)]
    yield "sessions whose hour would have to move, to users held back", *(percent(float(x), 1) for x in hours), ""
    past = [listed(each["daily_autocorrelation"][[0, 6, 13]]) for each in (train, real, ours)]
    yield "autocorrelation of daily energy, 1, 7, 14 days", f"{past[0]}; {past[1]}", past[2], ""


def told_apart(train: HomeDays, real: HomeDays, ours: HomeDays) -> Iterator[Row]:
    """Discriminator against users held back, hours at the plug and energies asked for."""
    count = len(real.homes)
    for name, see in (("single days", statistics.day_sample), ("7-day sequences", statistics.week_sample)):
        theirs, fitted = see(real), see(train)
        some = [see(ours.only(ours.homes[k * count : (k + 1) * count])) for k in range(DRAWS)]
        areas = [area(theirs, each, k) for k, each in enumerate(some)]
        floor = [area(theirs, fitted, k) for k in range(DRAWS)]
        yield f"AUC, {name}, {count} users held back", spread(floor), spread(areas), f"≤ {BARS[name]}"


def clusters(train: HomeDays, real: HomeDays, ours: HomeDays) -> Iterator[Row]:
    """The paper's forest test on days of driving."""
    centres = statistics.fit_clusters(train)
    days: list[Labelled] = [statistics.labelled_days(centres, flock) for flock in (train, real, ours)]
    for kind, one in cluster_accuracy(days[0], days[1], days[2]).items():
        share = f"{100 * one.synthetic_to_real:.1f} % = {100 * one.synthetic_to_real / one.real_to_real:.1f} %"
        best, theirs = HEDGE[kind]
        peer = f"≥ 95 %; HEDGE {theirs} of {best} % = {100 * theirs / best:.0f} %"
        text = f"cluster of a {kind} of driving, trained on made, tested on users held back"
        yield text, percent(one.real_to_real, 1), share, peer


def trouble(region: Region, ours: HomeDays, slack_kwh: float = 0.05) -> int:
    """Steps in which a full car that charges on arrival leaves its battery, or owes a session when it leaves."""
    traits = settle(region, MIX, SEED, jnp.arange(MADE)).car
    battery_kwh, power_kw = (np.asarray(traits[name], float) for name in ("battery_kwh", "power_kw"))
    flat = {name: values.reshape(MADE, -1) for name, values in ours.columns().items()}
    stored, owed, found = battery_kwh.copy(), np.zeros(MADE), 0
    for step in range(flat["ev_plugged"].shape[1]):
        plugged, need = flat["ev_plugged"][:, step], flat["ev_charging_need_kwh"][:, step]
        stored, owed = stored - flat["ev_driving_kwh"][:, step], owed + need
        charge = np.minimum(owed, power_kw * plugged)
        stored, owed = stored + charge, owed - charge
        wrong = (stored < (1 - USABLE) * battery_kwh - slack_kwh) | (stored > battery_kwh + slack_kwh)
        gone = (plugged == 0) & (need == 0)  # a plug-in in the last seconds of a step has a share that rounds to zero
        wrong |= (need > USABLE * battery_kwh + slack_kwh) | (gone & (owed > slack_kwh))
        found += int(wrong.sum())
    return found
