"""What a coordinator did, day by day: the figures that tables have where a limit is shared."""

import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import by_day
from wattflock.world.coordinator import Charging, Coordinator
from wattflock.world.world import Outcome, World

ENOUGH = 0.2  # of its size may lack when a car leaves: more is a departure missed


def charging_figures(world: World, outcome: Outcome) -> dict[str, Array]:
    """Columns of the days' table for every calendar day, each (days,); nothing where no limit is shared.

    Args:
        world: says how many steps a day has.
        outcome: of episodes (episodes, steps, …).
    """
    if outcome.charging is None or world.coordinator is None:
        return {}
    fell = _fallen(outcome.charging, world.coordinator)
    charging, net_kwh, dt_h, fell = by_day((outcome.charging, outcome.net_kwh, outcome.dt_h, fell), world.steps)
    homes, hours = net_kwh.shape[-1], dt_h[..., None]
    granted_kwh = charging.granted_kw * hours
    by_home_kwh = granted_kwh.reshape(*granted_kwh.shape[:-1], -1, homes).sum(-2)
    low = world.coordinator.reward.low
    depth = jnp.where(charging.here, jnp.maximum(low - charging.level, 0), 0)
    missed = charging.leaves & (charging.lacking_share > ENOUGH)
    satisfied, count = satisfaction(charging), jnp.maximum(charging.here[:, 0].sum(-1), 1)
    return {
        "reward_per_episode": charging.reward.total.sum(1) * world.episode_days,
        "capacity_used_share": (1 - _share(charging)).mean(1),
        "fairness": charging.reward.fair.mean(1),
        "low_times_per_home": fell.sum((1, 2)) / homes,
        "low_h_per_home": ((depth > 0) * hours).sum((1, 2)) / homes,
        "low_depth_share": depth.max((1, 2)),
        "jain": jain(satisfied, charging.here[:, 0]),
        "gini": gini(satisfied, charging.here[:, 0]),
        "least_satisfaction": jnp.where(charging.here[:, 0], satisfied, 1).min(-1),
        "missed_departures_per_home": missed.sum((1, 2)) / homes,
        "granted_kwh_per_home": granted_kwh.sum((1, 2)) / homes,
        "shortfall_kwh_per_home": jnp.maximum(net_kwh - by_home_kwh, 0).sum((1, 2)) / homes,
        "refused_share": (charging.here & (charging.refused > 0)).sum((1, 2)) / (count * charging.here.shape[1]),
    }


def _share(charging: Charging) -> Array:
    """Of the limit, what was not granted; 1 where there was nothing to grant."""
    some = charging.limit_kw > 0
    granted_kw = charging.granted_kw.sum(-1)
    return jnp.where(some, 1 - granted_kw / jnp.where(some, charging.limit_kw, 1), 1)


def _fallen(charging: Charging, coordinator: Coordinator) -> Array:
    """Whether a level has just fallen below the lowest that is no violation, (episodes, steps, chargers)."""
    low = charging.here & (charging.level < coordinator.reward.low)
    return low & ~jnp.pad(low, ((0, 0), (1, 0), (0, 0)))[:, :-1]


def satisfaction(charging: Charging) -> Array:
    """Mean level (days, chargers) of each charger when it leaves; on a day when it does not leave, at all steps."""
    leaves = charging.leaves & charging.here
    times = leaves.sum(1)
    parting = jnp.where(leaves, charging.level, 0).sum(1) / jnp.maximum(times, 1)
    return jnp.where(times > 0, parting, charging.level.mean(1))


def jain(values: Array, here: Array) -> Array:
    """(Σx)² / (n Σx²) over the last axis of those that are `here`: 1 all alike (also all 0), 1/n one has all.

    Source: Jain, Chiu & Hawe 1984, DEC-TR-301.
    """
    x, count = jnp.where(here, values, 0), jnp.maximum(here.sum(-1), 1)
    square = count * (x**2).sum(-1)
    return jnp.where(square > 0, x.sum(-1) ** 2 / jnp.where(square > 0, square, 1), 1)


def gini(values: Array, here: Array) -> Array:
    """Σ Σ |x_i - x_j| / (2 n Σ x) over the last axis of those that are `here`: 0 all alike, 1 - 1/n one has all.

    Source: Gini 1912, by ranks: (2 Σ i x_i / Σ x - (n + 1)) / n of the values in rising order.
    """
    count, total = here.sum(-1), jnp.where(here, values, 0).sum(-1)
    rising = jnp.sort(jnp.where(here, values, -jnp.inf), -1)
    there = rising > -jnp.inf
    weighted = (jnp.cumsum(there, -1) * jnp.where(there, rising, 0)).sum(-1)
    some = (total > 0) & (count > 0)
    safe, many = jnp.where(some, total, 1), jnp.maximum(count, 1)
    return jnp.where(some, (2 * weighted / safe - (many + 1)) / many, 0)
