"""Owen's point: a payoff in the core from the prices of the grand coalition's optimum, at the price of one program."""

import dataclasses

import numpy as np

from wattflock.game.coalition import Day
from wattflock.game.values import Flock


@dataclasses.dataclass(frozen=True)
class Owen:
    """A payoff that no coalition improves on by more than `gap`."""

    payoff: np.ndarray  # (homes,) saving of each home; sums to the grand coalition's [currency]
    price_per_kwh: np.ndarray  # (days, steps) within the community, at which each home plans for itself
    gap: float  # by which the prices miss the optimum: no excess is larger [currency]


def owen(flock: Flock) -> Owen:
    """Pays every home what it costs alone less what it costs at the community's prices.

    At prices between those of the grid no coalition costs less than its members cost at these prices (weak duality),
    and the grand coalition costs the same (strong duality). Where a solver's prices are optimal up to a `gap` only,
    payoffs are scaled by as much, so that they sum to the saving.

    Source: Owen 1975, On the core of linear production games, DOI 10.1007/BF01681356.
    """
    dt_h = np.asarray(flock.profile.dt_h)
    prices = [inside(*each) for each in zip(flock.days, flock.grand.price_per_kwh * dt_h, strict=True)]
    owed = flock.alone - at_prices(flock, prices)
    saving = float(flock.alone.sum()) - flock.grand.cost
    total = float(owed.sum())
    price_per_kwh = np.stack(prices) / dt_h
    return Owen(owed * (saving / total if total > 0 else 1.0), price_per_kwh, total - saving)


def inside(day: Day, price: np.ndarray) -> np.ndarray:
    """Prices (steps,) moved between those of the grid, unless the connection is limited."""
    return price if np.isfinite(day.limit_kw).all() else np.clip(price, day.sold, day.bought)


def at_prices(flock: Flock, prices: list[np.ndarray]) -> np.ndarray:
    """What each home costs at the community's prices, (homes,): the dual bound of a coalition is a sum of these.

    Args:
        flock: the homes.
        prices: of each day, (steps,), as `inside` gives them [currency per kW].
    """
    days = tuple(priced(day, price) for day, price in zip(flock.days, prices, strict=True))
    rent = sum(rents(day, price) for day, price in zip(flock.days, prices, strict=True))
    return flock.runner.alone(days).sum(0) - rent


def priced(day: Day, price: np.ndarray) -> Day:
    """The day at which each kW costs `price`, whoever it is bought from."""
    free, nothing = np.full(day.homes, np.inf), np.zeros(day.steps)
    return dataclasses.replace(day, cost=day.cost + day.power.T @ price, bought=nothing, sold=nothing, limit_kw=free)


def rents(day: Day, price: np.ndarray) -> np.ndarray:
    """What each home earns from its part of the connection where that is scarce, (homes,) [currency]."""
    if not np.isfinite(day.limit_kw).all():
        return np.zeros(day.homes)
    return day.limit_kw * (np.maximum(price - day.bought, 0) + np.maximum(day.sold - price, 0)).sum()
