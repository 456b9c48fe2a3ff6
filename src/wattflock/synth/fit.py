"""Sources → a fitted region, piece by piece; each piece is kept, so that an interrupted fit continues."""

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest, part
from wattflock.data.calendar import calendar
from wattflock.data.check import check, refuse
from wattflock.data.clean import clean
from wattflock.data.complete import LEAST_WHOLE
from wattflock.data.home_days import HomeDays
from wattflock.data.sessions import clean as clean_sessions
from wattflock.data.sessions import held_out as held_out_users
from wattflock.data.source import DataSource
from wattflock.synth import bundle
from wattflock.synth.car_fit import fit_cars
from wattflock.synth.cars import Cars
from wattflock.synth.disaggregate import Finer
from wattflock.synth.heat import Heat
from wattflock.synth.load_model import LoadModel, Say
from wattflock.synth.market import market_of
from wattflock.synth.region import Region
from wattflock.synth.skies import SKIES
from wattflock.synth.sky import Sky

KEPT_BACK = 4  # of the homes sorted by mean load every fourth is held out, from the third on
Write = Callable[[Path, bytes], Path]


@dataclasses.dataclass(frozen=True)
class FitRequest:
    """What a region is fitted to; a piece that is not given is taken from the region `like`."""

    name: str
    load: DataSource
    said: str  # how `load` was named, for the card
    zone: str
    model: str = "habits"
    cars: str = ""  # file of charging sessions
    sky: str = ""  # kind=path, a kind of `SKIES`
    like: str = ""  # a bundled region or a file
    held_out: tuple[str, ...] | None = None  # None: every fourth home; of cars always every fourth user
    without: tuple[str, ...] = ()
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Pieces:
    """Where pieces are kept meanwhile, and how they are written."""

    folder: Path
    write: Write

    def kept(self, name: str, kind: Any, key: dict, make: Callable[[], eqx.Module]) -> Any:
        """A piece from its file where that was made of the same `key`, or made now and kept."""
        path = self.folder / f"{name}.safetensors"
        print_ = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()
        if path.exists():
            facts = bundle.card(path)
            if facts.get("key") == print_:
                return bundle.unpacked(kind, path)[0]
        made = make()
        self.write(path, bundle.packed(made, {"key": print_}))
        return made


def fit_region(asked: FitRequest, pieces: Pieces, say: Say) -> tuple[Region, dict]:
    """All pieces of a region, and the card that says what they were fitted to.

    Raises:
        ScenarioError: a source cannot be used, or a piece is neither given nor in `like`.
    """
    like = bundle.load(asked.like) if asked.like else None
    flock, card, zone = measured_load(asked.load)
    zone = _zone(asked.zone or zone)
    flock = flock.only(_chosen(flock.homes, asked))
    kept_back = held_out_homes(flock) if asked.held_out is None else asked.held_out
    learned = flock.only(tuple(home for home in flock.homes if home not in kept_back))
    key = {"load": asked.said, "seed": asked.seed, "homes": learned.homes, "model": asked.model, "days": flock.dates()}
    steps = flock.shape()[2]
    _complete(asked, like, steps)
    kind = part("synth", LoadModel, asked.model)

    def halves() -> Finer:
        return Finer.fit(_steps(learned, 48), asked.seed, _part(say, 0.5, 0.6))

    load = pieces.kept("load", LoadModel, key, lambda: kind.fit(learned.hourly(), asked.seed, _part(say, 0.0, 0.5)))
    finer = pieces.kept("finer", Finer, key, halves) if steps >= 48 else _of(like, "finer")
    cars, car_card = _cars(asked, pieces, _part(say, 0.6, 0.9)) if asked.cars else (_of(like, "cars"), None)
    sky = _sky(asked, like, pieces, _part(say, 0.9, 1.0)) if asked.sky else _of(like, "sky")
    readings = asked.load.read()
    region = Region(load, finer, sky, cars, Heat.example(), market_of(readings))
    cards = like[1] if like else {}
    facts = {
        "name": asked.name,
        "zone": zone,
        "currency": readings.currency,
        "seed": asked.seed,
        "load_data": card | {"homes": list(learned.homes), "held_out": list(kept_back), "without": list(asked.without)},
        "finer_data": card["source"] if steps >= 48 else cards.get("finer_data"),
        "cars_data": car_card or cards.get("cars_data"),
        "sky_data": SKIES[asked.sky.partition("=")[0]].card if asked.sky else cards.get("sky_data"),
        "heat_data": "heat loss of British homes as published (Buildings & Cities, doi 10.5334/bc.670, table 3)",
        "composite": "load, sun, car and heat of a home were measured in different homes",
    }
    return jax.tree.map(lambda x: np.asarray(x), region), facts


