"""A policy on given days, in float64: the source of every figure of a study."""

import dataclasses
import operator
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.errors import RunError
from wattflock.core.types import Profile, by_day, on_device
from wattflock.homes.home import Home
from wattflock.study.charging import charging_figures
from wattflock.study.summary import PARTS
from wattflock.world.rollout import Policy, Trajectory, judge, rollout, states_before
from wattflock.world.world import Outcome, World

DAYS_AT_ONCE = 10  # judged in one call; bounds the memory
OWN = -1  # in place of a number of a day: the worst one


@dataclasses.dataclass(frozen=True)
class HomesDay:
    """One day of all homes, numpy float64."""

    day: int  # its number among the judged ones
    net_kw: np.ndarray  # (steps, homes) what each meter shows
    series: dict[str, np.ndarray]  # each (steps, homes); see `Home.dissect`
    granted_kw: np.ndarray  # (steps, homes) what a coordinator granted; no homes where no limit is shared
    limit_kw: np.ndarray  # (steps,) of all chargers together; none where no limit is shared


@dataclasses.dataclass(frozen=True)
class Judged:
    """Days of one method, numpy float64; those of an episode one by one."""

    cost: np.ndarray  # (days, homes) [currency]
    bill: np.ndarray  # (days, homes) [currency]
    import_kwh: np.ndarray  # (days, homes)
    export_kwh: np.ndarray  # (days, homes)
    discomfort_c_h: np.ndarray  # (days, homes)
    carbon_kg: np.ndarray  # (days, homes)
    parts: dict[str, np.ndarray]  # part of the cost, see `PARTS` → (days,) mean over homes [currency]
    net_kw: np.ndarray  # (days, steps) of all homes on the feeder
    voltage_pu: np.ndarray  # (days, steps, nodes)
    loading: np.ndarray  # (days, steps, rated branches) current over rating [share]; no branches: not judged
    unbalance: np.ndarray  # (days, steps, buses) [share]; no buses: not judged
    excess: dict[str, np.ndarray]  # limit that is judged → (days, steps, rows) beyond it; "voltage" [pu]
    import_price_per_kwh: np.ndarray  # (days, steps) that homes face in their market
    export_price_per_kwh: np.ndarray  # (days, steps)
    converged: np.ndarray  # (days, steps)
    charging: dict[str, np.ndarray]  # figures of a coordinator, each (days,); none where no limit is shared
    shown: dict[str, np.ndarray]  # series of a few homes, each (days, steps, few); see `Home.dissect`
    of_all: HomesDay  # every home on one day


