"""The perfect-foresight optimum of given days, to which the share of saving captured refers."""

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.errors import WattflockError
from wattflock.core.types import Profile, cast
from wattflock.feeder.limits import WORTH, Conditions, conditions
from wattflock.feeder.solve import solve
from wattflock.study.lp import MPU, DayProgram, Wires, draft, minimise, only_load, with_wires
from wattflock.study.plan_policy import PlanPolicy
from wattflock.world.rollout import rollout
from wattflock.world.world import World

ROWS_AT_ONCE = 64  # slopes of so many rows are made in one call; bounds the memory
WILD_PU = 0.1  # beyond its limit, where a linear program around that flow would be no guide
CALMER = 8  # times that the way of a step's power from the day's mean is halved at most
BOTH_KW = 0.01  # a battery that charges and discharges more than this at once burns energy: not in this world


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the limits of the wires enter the programs of an optimum."""

    rounds_most: int = 10  # linear programs with rows of limits; 0 leaves the wires out
    tolerance_pu: float = 1e-4  # beyond the limits, within which a plan is good enough
    gap_per_home: float = 1e-3  # largest saving of another round [currency per home and day]
    near_pu: float = 0.005  # what has been so close to a limit has a row from then on
    price_per_pu_h: float = 1e5  # of a limit that cannot be kept [currency per pu h]
    loading_pu: float = WORTH["loading"]  # what a share of loading counts as
    unbalance_pu: float = WORTH["unbalance"]  # and one of unbalance
    trust_kw: float = 50.0  # most that a terminal's power moves in a step, from the second round on; halved later

    def worth(self, limit: str) -> float:
        """What one unit beyond a limit counts as [pu]."""
        return {"loading": self.loading_pu, "unbalance": self.unbalance_pu}.get(limit, 1.0)

    def broken(self, found: "Optimum") -> dict[str, float]:
        """The limits that a plan breaks, each with its greatest excess in its own unit; none where it keeps all."""
        return {limit: excess for limit, excess in found.worst.items() if excess > self.tolerance(limit)}

    def tolerance(self, limit: str) -> float:
        """The excess that is none, in the limit's own unit."""
        return self.tolerance_pu / self.worth(limit)


USUAL = Settings()


@dataclasses.dataclass(frozen=True)
class Optimum:
    """The best day of all homes that was found, replayed in the world in float64."""

    cost: float  # cost of the plan in the world [currency per day]
    lower_bound: float  # value of its linear program, without the price of violations [currency per day]
    free_cost: float  # the same without limits of the wires: a true lower bound for any controller [currency per day]
    power_kw: np.ndarray  # (steps, homes) drawn from the grid
    action: np.ndarray  # (steps, homes, controls) in [-1, 1]: replay with `Rest` and a action_offset
    rounds: int  # linear programs with rows of limits
    worst_pu: float  # greatest AC violation of a node and step
    worst: dict[str, float]  # limit → greatest AC excess of a row and step, in its own unit
    violation_pu_h: float  # sum of AC violations over nodes and steps
    free_violation_pu_h: float  # the same of the optimum without limits of the wires
    converged: bool  # AC violations are within the tolerance of what the program cannot avoid, however far it may move


class Day(eqx.Module):
    """A plan replayed in the world; float64."""

    cost: Array  # ()
    power_kw: Array  # (steps, homes)
    action: Array  # (steps, homes, controls)
    terminal_kw: Array  # (steps, terminals)
    terminal_kvar: Array
    level_pu: Array  # (steps, rows) what is limited: voltages, loadings, unbalances
    excess_pu: Array  # (steps, rows) of these
    excess: dict[str, Array]  # limit → (steps, rows of its own) in its own unit


@dataclasses.dataclass(frozen=True)
class Round:
    """A solved program and the replay of its plan."""

    draft: DayProgram
    went: Day
    column: np.ndarray
    lower_bound: float
    allowed_pu: np.ndarray  # (steps, rows) violations that the program foresaw
    trust_kw: np.ndarray  # (steps,) most that a terminal's power could move; inf: freely
    held: np.ndarray  # (steps,) whether some power moved as far as that, in a step where the program foresaw violations