def measured_load(source: DataSource) -> tuple[HomeDays, dict, str]:
    """Cleaned days of a source's homes, without those that miss a fifth of their days; its card and time zone.

    Raises:
        ScenarioError: the files have errors, or hold no load or too few homes.
    """
    raw = source.raw()
    refuse(check(raw))
    cleaned = clean(raw)
    flock = dataclasses.replace(cleaned.flock, outdoor_c=_calm(cleaned.common.get("outdoor_c"), cleaned.flock))
    if flock.load_kw is None:
        raise ScenarioError([Problem(raw.files[0], "load", "(missing)", "a source with the load of homes")])
    whole = np.isfinite(flock.load_kw.sum(2)).mean(1) >= LEAST_WHOLE
    homes = tuple(home for home, able in zip(flock.homes, whole, strict=True) if able)
    if len(homes) < KEPT_BACK:
        raise ScenarioError([Problem(raw.files[0], "homes", len(homes), f"at least {KEPT_BACK} with whole days")])
    return flock.only(homes), raw.card | {"repairs": cleaned.counts()}, raw.zone


def held_out_homes(flock: HomeDays) -> tuple[str, ...]:
    """Every fourth home by mean load, from the third on: small, middling and large ones alike."""
    assert flock.load_kw is not None
    order = np.argsort(np.nanmean(flock.load_kw, (1, 2)), kind="stable")
    return tuple(flock.homes[k] for k in order[KEPT_BACK // 2 :: KEPT_BACK])


def _cars(asked: FitRequest, pieces: Pieces, say: Say) -> tuple[Cars, dict]:
    source = part("data", DataSource, "norway_ev")(asked.cars)
    raw = source.raw()
    refuse(check(raw))
    assert raw.sessions is not None
    sessions, left_out = clean_sessions(raw.sessions)
    counts = dict(left_out.group_by("code").len().sort("code").iter_rows())
    users, kept_back = held_out_users(sessions)
    key = {"cars": asked.cars, "users": users, "seed": asked.seed}
    cars = pieces.kept("cars", Cars, key, lambda: fit_cars(sessions, users, asked.seed, say))
    return cars, raw.card | {"users": len(users), "held_out": list(kept_back), "left_out": counts}


def _sky(asked: FitRequest, like: tuple[Region, dict] | None, pieces: Pieces, say: Say) -> Sky:
    kind, _, path = asked.sky.partition("=")
    lent = like[0].sky if like else None
    made = pieces.kept("sky", Sky, {"sky": asked.sky}, lambda: SKIES[kind].fit(Path(path), lent))
    say(1.0, "sky")
    return made


def _chosen(homes: tuple[str, ...], asked: FitRequest) -> tuple[str, ...]:
    """Homes that are not left out; raises for those that are not there, and where none would be learned from."""
    unknown = [home for home in (*asked.without, *(asked.held_out or ())) if home not in homes]
    problems = [Problem("wattflock data fit", "home", home, nearest(home, homes)) for home in unknown]
    kept = tuple(home for home in homes if home not in asked.without)
    if len(set(kept) - set(asked.held_out or ())) < KEPT_BACK:
        problems.append(Problem("wattflock data fit", "homes", len(kept), f"at least {KEPT_BACK} to learn from"))
    if problems:
        raise ScenarioError(problems)
    return kept


def _complete(asked: FitRequest, like: object, steps: int) -> None:
    """Raises for every piece that is neither given nor in another region, and for an unknown sky."""
    kind = asked.sky.partition("=")[0]
    missing = {"--cars": not asked.cars, "--sky": not asked.sky, "--load in half hours": steps < 48}
    problems = [
        Problem("wattflock data fit", option, "(missing)", "given, or taken from another region with --like")
        for option, lacks in missing.items()
        if lacks and not like
    ]
    if kind and kind not in SKIES:
        problems.append(Problem("wattflock data fit", "--sky", asked.sky, f"KIND=PATH, {nearest(kind, SKIES)}"))
    if kind in SKIES and SKIES[kind].needs_like and not like:
        problems.append(Problem("wattflock data fit", "--sky", asked.sky, "with --like, whose noise it borrows"))
    if problems:
        raise ScenarioError(problems)


def _zone(name: str) -> str:
    """A time zone that is known; raises for one that is not."""
    try:
        calendar(datetime.date(2027, 1, 1), 1, name)
    except pl.exceptions.PolarsError as error:
        allowed = "a time zone such as Europe/London"
        raise ScenarioError([Problem("wattflock data fit", "--zone", name or "(missing)", allowed)]) from error
    return name


def _of(like: tuple[Region, dict] | None, piece: str) -> Any:
    assert like is not None
    return getattr(like[0], piece)


def _steps(flock: HomeDays, steps: int) -> np.ndarray:
    assert flock.load_kw is not None
    return flock.load_kw.reshape(*flock.load_kw.shape[:2], steps, -1).mean(-1)


def _part(say: Say, low: float, high: float) -> Say:
    return lambda share, text: say(low + (high - low) * share, text)


def _calm(outdoor_c: np.ndarray | None, flock: HomeDays) -> np.ndarray:
    """Temperature of every step; unknown days are bridged, and without any it is the same all year."""
    _, days, steps = flock.shape()
    if outdoor_c is None or not np.isfinite(outdoor_c).any():
        return np.full((days, steps), 11.0, np.float32)
    flat = outdoor_c.ravel()
    known = np.flatnonzero(np.isfinite(flat))
    return np.interp(np.arange(len(flat)), known, flat[known]).reshape(days, steps).astype(np.float32)
