"""What all chargers may draw together, as a table of days × steps that comes with the days [kW]."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from wattflock.core.scenario import LimitSection
from wattflock.data.sample import Sampler
from wattflock.world.world import World


def limited(section: LimitSection, world: World, days: Sampler) -> Sampler:
    """The same days with `Profile.limit_kw`."""
    limit_kw = jnp.asarray(table(section, world, days), jnp.float32)
    return dataclasses.replace(days, common=days.common | {"limit_kw": limit_kw})


def table(section: LimitSection, world: World, days: Sampler) -> np.ndarray:
    """The limit (days, steps) on every day of the readings [kW]."""
    hour = np.asarray(days.common["hour"])
    base = section.kw if section.source == "kw" else section.factor * mean_net_kw(world, days)
    return base * (np.array(section.hours)[hour.astype(int)] if section.hours else np.ones(hour.shape))


def mean_net_kw(world: World, days: Sampler) -> float:
    """Load less sun of every home, where it is positive: sum over homes, mean over the training days [kW]."""
    source, scale = np.asarray(days.source["train"]), np.asarray(days.scale)
    first = np.asarray(days.split_days["train"])
    every = np.unique(first[:, None] + np.arange(days.episode_days))
    devices = world.fleet.devices.values()
    kwp = sum((np.asarray(d.size_kwp) for d in devices if "size_kwp" in d.sizes), np.zeros(len(scale)))  # pyright: ignore
    load, sun = (np.asarray(each)[every][:, source] for each in (days.load_kw, days.sun))
    net_kw = load * scale[:, None] - sun * kwp[:, None]
    return float(np.maximum(net_kw, 0).sum(1).mean())
