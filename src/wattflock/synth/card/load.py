"""Load in the card: amount, time, sequence of days, and groups of homes."""

import numpy as np

from wattflock.synth import behaviour, judge
from wattflock.synth.card.sides import (
    FLOOR,
    WORDS,
    Criterion,
    LeftOut,
    Parts,
    Reference,
    Row,
    Section,
    all_real,
    density,
    numbers,
    quantiles,
    reference,
    row,
)

LAGS = 14
PERCENTS = (10, 25, 50, 75, 90)
SEASONS = {"winter": (12, 1, 2), "summer": (6, 7, 8)}
COUNTS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 48, 70, 100, 200, 300)
JUDGED = (1, 10, 30, 48)
DRAWS = 400  # of homes; a hundred are a few per cent off
KINDS = ("weekday", "weekend")


def energy(found: Parts) -> Section:
    """Energy of all days, and the mean day of each home."""
    each = {side: judge.daily_kwh(part.values) for side, part in found.items()}
    days = {side: kwh[~np.isnan(kwh)] for side, kwh in each.items()}
    edges = np.linspace(0, max(np.quantile(kwh, 0.995) for kwh in days.values()), 41)
    shown = {
        side: {"density": density(kwh, edges), "homes": quantiles(np.nanmean(each[side], 1))}
        for side, kwh in days.items()
    }
    rows = [_distance(found, side) for side in ("held_out", "training") if side in found]
    means = {side: float(kwh.mean()) for side, kwh in days.items()}
    return {"edges": numbers(edges), "sides": shown}, [*rows, _beside("energy", "mean energy of a day", "kWh", means)]


def bands(found: Parts) -> Section:
    """Percentiles of each hour, by season and part of the week."""
    panels = {}
    for season, months in SEASONS.items():
        for weekend, kind in enumerate(KINDS):
            days = {s: p.only(np.isin(p.month, months) & (p.weekend == weekend)) for s, p in found.items()}
            there = {side: part for side, part in days.items() if len(part.whole()) >= 20}
            if "synthetic" in there:
                bands = {side: judge.percentile_bands(part.values, PERCENTS) for side, part in there.items()}
                panels[f"{season}, {kind}"] = {side: numbers(table) for side, table in bands.items()}
    if not panels:
        raise LeftOut("fewer than 20 days in winter and in summer")
    return {"percents": list(PERCENTS), "panels": panels}, _bands_apart(found)


def autocorrelation(found: Parts) -> Section:
    """Correlation of the energy of a day with that of 1 to 14 days before."""
    long = {side: part for side, part in found.items() if part.values.shape[1] > LAGS + 7}
    if "synthetic" not in long:
        raise LeftOut(f"fewer than {LAGS + 8} days")
    lines = {side: judge.autocorrelation(judge.daily_kwh(part.values), LAGS) for side, part in long.items()}
    rows = [
        _beside("autocorrelation", f"autocorrelation of daily energy at {words}", "1",
                {side: float(line[lag - 1]) for side, line in lines.items()})
        for lag, words in ((1, "1 day"), (7, "7 days"))
    ]  # fmt: skip
    return {"lag_days": list(range(1, LAGS + 1)), "sides": {s: numbers(line) for s, line in lines.items()}}, rows


def scale(found: Parts) -> Section:
    """Energy of a day against that of the day before, both over the mean of the home."""
    edges = np.linspace(0, 2.5, 26)
    shown, said = {}, {}
    for side, part in found.items():
        kwh = judge.daily_kwh(part.values)
        ratio = kwh / np.maximum(np.nanmean(kwh, 1, keepdims=True), 1e-9)
        before, after = ratio[:, :-1].ravel(), ratio[:, 1:].ravel()
        both = ~(np.isnan(before) | np.isnan(after))
        if both.sum() < 20:
            raise LeftOut(f"fewer than 20 pairs of consecutive days in {WORDS[side]}")
        before, after = (np.clip(values[both], 0, 2.4999) for values in (before, after))
        cells = np.histogram2d(after, before, (edges, edges))[0]
        said[side] = {"relative": float(np.corrcoef(before, after)[0, 1]), "kwh": judge.scale_correlation(kwh)}
        shown[side] = {"percent": numbers(100 * cells / cells.sum()), "correlation": said[side]["relative"]}
    rows = [
        _beside("scale", "correlation of a day's energy with the day before, all homes", "1",
                {side: both["kwh"] for side, both in said.items()}),
        _beside("scale", "correlation of a day's energy with the day before, over the home's mean", "1",
                {side: both["relative"] for side, both in said.items()}),
    ]  # fmt: skip
    return {"edges": numbers(edges), "sides": shown}, rows


def transitions(found: Parts, kinds: behaviour.Behaviour) -> Section:
    """Which cluster of weekdays follows which, and how a mean day of each cluster looks."""
    count = kinds.centre.shape[1]
    shown, tables = {}, {}
    for side, part in found.items():
        label = behaviour.labels(kinds, part.values, part.weekend)
        counts = behaviour.transition_counts(label, part.weekend, count)[0, 0]
        tables[side] = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        days = part.weekend == 0
        share = np.bincount(label[:, days][label[:, days] >= 0], minlength=count)
        shape = [_mean_shape(part.values[:, days][label[:, days] == k]) for k in range(count)]
        shown[side] = {"table": numbers(tables[side]), "share": numbers(share / max(share.sum(), 1)), "shape": shape}
    rows, side = [], reference(found)
    if side:
        share = np.array(shown[side]["share"])[:, None]
        off = {name: 50 * float((share * np.abs(table - tables[side])).sum()) for name, table in tables.items()}
        text = f"weekdays that would have to follow another kind of day to match {WORDS[side]}"
        beside = Reference(off["training"], FLOOR) if len(found) == 3 else None
        rows = [row(("transitions", text), off["synthetic"], "% of days", beside)]
    return {"sides": shown}, rows


