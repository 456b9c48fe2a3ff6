"""What a coordinator is rewarded for: little power drawn, even levels, and no level too low."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.homes.device import ratio

EVEN = 1e-4  # added to standard deviation and mean of the levels, so that neither ratio nor gradient is undefined
SLACK = 1e-5  # of a limit, for rounding


class Reward(eqx.Module):
    """Constants of r = K1 r_g + K2 r_f + K3 r_c; docs/coordinator.md says why they are what they are."""

    grid: float = 1.0  # K1, weight of the power that is not drawn
    fair: float = 1.0  # K2, weight of even levels
    comfort: float = 1.0  # K3, weight of levels that are high enough
    low: float = 0.2  # SoC_l, below it a level is a violation [share]
    middle: float = 0.5  # SoC_m [share]
    high: float = 0.8  # SoC_h, above it a level is worth no more [share]
    best: float = 1.0  # n1, worth of a level above `high`; its negative that of one below `low`
    fine: float = 0.5  # n2, worth of a level at `middle`
    beyond: float = -10.0  # r_g where more than the limit is granted: cannot happen under a coordinator


class Rewarded(eqx.Module):
    """A reward and its three parts before their weights; all with the axes of a step."""

    total: Array
    grid: Array  # r_g
    fair: Array  # r_f
    comfort: Array  # r_c


def rewarded(reward: Reward, level: Array, here: Array, granted_kw: Array, limit_kw: Array) -> Rewarded:
    """The reward of a step.

    Args:
        reward: its constants.
        level: states of charge after the step, (…, chargers) [share].
        here: whether there is such a device, (…, chargers) or (chargers,).
        granted_kw: in all, (…,) [kW].
        limit_kw: the limit in force, (…,) [kW].
    """
    count = jnp.maximum(here.sum(-1), 1)
    grid = idle_share(reward, granted_kw, limit_kw)
    fair = 1 - variation(level, here)
    comfort = jnp.where(here, worth(reward, level), 0).sum(-1) / (count * reward.best)
    total = reward.grid * grid + reward.fair * fair + reward.comfort * comfort
    return Rewarded(total, grid, fair, comfort)


def idle_share(reward: Reward, granted_kw: Array, limit_kw: Array) -> Array:
    """r_g = (limit - granted) / limit; 1 where there is nothing to grant, `beyond` where more is granted."""
    beyond = granted_kw > (1 + SLACK) * limit_kw + SLACK
    return jnp.where(beyond, reward.beyond, 1 - ratio(granted_kw, limit_kw))


def variation(level: Array, here: Array) -> Array:
    """CV = √(variance + ε²) / (mean + ε) of the levels over the last axis: 1 where all are empty, else ≥ 0."""
    count = jnp.maximum(here.sum(-1), 1)
    mean = jnp.where(here, level, 0).sum(-1) / count
    variance = jnp.where(here, (level - mean[..., None]) ** 2, 0).sum(-1) / count
    return jnp.sqrt(variance + EVEN**2) / (mean + EVEN)


def worth(reward: Reward, level: Array) -> Array:
    """r_c of single levels: -n1 below SoC_l, then exponentially from 0 to n2 at SoC_m and linearly to n1 at SoC_h.

    The exponential branch is (1 + n2) exp(ln(1 / (1 + n2)) (s - SoC_m) / (SoC_l - SoC_m)) - 1: continuous at SoC_m,
    where the printed one is not.
    """
    low, middle, high, best, fine = reward.low, reward.middle, reward.high, reward.best, reward.fine
    part = jnp.clip((level - middle) / (low - middle), 0, 1)
    rising = (1 + fine) * jnp.exp(-jnp.log1p(fine) * part) - 1
    straight = fine + (best - fine) * jnp.clip((level - middle) / (high - middle), 0, 1)
    return jnp.where(level < low, -best, jnp.where(level < middle, rising, straight))
