"""Cars in the card: energy and beginning of sessions, share plugged in, and whether batteries suffice."""

import numpy as np

from wattflock.synth import car_statistics as statistics
from wattflock.synth.card.sides import (
    FLOOR,
    WORDS,
    Cars,
    Criterion,
    LeftOut,
    Reference,
    Row,
    Section,
    density,
    numbers,
    reference,
    row,
)
from wattflock.synth.card.trials import FEWEST_DAYS, compare_clusters, tell_apart
from wattflock.synth.judge import Labelled, Sample

BATTERY_KWH = 100.0  # of the largest common cars; where the batteries are not known
FEWEST_SESSIONS = 20
Figures = dict[str, dict[str, np.ndarray]]


def cars(found: Cars) -> Section:
    """Sessions, their hours and energies, and the share of cars at the plug."""
    each = {side: statistics.car_statistics(flock) for side, flock in found.items()}
    if few := [WORDS[side] for side, one in each.items() if len(one["session_kwh"]) < FEWEST_SESSIONS]:
        raise LeftOut(f"fewer than {FEWEST_SESSIONS} charging sessions in {' and '.join(few)}")
    edges = np.linspace(0, max(np.quantile(one["session_kwh"], 0.995) for one in each.values()), 31)
    shown = {
        side: {"density": density(one["session_kwh"], edges), "plug_in": numbers(100 * one["plug_in_hour"]),
               "plugged": numbers(100 * one["plugged_by_hour"])}
        for side, one in each.items()
    }  # fmt: skip
    return {"edges": numbers(edges), "sides": shown}, [*_plain(each), *_distances(each), *_batteries(found)]


def car_clusters(found: Cars) -> Section:
    """The paper's random-forest test on days of driving."""
    if any(flock.ev_driving_kwh is None for flock in found.values()):
        raise LeftOut("a side has no ev_driving_kwh")
    first = next(iter(found.values()))
    assert first.ev_driving_kwh is not None
    weekend, driven = statistics.weekends(first), np.nansum(first.ev_driving_kwh, -1) > 0
    if min(driven[:, weekend == kind].sum() for kind in (0, 1)) < FEWEST_DAYS:
        raise LeftOut(f"fewer than {FEWEST_DAYS} weekdays or weekend days of driving to make clusters of")
    centres = statistics.fit_clusters(first)
    labelled: dict[str, Labelled] = {s: statistics.labelled_days(centres, flock) for s, flock in found.items()}
    return compare_clusters("car_clusters", labelled)


def car_discriminator(found: Cars) -> Section:
    """Discriminator of hours at the plug and requested energies, made against measured."""
    days: dict[str, Sample] = {side: statistics.day_sample(flock) for side, flock in found.items()}
    if any(len(flock.dates()) < 13 for flock in found.values()):
        raise LeftOut("fewer than 13 days")
    return tell_apart("car_discriminator", days, {side: statistics.week_sample(flock) for side, flock in found.items()})


def _plain(each: Figures) -> list[Row]:
    side = reference(each)
    values = {
        "mean energy of an EV session": ("kWh", {s: one["session_kwh"].mean() for s, one in each.items()}),
        "mean EV energy of a day": ("kWh", {s: one["daily_kwh"].mean() for s, one in each.items()}),
        "days without an EV session": ("% of days", {s: 100 * one["sessions_per_day"][0] for s, one in each.items()}),
        "autocorrelation of EV energy at 7 days": (
            "1",
            {s: one["daily_autocorrelation"][6] for s, one in each.items()},
        ),
    }
    return [
        row(("cars", text), own["synthetic"], unit, Reference(own[side], WORDS[side]) if side else None)
        for text, (unit, own) in values.items()
    ]


def _distances(each: Figures) -> list[Row]:
    from scipy.stats import wasserstein_distance

    side = reference(each)
    if side is None:
        return []
    real = each[side]
    energy = {s: 100 * wasserstein_distance(real["session_kwh"], one["session_kwh"]) for s, one in each.items()}
    hours = {s: 50 * np.abs(one["plug_in_hour"] - real["plug_in_hour"]).sum() for s, one in each.items()}
    mean, both = real["session_kwh"].mean(), len(each) == 3
    text = f"energy of EV sessions, Wasserstein distance to {WORDS[side]}"
    beside = Reference(energy["training"] / mean, FLOOR) if both else None
    rows = [row(("cars", text), energy["synthetic"] / mean, "% of the mean", beside)]
    text = f"EV sessions whose hour would have to move to match {WORDS[side]}"
    return [
        *rows,
        row(("cars", text), hours["synthetic"], "% of sessions", Reference(hours["training"], FLOOR) if both else None),
    ]


def _batteries(found: Cars) -> list[Row]:
    """The largest session and the most driven between two, as a share of the car's battery where that is known."""
    made, side = found["synthetic"], reference(found)
    need, driving = made.ev_charging_need_kwh, made.ev_driving_kwh
    assert need is not None
    known = made.battery_kwh is not None
    size = np.full(len(need), 1.0) if made.battery_kwh is None else np.maximum(made.battery_kwh, 1e-9)
    unit, scale, most = ("% of its battery", 100.0, 100.0) if known else ("kWh", 1.0, BATTERY_KWH)
    real = None if known or side is None else found[side].ev_charging_need_kwh
    beside = None if real is None or side is None else Reference(float(np.nanmax(real)), WORDS[side])
    largest = scale * (np.nan_to_num(need).max((1, 2)) / size).max()
    rows = [row(("cars", "largest energy of an EV session"), float(largest), unit, beside, Criterion("at most", most))]
    if driving is not None:
        text, driven = "largest energy of driving between two sessions", _between_sessions(driving, need)
        rows.append(row(("cars", text), float(scale * (driven / size).max()), unit, None, Criterion("at most", most)))
    return rows


def _between_sessions(driving: np.ndarray, need: np.ndarray) -> np.ndarray:
    """The most that each car drives from one plug-in to the next [kWh], (homes,)."""
    flat, starts = (np.nan_to_num(values).reshape(len(values), -1) for values in (driving, need))
    total = np.cumsum(flat, 1, dtype=np.float64)
    last = np.maximum.accumulate(np.where(starts > 0, total, 0), 1)  # driven in all when the last session began
    before = np.concatenate([np.zeros((len(last), 1)), last[:, :-1]], 1)
    return (total - before).max(1)
