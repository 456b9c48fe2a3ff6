"""Receding-horizon control of every home by itself: it plans with forecasts and without voltage limits."""

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.types import Profile, cast
from wattflock.homes.home import Home
from wattflock.market.market import Market, Meter
from wattflock.study.bound import Day, beginning, replay
from wattflock.study.forecast import Forecast
from wattflock.study.lp import draft, minimise
from wattflock.study.plan_policy import PlanPolicy
from wattflock.world.rollout import rollout
from wattflock.world.world import World

HOMES_AT_ONCE = 100  # in a program: half the time of one program of a thousand homes
MIDDLE = ("ipx", "off")  # of equally cheap plans one in their middle: at a corner all homes charge in the same hour


def mpc(world: World, profile: Profile, expected: Forecast, workers: int = 2) -> Iterator[Day]:
    """Each day of a batch under receding-horizon control, in order, as soon as it is known.

    At every step each home solves the linear program of the rest of its day, as it expects it, from the state
    it is in; applies the first step of that plan; and continues from the state that the world returns. Without voltage
    limits the homes are independent, so that a program of several homes is exact. A charge on the highest import of
    an episode counts what was reached already.

    Args:
        world: float64, or float32 values that are used as exact.
        profile: (days, steps, homes), the truth.
        expected: of the same days.
        workers: threads, each with a day; the results do not depend on their number.

    Raises:
        WattflockError: a market that pays more for exports than imports cost.

    Source: Rawlings, Mayne & Diehl 2017, Model Predictive Control, 2nd ed., §1.3 (certainty equivalence).
    """
    world, profile = cast(jax.tree.map(np.asarray, (world.bare(), profile)), np.float64)

    def controlled(number: int) -> Day:
        return control(world, jax.tree.map(lambda x: x[number], profile), expected, number)

    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(controlled, range(profile.days()))


def control(world: World, day: Profile, expected: Forecast, number: int) -> Day:
    """One day of shape (steps, homes), float64 on the host; `number` is its place in the forecast."""
    with jax.enable_x64(True):
        state = beginning(world, day)
        plan = {name: np.zeros(day.load_kw.shape) for name in state}
        net_kwh = np.zeros(day.load_kw.shape)
        for step in range(len(day.load_kw)):
            rest = expected.rest(number, day, step, world.fleet.load_known)
            given = jax.tree.map(lambda x, step=step: x[:step], day)
            past = world.market.meter(jnp.asarray(net_kwh[:step]), given)
            best = planned(world.fleet, rest, state, world.market, past)
            plan = {name: np.concatenate([plan[name][:step], best[name]]) for name in plan}
            after, net_kwh = jax.tree.map(np.asarray, followed(world, day, plan))
            state = jax.tree.map(lambda each, step=step: each[step], after)
        return jax.tree.map(np.asarray, replay(world, day, plan))


def planned(fleet: Home, rest: Profile, state: dict, market: Market, past: Meter) -> dict[str, np.ndarray]:
    """The best rest of a day of every home by itself, after what was metered: device → power, (steps, homes) [kW]."""
    parts = []
    for begin in range(0, len(fleet.kvar_per_kw), HOMES_AT_ONCE):
        few = slice(begin, begin + HOMES_AT_ONCE)
        own = jax.tree.map(lambda x, few=few: x[..., few], (fleet, state))
        of_few, before = jax.tree.map(lambda x, few=few: x[:, few] if x.ndim == 2 else x, (rest, past))
        program = draft(own[0], of_few, own[1], functools.partial(market.plan_alone, past=before))
        parts.append(program.plan(minimise(program.program, *MIDDLE).column))
    return {name: np.concatenate([part[name] for part in parts], 1) for name in parts[0]}


@eqx.filter_jit
def followed(world: World, day: Profile, plan: dict) -> tuple[dict, Array]:
    """What a plan of powers leads to: the devices' states after each step, and energy drawn [kWh]; (steps, homes)."""
    profile = jax.tree.map(lambda x: x[None], day)
    went = rollout(world, PlanPolicy(plan), profile, jax.random.key(0))
    state, power_kw = jax.tree.map(lambda x: x[0], (went.state, went.effect.power_kw))
    return state, power_kw * day.dt_h[:, None]
