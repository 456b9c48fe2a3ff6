"""A bound from above of what any sharing of a limit can be rewarded, by a linear relaxation of homes and reward.

No home and no term of the reward does worse in the relaxation than in the world:

- a battery may lose energy, so that E' ≤ E + Δt min(η p, p / η), which is concave in its power p;
- a load may go unserved only as far as the battery is empty: short ≤ load · (1 - E' / size) + what is beyond its power;
- the worth of a level is replaced by its least concave majorant;
- 1 - CV ≤ 1 - (mean absolute deviation), since a standard deviation is no smaller and the mean level no larger than 1.
"""

from collections.abc import Iterator
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import Profile, cast
from wattflock.homes.devices.reserve import Reserve
from wattflock.homes.program import Program
from wattflock.study.lp import minimise
from wattflock.world.charging_reward import Reward, worth
from wattflock.world.world import World

POINTS = 200  # of the worth of levels, whose majorant is taken


def reward_bounds(world: World, profile: Profile) -> Iterator[float]:
    """A bound of the reward of each day or episode of `profile` (days, steps, homes).

    Raises:
        ScenarioError: homes have other devices than a reserve, or no limit is shared.
    """
    if world.coordinator is None or not bounded(world):
        have = sorted(world.fleet.devices)
        raise ScenarioError([Problem("bound of the reward", "homes.kinds", have, "a reserve alone, and a coordinator")])
    (device,) = world.fleet.devices.values()
    reserve, days = cast(jax.tree.map(np.asarray, (device, profile)), np.float64)
    for number in range(profile.days()):
        day = jax.tree.map(lambda x, number=number: x[number], days)
        yield _bound(reserve, day, world.coordinator.reward)


def bounded(world: World) -> bool:
    """Whether there is a bound of this world's reward: a limit is shared, and every home has a reserve or no device."""
    devices = list(world.fleet.devices.values())
    return world.coordinator is not None and len(devices) == 1 and isinstance(devices[0], Reserve)


def _bound(reserve: Reserve, day: Profile, reward: Reward) -> float:
    program, (steps, homes) = Program(), day.load_kw.shape
    level, grid = _levels(program, reserve, day)
    assert day.limit_kw is not None, "no bound without a limit"
    limit_kw = day.limit_kw[:, None]
    some = np.where(limit_kw > 0, limit_kw, 1)
    program.rows(-np.inf, limit_kw[:, 0], [(grid[:, home], 1.0) for home in range(homes)])
    mean = program.columns(np.zeros(steps), 1.0, 0.0)
    program.rows(0.0, 0.0, [(mean, float(homes)), *((level[:, home], -1.0) for home in range(homes))])
    away = program.columns(np.zeros((steps, homes)), 1.0, reward.fair / homes)
    for sign in (1.0, -1.0):
        program.rows(0.0, np.inf, [(away, 1.0), (level, sign), (mean[:, None], -sign)])
    value = program.columns(np.full((steps, homes), -np.inf), np.inf, -reward.comfort / (homes * reward.best))
    for slope, offset in majorant(reward):
        program.rows(-np.inf, offset, [(value, 1.0), (level, -slope)])
    cost = program.columns(np.zeros((steps, homes)), np.inf, reward.grid / some)
    program.rows(0.0, 0.0, [(cost, 1.0), (grid, -1.0)])
    return float(steps * (reward.grid + reward.fair) - minimise(program).cost)


def _levels(program: Program, reserve: Reserve, day: Profile) -> tuple[np.ndarray, np.ndarray]:
    """Columns (steps, homes) of the level after each step [share] and of the power from the grid [kW]."""
    size, efficiency, dt_h = reserve.size_kwh, reserve.efficiency, day.dt_h[:, None]
    net_kw = day.load_kw - reserve.size_kwp * day.sun_kw_per_kwp
    lacking_kw = np.maximum(net_kw, 0)
    grid = program.columns(0.0, np.broadcast_to(reserve.limit_kw, net_kw.shape), 0.0)
    sun = program.columns(0.0, np.minimum(np.maximum(-net_kw, 0), reserve.limit_kw), 0.0)
    short = program.columns(0.0, lacking_kw, 0.0)
    level = program.columns(np.zeros(net_kw.shape), 1.0, 0.0)
    beyond_kw = np.maximum(lacking_kw - reserve.limit_kw, 0)
    program.rows(-np.inf, lacking_kw + beyond_kw, [(short, 1.0), (level, lacking_kw)])
    start = np.asarray(reserve.init(jax.tree.map(lambda x: x[0], day))) / size
    before = np.vstack([np.full(size.shape, -1), level[:-1]])
    for way in (efficiency, 1 / efficiency):
        per = way * dt_h / size
        right = -per * lacking_kw
        right[0] += start
        program.rows(-np.inf, right, [(level, 1.0), (before, -1.0), (grid, -per), (sun, -per), (short, -per)])
    return level, grid


def majorant(reward: Reward) -> list[tuple[float, float]]:
    """Lines (slope, offset) whose least is the least concave function above the worth of a level from 0 to 1."""
    corners = [0.0, reward.low, reward.middle, reward.high, 1.0]
    at = np.unique(np.concatenate([np.linspace(0, 1, POINTS + 1), corners]))
    with jax.enable_x64(True):
        points = list(zip(at, np.asarray(worth(reward, jnp.asarray(at))), strict=True))
    hull: list[tuple[float, float]] = []
    for point in points:
        while len(hull) > 1 and _rising(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(hull)]
    return [(slope, b[1] - slope * b[0]) for slope, b in zip(slopes, hull[1:], strict=True)]


def _rising(a, b, c) -> bool:
    """Whether b lies on or below the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0]) + 1e-12
