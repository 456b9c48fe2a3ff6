"""Clusters of homes as players: what every coalition of them is worth, between two bounds.

Devices that differ cannot be added up to one. Prices p (steps,) can: let g_i(p) be the least that home i pays for its
devices and for its power at p. Whatever the devices are, any few prices bracket the cost of any coalition S:

    outer   C(S) ≥ Σ_i∈S g_i(p) − limit_i Σ_t max(p − bought, sold − p, 0)   at each p (Lagrange), and
    inner   the members of each cluster mix their own plans for these prices, all in the same proportions, which is
            feasible for every one of them: a linear program of K clusters, whatever the number of homes.

The inner program's own prices are the next to try (Dantzig & Wolfe), until all 2ᴷ brackets are narrow.
"""

import dataclasses
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from scipy import sparse

from wattflock.core.linear import LinearProgram, highs_of
from wattflock.core.progress import bar
from wattflock.game.coalition import PRIMAL, Day, Model, gray_order
from wattflock.game.game import Game, coalitions
from wattflock.study.parallel import cores

if TYPE_CHECKING:
    from wattflock.game.values import Flock

AT_ONCE = 12  # new prices of a round
ROUNDS = 60
ROUNDING = 1e-8  # of a cost: brackets are not made narrower
STRIP = 25  # homes that a thread takes at once


@dataclasses.dataclass(frozen=True)
class Pooled:
    """The game of clusters: values that their members reach, and values that nobody can exceed."""

    game: Game  # inner values; the grand coalition's is exact
    outer: np.ndarray  # (2ᴷ,) outer values, in the order of masks
    programs: int  # linear programs that were solved, most of them of one home

    @property
    def bracket(self) -> float:
        """The widest bracket, as a share of what the grand coalition saves."""
        return float((self.outer - self.game.worth).max()) / (self.game.total or 1.0)


def pooled(flock: "Flock", label: np.ndarray, accuracy: float = 0.005) -> Pooled:
    """The game of clusters over the flock's period.

    Days go to the flock's executor and are kept in its cache.

    Args:
        flock: homes and days.
        label: (homes,) number of the cluster of each home, from 0.
        accuracy: widest bracket, as a share of what the grand coalition saves.

    Source: Dantzig & Wolfe 1960, DOI 10.1287/opre.8.1.101; Geoffrion 1974 (Lagrangian bounds).
    """
    member = np.arange(label.max() + 1)[:, None] == label  # (clusters, homes)
    grand, dt_h = flock.grand, np.asarray(flock.profile.dt_h)
    total = max(float(flock.alone.sum()) - grand.cost, 0.0)
    room = max(accuracy * total / len(flock.days), ROUNDING * abs(grand.cost))
    threads = len(cores()) if len(flock.days) == 1 else 1
    shared = [
        (day, member, grand.price_per_kwh[k] * dt_h[k], grand.net_kw[k], (room, threads))
        for k, day in enumerate(flock.days)
    ]
    contents = ((day.digest(), *numbers, room) for day, *numbers, _ in shared)
    found = flock.runner.all(_bracket, shared, range(len(shared)), contents, ("clusters", "days", 2))
    inner, outer = sum(each["inner"] for each in found), sum(each["outer"] for each in found)
    among = coalitions(len(member))
    alone = among @ (member @ flock.alone)
    worth, most = np.maximum(alone - inner, 0.0), np.maximum(alone - outer, 0.0)
    worth[0] = most[0] = 0.0
    worth[-1] = most[-1] = total
    names = tuple(f"cluster {k}" for k in range(len(member)))
    return Pooled(Game(worth, names), np.maximum(worth, most), int(sum(each["programs"][0] for each in found)))


def _bracket(shared: list[tuple], number: int) -> dict[str, np.ndarray]:
    """Costs of all coalitions of clusters on a day: `inner` and `outer`, both (2ᴷ,), and how many `programs`."""
    day, member, price, net_kw, (room, threads) = shared[number]
    alone = bar("clusters", 2 ** len(member)) if threads > 1 else nullcontext()  # one day: its coalitions are told
    with ThreadPoolExecutor(threads) as pool, alone as progress:
        search = _Search(day, member, pool)
        at = search.ask(price)
        search.keep(net_kw, search.paid - net_kw.T @ at)  # the optimum of all homes is one of each home at its price
        if np.isfinite(day.limit_kw).any():
            search.keep(*alone_plans(day))
        search.ask(day.bought)
        search.ask(day.sold)
        while search.rounds < ROUNDS and (new := search.next(room)):
            if progress:
                progress.at(int((search.inner - search.outer <= room).sum()), "coalitions")
            for each in new:
                search.ask(each)
    return {"inner": search.inner, "outer": search.outer, "programs": np.array([search.programs], np.int64)}