def bound(world: World, profile: Profile, settings: Settings | None = None, workers: int = 2) -> Iterator[Optimum]:
    """The optimum of each day of a batch, in order, as soon as it is known.

    Linear programs of all devices' days, with voltages, loadings and unbalances linearised around the last plan where
    they are near their limits; each plan is replayed in the world and judged by the AC flow in float64. Where a plan is
    so far beyond a limit that its flow says nothing, or has none, it is linearised nearer to the day's mean. Days are
    worked on by `workers` threads; the results do not depend on their number. Inverters' reactive power stays at zero.

    Args:
        world: float64, or float32 values that are used as exact.
        profile: (days, steps, homes).

    Raises:
        WattflockError: a market that has no plan.

    Source: successive linear programming, Castillo et al. 2016, DOI 10.1109/TPWRS.2015.2487042; trust region
    as in Fletcher 1987, Practical Methods of Optimization, ch. 12.
    """
    world, profile = cast(jax.tree.map(np.asarray, (world.bare(), profile)), np.float64)
    days = [jax.tree.map(lambda x, day=day: x[day], profile) for day in range(profile.days())]
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda day: best_day(world, day, settings or USUAL), days)


def why_no_bound(world: World, profile: Profile) -> str:
    """Why the optimum of these days cannot be found in the world's market; empty where it can. Takes no time."""
    profile = cast(jax.tree.map(np.asarray, profile), np.float64)
    with jax.enable_x64(True):
        try:
            for day in range(profile.days()):
                today = jax.tree.map(lambda x, day=day: x[day], profile)
                world.market.plan(*only_load(today), today)
        except WattflockError as error:
            return str(error).removeprefix("bound: ")
    return ""


def best_day(world: World, day: Profile, settings: Settings) -> Optimum:
    """The optimum of one day of shape (steps, homes), float64 on the host."""
    with jax.enable_x64(True):
        search = Search(world, day, settings)
        first = draft(world.fleet, day, beginning(world, day), world.market.plan)
        rounds, rows = [search.free(first)], np.zeros((), bool)
        while len(rounds) <= settings.rounds_most and not search.finished(rounds):
            rows = rows | near(world, rounds[-1].went, settings)
            rounds.append(search.improve(rounds, rows))
        best = min(rounds, key=search.merit)
        return Optimum(
            cost=float(best.went.cost),
            lower_bound=best.lower_bound,
            free_cost=rounds[0].lower_bound,
            power_kw=np.asarray(best.went.power_kw),
            action=np.asarray(best.went.action),
            rounds=len(rounds) - 1,
            worst_pu=search.worst(best).get("voltage", 0.0),
            worst=search.worst(best),
            violation_pu_h=search.violation_pu_h(best),
            free_violation_pu_h=search.violation_pu_h(rounds[0]),
            converged=search.within(best),
        )


