"""Load of made homes beside measured ones: what benchmarks/homes.py prints of it."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.data.calendar import calendar
from wattflock.data.home_days import HomeDays
from wattflock.sources.california import California
from wattflock.sources.london import London
from wattflock.synth import behaviour, judge
from wattflock.synth.bundle import load as bundled
from wattflock.synth.fit import measured_load
from wattflock.synth.generate import Wanted, made
from wattflock.synth.load_model import Around
from wattflock.synth.models.gan import Gan
from wattflock.synth.models.habits import Habits
from wattflock.synth.region import Region

MODELS = {"habits": Habits, "gan": Gan}
MADE = 1000  # homes that statistics are of: one block of the generator
DRAWS = 400  # of homes whose peak together is taken
CROWDS = (1, 10, 30, 48)
FITS = 4  # each without every fourth home
HEDGE = {"weekday": (78.4, 66.8, 67.3), "weekend": (71.8, 64.5, 64.1)}  # real to real, made to real, real to made
Row = tuple[str, ...]  # figure, real or floor, made, bar


@dataclasses.dataclass(frozen=True)
class Measured:
    """Homes of a region: all, those learned from, those held out; hourly, and as they were measured."""

    region: Region
    zone: str
    finest: HomeDays
    every: HomeDays
    training: HomeDays
    held_out: HomeDays

    def weekday(self) -> np.ndarray:
        """0 is Monday, (days,)."""
        return np.array([date.weekday() for date in self.every.dates()])

    def made(self, region: Region, homes: int, seed: int, steps: int = 24) -> np.ndarray:
        """Load of made homes under the measured weather (homes, days, steps) [kW]."""
        days = self.every.shape()[1]
        wanted = Wanted(homes, days, self.every.first_day, self.zone, steps, seed)
        return load_of(made(region, wanted, self.every.outdoor_c))


def measured(name: str, folder: Path) -> Measured:
    """Measured homes of a bundled region with the split that its card tells."""
    region, card = bundled(name)
    source = London(path=str(folder / "london_load_2013")) if name == "london" else California()
    flock, _, zone = measured_load(source)
    split = card["load_data"]
    assert not set(split["homes"]) & set(split["held_out"])
    finest = flock.only((*split["homes"], *split["held_out"]))
    every = finest.hourly()
    sides = (every.only(tuple(split[side])) for side in ("homes", "held_out"))
    return Measured(region, zone, finest, every, *sides)


def with_model(region: Region, model: Any) -> Region:
    """The region with another load."""
    return eqx.tree_at(lambda it: it.load, region, jax.tree.map(jnp.asarray, model))


def load_of(flock: HomeDays) -> np.ndarray:
    """Load of a flock that has one."""
    assert flock.load_kw is not None
    return flock.load_kw


def rows(real: Measured, region: Region, name: str) -> Iterator[Row]:
    """All figures of the load of a region, one after another."""
    many = real.made(region, MADE, 0)
    yield from plain(real, many)
    yield from crowds(real, many)
    yield from clusters(real, many, region if name == "gan" else None)
    train, held_out = (whole(load_of(flock)) for flock in (real.training, real.held_out))
    near = judge.nearest_neighbours(train, held_out, whole(many[:100]))
    yield "made days nearer to a training day than 99 % of held-out days", "1 %", percent(near["copied"], 2), ""
    yield from told_apart(real, region)
    yield from crossed(real, region, name)


def plain(real: Measured, many: np.ndarray) -> Iterator[Row]:
    """Energy of days, one day after another, load factor."""
    every, training, held_out = map(load_of, (real.every, real.training, real.held_out))
    yield "mean load [kW]", f"{np.nanmean(every):.3f}", f"{many.mean():.3f}", ""
    floor = judge.wasserstein_of_daily_energy(held_out, training)
    for side, load_kw, beside in (("training", training, "–"), ("held-out", held_out, percent(floor, 1))):
        apart = judge.wasserstein_of_daily_energy(load_kw, many)
        yield f"daily energy, Wasserstein / mean, to {side} homes", beside, percent(apart, 1), "≤ 10 %"
    past = [judge.autocorrelation(judge.daily_kwh(load_kw)) for load_kw in (every, many)]
    yield "autocorrelation of daily energy, 1, 7, 14 days", *(listed(p[[0, 6, 13]]) for p in past), ""
    pooled = [judge.scale_correlation(judge.daily_kwh(load_kw)) for load_kw in (every, many)]
    yield "a day's energy with the day before, homes pooled", *map(two, pooled), "HEDGE's homes 0.87"
    alike = [judge.between_homes(judge.daily_kwh(load_kw)) for load_kw in (every, many[: len(every)])]
    yield "daily energy between homes, correlation", *map(two, alike), ""
    factors = [judge.load_factor(load_kw).mean() for load_kw in (every, many)]
    yield "load factor of a home, year", *(f"{factor:.3f}" for factor in factors), ""
    hours = [judge.peak_hours(load_kw) for load_kw in (every, many)]
    yield "days whose hour of peak would have to move", "–", percent(np.abs(hours[0] - hours[1]).sum() / 2, 1), ""


def crowds(real: Measured, many: np.ndarray) -> Iterator[Row]:
    """Peak of homes together: exact for one home and for all of them, a mean of draws between."""
    every = load_of(real.every)
    for count in (count for count in (*CROWDS, len(every)) if count <= len(every)):
        ours, theirs = (peak_kw(load_kw, count) for load_kw in (many, every))
        yield (
            f"peak of {count} homes together, per home [kW]",
            f"{theirs:.2f}",
            f"{ours:.2f} ({100 * (ours / theirs - 1):+.1f} %)",
            "within 10 %",
        )
        if count == len(every):
            return


def peak_kw(load_kw: np.ndarray, count: int) -> float:
    """After-diversity maximum demand of `count` homes."""
    if count == 1:
        return float(np.nanmax(load_kw.reshape(len(load_kw), -1), 1).mean())
    return float(judge.admd(load_kw, (count,), DRAWS)[0])


def clusters(real: Measured, many: np.ndarray, own: Region | None) -> Iterator[Row]:
    """The paper's forest test; the label of a day is the nearest centre, or what `own` made it for."""
    weekend = (real.weekday() >= 5).astype(int)
    kinds = behaviour.fit(load_of(real.training), weekend, behaviour.PAPER_COUNT)
    train, held_out, ours = (
        judge.labelled(kinds, load_kw, weekend) for load_kw in (load_of(real.training), load_of(real.held_out), many)
    )
    yield from _accuracies(judge.cluster_accuracy(train, held_out, ours), "nearest centre", True)
    if own is not None:
        assert isinstance(own.load, Gan)
        load_kw, label = with_labels(own.load, real, len(real.training.homes))
        train, held_out = (
            judge.labelled(own.load.clusters, load_of(flock), weekend) for flock in (real.training, real.held_out)
        )
        told = judge.cluster_accuracy(train, held_out, judge.labelled(own.load.clusters, load_kw, weekend, label))
        yield from _accuracies(told, "cluster it was made for", False)