class _Search:
    """Prices and plans of a day, which grow until all brackets are narrow."""

    def __init__(self, day: Day, member: np.ndarray, pool: ThreadPoolExecutor):
        self.day, self.member, self.pool = day, member.astype(float), pool
        self.limit_kw = np.where(member, day.limit_kw, 0.0).sum(1)
        self.among = coalitions(len(member))
        self.strips = list(pool.map(lambda homes: [Follower(day, home) for home in homes], strips(day.homes)))
        self.cost: list[np.ndarray] = []  # of the devices of each cluster, for each plan
        self.net_kw: list[np.ndarray] = []  # (clusters, steps)
        self.bound: list[np.ndarray] = []  # of each cluster, for each price
        self.inner, self.outer = np.full(len(self.among), np.inf), np.full(len(self.among), -np.inf)
        self.inner[0] = self.outer[0] = 0.0
        self.price = np.zeros((len(self.among), day.steps))  # of each coalition's inner program
        self.paid = np.zeros(day.homes)  # by each home at the last prices
        self.programs = self.rounds = 0

    def keep(self, net_kw: np.ndarray, cost: np.ndarray) -> None:
        """Adds a plan of every home: net power (steps, homes) and what its devices cost (homes,)."""
        self.cost.append(self.member @ cost)
        self.net_kw.append(self.member @ net_kw.T)

    def ask(self, price: np.ndarray) -> np.ndarray:
        """Adds the best plans at a price (steps,) [currency per kW], and its bound; returns it within the grid's."""
        if not np.isfinite(self.day.limit_kw).all():
            price = np.clip(price, self.day.sold, self.day.bought)
        answers = self.pool.map(lambda strip: [home.plan(price) for home in strip], self.strips)
        cost, net_kw = zip(*itertools.chain.from_iterable(answers), strict=True)
        self.keep(np.stack(net_kw, 1), np.array(cost))
        self.paid = np.array(cost) + np.stack(net_kw) @ price
        beyond = float(np.maximum(np.maximum(price - self.day.bought, self.day.sold - price), 0).sum())
        self.bound.append(self.member @ (self.paid - (beyond * self.day.limit_kw if beyond else 0.0)))
        self.programs += self.day.homes
        return price

    def next(self, room: float) -> list[np.ndarray]:
        """Solves the coalitions whose bracket is wider than `room`; the prices of the worst, far from each other."""
        self.outer = np.maximum(self.outer, (self.among @ np.array(self.bound).T).max(1))
        wide = np.flatnonzero(self.inner - self.outer > room)
        if not len(wide):
            return []
        program = mixed(self.day, np.array(self.cost), np.array(self.net_kw), self.limit_kw)
        wide = wide[gray_order(self.among[wide], program.sizes())]
        model = Model(program, self.among[wide[0]])
        for mask in wide:
            model.swap(self.among[mask])
            self.inner[mask] = min(self.inner[mask], model.solve())  # nan is never less
            self.price[mask] = -np.array(model.highs.getSolution().row_dual)[-self.day.steps :]
        self.programs, self.rounds = self.programs + len(wide), self.rounds + 1
        return list(self._worst(wide, room))

    def _worst(self, wide: np.ndarray, room: float) -> Iterator[np.ndarray]:
        gap, price = (self.inner - self.outer)[wide], self.price[wide]
        left = np.where(gap > room, gap, 0.0)
        for _ in range(AT_ONCE):
            worst = int(left.argmax())
            if not left[worst]:
                return
            yield price[worst]
            apart = abs(price - price[worst]).sum(1)
            left = left * np.minimum(apart / (np.median(apart) or 1.0), 1.0)


def mixed(day: Day, cost: np.ndarray, net_kw: np.ndarray, limit_kw: np.ndarray) -> Day:
    """The day of clusters that mix plans: a column is the share of a plan, and the shares of a cluster sum to 1.

    Args:
        day: whose grid and prices there are.
        cost: (plans, clusters) of the devices.
        net_kw: (plans, clusters, steps).
        limit_kw: (clusters,) of the connections.
    """
    plans, clusters = cost.shape
    owner, zero, one = np.repeat(np.arange(clusters), plans), np.zeros(plans * clusters), np.ones(clusters)
    shares: Any = sparse.csc_matrix((zero + 1, (owner, np.arange(len(owner)))))
    power: Any = sparse.csc_matrix(net_kw.transpose(2, 1, 0).reshape(-1, plans * clusters))
    rows = (one, one, np.arange(clusters))
    return Day(cost.T.ravel(), zero, zero + 1, owner, *rows, shares, power, day.bought, day.sold, limit_kw)


class Follower:
    """A home that knows nothing but prices: one model whose costs are swapped."""

    def __init__(self, day: Day, home: int):
        self.own = day.of(np.array([home]))
        self.back: Any = self.own.power.T.tocsr()
        self.number = np.arange(len(self.own.cost), dtype=np.int32)
        bounds = self.own.lower, self.own.upper
        program = LinearProgram(self.own.cost, *bounds, self.own.matrix, self.own.row_lower, self.own.row_upper)
        self.highs = highs_of(program, PRIMAL)  # prices change: a plan stays feasible

    def plan(self, price: np.ndarray) -> tuple[float, np.ndarray]:
        """The best plan at a price (steps,) [currency per kW]: cost of the devices, and net power (steps,) [kW]."""
        self.highs.changeColsCost(len(self.number), self.number, self.own.cost + self.back @ price)
        self.highs.run()
        if self.highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self.highs.clearSolver()
            self.highs.run()
        column = np.array(self.highs.getSolution().col_value)
        return float(self.own.cost @ column), self.own.power @ column


def alone_plans(day: Day) -> tuple[np.ndarray, np.ndarray]:
    """The best plan of each home by itself: net power (steps, homes) [kW], and what its devices cost (homes,)."""
    net_kw, cost = np.zeros((day.steps, day.homes)), np.zeros(day.homes)
    for home in range(day.homes):
        own = day.of(np.array([home]))
        model = Model(own, np.ones(1, bool))
        model.solve()
        column = np.array(model.highs.getSolution().col_value)[: len(own.cost)]
        net_kw[:, home], cost[home] = own.power @ column, own.cost @ column
    return net_kw, cost


def strips(homes: int) -> list[range]:
    """Homes in strips of neighbours."""
    return [range(begin, min(begin + STRIP, homes)) for begin in range(0, homes, STRIP)]
