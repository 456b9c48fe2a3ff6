"""What a coordinator did, day by day: the figures that tables have where a limit is shared."""

import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.fairness import gini, jain
from wattflock.core.types import by_day
from wattflock.homes.device import ratio
from wattflock.world.charging_reward import rewarded
from wattflock.world.coordinator import Charging
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
    charging = outcome.charging
    fell = charging.here & _fallen(charging.level < world.coordinator.reward.low)
    charging, net_kwh, dt_h, fell = by_day((charging, outcome.net_kwh, outcome.dt_h, fell), world.steps)
    homes, hours = net_kwh.shape[-1], dt_h[..., None]
    granted_kwh = charging.granted_kw * hours
    of_home_kwh = granted_kwh.reshape(*granted_kwh.shape[:-1], -1, homes).sum(-2)
    depth = jnp.where(charging.here, jnp.maximum(world.coordinator.reward.low - charging.level, 0), 0)
    missed = charging.leaves & (charging.lacking_share > ENOUGH)
    return (
        {
            "reward_per_episode": charging.reward.total.sum(1) * world.episode_days,
            "capacity_used_share": _used(charging).mean(1),
            "fairness": charging.reward.fair.mean(1),
            "low_times_per_home": fell.sum((1, 2)) / homes,
            "low_h_per_home": ((depth > 0) * hours).sum((1, 2)) / homes,
            "low_depth_share": depth.max((1, 2)),
            "missed_departures_per_home": missed.sum((1, 2)) / homes,
            "granted_kwh_per_home": granted_kwh.sum((1, 2)) / homes,
            "shortfall_kwh_per_home": jnp.maximum(net_kwh - of_home_kwh, 0).sum((1, 2)) / homes,
        }
        | _between_chargers(charging)
        | _trust(world, charging)
    )


def _trust(world: World, charging: Charging) -> dict[str, Array]:
    """Of homes that report falsely and of the others; nothing where nobody does and nobody watches."""
    found, honest = {}, charging.here
    if charging.false is not None and world.coordinator is not None:
        honest = charging.here & ~charging.false
        reward = rewarded(
            world.coordinator.reward, charging.level, honest, charging.granted_kw.sum(-1), charging.limit_kw
        )
        level = (charging.level * charging.false).sum((1, 2)) / jnp.maximum(charging.false.sum((1, 2)), 1)
        found = {"honest_reward_per_episode": reward.total.sum(1) * world.episode_days, "liar_level": level}
    if charging.alarm is not None:
        found["false_alarm_share"] = (charging.alarm * honest).sum((1, 2)) / jnp.maximum(honest.sum((1, 2)), 1)
    return found


def _between_chargers(charging: Charging) -> dict[str, Array]:
    here, satisfied = charging.here[:, 0], satisfaction(charging)
    refused = (charging.here & (charging.refused > 0)).sum((1, 2))
    return {
        "jain": jain(satisfied, here),
        "gini": gini(satisfied, here),
        "least_satisfaction": jnp.where(here, satisfied, 1).min(-1),
        "refused_share": refused / jnp.maximum(charging.here.sum((1, 2)), 1),
    }


def _used(charging: Charging) -> Array:
    """Of the limit, what was granted; 0 where there was nothing to grant."""
    return ratio(charging.granted_kw.sum(-1), charging.limit_kw)


def _fallen(low: Array) -> Array:
    """Where something that is true (episodes, steps, chargers) was not a step before."""
    return low & ~jnp.pad(low, ((0, 0), (1, 0), (0, 0)))[:, :-1]


def satisfaction(charging: Charging) -> Array:
    """Mean level (days, chargers) of each charger when it leaves; on a day when it does not leave, at all steps."""
    leaves = charging.leaves & charging.here
    times = leaves.sum(1)
    parting = jnp.where(leaves, charging.level, 0).sum(1) / jnp.maximum(times, 1)
    return jnp.where(times > 0, parting, charging.level.mean(1))
