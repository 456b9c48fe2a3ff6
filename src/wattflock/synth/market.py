"""A region's import and export prices and carbon: those of a typical month, and how days differ from it."""

from typing import Any

import numpy as np
from scipy.special import ndtr

from wattflock.data.calendar import When
from wattflock.data.source import Readings

NAMES = ("import_price_per_kwh", "export_price_per_kwh", "carbon_kg_per_kwh")
SHAPES, QUANTILES, HALVES = 8, 33, 48
Market = dict[str, Any]


def market_of(readings: Readings) -> Market:
    """Typical prices and carbon, and principal components of what days differ by.

    Typical is the mean by month, part of the week and hour (12, 2, 24); a month without data has the mean. `changes`
    (shapes, 3, 48) are the components of (import, export, carbon) together, so that a dear day is dear in all three;
    `scores` (shapes, quantiles) how large each is, `keep` (shapes,) its correlation from day to day.
    """
    tables: Market = {}
    rest = []
    for name in NAMES:
        values = getattr(readings, name)
        hourly = values.reshape(len(readings.month), 24, -1).mean(-1)
        table = np.full((12, 2, 24), np.nan)
        for month in range(12):
            for free in (0, 1):
                days = (readings.month == month + 1) & (readings.weekend == free)
                if days.any():
                    table[month, free] = hourly[days].mean(0)
        tables[name] = np.where(np.isnan(table), np.nanmean(table, 0, keepdims=True), table).astype(np.float32)
        mean = tables[name][readings.month - 1, readings.weekend.astype(int)]
        rest.append(_halves(values) - np.repeat(mean, 2, -1))
    return tables | _changes(np.stack(rest, 1))


def _halves(values: np.ndarray) -> np.ndarray:
    """Values by half hours, (days, 48)."""
    days, steps = values.shape
    return np.repeat(values, HALVES // steps, -1) if steps < HALVES else values.reshape(days, HALVES, -1).mean(-1)


def _changes(rest: np.ndarray) -> Market:
    """The components of `rest` (days, 3, 48), each quantity in units of its own deviation while they are found."""
    size = rest.std((0, 2), keepdims=True)
    whole = (rest / np.where(size > 0, size, 1)).reshape(len(rest), -1)
    _, _, ways = np.linalg.svd(whole, full_matrices=False)
    ways = np.pad(ways[:SHAPES], ((0, max(SHAPES - len(ways), 0)), (0, 0)))
    scores = whole @ ways.T  # (days, shapes)
    spread = scores.std(0)
    flat = spread <= 1e-9
    unit = scores / np.where(flat, 1, spread)
    around = unit - unit.mean(0)
    keep = np.where(flat, 0, (around[1:] * around[:-1]).mean(0))
    found = {
        "changes": ways.reshape(SHAPES, *rest.shape[1:]) * size[0] * np.where(flat, 0, spread)[:, None, None],
        "scores": np.quantile(unit, np.linspace(0, 1, QUANTILES), axis=0).T,
        "keep": np.clip(keep, -0.99, 0.99),
    }
    return {name: each.astype(np.float32) for name, each in found.items()}


def typical(market: Market, name: str, when: When, month: np.ndarray, steps: int) -> np.ndarray:
    """Prices or carbon of a run of days (days, steps), by month of the northern year, part of the week and hour."""
    table = np.asarray(market[name])[month - 1, np.asarray(when.weekend).astype(int)]
    return np.repeat(table, steps // 24, -1)


def dynamic(market: Market, when: When, month: np.ndarray, steps: int, seed: int) -> dict[str, np.ndarray]:
    """Prices and carbon that differ from day to day, name → (days, steps).

    Carbon is never below 0, an export price never above the import price: such hours, 2 % of Agile's, have no optimum.
    Scores follow a first-order autoregression in normal units, and have the measured quantiles. Weather made for the
    same days is not connected with them.
    """
    keep, days = np.asarray(market["keep"], float), len(month)
    chance = np.random.default_rng([seed, 1]).standard_normal((days, len(keep)))
    normal = chance.copy()
    for day in range(1, days):
        normal[day] = keep * normal[day - 1] + np.sqrt(1 - keep**2) * chance[day]
    at = np.linspace(0, 1, np.shape(market["scores"])[1])
    pairs = zip(ndtr(normal).T, np.asarray(market["scores"], float), strict=True)
    scores = np.stack([np.interp(share, at, quantiles) for share, quantiles in pairs], -1)
    change = np.einsum("dk,kqt->dqt", scores, np.asarray(market["changes"], float))
    shape = (days, len(NAMES), min(steps, HALVES), -1)
    change = np.repeat(change.reshape(shape).mean(-1), max(steps // HALVES, 1), -1)
    made = {name: typical(market, name, when, month, steps) + change[:, place] for place, name in enumerate(NAMES)}
    made["carbon_kg_per_kwh"] = np.maximum(made["carbon_kg_per_kwh"], 0)
    made["export_price_per_kwh"] = np.minimum(made["export_price_per_kwh"], made["import_price_per_kwh"])
    return made
