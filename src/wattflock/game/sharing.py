"""Ways to share what homes save together, by name: all of the same homes, days and optimum."""

import dataclasses
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest
from wattflock.game.certificate import Certificate, certificate
from wattflock.game.clusters import Clusters, clustered
from wattflock.game.estimators import FEWEST, sampled_shapley
from wattflock.game.game import Game
from wattflock.game.least_core import fair_least_core, least_core
from wattflock.game.nucleolus import nucleolus
from wattflock.game.owen import Owen, owen, rents
from wattflock.game.pooled import Pooled, pooled
from wattflock.game.separation import complaint
from wattflock.game.shapley import shapley
from wattflock.game.split import split, weights
from wattflock.game.values import Flock
from wattflock.market.market import Meter
from wattflock.market.markets.mid_market import MidMarket
from wattflock.study.parallel import Executor, Results, Work

EXACT = 16  # homes up to which nucleolus and Shapley value are those of the homes themselves
ASKED = 60  # homes up to which coalitions of homes are searched for one that complains
NOTHING = 1e-9  # of what homes cost alone: less than this is rounding of programs
Made = TypeVar("Made")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the methods that have a choice go about it."""

    clusters: int = 10  # players in place of more than 16 homes; 0: as the elbow says
    scaled: bool = False  # profiles are clustered by shape, and not by size as well
    split: str = "marginal"  # inside a cluster; see `split.weights`
    accuracy: float = 0.005  # of the values of coalitions of clusters, as a share of what all save
    samples: int = 0  # values for a sampled Shapley value; 0: the fewest that have an error bar
    seed: int = 0  # of K-means and of sampled orders


USUAL = Settings()


@dataclasses.dataclass(frozen=True)
class Shared:
    """What a method hands out, and what can be said of it."""

    method: str
    payoff: np.ndarray  # (homes,) what each home saves of its cost alone [currency]
    seconds: float  # that it takes by itself, beside the optimum of all homes and what each costs alone
    programs: int  # linear programs, the same
    note: str
    judged: Certificate


class Sharing:
    """Homes whose saving is shared; what several methods need is worked out once, and counts for each of them.

    Programs in the cache are not counted.
    """

    def __init__(self, flock: Flock, settings: Settings = USUAL):
        self.programs = 0  # linear programs so far
        runner = dataclasses.replace(flock.runner, executor=self._counting(flock.runner.executor))
        self.flock, self.settings = dataclasses.replace(flock, runner=runner), settings
        self.kept: dict[str, Any] = {}
        self.spent: dict[str, np.ndarray] = {}  # part → seconds, programs
        self.needs: dict[str, set[str]] = {}  # part → it, and parts that it was made of
        self.used: set[str] = set()
        self.note = ""
        self.once("optimum", lambda: (self.flock.alone, self.flock.grand))
        saving = float(self.flock.alone.sum()) - self.flock.grand.cost
        self.total = saving if saving > NOTHING * abs(self.flock.alone).sum() else 0.0

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """A part that several methods need; who uses it uses what it was made of."""
        if name not in self.kept:
            before, self.used = self.used, set()
            begin = self.clock()
            self.kept[name] = make()
            self.spent[name] = self.clock() - begin
            self.needs[name], self.used = self.used | {name}, before
        self.used |= self.needs[name]
        return self.kept[name]

    def clock(self) -> np.ndarray:
        """Seconds and programs that went into no part that is finished."""
        return np.array([time.perf_counter(), self.programs]) - sum(self.spent.values(), np.zeros(2))

    def _counting(self, executor: Executor) -> Executor:
        def run(work: Work, shared: Any, items: Iterable) -> Results:
            items = list(items)
            self.programs += sum(len(item[1]) if isinstance(item, tuple) else 1 for item in items)
            yield from executor(work, shared, items)

        return run

    @property
    def game(self) -> Game:
        """The homes' own game, with all its values."""
        return self.once("game", self.flock.game)

    @property
    def clusters(self) -> Clusters:
        """K-means of the homes' net power after the optimum."""
        asked = self.settings
        count = min(asked.clusters, self.flock.players)
        net_kw = self.flock.grand.net_kw
        return self.once("clusters", lambda: clustered(net_kw, count, asked.scaled, asked.seed))

    @property
    def pooled(self) -> Pooled:
        """The game of clusters."""
        label = self.clusters.label

        def make() -> Pooled:
            found = pooled(self.flock, label, self.settings.accuracy)
            self.programs += found.programs
            return found

        return self.once("pooled", make)

    @property
    def owen(self) -> Owen:
        """Owen's point."""
        return self.once("owen", lambda: owen(self.flock))

    def by_clusters(self, solve: Callable[[Game], np.ndarray]) -> np.ndarray:
        """What a solution of the game of clusters gives to homes."""
        found, ways = self.pooled, self.settings.split
        weight = self.once("weights", lambda: weights(self.flock, ways, lambda: self.owen.payoff))
        count = self.clusters.count
        self.note = f"{count} cluster{'s' * (count != 1)}, values within {found.bracket:.2%} of what all save"
        return split(np.maximum(solve(found.game), 0.0), self.clusters.label, weight)

    def worst(self, payoff: np.ndarray) -> tuple[float, float, np.ndarray]:
        """The coalition that complains most: excess, an upper bound of any excess, members."""
        return complaint(self.flock, payoff) if self.flock.players <= ASKED else self.of_clusters(payoff)

    def of_clusters(self, payoff: np.ndarray) -> tuple[float, float, np.ndarray]:
        """The same of many homes: coalitions of clusters are asked, and Owen's prices bound every coalition."""
        label, game = self.clusters.label, self.pooled.game
        members = np.arange(1, len(game.worth) - 1)[:, None] >> np.arange(game.players) & 1 == 1
        excess = game.worth[1:-1] - members @ np.bincount(label, payoff)
        place = int(excess.argmax())
        bound = float(np.maximum(self.owen.payoff - payoff, 0).sum()) + max(self.owen.gap, 0.0)
        return float(excess[place]), max(bound, float(excess[place])), members[place][label]


