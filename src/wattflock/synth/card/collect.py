"""All statistics of a card in one call: sides in, figures and lines of the table out."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

from wattflock.data.home_days import HomeDays
from wattflock.synth import behaviour
from wattflock.synth.card import load, trials
from wattflock.synth.card.cars import car_clusters, car_discriminator, cars
from wattflock.synth.card.sides import Cars, LeftOut, Parts, Real, Row, Section, Trio, car_parts, parts, trio
from wattflock.synth.card.sun import pv
from wattflock.synth.load_model import Say

T = TypeVar("T")
Jobs = dict[str, Callable[[], Section]]
OF_LOAD: dict[str, Callable[[Parts], Section]] = {
    "energy": load.energy,
    "bands": load.bands,
    "autocorrelation": load.autocorrelation,
    "scale": load.scale,
    "peak_hours": load.peak_hours,
    "load_factor": load.load_factor,
    "coincidence": load.coincidence,
    "discriminator": trials.discriminator,
    "privacy": trials.privacy,
}
ORDER = ("energy", "bands", "autocorrelation", "scale", "transitions", "peak_hours", "load_factor", "coincidence",
         "clusters", "discriminator", "privacy", "pv", "cars", "car_clusters", "car_discriminator")  # fmt: skip
FEWEST_DAYS = 50


def collect(training: Real, held_out: Real, synthetic: HomeDays, say: Say = lambda share, text: None) -> dict[str, Any]:
    """Every figure of a card, ready for JSON. Powers are judged hour by hour.

    Args:
        training: real homes that the generator was fitted to; several sets where load, PV and cars were measured in
            different homes; None if not known.
        held_out: real homes that it was not fitted to, in the same way.
        synthetic: the homes that are judged.
        say: gets the progress and the next step.

    Returns:
        `sides` {side: [homes, days, first_day, last_day, columns]}, `rows` (lines of the table: topic, figure, value,
        unit, beside, beside_is, sense, bar, verdict held/short), `figures` {name: data}, `left_out` [figure, why],
        `notes`. Never raises: what cannot be shown is in `left_out`.
    """
    sides = trio(training, held_out, synthetic)
    jobs, left_out, notes = _jobs(sides)
    figures: dict[str, Any] = {}
    rows: list[Row] = []
    for place, (name, job) in enumerate(jobs.items()):
        say(place / len(jobs), name.replace("_", " "))
        try:
            figures[name], found = job()
            rows += found
        except LeftOut as why:
            left_out.append([name, str(why)])
    say(1.0, "done")
    about = {side: [_about(flock) for flock in flocks] for side, flocks in sides.items()}
    return {"sides": about, "rows": rows, "figures": figures, "left_out": left_out, "notes": notes}


def _jobs(sides: Trio) -> tuple[Jobs, list[list[str]], list[str]]:
    """The jobs, what is left out for want of a column, and notes on the columns."""
    jobs: Jobs = {}
    left_out, notes = [], []
    for column, plan in {
        "load_kw": partial(_planned, partial(parts, sides, "load_kw"), _of_load),
        "pv_kw": partial(_planned, partial(parts, sides, "pv_kw"), _of_sun),
        "ev_charging_need_kwh": partial(_planned, partial(car_parts, sides), _of_cars),
    }.items():
        try:
            more, said = plan()
        except LeftOut as why:
            left_out.append([column, str(why)])
            continue
        jobs |= more
        notes += said
    return {name: jobs[name] for name in ORDER if name in jobs}, left_out, notes


def _planned(read: Callable[[], tuple[T, list[str]]], plan: Callable[[T], Jobs]) -> tuple[Jobs, list[str]]:
    found, said = read()
    return plan(found), said


def _of_load(found: Parts) -> Jobs:
    kinds = cache(lambda: _kinds(found))
    jobs: Jobs = {name: partial(show, found) for name, show in OF_LOAD.items()}
    jobs["transitions"] = lambda: load.transitions(found, kinds())
    jobs["clusters"] = lambda: trials.clusters(found, kinds())
    return jobs


def _of_sun(found: Parts) -> Jobs:
    return {"pv": lambda: pv(found)}


def _of_cars(found: Cars) -> Jobs:
    shows = {"cars": cars, "car_clusters": car_clusters, "car_discriminator": car_discriminator}
    return {name: partial(show, found) for name, show in shows.items()}


def _kinds(found: Parts) -> behaviour.Behaviour:
    """Clusters of the days of the training homes, or else of the first side there is; as many as in the paper."""
    base = next(iter(found.values()))
    if any(len(base.only(base.weekend == weekend).whole()) < FEWEST_DAYS for weekend in (0, 1)):
        raise LeftOut(f"fewer than {FEWEST_DAYS} weekdays or weekend days to make clusters of")
    return behaviour.fit(base.values, base.weekend, behaviour.PAPER_COUNT)


def _about(flock: HomeDays) -> dict[str, Any]:
    homes, days, steps = flock.shape()
    dates = flock.dates()
    return {"homes": homes, "days": days, "step_min": 1440 / steps, "first_day": dates[0].isoformat(),
            "last_day": dates[-1].isoformat(), "columns": list(flock.columns())}  # fmt: skip