def peak_hours(found: Parts) -> Section:
    """In which hour a day has its peak."""
    shares = {side: judge.peak_hours(part.values) for side, part in found.items()}
    rows, side = [], reference(found)
    if side:
        beside = (
            Reference(50 * np.abs(shares["training"] - shares["held_out"]).sum(), FLOOR) if len(found) == 3 else None
        )
        text = f"days whose peak would have to move to match {WORDS[side]}"
        rows = [row(("peak_hours", text), 50 * np.abs(shares["synthetic"] - shares[side]).sum(), "% of days", beside)]
    return {"sides": {name: numbers(100 * share) for name, share in shares.items()}}, rows


def load_factor(found: Parts) -> Section:
    """Mean over peak: of each day, and of each home over all its days."""
    edges = np.linspace(0, 1, 41)
    shown, means = {}, {}
    for side, part in found.items():
        days = part.whole()
        daily = days.mean(1) / np.maximum(days.max(1), 1e-9)
        means[side] = float(daily.mean())
        shown[side] = {"density": density(daily, edges), "homes": quantiles(judge.load_factor(part.values))}
    return {"edges": numbers(edges), "sides": shown}, [_beside("load_factor", "mean load factor of a day", "1", means)]


def coincidence(found: Parts) -> Section:
    """The peak of many homes together, per home, and as a share of their own peaks."""
    shown = {side: _together(part.values) for side, part in found.items()}
    real, made = all_real(found), found["synthetic"]
    rows: list[Row] = []
    if real:
        shown["all_real"] = _together(real.values)
        theirs, ours = (_admd(part.values, JUDGED) for part in (real, made))
        floors = [100 * abs(a / b - 1) for a, b in zip(*_floors(found), strict=True)]
        for count, value, other, floor in zip(JUDGED, ours, theirs, floors, strict=True):
            if np.isfinite(value / other):
                text = f"peak of {count} home{'s' * (count > 1)} together, off the real one"
                beside = Reference(floor, FLOOR) if np.isfinite(floor) else None
                rows.append(
                    row(("coincidence", text), 100 * abs(value / other - 1), "%", beside, Criterion("at most", 10))
                )
    return {"sides": shown}, rows


def _floors(found: Parts) -> tuple[np.ndarray, np.ndarray]:
    if len(found) < 3:
        return np.full(len(JUDGED), np.nan), np.ones(len(JUDGED))
    return _admd(found["training"].values, JUDGED), _admd(found["held_out"].values, JUDGED)


def _admd(load_kw: np.ndarray, counts: tuple[int, ...]) -> np.ndarray:
    """Peak per home of so many homes [kW]; of one home exactly, not by draws."""
    kw = judge.admd(load_kw, counts, DRAWS)
    return np.where(np.array(counts) == 1, np.nanmax(load_kw.reshape(len(load_kw), -1), 1).mean(), kw)


def _together(load_kw: np.ndarray) -> dict[str, list]:
    counts = tuple(count for count in sorted({*COUNTS, len(load_kw)}) if count <= len(load_kw))
    kw, share = _admd(load_kw, counts), judge.coincidence(load_kw, counts)
    return {"homes": list(counts), "kw": numbers(kw), "coincidence": numbers(share)}


def _distance(found: Parts, side: str) -> Row:
    value = judge.wasserstein_of_daily_energy(found[side].values, found["synthetic"].values)
    both = len(found) == 3 and side == "held_out"
    floor = judge.wasserstein_of_daily_energy(found[side].values, found["training"].values) if both else np.nan
    text = f"daily energy, Wasserstein distance to {WORDS[side]}"
    beside = Reference(100 * floor, FLOOR) if both else None
    return row(("energy", text), 100 * value, "% of the mean", beside, Criterion("at most", 10))


def _beside(topic: str, words: str, unit: str, values: dict[str, float]) -> Row:
    """A plain statistic of made homes, next to the real one."""
    side = reference(values)
    return row((topic, words), values["synthetic"], unit, Reference(values[side], WORDS[side]) if side else None)


def _bands_apart(found: Parts) -> list[Row]:
    side = reference(found)
    if side is None:
        return []
    whole = {name: judge.percentile_bands(part.values, PERCENTS) for name, part in found.items()}
    mean_kw = np.nanmean(found[side].values)
    off = {name: 100 * float(np.abs(table - whole[side]).mean() / mean_kw) for name, table in whole.items()}
    beside = Reference(off["training"], FLOOR) if len(found) == 3 else None
    text = f"hourly percentiles, mean distance to those of {WORDS[side]}"
    return [row(("bands", text), off["synthetic"], "% of the mean load", beside)]


def _mean_shape(days: np.ndarray) -> list:
    """Per cent of the day in each hour; empty where there is no day."""
    return numbers((days / np.maximum(days.sum(-1, keepdims=True), 1e-9)).mean(0) * 100) if len(days) else []