Method = Callable[[Sharing], np.ndarray]


def nucleolus_of(sharing: Sharing) -> np.ndarray:
    """The largest complaint is as small as can be, then the next: of the homes up to 16, else of their clusters."""
    return nucleolus(sharing.game) if sharing.flock.players <= EXACT else nucleolus_of_clusters(sharing)


def shapley_of(sharing: Sharing) -> np.ndarray:
    """What a home adds, on average over all orders: of the homes up to 16, else of their clusters."""
    return shapley(sharing.game) if sharing.flock.players <= EXACT else shapley_of_clusters(sharing)


def nucleolus_of_clusters(sharing: Sharing) -> np.ndarray:
    """The nucleolus of clusters, whatever the number of homes, split among their members."""
    return sharing.by_clusters(nucleolus)


def shapley_of_clusters(sharing: Sharing) -> np.ndarray:
    """The Shapley value of clusters, whatever the number of homes, split among their members."""
    return sharing.by_clusters(shapley)


def sampled_of(sharing: Sharing) -> np.ndarray:
    """The Shapley value by sampled orders, with error bars."""
    n = sharing.flock.players
    budget = sharing.settings.samples or 2 * n + 1 + 2 * FEWEST * max(2 * (n - 1), 1)
    found = sharing.once("samples", lambda: sampled_shapley(sharing.flock, budget, 0.0, sharing.settings.seed))
    sharing.note = f"{found.asked:,} values asked for; widest 95 % interval ± {found.half_width.max():.3g}"
    return found.payoff


def owen_of(sharing: Sharing) -> np.ndarray:
    """Each home pays the prices of the optimum of all homes: nobody could do better elsewhere."""
    return sharing.owen.payoff


def least_core_of(sharing: Sharing) -> np.ndarray:
    """The largest complaint is as small as can be."""
    return least_core(sharing.game)[1] if sharing.flock.players <= EXACT else _by_rows(sharing)[1]


def fair_least_core_of(sharing: Sharing) -> np.ndarray:
    """Of the payoffs whose largest complaint is least, that nearest to equal shares."""
    if sharing.flock.players <= EXACT:
        return fair_least_core(sharing.game)
    return sharing.once("fair rows", lambda: fair_least_core(sharing.flock, sharing.worst))


def mid_market_of(sharing: Sharing) -> np.ndarray:
    """Within the community a kWh has the middle of the grid's prices, what is missing or left over the grid's."""
    (drawn, given), dt_h = _energy_kwh(sharing), np.asarray(sharing.flock.profile.dt_h)
    with jax.enable_x64(True):
        bought, sold = map(jnp.asarray, _prices(sharing))
        meter = Meter(jnp.asarray(drawn - given), bought, sold, jnp.asarray(dt_h))
        bill = np.asarray(MidMarket().settle(meter).bill)
    return _saved(sharing, bill.sum((0, 1)))