@dataclasses.dataclass(frozen=True)
class Search:
    """The search for one day's optimum."""

    world: World
    day: Profile
    settings: Settings

    def free(self, draft: DayProgram) -> Round:
        """The optimum without limits of the wires."""
        solution = minimise(draft.program)
        went = replay(self.world, self.day, draft.plan(solution.column), self.settings)
        allowed_pu = np.zeros(went.excess_pu.shape)
        freely, held = np.full(len(allowed_pu), np.inf), np.zeros(len(allowed_pu), bool)
        return Round(draft, went, solution.column, solution.cost, allowed_pu, freely, held)

    def improve(self, rounds: list[Round], rows: np.ndarray) -> Round:
        """A linear program around the last plan with the rows `rows` (side, step, row) of limits.

        The first ends within the face of equally cheap plans (interior point): charging is spread, and it is often the
        last. The trust region keeps later ones near the plan before, and simplex is faster. A step's region is halved
        in every round, but where it kept the program from keeping a limit: there, and in steps that had no row before,
        it is as wide as at first.
        """
        last, price = rounds[-1], self.settings.price_per_pu_h * self.day.dt_h
        draft = dataclasses.replace(last.draft, program=last.draft.program.shut(last.column, BOTH_KW))
        around, wild = calmed(self.world, last.went, self.settings)
        first = len(rounds) == 1 or wild
        trust_kw = np.full(len(price), np.inf) if first else self.trusted_kw(last)
        wires = linearise(self.world, around, np.asarray(rows.any((0, 1))) | wild, self.settings)
        rows = rows | beyond(wires, np.asarray(last.went.terminal_kw), self.settings) if wild else rows
        larger, slack = with_wires(draft, self.world.placement, wires, rows, price, trust_kw)
        solution = minimise(larger, "ipx" if first else "simplex")
        allowed_pu = np.zeros(rows.shape)
        allowed_pu[rows] = solution.column[slack] * MPU
        paid = float(price @ allowed_pu.sum((0, 2)))
        went = replay(self.world, self.day, draft.plan(solution.column), self.settings)
        moved_kw = np.abs(np.asarray(went.terminal_kw) - wires.power_kw).max(1, initial=0)
        held = (allowed_pu.sum(0).max(1, initial=0) > self.settings.tolerance_pu) & (moved_kw > 0.99 * trust_kw)
        trust_kw = np.where(rows.any((0, 2)), trust_kw, np.inf)  # steps without rows move freely
        return Round(draft, went, solution.column, solution.cost - paid, allowed_pu.sum(0), trust_kw, held)

    def trusted_kw(self, last: Round) -> np.ndarray:
        """How far a terminal's power may move in each step of the next program, (steps,)."""
        return np.where(last.held, self.settings.trust_kw, np.minimum(last.trust_kw / 2, self.settings.trust_kw))

    def finished(self, rounds: list[Round]) -> bool:
        """Whether the last plan keeps the limits, and its cost is near the lower bound or moves no more."""
        gap = self.settings.gap_per_home * self.world.homes
        cost, last = rounds[-1].went.cost, rounds[-2].went.cost if rounds[1:] else np.inf
        settled = cost - rounds[0].lower_bound <= gap or abs(cost - last) <= gap
        return bool(settled) and self.within(rounds[-1])

    def within(self, trial: Round) -> bool:
        """Whether nothing is further out than the tolerance beyond what the program could not avoid by moving on."""
        excess_pu = np.asarray(trial.went.excess_pu)
        return not trial.held.any() and bool((excess_pu <= trial.allowed_pu + self.settings.tolerance_pu).all())

    def merit(self, trial: Round) -> float:
        """Cost and the price of violations beyond the tolerance."""
        excess_pu = np.maximum(np.asarray(trial.went.excess_pu) - self.settings.tolerance_pu, 0)
        return float(trial.went.cost + self.settings.price_per_pu_h * (self.day.dt_h @ excess_pu).sum())

    def violation_pu_h(self, trial: Round) -> float:
        """Of voltages, the sum over nodes and steps."""
        excess = trial.went.excess.get("voltage")
        return 0.0 if excess is None else float((self.day.dt_h @ np.asarray(excess)).sum())

    def worst(self, trial: Round) -> dict[str, float]:
        """Limit → greatest excess of any row and step, in its own unit."""
        return {limit: float(excess.max()) for limit, excess in trial.went.excess.items()}


def beginning(world: World, day: Profile) -> dict:
    """The devices' states before the first step, each (homes,)."""
    return jax.tree.map(np.asarray, world.reset(jax.tree.map(lambda x: x[0], day)))


@eqx.filter_jit
def replay(world: World, day: Profile, plan: dict, settings: Settings = USUAL) -> Day:
    """A plan of powers, device → (steps, homes), replayed in the world."""
    profile = jax.tree.map(lambda x: x[None], day)
    trajectory = rollout(world, PlanPolicy(plan), profile, jax.random.key(0))
    outcome, effect = world.verdict(trajectory.effect, trajectory.end, profile), trajectory.effect
    return Day(
        cost=outcome.cost.sum(),
        power_kw=effect.power_kw[0],
        action=trajectory.action[0],
        terminal_kw=effect.power_kw[0] @ world.placement,
        terminal_kvar=effect.reactive_kvar[0] @ world.placement,
        level_pu=levels(outcome.conditions, settings)[0],
        excess_pu=joined(settings, {"none": outcome.conditions.voltage_pu[..., :0]} | outcome.excess)[0],
        excess={limit: excess[0] for limit, excess in outcome.excess.items()},
    )


def joined(settings: Settings, amounts: dict[str, Array]) -> Array:
    """Limit → (…, rows of its own) in its own unit, as what they count as, (…, rows) [pu]."""
    return jnp.concatenate([settings.worth(limit) * amount for limit, amount in amounts.items()], -1)


def levels(found: Conditions, settings: Settings) -> Array:
    """All that is limited, (…, rows) [pu]: voltages, then loadings and unbalances as what they count as."""
    return joined(settings, {"voltage": found.voltage_pu, "loading": found.loading, "unbalance": found.unbalance})


