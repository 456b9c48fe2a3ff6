"""What all chargers may draw together, as a table of days × steps that comes with the days [kW]."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.sections import LimitSection
from wattflock.core.types import on_device
from wattflock.data.limit_table import from_file
from wattflock.data.sample import Sampler, resample
from wattflock.data.source import Readings
from wattflock.feeder.limits import branch_loading
from wattflock.feeder.solve import solve
from wattflock.study.hosting.capacity import IMPORT
from wattflock.study.hosting.envelope import EnvelopeRules, envelopes
from wattflock.world.world import World

CAP_KW = 10.0  # of one home, where the feeder's limits would allow more
HALVINGS = 14  # of the headroom: to CAP_KW / 2^14 a home
DAYS_AT_ONCE = 16
Table = np.ndarray  # (days, steps)


def limited(section: LimitSection, world: World, days: Sampler, readings: Readings) -> Sampler:
    """The same days with `Profile.limit_kw`.

    Raises:
        ScenarioError: a file that cannot be used, or a limit of a feeder that knows none.
    """
    limit_kw = jnp.asarray(table(section, world, days, readings), jnp.float32)
    return dataclasses.replace(days, common=days.common | {"limit_kw": limit_kw})


def table(section: LimitSection, world: World, days: Sampler, readings: Readings) -> Table:
    """The limit on every day of the readings: from its source, times `hours`, less sudden curtailments [kW]."""
    made: dict[str, Callable[[], Table | float]] = {
        "factor": lambda: section.factor * mean_net_kw(world, days),
        "kw": lambda: section.kw,
        "file": lambda: resample(from_file(section.file, readings), days.dt_h),
        "headroom": lambda: headroom_kw(world, days),
        "envelope": lambda: envelope_kw(world, days, readings.month),
    }
    hour = np.asarray(days.common["hour"])
    of_hour = np.array(section.hours)[hour.astype(int)] if section.hours else np.ones(hour.shape)
    return made[section.source]() * of_hour * left(section, hour.shape, days.dt_h)


def left(section: LimitSection, shape: tuple[int, int], dt_h: float) -> Table:
    """What sudden curtailments leave of the limit [share]: they begin at any step alike, and may follow one another."""
    random = np.random.default_rng(section.seed)
    begins = random.random(shape).ravel() < section.cuts_per_week * dt_h / (7 * 24)
    length = max(1, round(section.cut_h / dt_h))
    cut = np.convolve(begins, np.ones(length))[: begins.size] > 0
    return np.where(cut, section.cut_to, 1.0).reshape(shape)


def net_kw(world: World, days: Sampler, split: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Load, and load less sun, of every home on every day, (days, steps, homes): what no coordinator decides [kW]."""
    source, scale = np.asarray(days.source[split]), np.asarray(days.scale, float)
    panels: list[Any] = [device for device in world.fleet.devices.values() if "size_kwp" in device.sizes]
    kwp = sum((np.asarray(panel.size_kwp) for panel in panels), np.zeros(len(scale)))
    load, sun = (np.swapaxes(np.asarray(each, float)[:, source], 1, 2) for each in (days.load_kw, days.sun))
    return load * scale, load * scale - sun * kwp


def mean_net_kw(world: World, days: Sampler) -> float:
    """Load less sun of every home, where it is positive: sum over homes, mean over the training days [kW]."""
    first = np.asarray(days.split_days["train"])
    every = np.unique(first[:, None] + np.arange(days.episode_days))
    return float(np.maximum(net_kw(world, days)[1][every], 0).sum(-1).mean())


def headroom_kw(world: World, days: Sampler) -> Table:
    """What all homes, each the same, can draw beside their uncontrolled net load until a branch is at its rating [kW].

    Hour by hour, by halving between 0 and `CAP_KW`; 0 where a branch is overloaded already. Of the homes that learn.
    """
    if world.feeder is None or not len(world.feeder.branch.names):
        allowed = "factor, kw or file: no rating of a line or transformer is known"
        raise ScenarioError([Problem("scenario", "coordinator.limit.source", "headroom", allowed)])
    load, net = net_kw(world, days)
    kvar = load * np.asarray(world.fleet.kvar_per_kw)
    small = on_device(world, jnp.float32)
    some = [slice(begin, begin + DAYS_AT_ONCE) for begin in range(0, len(net), DAYS_AT_ONCE)]
    each = [_headroom(small, *(jnp.asarray(x[days_of], jnp.float32) for x in (net, kvar))) for days_of in some]
    return np.concatenate([np.asarray(x) for x in each]) * world.homes


@eqx.filter_jit
def _headroom(world: World, net: jax.Array, kvar: jax.Array) -> jax.Array:
    """Of one home, (days, steps) [kW]."""
    feeder, homes = world.feeder, world.placement.sum(0)
    assert feeder is not None

    def kept(more_kw):
        flow = solve(feeder, net @ world.placement + more_kw[..., None] * homes[None, None], kvar @ world.placement)
        return flow.converged & (branch_loading(feeder, flow.branch_a) <= world.limits.loading).all(-1)

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        fits = kept(middle)
        return jnp.where(fits, middle, low), jnp.where(fits, high, middle)

    none = jnp.zeros(net.shape[:2], net.dtype)
    return jax.lax.fori_loop(0, HALVINGS, halve, (none, jnp.full_like(none, CAP_KW)))[0]


def envelope_kw(world: World, days: Sampler, month: np.ndarray) -> Table:
    """The total of the operating envelope, equal for all homes, in each hour of a typical day of each month [kW].

    The base is the mean uncontrolled net load of the month's days. Whatever each home draws within its own part, the
    feeder keeps its limits there; a coordinator may give one home more than that. Of the homes that learn.
    """
    if world.feeder is None:
        allowed = "factor, kw or file: there are no wires"
        raise ScenarioError([Problem("scenario", "coordinator.limit.source", "envelope", allowed)])
    load, net = net_kw(world, days)
    homes, limit = world.placement.sum(0), np.zeros(net.shape[:2])
    rules = EnvelopeRules(direction=IMPORT, cap_kw=CAP_KW, homes=homes)
    per_agent = world.homes / homes.sum()
    with jax.enable_x64(True):
        for each in np.unique(month):
            those = month == each
            kw, kvar = (x[those].mean(0) @ world.placement for x in (net, load * np.asarray(world.fleet.kvar_per_kw)))
            found = envelopes(world.feeder, world.limits, kw, kvar, rules)
            limit[those] = [one.total_kw * per_agent for one in found]
    return limit