def bill_sharing_of(sharing: Sharing) -> np.ndarray:
    """What the community pays is shared by energy drawn, what it earns by energy fed in, over the whole period."""
    drawn, given = _energy_kwh(sharing)
    missing, (bought, sold) = (drawn - given).sum(-1), _prices(sharing)
    paid, earned = (bought * np.maximum(missing, 0)).sum(), (sold * np.maximum(-missing, 0)).sum()
    drawn, given = drawn.sum((0, 1)), given.sum((0, 1))
    return _saved(sharing, paid * _part(drawn) - earned * _part(given))


def even_of(sharing: Sharing) -> np.ndarray:
    """All homes save the same."""
    return np.full(sharing.flock.players, sharing.total / sharing.flock.players)


METHODS: dict[str, Method] = {
    "nucleolus": nucleolus_of,
    "shapley": shapley_of,
    "nucleolus_clusters": nucleolus_of_clusters,
    "shapley_clusters": shapley_of_clusters,
    "sampled_shapley": sampled_of,
    "owen": owen_of,
    "least_core": least_core_of,
    "fair_least_core": fair_least_core_of,
    "mid_market": mid_market_of,
    "bill_sharing": bill_sharing_of,
    "even": even_of,
}
MOST = {"sampled_shapley": 60, "least_core": 30, "fair_least_core": 30}  # homes; they ask for many coalitions of them


def usual(homes: int) -> tuple[str, ...]:
    """The methods that take seconds or minutes for so many homes."""
    return tuple(name for name in METHODS if homes <= MOST.get(name, homes))


def refuse_unknown(names: Iterable[str]) -> None:
    """Raises ScenarioError for every name that is no method."""
    if wrong := [Problem("share", "method", name, nearest(name, METHODS)) for name in names if name not in METHODS]:
        raise ScenarioError(wrong)


def shared(sharing: Sharing, method: str) -> Shared:
    """What a method hands out, with its certificate; seconds and programs are those it needs by itself.

    Raises:
        ScenarioError: no such method, or a setting that it cannot do with.
    """
    refuse_unknown([method])
    sharing.used, sharing.note = set(), ""
    begin = sharing.clock()
    payoff = METHODS[method](sharing) if sharing.total else np.zeros(sharing.flock.players)
    seconds, programs = sum((sharing.spent[name] for name in sharing.used), sharing.clock() - begin)
    note, names = sharing.note, sharing.flock.names
    if "game" in sharing.kept:
        judged = certificate(sharing.game, payoff)
    else:
        judged = certificate(sharing.flock, payoff, sharing.worst, names)
    return Shared(method, payoff, float(seconds), int(programs), note, judged)


def _by_rows(sharing: Sharing) -> tuple[float, np.ndarray]:
    return sharing.once("rows", lambda: least_core(sharing.flock, sharing.worst))


def _energy_kwh(sharing: Sharing) -> tuple[np.ndarray, np.ndarray]:
    """What each home draws and feeds in after the optimum, both (days, steps, homes) [kWh]."""
    net_kwh = sharing.flock.grand.net_kw * np.asarray(sharing.flock.profile.dt_h)[..., None]
    return np.maximum(net_kwh, 0), np.maximum(-net_kwh, 0)


def _prices(sharing: Sharing) -> tuple[np.ndarray, np.ndarray]:
    """The grid's prices of a kWh bought and sold, both (days, steps)."""
    dt_h = np.asarray(sharing.flock.profile.dt_h)
    bought, sold = (np.stack([getattr(day, name) for day in sharing.flock.days]) for name in ("bought", "sold"))
    return bought / dt_h, sold / dt_h


def _saved(sharing: Sharing, bill: np.ndarray) -> np.ndarray:
    """Savings (homes,) where homes follow the optimum and pay these bills, which sum to the community's.

    What its devices cost a home at the optimum is what it would pay at the optimum's prices less the energy's part.
    """
    flock, found = sharing.flock, sharing.owen
    dt_h = np.asarray(flock.profile.dt_h)
    energy = np.einsum("dts,dt,dt->s", flock.grand.net_kw, found.price_per_kwh, dt_h)
    price = found.price_per_kwh * dt_h
    scarce = sum(rents(*each) for each in zip(flock.days, price, strict=True))
    saved = energy + found.payoff - scarce - bill
    return saved + (sharing.total - saved.sum()) / len(saved)  # what rounding leaves


def _part(amount: np.ndarray) -> np.ndarray:
    return amount / amount.sum() if amount.sum() > 0 else np.full(len(amount), 1 / len(amount))