def band(world: World, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest level of every row, (rows,) each [pu]; -inf: none."""
    limits = world.limits
    each = {
        "voltage": (limits.low_pu, limits.high_pu),
        "loading": (-np.inf, limits.loading),
        "unbalance": (-np.inf, limits.unbalance),
    }
    rows = [
        settings.worth(limit) * np.array(each[limit], float) for limit, names in world.judged.items() for _ in names
    ]
    low, high = np.reshape(rows, (-1, 2)).T
    return low, high


def calmed(world: World, went: Day, settings: Settings) -> tuple[Day, bool]:
    """The flow of a plan, or one nearer to the day's mean power in steps where nothing but a collapse would be seen.

    Returns:
        The day as it went where every step's flow is sound; else with other powers and levels, and True.
    """
    if world.feeder is None:
        return went, False
    power_kw, low, high = np.asarray(went.terminal_kw), *band(world, settings)
    mean, share = power_kw.mean(0), np.ones((len(power_kw), 1))
    calm: dict[str, Any] = {}
    for trial in range(CALMER):
        kw = mean + share * (power_kw - mean)
        level, converged = map(np.asarray, flow_at(world, kw, went.terminal_kvar, settings))
        calm = {"terminal_kw": kw, "level_pu": level}
        wild = ~converged | (np.maximum(low - level, level - high).max(-1, initial=0) > WILD_PU)
        if not wild.any():
            return (dataclasses.replace(went, **calm), True) if trial else (went, False)
        share[wild] /= 2
    return dataclasses.replace(went, **calm), True


@eqx.filter_jit
def flow_at(world: World, kw: Array, kvar: Array, settings: Settings = USUAL) -> tuple[Array, Array]:
    """All that is limited at terminals' powers (steps, terminals), (steps, rows) [pu]; and which steps converged."""
    feeder = world.feeder
    assert feeder is not None, "no levels without wires"
    found = conditions(feeder, solve(feeder, kw, kvar, 1e-9), world.judges)
    return levels(found, settings), found.converged


def beyond(wires: Wires, power_kw: np.ndarray, settings: Settings) -> np.ndarray:
    """Which (side, step, row) would leave its limit, or nearly, at other powers (steps, terminals), straight on."""
    level = wires.level_pu + np.einsum("srt,st->sr", wires.slope, power_kw - wires.power_kw)
    return np.stack([level < wires.low_pu + settings.near_pu, level > wires.high_pu - settings.near_pu])


def linearise(world: World, went: Day, rows: np.ndarray, settings: Settings) -> Wires:
    """What is limited around a plan, with the slopes of `rows` (rows,); the others' stay 0."""
    power_kw, level_pu = np.asarray(went.terminal_kw), np.asarray(went.level_pu)
    slope = np.zeros((*level_pu.shape, power_kw.shape[1]))
    first = 0
    for limit, names in world.judged.items():
        own = np.flatnonzero(rows[first : first + len(names)])
        for begin in range(0, len(own), ROWS_AT_ONCE):
            picked = np.resize(own[begin : begin + ROWS_AT_ONCE], ROWS_AT_ONCE)  # one shape: one compilation
            found = sensitivity(world, went.terminal_kw, went.terminal_kvar, limit, picked)
            slope[:, first + picked] = settings.worth(limit) * np.asarray(found)
        first += len(names)
    return Wires(power_kw, level_pu, slope, *band(world, settings))


@eqx.filter_jit
def sensitivity(world: World, load_kw: Array, load_kvar: Array, limit: str, picked: np.ndarray) -> Array:
    """How the rows `picked` of a limit follow the terminals' power, (steps, picked, terminals) [its unit per kW]."""
    feeder = world.feeder
    assert feeder is not None, "no rows without wires"

    def level(kw, kvar):
        found = conditions(feeder, solve(feeder, kw, kvar, 1e-9), (limit,))
        return {"voltage": found.voltage_pu, "loading": found.loading, "unbalance": found.unbalance}[limit][picked]

    return jax.vmap(jax.jacrev(level))(load_kw, load_kvar)


def near(world: World, went: Day, settings: Settings) -> np.ndarray:
    """Which (side, step, row) is within `near_pu` of its limit or beyond; side 0 is the lower limit."""
    level, (low, high) = np.asarray(went.level_pu), band(world, settings)
    return np.stack([level < low + settings.near_pu, level > high - settings.near_pu])
