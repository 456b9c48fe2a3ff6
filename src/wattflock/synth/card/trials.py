"""Tests of made homes: clusters trained on one side and found on the other, a discriminator, and nearest days."""

import numpy as np

from wattflock.synth import behaviour, judge
from wattflock.synth.card.sides import (
    FLOOR,
    SIDES,
    WORDS,
    Criterion,
    LeftOut,
    Part,
    Parts,
    Reference,
    Section,
    quantiles,
    reference,
    row,
)

AUC_BARS = {"single days": 0.65, "7 days": 0.75}
FEWEST_DAYS = 20
MOST_DAYS = 20_000  # searched for copies
MOST_ROWS = 20_000  # days of a side that a discriminator is shown
MANY_HOMES = 15  # from here on one draw of homes is enough
OF_CARS = {"car_clusters": "car ", "car_discriminator": "car "}
Samples = dict[str, judge.Sample]  # of each side
SAME = 0.01  # a day repeats another if it differs by less than this share of its own size


def clusters(found: Parts, kinds: behaviour.Behaviour) -> Section:
    """The paper's test: a random forest finds the cluster of a day, trained on one side and tested on another."""
    labelled = {side: judge.labelled(kinds, part.values, part.weekend) for side, part in found.items()}
    return compare_clusters("clusters", labelled)


def discriminator(found: Parts) -> Section:
    """Gradient boosting that distinguishes made days from those of held-out homes."""
    days = {side: judge.day_features(part.values) for side, part in found.items()}
    return tell_apart("discriminator", days, {side: _weeks(part) for side, part in found.items()})


def compare_clusters(topic: str, labelled: dict[str, judge.Labelled]) -> Section:
    """Accuracy real to real, synthetic to real and real to synthetic; `topic` is the name of the figure.

    Raises:
        LeftOut: a side is missing or has too few days.
    """
    if missing := [WORDS[side] for side in SIDES if side not in labelled]:
        raise LeftOut(f"a test across sides needs {' and '.join(missing)}")
    for side, days in labelled.items():
        if min((days.weekend == kind).sum() for kind in (0, 1)) < FEWEST_DAYS:
            raise LeftOut(f"fewer than {FEWEST_DAYS} weekdays or weekend days in {WORDS[side]}")
    train, other, made = (labelled[side] for side in SIDES)
    shown, rows = {}, []
    for name, got in judge.cluster_accuracy(train, other, made).items():
        shown[name] = {key: 100 * value for key, value in got._asdict().items()}
        real = Reference(100 * got.real_to_real, "real to real")
        share = 100 * got.synthetic_to_real / got.real_to_real
        words = f"{OF_CARS.get(topic, '')}{name} clusters"
        rows.append(
            row((topic, f"{words}, synthetic to real over real to real"), share, "%", None, Criterion("at least", 95))
        )
        rows.append(row((topic, f"{words}, real to synthetic"), 100 * got.real_to_synthetic, "% of days", real))
    return {"days": shown}, rows


def tell_apart(topic: str, days: Samples, weeks: Samples) -> Section:
    """Area under the curve of a discriminator of single days and of 7 days, and that of real against real.

    Raises:
        LeftOut: there is nothing real, or too little of a side.
    """
    side = reference(days)
    if side is None:
        raise LeftOut("nothing real to tell them from")
    shown, rows = {}, []
    for span, each in zip(AUC_BARS, (days, weeks), strict=True):
        if min(len(sample.values) for sample in each.values()) < FEWEST_DAYS or _fewest_homes(each) < 2:
            continue
        made = _auc(each[side], each["synthetic"])
        shown[span] = {"bar": AUC_BARS[span], "synthetic": made._asdict()}
        beside = None
        if len(each) == 3:
            floor = _auc(each["held_out"], each["training"])
            shown[span]["training"] = floor._asdict()
            beside = Reference(floor.mean, FLOOR)
        words = f"{OF_CARS.get(topic, '')}discriminator AUC, {span}, against {WORDS[side]}"
        words += f" (± {made.spread:.2f} between folds)"
        rows.append(row((topic, words), made.mean, "1", beside, Criterion("at most", AUC_BARS[span])))
    if not shown:
        raise LeftOut(f"a side has fewer than {FEWEST_DAYS} days or fewer than 2 homes")
    return {"spans": shown, "against": side}, rows


def privacy(found: Parts) -> Section:
    """How far a day is from the nearest training day: made days compared with days of held-out homes."""
    if "training" not in found:
        raise LeftOut("the training homes are not given")
    train, made = found["training"].whole(), found["synthetic"].whole()
    there = {side: part.whole() for side, part in found.items() if side != "training"}
    near = judge.nearest_neighbours(train, there.get("held_out", made), made)
    repeated = {side: 100 * _repeated(train, days) for side, days in there.items()}
    chance = repeated.get("held_out", 0.0)
    beside = [Reference(value, WORDS["held_out"]) for value in (chance, 1.0)] if "held_out" in there else [None, None]
    text = f"days that repeat a training day within {100 * SAME:g} %"
    rows = [row(("privacy", text), repeated["synthetic"], "% of days", beside[0], Criterion("at most", chance))]
    if "held_out" in there:
        text = "days nearer to a training day than 99 % of held-out days"
        rows.append(row(("privacy", text), 100 * near["copied"], "% of days", beside[1]))
    return {"sides": {side: quantiles(near[side] / train.shape[1] ** 0.5) for side in there}}, rows


def _repeated(train: np.ndarray, days: np.ndarray) -> float:
    """Share of days that are a training day again; days without any use are not counted."""
    from sklearn.neighbors import NearestNeighbors

    days = days[np.linspace(0, len(days) - 1, min(len(days), MOST_DAYS)).round().astype(int)]
    near = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train)
    size = np.linalg.norm(days, axis=1)
    return float(np.mean((near.kneighbors(days)[0][:, 0] < SAME * size) & (size > 0)))


def _weeks(part: Part) -> judge.Sample:
    if part.values.shape[1] < 13 or not (part.weekday == 0).any():
        return judge.Sample(np.zeros((0, 1)), np.zeros(0))
    return judge.week_features(part.values, part.weekday)


def _fewest_homes(samples: Samples) -> int:
    return min(len(np.unique(sample.home)) for sample in samples.values())


def _auc(real: judge.Sample, made: judge.Sample) -> judge.Auc:
    """Of few homes in several draws, of many homes in one."""
    homes = min(len(np.unique(real.home)), len(np.unique(made.home)))
    return judge.discriminator_auc(_thin(real), _thin(made), repeats=3 if homes < MANY_HOMES else 1)


def _thin(sample: judge.Sample) -> judge.Sample:
    if len(sample.values) <= MOST_ROWS:
        return sample
    rows = np.random.default_rng(0).permutation(len(sample.values))[:MOST_ROWS]
    return judge.Sample(sample.values[rows], sample.home[rows])