def _accuracies(found: dict[str, judge.Accuracy], label: str, peers: bool) -> Iterator[Row]:
    for kind, one in found.items():
        share = f"{100 * one.synthetic_to_real:.1f} % = {100 * one.synthetic_to_real / one.real_to_real:.1f} %"
        theirs = HEDGE[kind]
        peer = f"; HEDGE {theirs[1]} of {theirs[0]} % = {100 * theirs[1] / theirs[0]:.0f} %" if peers else ""
        name = f"cluster of a {kind} ({label}), trained on made"
        yield f"{name}, tested on held-out", f"{100 * one.real_to_real:.1f} %", share, f"≥ 95 %{peer}"
        peer = f"HEDGE {theirs[2]} %" if peers else ""
        reverse = name.replace("on made", "on real")
        yield f"{reverse}, tested on made", f"{100 * one.real_to_real:.1f} %", percent(one.real_to_synthetic, 1), peer


def with_labels(model: Gan, real: Measured, homes: int) -> tuple[np.ndarray, np.ndarray]:
    """Load (homes, days, 24) [kW] and the cluster that each day was made for (homes, days)."""
    when = calendar(real.every.first_day, real.every.shape()[1], real.zone)

    def one(key):
        parts = jax.random.split(key, 3)
        traits = model.traits(parts[0])

        def day(state, when):
            state, load_kw = model.day((traits, state), Around(when, jnp.zeros(24)), jax.random.fold_in(key, when.day))
            return state, (load_kw, state["cluster"])

        return jax.lax.scan(day, model.begin(traits, parts[1]), jax.tree.map(jnp.asarray, when))[1]

    load_kw, label = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), homes))
    return np.asarray(load_kw), np.asarray(label)


