"""A policy on given days, in float64: the source of every figure of a study."""

import dataclasses
import operator
from collections.abc import Callable, Iterator

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


def evaluate(
    world: World, policy: Policy, profile: Profile, few: np.ndarray, action_offset: np.ndarray | None = None
) -> Judged:
    """Rolls a policy out and judges it, all in float64.

    Args:
        world: as `build` makes it, float64 on the host.
        profile: (days, steps, homes).
        few: numbers of homes whose series are kept.
        action_offset: (days, steps, homes, controls) added to the actions; with `ZeroPolicy` it replays a plan.

    Returns:
        Judged. A snapshot whose power flow did not converge is marked, never dropped.

    Raises:
        RunError: actions or costs that are not finite; nothing is priced then.
    """
    with jax.enable_x64(True):
        world, policy, days = on_device((world, policy, (profile, action_offset)), jnp.float64)
        at_once = max(1, DAYS_AT_ONCE * world.steps // profile.load_kw.shape[1])
        some = _chunks(days, profile.days(), at_once)
        parts = [_evaluate(world, policy, each, moves, jnp.asarray(few)) for each, moves in some]
    finite = np.concatenate([np.asarray(part.pop("finite")) for part in parts])
    if not finite.all():
        raise RunError(f"actions or costs that are not finite on {(~finite).sum()} of {len(finite)} days, so no price")
    return Judged(**{name: _join([part[name] for part in parts]) for name in parts[0]})


def _chunks(tree, days: int, at_once: int) -> Iterator:
    for begin in range(0, days, at_once):
        some = slice(begin, begin + at_once)
        yield jax.tree.map(operator.itemgetter(some), tree)


def _join(parts: list):
    return jax.tree.map(lambda *each: np.concatenate([np.asarray(x) for x in each]), *parts)


@eqx.filter_jit
def _evaluate(world: World, policy: Policy, profile: Profile, action_offset, few) -> dict:
    trajectory = rollout(world, policy, profile, jax.random.key(0), action_offset=action_offset)
    outcome, prices = judge(world, trajectory, profile), world.market.prices(profile)
    shown = by_day(replayed(world, trajectory, profile, Home.dissect, few), world.steps)
    parts = by_day(parts_of_cost(world, trajectory, profile, outcome), world.steps)
    charging = charging_figures(world, outcome)
    outcome, prices = by_day((outcome, prices), world.steps)
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
        "shown": shown,
    }


def parts_of_cost(world: World, trajectory: Trajectory, profile: Profile, outcome: Outcome) -> dict[str, jax.Array]:
    """What the cost of a home is made of, by `PARTS`: means over homes, (days, steps) [currency].

    `energy`, `carbon` and `network` are those of the grid bill, `community` what homes pay to their community beyond
    it, `stored` the value of the final states.
    """
    meter = world.market.meter(outcome.net_kwh, profile)
    costs = replayed(world, trajectory, profile, Home.costs, jnp.arange(world.homes))
    end = jnp.zeros_like(outcome.margin).at[:, -1].set(trajectory.end.sum(-1))
    of_grid = world.market.parts(meter, profile.carbon_kg_per_kwh)
    sums = of_grid | {"community": -outcome.margin, "stored": end} | jax.tree.map(lambda x: x.sum(-1), costs)
    return {name: sums[name] / world.homes for name in PARTS}


def replayed(world: World, trajectory: Trajectory, profile: Profile, told: Callable, few) -> dict[str, jax.Array]:
    """`told(home, state, action, now)` of a few homes at every step, (days, steps, few)."""
    states = states_before(world, trajectory, profile)
    taken = jax.vmap(jax.vmap(lambda *step: world.allowed(*step)[0]))(states, trajectory.action, profile)
    before = jax.tree.map(lambda x: x[..., few], states)
    now = jax.tree.map(lambda x: x[..., few] if x.ndim == 3 else x, profile)
    homes = jax.vmap(told, in_axes=(0, 0, 0, now.axes(0, None)))
    days = jax.vmap(jax.vmap(homes, in_axes=(None, 0, 0, 0)), in_axes=(None, 0, 0, 0))
    fleet = jax.tree.map(lambda x: x[few], world.fleet)
    return days(fleet, before, taken[..., few, :], now)