def evaluate(
    world: World,
    policy: Policy,
    profile: Profile,
    few: np.ndarray,
    action_offset: np.ndarray | None = None,
    picked: int = OWN,
) -> Judged:
    """Rolls a policy out and judges it, all in float64.

    Args:
        world: as `build` makes it, float64 on the host.
        profile: (days, steps, homes).
        few: numbers of homes whose series are kept.
        action_offset: (days, steps, homes, controls) added to the actions; with `ZeroPolicy` it replays a plan.
        picked: calendar day of which every home's series are kept; `OWN` is the one with the most voltage violation,
            and of equal ones that with the highest power drawn or given together.

    Returns:
        Judged. A snapshot whose power flow did not converge is marked, never dropped.

    Raises:
        RunError: actions or costs that are not finite; nothing is priced then.
    """
    with jax.enable_x64(True):
        world, policy, days = on_device((world, policy, (profile, action_offset)), jnp.float64)
        at_once = max(1, DAYS_AT_ONCE * world.steps // profile.load_kw.shape[1])
        some, days_each = _chunks(days, profile.days(), at_once), at_once * profile.load_kw.shape[1] // world.steps
        parts = [
            _evaluate(world, policy, some_days, moves, jnp.asarray(few), jnp.asarray(max(picked - at * days_each, OWN)))
            for at, (some_days, moves) in enumerate(some)
        ]
    finite = np.concatenate([np.asarray(part.pop("finite")) for part in parts])
    if not finite.all():
        raise RunError(f"actions or costs that are not finite on {(~finite).sum()} of {len(finite)} days, so no price")
    of_all = _one_day([part.pop("of_all") for part in parts], picked, days_each)
    return Judged(**{name: _join([part[name] for part in parts]) for name in parts[0]}, of_all=of_all)


def _one_day(found: list[dict], picked: int, days_each: int) -> HomesDay:
    """The day that was picked, or the worst of those that each call found."""
    harm = [tuple(map(float, each["harm"])) for each in found]
    place = max(range(len(found)), key=harm.__getitem__) if picked == OWN else picked // days_each
    kept = jax.tree.map(np.asarray, {name: each for name, each in found[place].items() if name != "harm"})
    return HomesDay(**kept | {"day": place * days_each + int(kept["day"])})


def _chunks(tree, days: int, at_once: int) -> Iterator:
    for begin in range(0, days, at_once):
        some = slice(begin, begin + at_once)
        yield jax.tree.map(operator.itemgetter(some), tree)


def _join(parts: list):
    return jax.tree.map(lambda *each: np.concatenate([np.asarray(x) for x in each]), *parts)


@eqx.filter_jit
def _evaluate(world: World, policy: Policy, profile: Profile, action_offset, few, picked) -> dict:
    trajectory = rollout(world, policy, profile, jax.random.key(0), action_offset=action_offset)
    outcome, prices = judge(world, trajectory, profile), world.market.prices(profile)
    series, costs = replayed(world, trajectory, profile, lambda *step: (Home.dissect(*step), Home.costs(*step)))
    parts = by_day(parts_of_cost(world, trajectory, profile, outcome, costs), world.steps)
    charging = charging_figures(world, outcome)
    outcome, prices, series = by_day((outcome, prices, series), world.steps)
    power_kw = by_day(trajectory.effect.power_kw, world.steps)
    return {
        "finite": by_day(jnp.isfinite(trajectory.action).all((2, 3)), world.steps).all(1)
        & jnp.isfinite(outcome.cost).all((1, 2)),
        "cost": outcome.cost.sum(1),
        "bill": outcome.bill.sum(1),
        "import_kwh": jnp.maximum(outcome.net_kwh, 0).sum(1),
        "export_kwh": -jnp.minimum(outcome.net_kwh, 0).sum(1),
        "discomfort_c_h": outcome.discomfort_c_h.sum(1),
        "carbon_kg": outcome.carbon_kg.sum(1),
        "parts": {name: each.sum(1) for name, each in parts.items()},
        "net_kw": outcome.net_kw,
        "voltage_pu": outcome.voltage_pu,
        "loading": outcome.conditions.loading,
        "unbalance": outcome.conditions.unbalance,
        "excess": outcome.excess,
        "import_price_per_kwh": prices.import_price_per_kwh,
        "export_price_per_kwh": prices.export_price_per_kwh,
        "converged": outcome.converged,
        "charging": charging,
        "shown": jax.tree.map(lambda x: x[..., few], series),
        "of_all": _of_all(outcome, power_kw, series, picked),
    }


def _of_all(outcome: Outcome, power_kw, series: dict[str, jax.Array], picked) -> dict:
    """Every home on the day `picked` of these, or on the worst of them; `harm` tells how bad that is."""
    harm = outcome.excess["voltage"].sum((1, 2)) if "voltage" in outcome.excess else jnp.zeros(len(power_kw))
    peak = jnp.abs(outcome.net_kw).max(1)
    worst = jnp.argmax(jnp.where(harm == harm.max(), peak, -1.0))
    day = jnp.where((picked >= 0) & (picked < len(power_kw)), picked, worst)
    granted_kw, limit_kw = jnp.zeros((*power_kw.shape[:2], 0)), jnp.zeros((len(power_kw), 0))
    if outcome.charging:
        granted_kw, limit_kw = outcome.charging.granted_kw, outcome.charging.limit_kw
        granted_kw = granted_kw.reshape(*granted_kw.shape[:2], -1, power_kw.shape[-1]).sum(2)
    kept = {"net_kw": power_kw, "series": series, "granted_kw": granted_kw, "limit_kw": limit_kw}
    return jax.tree.map(lambda x: x[day], kept) | {"day": day, "harm": (harm[day], peak[day])}


def parts_of_cost(
    world: World, trajectory: Trajectory, profile: Profile, outcome: Outcome, costs: dict[str, jax.Array]
) -> dict[str, jax.Array]:
    """What the cost of a home is made of, by `PARTS`: means over homes, (days, steps) [currency].

    `costs` of all homes are those of `Home.costs`, (days, steps, homes). `energy`, `carbon` and `network` are those of
    the grid bill, `community` what homes pay to their community beyond it, `stored` the value of the final states.
    """
    meter = world.market.meter(outcome.net_kwh, profile)
    end = jnp.zeros_like(outcome.margin).at[:, -1].set(trajectory.end.sum(-1))
    of_grid = world.market.parts(meter, profile.carbon_kg_per_kwh)
    sums = of_grid | {"community": -outcome.margin, "stored": end} | jax.tree.map(lambda x: x.sum(-1), costs)
    return {name: sums[name] / world.homes for name in PARTS}


def replayed(world: World, trajectory: Trajectory, profile: Profile, told: Callable) -> Any:
    """`told(home, state, action, now)` of every home at every step, each (days, steps, homes)."""
    states = states_before(world, trajectory, profile)
    taken = jax.vmap(jax.vmap(lambda *step: world.allowed(*step)[0]))(states, trajectory.action, profile)
    homes = jax.vmap(told, in_axes=(0, 0, 0, profile.axes(0, None)))
    days = jax.vmap(jax.vmap(homes, in_axes=(None, 0, 0, 0)), in_axes=(None, 0, 0, 0))
    return days(world.fleet, states, taken, profile)