def told_apart(real: Measured, region: Region, draws: int = 6) -> Iterator[Row]:
    """Discriminator: held-out homes against as many made ones, in several draws; the floor is real against real."""
    count, weekday = len(real.held_out.homes), real.weekday()
    ours, theirs, train = real.made(region, draws * count, 1), load_of(real.held_out), load_of(real.training)
    for name, see in sights(weekday).items():
        areas = [area(see(theirs), see(ours[k * count : (k + 1) * count]), k) for k in range(draws)]
        floor = [area(see(theirs), see(train), k) for k in range(draws)]
        yield f"AUC, {name}, {count} held-out homes", spread(floor), spread(areas), f"≤ {BARS[name]}"
    if real.finest.shape()[2] < 48:
        return
    fine, made_fine = real.finest.only(real.held_out.homes), real.made(region, draws * count, 1, 48)
    beside = load_of(real.finest.only(real.training.homes))
    see = judge.day_features
    areas = [area(see(load_of(fine)), see(made_fine[k * count : (k + 1) * count]), k) for k in range(draws)]
    floor = [area(see(load_of(fine)), see(beside), k) for k in range(draws)]
    yield f"AUC, single days in half hours, {count} held-out homes", spread(floor), spread(areas), "≤ 0.65"


def crossed(real: Measured, region: Region, name: str, draws: int = 3) -> Iterator[Row]:
    """Discriminator over all homes: fits that leave every fourth home out, each judged against those it left out."""
    order = np.argsort(np.nanmean(load_of(real.every), (1, 2)), kind="stable")
    areas: dict[str, list[list[float]]] = {sight: [[], []] for sight in BARS}
    for fit in range(FITS):
        left_out = tuple(real.every.homes[k] for k in order[fit::FITS])
        learned = real.every.only(tuple(home for home in real.every.homes if home not in left_out))
        model = MODELS[name].fit(learned, fit, lambda share, said: None)
        count = len(left_out)
        ours, theirs = (
            real.made(with_model(region, model), draws * count, 100 + fit),
            load_of(real.every.only(left_out)),
        )
        for sight, see in sights(real.weekday()).items():
            for draw in range(draws):
                areas[sight][0].append(area(see(theirs), see(load_of(learned)), draw))
                areas[sight][1].append(area(see(theirs), see(ours[draw * count : (draw + 1) * count]), draw))
    for sight, (floor, found) in areas.items():
        text = f"AUC, {sight}, all {len(order)} homes, {FITS} fits"
        yield text, spread(floor), spread(found), f"≤ {BARS[sight]}"


BARS = {"single days": 0.65, "7-day sequences": 0.75}


def sights(weekday: np.ndarray) -> dict[str, Any]:
    """What a discriminator is shown."""
    return dict(zip(BARS, (judge.day_features, lambda load_kw: judge.week_features(load_kw, weekday)), strict=True))


def area(real: judge.Sample, ours: judge.Sample, seed: int) -> float:
    return judge.discriminator_auc(real, ours, seed, repeats=1).mean


def spread(values: list[float]) -> str:
    return f"{np.mean(values):.2f} ± {np.std(values):.2f}"


def whole(load_kw: np.ndarray) -> np.ndarray:
    return load_kw[~np.isnan(load_kw).any(-1)]


def percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f} %"


def two(value: float) -> str:
    return f"{value:.2f}"


def listed(values: np.ndarray) -> str:
    return ", ".join(map(two, values))
