"""What is left for more chargers under a method: how much more each place can draw at the tightest hours."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from wattflock.core.types import Profile, on_device
from wattflock.feeder.circuit import first_of
from wattflock.feeder.operator import exactly
from wattflock.study.compare import Days
from wattflock.study.hosting.capacity import CAP, IMPORT, NO_SOLUTION, hosting_capacity, stress_names, worst_stress
from wattflock.study.hosting.sensitivity import Point, operating_point
from wattflock.world.rollout import Policy, rollout
from wattflock.world.world import World

CAP_KW = 22.0  # most that is looked for at one place: a three-phase charger of 32 A
UNLIMITED = 1e6  # a limit that nothing reaches; an infinite one would look like a flow without solution
MOST_PLACES = 400  # of a feeder: the search solves places × places power flows
COLUMNS = {"method": pl.String, "terminal": pl.String, "bus": pl.String, "more_kw": pl.Float64, "binding": pl.String}


def hosting_left(method: str, world: World, policy: Policy, days: Days, steps: pl.DataFrame) -> pl.DataFrame:
    """How much more each terminal alone could draw in the hour of the lowest voltage and of the highest loading.

    Args:
        method: its name.
        world: with wires, float64 on the host.
        policy: of the method.
        days: on which it was judged.
        steps: its steps table, with `day`, `step`, `voltage_min_pu`, `loading_max`.

    Returns:
        method, terminal, bus, more_kw [kW], binding: the limit just beyond it. The least of both hours; 0 where a
        limit is broken already, at most `CAP_KW`. No rows on a feeder of more than `MOST_PLACES`.
    """
    feeder = world.feeder
    if feeder is None or len(feeder.terminals) > MOST_PLACES:
        return pl.DataFrame(schema=COLUMNS)
    picked = tightest(steps)
    days_of = [day // days.length for day, _ in picked]
    profile = jax.tree.map(lambda x: x[days_of], days.profile)
    with jax.enable_x64(True):
        kw, kvar = _drawn(*on_device((world, policy, profile), jnp.float64))
        at = [(place, day % days.length * world.steps + step) for place, (day, step) in enumerate(picked)]
        limits = judged_limits(world)
        found = [more(operating_point(feeder, limits, kw[place], kvar[place])) for place in at]
    kw_left = np.stack([each for each, _ in found])
    least, each = kw_left.argmin(0), np.arange(len(feeder.terminals))
    return pl.DataFrame(
        {
            "method": [method] * len(each),
            "terminal": list(feeder.terminals),
            "bus": [first_of(name)[0] for name in feeder.terminals],
            "more_kw": kw_left[least, each],
            "binding": [found[hour][1][place] for place, hour in enumerate(least)],
        },
        schema=COLUMNS,
    )


def tightest(steps: pl.DataFrame) -> list[tuple[int, int]]:
    """(day, step) of the lowest voltage and of the highest loading, which may be the same."""
    lowest = steps.sort("voltage_min_pu", "day", "step").row(0, named=True)
    highest = steps.sort(-pl.col("loading_max").fill_null(0), "voltage_min_pu", "day", "step").row(0, named=True)
    return [(each["day"], each["step"]) for each in (lowest, highest)]


def judged_limits(world: World):
    """The limits of a world; those that it does not judge are `UNLIMITED`."""
    ignored = {name: UNLIMITED for name in ("loading", "unbalance") if name not in world.judges}
    return dataclasses.replace(world.limits, **ignored)


def more(point: Point) -> tuple[np.ndarray, list[str]]:
    """More that each terminal alone can draw [kW], and the limit just beyond it; 0 where one is broken already."""
    worst, row = worst_stress(point, np.zeros((1, len(point.feeder.terminals))))
    if worst[0] > 0:
        name = (*stress_names(point.feeder), NO_SOLUTION)[row[0]]
        return np.zeros(len(point.feeder.terminals)), [f"broken already: {name}"] * len(point.feeder.terminals)
    found = hosting_capacity(point, IMPORT, CAP_KW)
    return found.capacity_kw, [f"none up to {CAP_KW:g} kW" if name == CAP else name for name in found.binding]


@eqx.filter_jit
def _drawn(world: World, policy: Policy, profile: Profile):
    """What is drawn at each terminal on days, (days, steps, terminals) [kW, kvar]."""
    effect = rollout(world, policy, profile, jax.random.key(0)).effect
    return exactly(effect.power_kw, world.placement), exactly(effect.reactive_kvar, world.placement)
