"""Small flocks whose coalition values are tested, and programs of coalitions made afresh."""

import dataclasses

import jax
import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from tests.study.test_bound import KINDS, days
from wattflock.core.types import Profile
from wattflock.feeder.limits import Limits
from wattflock.game.days import at
from wattflock.game.values import Flock, flock_of
from wattflock.homes.devices.appliance import Appliance
from wattflock.homes.devices.battery import Battery
from wattflock.homes.devices.ev import EV
from wattflock.homes.devices.heat_pump import HeatPump
from wattflock.homes.devices.panel import Panel
from wattflock.homes.home import Home
from wattflock.market.markets.mid_market import MidMarket
from wattflock.market.markets.tariff import Tariff
from wattflock.market.retail import Retail
from wattflock.study.lp import coefficients, draft
from wattflock.world.world import World

EVERY = ((Battery, Panel), (Panel,), (EV,), tuple(k for k in KINDS if k is not Panel), (HeatPump, Appliance), ())


def world_of(has: tuple = EVERY, market: Retail | None = None, **sizes) -> World:
    """Homes without wires; `has[home]` names its kinds; `sizes` replaces fields of single devices."""
    devices = {}
    for kind in KINDS:
        mask = np.array([kind in some for some in has], float)
        values = {f.name: np.full(len(has), float(getattr(kind.example(), f.name))) for f in dataclasses.fields(kind)}
        values |= sizes.get(kind.__name__, {})
        devices[kind.__name__] = kind(**{k: v * mask if k in kind.sizes else v for k, v in values.items()})
    fleet = Home(devices, np.full(len(has), 0.3))
    return World(fleet, None, market or Tariff(), Limits(), 24, np.ones((len(has), 1)))


def flock(has: tuple = EVERY, market: Retail | None = None, steps: int = 24, **more) -> Flock:
    """Two days of these homes at 30 % of the import price for exports."""
    connection = {name: more.pop(name) for name in ("connection_kw", "runner") if name in more}
    return flock_of(world_of(has, market, **more), days(len(has), steps, export_share=0.3), **connection)


def fresh(flock: Flock, members: np.ndarray) -> float:
    """Cost of a coalition by programs of its members alone, by scipy's linprog: no part of them is swapped."""
    who = np.flatnonzero(members)
    fleet = jax.tree.map(lambda x: x[who] if np.ndim(x) else x, flock.fleet)
    cost = 0.0
    for number, state in enumerate(flock.state):
        day: Profile = at(flock.profile, number)
        day = dataclasses.replace(day, **{name: value[..., who] for name, value in day.own().items()})
        state = {name: each[who] for name, each in state.items()}
        cost += solved(draft(fleet, day, state, pooled(flock.market).plan).program)
    return cost


def pooled(market: Retail) -> MidMarket:
    """A community that pays this market's prices as one."""
    return MidMarket(**{each.name: getattr(market, each.name) for each in dataclasses.fields(market)})


def solved(program) -> float:
    """The optimum of a program by scipy."""
    cost, lower, upper = (np.concatenate(each) for each in (program.cost, program.lower, program.upper))
    low, high = (np.concatenate([np.zeros(0), *each]) for each in (program.row_lower, program.row_upper))
    rows = coefficients(program).tocsr()
    equal, below, above = low == high, np.isfinite(high) & (low < high), np.isfinite(low) & (low < high)
    found = linprog(
        cost,
        sparse.vstack([rows[below], -rows[above]]),
        np.concatenate([high[below], -low[above]]),
        rows[equal],
        low[equal],
        np.stack([lower, upper], 1),
        "highs",
    )
    assert found.status == 0, found.message
    return float(found.fun)
