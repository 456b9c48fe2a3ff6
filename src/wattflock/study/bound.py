"""The perfect-foresight optimum of given days: the yardstick that shares of achievable saving refer to."""

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse

from wattflock.errors import WattflockError
from wattflock.feeder.feeder import solve
from wattflock.homes.program import ONE, Program, Terms
from wattflock.market.market import Market, Meter
from wattflock.study.follow import Follow
from wattflock.study.highs import minimise
from wattflock.types import Profile, cast
from wattflock.world.rollout import judge, rollout
from wattflock.world.world import World


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the wires enter the programs of a bound."""

    rounds_most: int = 8  # linear programs with voltage rows; 0 leaves the wires out
    tolerance_pu: float = 1e-4  # beyond the limits, after which a plan is good enough
    near_pu: float = 0.01  # voltages so close to a limit get a row
    price_per_pu_h: float = 1e5  # of a limit that cannot be kept [currency per pu h]
    trust_kw: float = 400.0  # most that a terminal's power moves in the third round; then half as much, …
    solver: str = "ipx"


@dataclasses.dataclass(frozen=True)
class Optimum:
    """The best day of the whole flock, replayed in the world in float64."""

    cost: float  # what the plan costs in the world [currency per day]
    lower_bound: float  # the linear program's cost, without the price of violations [currency per day]
    free_cost: float  # the same without wires: a true lower bound for any controller [currency per day]
    power_kw: np.ndarray  # (steps, homes) drawn from the grid
    action: np.ndarray  # (steps, homes, controls) in [-1, 1]: replay with `Rest` and a nudge
    rounds: int  # linear programs with voltage rows
    worst_pu: float  # greatest AC violation of a node and step
    violation_pu_h: float  # sum of AC violations over nodes and steps
    free_violation_pu_h: float  # the same of the optimum without wires
    converged: bool  # violations are within the tolerance, or the program says that they cannot be avoided


def bound(world: World, profile: Profile, settings: Settings = Settings(), workers: int = 2) -> Iterator[Optimum]:
    """The optimum of each day of a batch, in order, as soon as it is known.

    Linear programs (HiGHS) of all devices' days with voltages linearised around the last plan; each plan is
    replayed in the world and judged by the AC flow in float64. Days are worked on by `workers` threads.

    Args:
        profile: (days, steps, homes).

    Raises:
        WattflockError: a market whose bills are not import and export prices for each home by itself.
    """
    with jax.enable_x64(True):
        world, profile = cast(jax.tree.map(np.asarray, (world, profile)), np.float64)
        days = [jax.tree.map(lambda x: x[day], profile) for day in range(profile.days())]
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda day: best_day(world, day, settings), days)
