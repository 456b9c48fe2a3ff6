"""PV in the card: energy by month, and correlation of neighbours."""

import calendar

import numpy as np

from wattflock.synth import judge
from wattflock.synth.card.sides import (
    FLOOR,
    WORDS,
    Criterion,
    LeftOut,
    Part,
    Parts,
    Reference,
    Row,
    Section,
    numbers,
    quantiles,
    reference,
    row,
)

MONTHS = tuple(calendar.month_name)[1:]
# What a month's mean day can give anywhere between the polar circles [kWh per kW peak]: December in Scotland or Norway
# 0.2 to 0.4, midsummer in the Atacama 6.5. Source: monthly PVOUT of the Global Solar Atlas (World Bank, Solargis).
POSSIBLE = (0.1, 7.5)
ALLOWED = 0.1  # of the real homes' range, beyond its ends
PV_IN_SUN = 0.01  # of a home's mean: below this a home has no panel


def pv(found: Parts) -> Section:
    """Energy by month, and the correlation of two homes on the same days.

    Energy is per kW peak where the sizes of the synthetic panels are known; else over the mean of each home.
    """
    sized = found["synthetic"].kwp is not None
    days = {side: _per_kwp(part) if sized else _relative(part) for side, part in found.items()}
    if not all(map(len, days.values())):
        raise LeftOut("a side has no home with a panel")
    months = {side: _by_month(days[side], part.month) for side, part in found.items()}
    between = {side: _between(kwh) for side, kwh in days.items() if len(kwh) > 1}
    shown: dict[str, dict] = {side: {"month": numbers(month)} for side, month in months.items()}
    for side, pairs in between.items():
        shown[side]["correlation"] = quantiles(pairs)
    unit = "kWh per kW peak and day" if sized else "1"
    return {"unit": unit, "sides": shown}, [
        *_seasons(months),
        *_plausible(found, days, sized),
        *_neighbours(found, days, between),
    ]


def _seasons(months: dict[str, np.ndarray]) -> list[Row]:
    side = reference(months)
    if side is None:
        return []
    off = 100 * np.abs(months["synthetic"] / months[side] - 1)
    between = 100 * np.abs(months.get("training", months[side]) / months[side] - 1)
    beside = Reference(float(np.nanmax(between)), FLOOR) if len(months) == 3 else None
    text = f"PV, the monthly mean that is furthest from {WORDS[side]}"
    return [row(("pv", text), float(np.nanmax(off)), "%", beside, Criterion("at most", 10))]


def _plausible(found: Parts, days: dict[str, np.ndarray], sized: bool) -> list[Row]:
    """The months whose made yield is outside what real homes gave, or where none are, what is possible anywhere."""
    real = [_by_month(home[None], found[side].month) for side in days if side != "synthetic" for home in days[side]]
    if not real and not sized:
        return []
    least, most = POSSIBLE
    if real:
        least, most = (1 - ALLOWED) * np.fmin.reduce(real), (1 + ALLOWED) * np.fmax.reduce(real)
    made = _by_month(days["synthetic"], found["synthetic"].month)
    wrong = [MONTHS[k] for k in np.flatnonzero((made < least) | (made > most))]
    text = f"PV, months outside {'the range of real homes' if real else 'what is possible anywhere'}"
    return [row(("pv", f"{text}: {', '.join(wrong) or 'none'}"), len(wrong), "months", None, Criterion("at most", 0))]


def _neighbours(found: Parts, days: dict[str, np.ndarray], between: dict[str, np.ndarray]) -> list[Row]:
    if "synthetic" not in between:
        return []
    side = reference(between)
    beside = Reference(float(between[side].mean()), WORDS[side]) if side else None
    text = "PV of two neighbours on the same days, correlation"
    rows = [row(("pv", text), float(between["synthetic"].mean()), "1", beside, Criterion("at least", 0.8))]
    inner = {name: float(_between(_without_season(days[name], found[name].month)).mean()) for name in between}
    beside = Reference(inner[side], WORDS[side]) if side else None
    return [*rows, row(("pv", "PV of two neighbours, mean of each month taken out"), inner["synthetic"], "1", beside)]


def _per_kwp(part: Part) -> np.ndarray:
    """Energy of each day of homes with a panel [kWh per kW peak], (homes, days); without sizes it is that already."""
    kwh = judge.daily_kwh(np.maximum(part.values, 0))
    size = np.ones(len(kwh)) if part.kwp is None else part.kwp
    return kwh[size > 0] / size[size > 0, None]


def _relative(part: Part) -> np.ndarray:
    """Energy of each day over the home's mean, (homes, days): a panel's size, often not known, falls out."""
    kwh = judge.daily_kwh(np.maximum(part.values, 0))
    mean = np.nanmean(kwh, 1)
    there = mean > PV_IN_SUN * max(np.median(mean), 1e-6)
    return kwh[there] / mean[there, None]


def _by_month(days: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Mean of each month over homes and days, (12,); NaN for a month without days."""
    there = [days[:, month == k] for k in range(1, 13)]
    return np.array([np.nanmean(kwh) if (~np.isnan(kwh)).any() else np.nan for kwh in there])


def _without_season(days: np.ndarray, month: np.ndarray) -> np.ndarray:
    return days - _by_month(days, month)[month - 1]


def _between(days: np.ndarray) -> np.ndarray:
    """Correlation of each pair of homes, (pairs,)."""
    table = np.ma.corrcoef(np.ma.masked_invalid(days)).filled(np.nan)
    pairs = table[np.triu_indices(len(table), 1)]
    return pairs[~np.isnan(pairs)]
