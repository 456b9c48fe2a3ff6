"""What coalitions of homes are worth: the cost of their members alone less that of all scheduled together."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.scenario import Scenario
from wattflock.core.types import Profile, cast
from wattflock.game.chunks import SERIAL, Runner
from wattflock.game.coalition import Day
from wattflock.game.days import at, day_of, refuse_days, refuse_market
from wattflock.game.game import EXACT_PLAYERS, Game, coalitions
from wattflock.homes.home import Home
from wattflock.market.retail import Retail
from wattflock.study.bound import beginning
from wattflock.study.build import Parts, build, parts_of
from wattflock.study.compare import unseen
from wattflock.world.world import World


@dataclasses.dataclass(frozen=True)
class Flock:
    """Homes on some days as a cooperative game; a player is a home, and a period is the sum over its days.

    What a coalition costs is the least sum of its devices' costs (wear, fuel, comfort, value of what is left at the
    end) and its bill, as one meter, at the grid's prices; so `values` are savings. It satisfies `game.Values`.
    """

    days: tuple[Day, ...]  # programs, all of the same homes
    names: tuple[str, ...]  # (homes,)
    fleet: Home  # float64 numpy, (homes,)
    profile: Profile  # float64 numpy, (days, steps, homes)
    state: tuple[dict, ...]  # of the devices at the beginning of each day, (homes,)
    market: Retail  # whose grid prices are paid
    runner: Runner = SERIAL

    @property
    def players(self) -> int:
        """How many homes there are."""
        return len(self.names)

    @functools.cached_property
    def alone(self) -> np.ndarray:
        """Cost of each home by itself over the period, (homes,) [currency].

        Raises:
            ScenarioError: homes without a plan, with the devices that have none.
        """
        cost = self.runner.alone(self.days)
        if problems := [found for day, home in np.argwhere(np.isnan(cost)) for found in self._why_none(day, home)]:
            raise ScenarioError(problems)
        return cost.sum(0)

    def costs(self, members: np.ndarray) -> np.ndarray:
        """Costs (k,) of coalitions, given as booleans (k, homes), over the period [currency]."""
        members = np.asarray(members, bool)
        every, found = members.all(1), np.zeros(len(members))
        found[every] = self.grand.cost if every.any() else 0.0
        if not every.all():
            found[~every] = self.runner.costs(self.days, members[~every]).sum(0)
        return found

    def values(self, members: np.ndarray) -> np.ndarray:
        """Savings (k,) of coalitions, given as booleans (k, homes); 0 for a home by itself [currency]."""
        members = np.asarray(members, bool)
        several = members.sum(1) > 1
        found = np.zeros(len(members))
        if several.any():
            found[several] = members[several] @ self.alone - self.costs(members[several])
        return found

    def game(self) -> Game:
        """All 2ⁿ values.

        Raises:
            ScenarioError: more than `EXACT_PLAYERS` homes.
        """
        if self.players > EXACT_PLAYERS:
            allowed = f"at most {EXACT_PLAYERS}: else cluster homes, or take Owen's point or a sampled Shapley value"
            raise ScenarioError([Problem("game", "homes", self.players, allowed)])
        return Game(self.values(coalitions(self.players)), self.names)

    @functools.cached_property
    def grand(self) -> "Grand":
        """The optimum of all homes together."""
        found = self.runner.grand(self.days)
        cost, net_kw, price = (np.stack(each) for each in zip(*found, strict=True))
        return Grand(float(cost.sum()), net_kw, price / np.asarray(self.profile.dt_h))

    def _why_none(self, day: int, home: int) -> Iterator[Problem]:
        """Which devices of a home without a plan have none even by themselves; else the limit of its connection."""
        today, where = at(self.profile, day), f"{self.names[home]}, day {day}"
        guilty = []
        for name, device in self.fleet.devices.items():
            only = dataclasses.replace(self.fleet, devices={name: device})
            each = day_of(only, today, self.state[day], self.market, np.full(self.players, np.inf))
            if np.isnan(SERIAL.alone((each.of(np.array([home])),))[0, 0]):
                guilty.append(name)
        for name in guilty:
            yield Problem(where, name, "no plan", "a state at the beginning, sizes and limits that some plan keeps")
        if not guilty:
            most = float(self.days[day].limit_kw[home])
            yield Problem(where, "connection_kw", most, "enough for what the home cannot move or curtail")


@dataclasses.dataclass(frozen=True)
class Grand:
    """The optimum of all homes together; where several plans cost the same it is one of them."""

    cost: float  # of the period [currency]
    net_kw: np.ndarray  # (days, steps, homes) net power drawn
    price_per_kwh: np.ndarray  # (days, steps) what another kWh within the community is worth


def flock(
    scenario: Scenario,
    days: int = 1,
    connection_kw: Any = np.inf,
    runner: Runner = SERIAL,
    parts: Parts | None = None,
) -> Flock:
    """The game of a scenario's homes on its test days, those on which methods are compared.

    Args:
        scenario: checked, as `load` gives it.
        days: how many test days (or episodes of several days), spread over seasons and weekdays; 0 is all.
        connection_kw: what each home may draw and feed in, () or (homes,); a coalition pools its members' limits.
        runner: where the work is done, and the folder of its cache.
        parts: instead of those that the scenario names.

    Raises:
        ScenarioError: homes, days or prices that are no such game.
    """
    refuse_market((parts := parts or parts_of(scenario)).market)  # before homes and readings are made
    built = build(scenario, parts)
    profile = unseen(built, days, scenario.judge.seed).profile
    return flock_of(built.world, profile, homes_named(built.kinds), connection_kw, runner)


def flock_of(
    world: World,
    profile: Profile,
    names: tuple[str, ...] = (),
    connection_kw: Any = np.inf,
    runner: Runner = SERIAL,
) -> Flock:
    """The game of a world's homes on given days, float64 on the host, (days, steps, homes). See `flock`."""
    world, profile = cast(jax.tree.map(np.asarray, (world.bare(), profile)), np.float64)
    market = refuse_market(world.market)
    refuse_days(profile, market)
    limit_kw = np.broadcast_to(np.asarray(connection_kw, float), (world.homes,))
    with jax.enable_x64(True):
        every = [at(profile, day) for day in range(profile.days())]
        states = tuple(beginning(world, day) for day in every)
        made = tuple(day_of(world.fleet, *each, market, limit_kw) for each in zip(every, states, strict=True))
    names = names or homes_named(("home",) * world.homes)
    return Flock(made, names, world.fleet, profile, states, market, runner)


def homes_named(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Names of homes: number and kind."""
    return tuple(f"home {k} ({kind})" if kind != "home" else f"home {k}" for k, kind in enumerate(kinds))
