"""The perfect-foresight optimum of given days: the yardstick that shares of achievable saving refer to."""

import dataclasses
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.feeder.feeder import solve
from wattflock.study.draft import Draft, Wires, draft, with_wires
from wattflock.study.follow import Follow
from wattflock.study.highs import minimise
from wattflock.types import Profile, cast
from wattflock.world.rollout import rollout
from wattflock.world.world import World


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the wires enter the programs of a bound."""

    rounds_most: int = 8  # linear programs with voltage rows; 0 leaves the wires out
    tolerance_pu: float = 1e-4  # beyond the limits, within which a plan is good enough
    near_pu: float = 0.01  # a voltage that has been so close to a limit has a row from then on
    price_per_pu_h: float = 1e5  # of a limit that cannot be kept [currency per pu h]
    trust_kw: float = 400.0  # most that a terminal's power moves in the third round; then half as much, …
    trust_shrink: float = 0.5
    free_solver: str = "ipx"
    solver: str = "simplex"


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
    converged: bool  # violations are within the tolerance of what the program says cannot be avoided


class Day(eqx.Module):
    """A plan as it went in the world; float64."""

    cost: jax.Array  # ()
    power_kw: jax.Array  # (steps, homes)
    action: jax.Array  # (steps, homes, controls)
    terminal_kw: jax.Array  # (steps, terminals)
    terminal_kvar: jax.Array
    voltage_pu: jax.Array  # (steps, nodes)
    excess_pu: jax.Array  # (steps, nodes)


def bound(world: World, profile: Profile, settings: Settings | None = None, workers: int = 2) -> Iterator[Optimum]:
    """The optimum of each day of a batch, in order, as soon as it is known.

    Linear programs of all devices' days, with voltages linearised around the last plan; each plan is replayed
    in the world and judged by the AC flow in float64. Days are worked on by `workers` threads.

    Args:
        profile: (days, steps, homes).

    Raises:
        WattflockError: a market whose bills are not import and export prices for each home by itself.

    Source: sequential linear programming with lazy voltage rows, e.g. Castillo et al. 2016,
    DOI 10.1109/TPWRS.2015.2487042.
    """
    settings = settings or Settings()
    with jax.enable_x64(True):
        world, profile = cast(jax.tree.map(np.asarray, (world, profile)), np.float64)
    days = [jax.tree.map(lambda x, number=number: x[number], profile) for number in range(profile.days())]
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda day: best_day(world, day, settings), days)


def best_day(world: World, day: Profile, settings: Settings) -> Optimum:
    """The optimum of one day of shape (steps, homes), float64 on the host."""
    with jax.enable_x64(True):
        program = draft(world, day)
        solution = minimise(program.program, settings.free_solver)
        free = last = replay(world, day, program.plan(solution.column))
        rounds, lower, allowed, rows, best = 0, solution.cost, np.zeros_like(free.excess_pu), False, solution.column
        while not (done := within(last, allowed, settings)) and rounds < settings.rounds_most:
            rounds += 1
            rows = rows | near(world, last, settings.near_pu)
            program.program.shut(best, 0.01)
            t=time.time(); last, lower, allowed, best = improve(world, day, program, last, rows, trust(settings, rounds), settings)
            print(round(time.time()-t,2), rounds, rows.sum(), last.cost, lower, float(last.excess_pu.max()), last.excess_pu.sum(), allowed.sum())
        return Optimum(
            cost=float(last.cost), lower_bound=lower, free_cost=solution.cost,
            power_kw=np.asarray(last.power_kw), action=np.asarray(last.action),
            rounds=rounds, worst_pu=float(last.excess_pu.max()),
            violation_pu_h=violation(last, day), free_violation_pu_h=violation(free, day), converged=done,
        )  # fmt: skip


def improve(world: World, day: Profile, program: Draft, last: Day, rows: np.ndarray, trust_kw: float, settings):
    """One linear program around the last plan: the new Day, the program's cost, violations it allows for."""
    slope = sensitivity(world, last.terminal_kw, last.terminal_kvar)
    wires = Wires(
        *map(np.asarray, (last.terminal_kw, last.voltage_pu, slope)), world.limits.low_pu, world.limits.high_pu
    )
    price = settings.price_per_pu_h * day.dt_h
    import time; t=time.time()
    larger, slack = with_wires(program, world.placement, wires, rows, price, trust_kw)
    t1=time.time()
    solution = minimise(larger, settings.free_solver if np.isinf(trust_kw) else settings.solver)
    print("build", t1-t, "solve", time.time()-t1)
    allowed = np.zeros(rows.shape)
    allowed[rows] = solution.column[slack] * 1e-3
    paid = (allowed.sum((0, 2)) * price).sum()
    return replay(world, day, program.plan(solution.column)), solution.cost - paid, allowed.sum(0), solution.column


@eqx.filter_jit
def replay(world: World, day: Profile, plan: dict[str, np.ndarray]) -> Day:
    """A plan of powers, device → (steps, homes), as the world lets it happen."""
    profile = jax.tree.map(lambda x: x[None], day)
    trajectory = rollout(world, Follow(plan), profile, jax.random.key(0))
    outcome = world.verdict(trajectory.effect, trajectory.end, profile)
    effect = trajectory.effect
    return Day(
        cost=outcome.cost.sum(),
        power_kw=effect.power_kw[0],
        action=trajectory.action[0],
        terminal_kw=effect.power_kw[0] @ world.placement,
        terminal_kvar=effect.reactive_kvar[0] @ world.placement,
        voltage_pu=outcome.voltage_pu[0],
        excess_pu=outcome.excess_pu[0],
    )


@eqx.filter_jit
def sensitivity(world: World, load_kw, load_kvar):
    """How voltages follow the terminals' power, (steps, nodes, terminals) [pu per kW]."""
    slope = jax.jacrev(lambda kw, kvar: solve(world.feeder, kw, kvar, 1e-9).voltage_pu)
    return jax.vmap(slope)(load_kw, load_kvar)


def near(world: World, last: Day, near_pu: float) -> np.ndarray:
    """Which (side, step, node) is within `near_pu` of its limit or beyond; side 0 is the lower limit."""
    voltage_pu = np.asarray(last.voltage_pu)
    return np.stack([voltage_pu < world.limits.low_pu + near_pu, voltage_pu > world.limits.high_pu - near_pu])


def within(last: Day, allowed: np.ndarray, settings: Settings) -> bool:
    """Whether no voltage is further out than the program allows for and the tolerance."""
    return bool((np.asarray(last.excess_pu) <= allowed + settings.tolerance_pu).all())


def violation(last: Day, day: Profile) -> float:
    """Sum over nodes and steps [pu h]."""
    return float((np.asarray(last.excess_pu) * day.dt_h[:, None]).sum())


def trust(settings: Settings, rounds: int) -> float:
    """How far a terminal's power may move in a round [kW]: at first as it likes, from the third less and less."""
    return settings.trust_kw * settings.trust_shrink ** (rounds - 2) if rounds > 1 else np.inf
