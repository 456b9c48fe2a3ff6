"""The Lagrangian of cost and the limits of the wires, a network of multipliers, and what learners by gradient share."""

import abc
import dataclasses
import itertools
from collections.abc import Callable
from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array
from pydantic import Field

from wattflock.core.types import Profile, by_day
from wattflock.feeder.limits import WORTH, Margins, penalty
from wattflock.homes.features import see_price
from wattflock.learn.backoff import BackOff
from wattflock.learn.learner import Draw, Learner
from wattflock.learn.nets import Separate, flock
from wattflock.world.rollout import Policy, judge, rollout
from wattflock.world.world import Outcome, World, measures

SIZE = 272.0  # of a multiplier [currency per home and pu·h, at a price of 0.3]: the network's output is of order one
SEEN = 13
BRANCHES = 265  # most rated branches among which the price of loadings is spread: those of IEEE 123, where it was set
Amounts = dict[str, Array]  # limit that is judged → (…, rows)


class Multipliers(eqx.Module):
    """One perceptron for all hours, whose last layer has few units: (hours, nodes) of low rank, and an offset."""

    weights: list[Array]  # (in, out)
    biases: list[Array]  # (out,); of the last layer (steps, rows)
    rows: tuple[tuple[str, int], ...] = eqx.field(static=True)  # limits, with how many units of the last layer
    reference_price_per_kwh: float = eqx.field(static=True)

    def __call__(self, profile: Profile) -> Amounts:
        """Multipliers of each day, limit → (days, steps, rows) [currency per home and pu·h]; may be negative."""
        x = common(by_day(profile, self.biases[-1].shape[0]), self.reference_price_per_kwh)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = jnp.tanh(x @ weight + bias[None, None])
        out = SIZE * (x @ self.weights[-1] + self.biases[-1][None])
        ends = np.cumsum([size for _, size in self.rows])
        return {name: out[..., end - size : end] for (name, size), end in zip(self.rows, ends, strict=True)}


def multipliers(hidden: tuple[int, ...], world: World, key: Array) -> Multipliers:
    """A fresh network with output zero."""
    sizes, rows = (SEEN, *hidden), tuple((name, len(names)) for name, names in world.judged.items())
    units = sum(size for _, size in rows)
    weights = [
        jax.random.normal(jax.random.fold_in(key, layer), size) / size[0] ** 0.5
        for layer, size in enumerate(itertools.pairwise(sizes))
    ]
    biases = [jnp.zeros(size) for size in hidden]
    last = jnp.zeros((sizes[-1], units)), jnp.zeros((world.steps, units))
    return Multipliers([*weights, last[0]], [*biases, last[1]], rows, world.fleet.reference_price_per_kwh)


def common(profile: Profile, reference_price_per_kwh: float) -> Array:
    """Features of a day that all homes share, hour by hour and as a mean over it, (days, steps, SEEN); of order one."""
    angle = 2 * jnp.pi * profile.hour / 24
    weather = [
        (profile.outdoor_c - 10) / 10,
        2 * profile.sun_kw_per_kwp.mean(-1),
        profile.load_kw.mean(-1),
        see_price(profile.import_price_per_kwh, reference_price_per_kwh),
    ]
    whole = [jnp.broadcast_to(x.mean(1, keepdims=True), x.shape) for x in weather]
    clock = [jnp.sin(angle), jnp.cos(angle), jnp.sin(2 * angle), jnp.cos(2 * angle), profile.weekend]
    return jnp.stack([*weather, *whole, *clock], -1)


Hidden = Annotated[tuple[int, ...], Field(description="width of each hidden layer of a home's network")]
Days = Annotated[int, Field(ge=1, description="days per round")]
Rate = Annotated[float, Field(gt=0, le=1, description="Adam's step [1]")]
Halvings = Annotated[float, Field(gt=0, description="how often Adam's step is halved over all rounds [1]")]
MultiplierInit = Annotated[
    float, Field(ge=0, description="first multiplier λ [currency per home and pu·h, mean of nodes, at a price of 0.3]")
]
Curvature = Annotated[
    float, Field(ge=0, description="ρ [currency per home and pu²·h, mean of nodes, at a price of 0.3]")
]
Ascent = Annotated[
    float, Field(ge=0, description="rise of λ per mean violation and round; 0 keeps it [currency per home and pu²·h]")
]
Average = Annotated[
    float,
    Field(ge=0, lt=1, description="running mean of the networks over this share of all rounds; 0 is the last [share]"),
]
Margin = Annotated[float, Field(ge=0, lt=0.05, description="limits are tightened by this while learning [pu]")]
Worth = Annotated[float, Field(gt=0, description="what a share beyond this limit counts as [pu]")]
Rounds = Annotated[int, Field(ge=1, description="rounds unless the scenario says how many")]
ViolatedDays = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="most training days that may break a limit, narrowed as that takes; 0: as `margin_pu` [share]",
    ),
]
Memory = Annotated[float, Field(ge=0, lt=1, description="what Adam keeps of the mean square of a gradient: β₂ [share]")]

TINY = 3e-6  # Adam's ε: a gradient that is only rounding, as of a device that is not there, moves nothing


class TrainState(eqx.Module):
    """State of a learner by gradient."""

    nets: Any  # Flock
    mean: Any  # running mean of `nets` over rounds: the policy after training
    adam: optax.OptState
    multiplier: Amounts  # (steps, rows)
    done: Array  # rounds
    beside: Any = ()  # further state of a learner, e.g. a critic: a tree of arrays
    margins: Amounts = dataclasses.field(default_factory=dict)  # of `violated_days`, limit → ()
    square: Any = ()  # of gradmap with `square_memory`: mean square of the actions' gradient, (homes, controls)


class Lagrangian(eqx.Module):
    """Objective of learners by gradient: cost per home + mean over rows of λ·e + ρ/2·e², for every limit by itself.

    e is how far a row is beyond its limit (a node's voltage beyond the tightened band, a branch's loading, a bus's
    unbalance), in per unit: a share of loading counts as `loading_pu`, one of unbalance as `unbalance_pu`. Each limit
    has multipliers of its own. All terms are means, so that the same λ and ρ hold for other numbers of homes and nodes
    (decisions/0016-weights-per-home-and-mean-node.md); for loadings of very many branches see `spread_among`.
    Source: the primal-dual method of multipliers, Bertsekas 1982, eq. 2.1.
    """

    multiplier_init: float
    curvature: Any  # a number, or shape () where it grows
    ascent: float
    margin_pu: Margins  # of voltages [pu], or of every limit
    loading_pu: float = WORTH["loading"]
    unbalance_pu: float = WORTH["unbalance"]

    def multiplier(self, world: World) -> Amounts:
        """λ before the first round, limit → (steps, rows)."""
        return {
            name: jnp.full((world.steps, len(rows)), self.multiplier_init, float) for name, rows in world.judged.items()
        }

    def in_pu(self, amounts: Amounts) -> Amounts:
        """Amounts in each limit's own unit as what they count as [pu]."""
        worth = WORTH | {"loading": self.loading_pu, "unbalance": self.unbalance_pu}
        return {name: worth[name] * amount for name, amount in amounts.items()}

    def value(self, outcome: Outcome, multiplier: Amounts) -> Array:
        """The objective J, shape () [currency per home and day]."""
        return per_home_day(outcome, self.wires(outcome, multiplier))

    def wires(self, outcome: Outcome, multiplier: Amounts) -> Array:
        """The price of violations of all homes and days, shape () [currency]."""
        return self.wires_by_step(outcome, multiplier).sum()

    def wires_by_step(self, outcome: Outcome, multiplier: Amounts) -> Array:
        """The price of violations of all homes, (days, steps) [currency]."""
        amounts = self.in_pu(by_day(outcome.excess, outcome.steps))
        price = charged(
            outcome, {name: penalty(e, multiplier[name][None], self.curvature) for name, e in amounts.items()}
        )
        return price.reshape(outcome.dt_h.shape)

    def ascend(self, outcome: Outcome, multiplier: Amounts) -> Amounts:
        """λ after a round: raised where limits were violated, never lowered."""
        amounts = self.in_pu(by_day(outcome.excess, outcome.steps))
        return {name: multiplier[name] + self.ascent * e.mean(0) for name, e in amounts.items()}


def spread_among(limit: str, rows: int) -> int:
    """Among how many rows the price of a limit is spread: `BRANCHES` at most for loadings.

    Neighbours share a voltage, but not a service line (decisions/0035-a-price-for-each-branch.md).
    """
    return min(rows, BRANCHES) if limit == "loading" else rows


def charged(outcome: Outcome, prices: Amounts) -> Array:
    """The sum over homes and limits of the mean over rows of `prices` (days, steps, rows) [currency per h].

    The mean is over as many rows as `spread_among` says. Prices are stated for a mean import price of 0.3 per kWh and
    scaled to that of the readings; (days, steps).
    """
    dt_h = by_day(outcome.dt_h, outcome.steps)
    means = [price.sum(-1) * dt_h / spread_among(name, price.shape[-1]) for name, price in prices.items()]
    return sum(means, jnp.zeros(dt_h.shape)) * (outcome.price_level * outcome.cost.shape[-1])


def per_home_day(outcome: Outcome, wires: Array) -> Array:
    """All costs and the price of violations, shape () [currency per home and day]."""
    days, homes = outcome.days, outcome.cost.shape[-1]
    return (outcome.cost.sum() + wires) / (days * homes)


class Priced(Learner):
    """A learner whose objective is cost and the price of violations: settings that all share."""

    days: Days = 4
    rate: Rate = 1e-2
    halvings: Halvings = 2.5
    multiplier_init: MultiplierInit = 272.0
    curvature: Curvature = 8160.0
    ascent: Ascent = 0.0
    average: Average = 0.033
    margin_pu: Margin = 0.009
    loading_pu: Worth = WORTH["loading"]
    unbalance_pu: Worth = WORTH["unbalance"]
    total_rounds: Rounds = 1000

    @property
    def lagrangian(self) -> Lagrangian:
        """The objective."""
        weights = self.multiplier_init, self.curvature, self.ascent, self.margin_pu
        return Lagrangian(*weights, self.loading_pu, self.unbalance_pu)

    def falling(self, rate: float, steps: int) -> optax.Schedule:
        """A step that is halved `halvings` times by the end, with `steps` of them in a round."""
        return lambda step: rate * 0.5 ** (self.halvings * step / (self.total_rounds * steps))

    def averaged(self, mean: Any, nets: Any, done: Array) -> Any:
        """The running mean of networks after a round; `done` rounds were before it.

        Rounds have equal weight in the mean until the share `average` of all of them is done.
        """
        keep = jnp.minimum(1 - 1 / jnp.maximum(1.0, self.average * self.total_rounds), done / (done + 4.0))
        return jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, mean, nets)

    def rounds(self):
        return self.total_rounds

    def lasting(self, rounds):
        return dataclasses.replace(self, total_rounds=rounds)


class Descent(Priced):
    """Anything that is fitted by gradients through devices and power flow: settings and state that all share.

    Why an interface has fields: decisions/0014-fields-of-gradient-learners.md.
    """

    together: Annotated[
        int, Field(ge=0, description="days stepped side by side where gradients pass policies; 0: 1 on a CPU, else all")
    ] = 0
    b1: Annotated[float, Field(ge=0, lt=1, description="what Adam keeps of the mean gradient: β₁ [share]")] = 0.9
    b2: Memory = 0.999
    violated_days: ViolatedDays = 0.0

    @property
    def abreast(self) -> int:
        """How many days are stepped together where gradients pass the policies."""
        return self.together or (1 if jax.default_backend() == "cpu" else self.days)

    def adam(self, steps: int = 1) -> optax.GradientTransformation:
        """The optimiser, with `steps` of it in a round; every home's weights have their own moments."""
        return optax.adam(self.falling(self.rate, steps), self.b1, self.b2, TINY)

    def prepared(self, gradient: Any) -> Any:
        """What Adam is given of a round's gradient of the networks; a learner may scale it."""
        return gradient

    def fresh(self, world: World, nets: Any, beside: Any) -> TrainState:
        """The state before the first round, of `nets` that are to be fitted and what stands beside them."""
        done, margins = jnp.zeros((), jnp.int32), self.back_off.first() if self.violated_days else {}
        return TrainState(nets, nets, self.adam().init(nets), self.lagrangian.multiplier(world), done, beside, margins)

    @property
    def back_off(self) -> BackOff:
        """How margins follow the days that break limits."""
        return BackOff(self.margin_pu, self.violated_days, self.total_rounds)

    def margins(self, state: TrainState) -> Margins:
        """By how much limits are narrowed in this round."""
        return state.margins if self.violated_days else self.margin_pu

    def priced(self, state: TrainState, world: World, outcome: Outcome) -> dict[str, Any]:
        """What violations cost in the next round: fields of the state after one, of which this is the outcome."""
        prices: dict[str, Any] = {"multiplier": self.lagrangian.ascend(outcome, state.multiplier)}
        if self.violated_days:
            prices["margins"] = self.back_off.after(state.margins, state.done, world.limits, outcome)
        return prices

    @abc.abstractmethod
    def acting(self, nets: Any, kind: Array) -> Policy:
        """The policy of what is fitted; `kind` (homes,) is each home's number in `World.kinds`."""

    @abc.abstractmethod
    def update(self, state: TrainState, world: World, draw: Draw, key: Array) -> tuple[TrainState, dict[str, Array]]:
        """One round."""

    def descend(self, state: TrainState, objective: Callable) -> tuple[TrainState, Array, Any]:
        """One Adam step on the exact gradient of `objective(nets) → value, more`; also returns value and more."""
        (value, more), gradient = jax.value_and_grad(objective, has_aux=True)(state.nets)
        step, adam = self.adam().update(self.prepared(gradient), state.adam)
        return self.moved(state, optax.apply_updates(state.nets, step), adam), value, more

    def moved(self, state: TrainState, nets: Any, adam: optax.OptState) -> TrainState:
        """The state after a round, with the running mean of the networks."""
        mean = self.averaged(state.mean, nets, state.done)
        return dataclasses.replace(state, nets=nets, mean=mean, adam=adam, done=state.done + 1)

    def through_days(
        self, state: TrainState, world: World, profile: Profile, key: Array, value: Callable[[Outcome], Array]
    ) -> Callable:
        """The objective `nets → value(outcome), outcome` of given days."""

        def objective(nets):
            trajectory = rollout(world, self.acting(nets, world.kind), profile, key, self.abreast)
            outcome = judge(world, trajectory, profile, self.margins(state))
            return value(outcome), outcome

        return objective


class Gradient(Descent):
    """A network for each home, fitted by gradients."""

    hidden: Hidden = (16, 16)

    def beside(self, world: World, key: Array) -> Any:
        """Further state of the learner before the first round."""
        del world, key
        return ()

    def init(self, world, key):
        """A network for each home, `hidden` layers wide."""
        nets = flock((world.seen, *self.hidden, world.fleet.controls), world.homes, key)
        beside = self.beside(world, jax.random.fold_in(key, len(self.hidden) + 1))  # `flock` has used those below
        return self.fresh(world, nets, beside)

    def policy(self, state):
        return Separate(state.mean)

    def acting(self, nets, kind):
        return Separate(nets)


def unit_per_home(gradient: Any) -> Any:
    """The gradient of each home scaled to length 1, over all its weights; a tree of arrays (homes, …).

    A length below a thousandth of the mean over homes counts as that thousandth: it is only rounding.
    """
    square = sum((leaf**2).sum(tuple(range(1, leaf.ndim))) for leaf in jax.tree.leaves(gradient))
    length = jnp.sqrt(jnp.asarray(square))
    length = jnp.maximum(length, 1e-3 * length.mean())
    scale = jnp.where(length > 0, 1 / jnp.where(length > 0, length, 1), 0)
    return jax.tree.map(lambda leaf: leaf * scale.reshape(-1, *[1] * (leaf.ndim - 1)), gradient)


def backpropagate(learner: Descent, lagrangian: Lagrangian, state: TrainState, world: World, draw: Draw, key: Array):
    """One round of plain backpropagation through days and power flow on a Lagrangian; state and log."""
    draw_key, key = jax.random.split(key)
    profile = draw(draw_key, learner.days)

    def price(outcome):
        return lagrangian.value(outcome, state.multiplier)

    after, value, outcome = learner.descend(state, learner.through_days(state, world, profile, key, price))
    after = dataclasses.replace(after, **learner.priced(state, world, outcome))
    return after, measures(world.limits, outcome) | {"objective": value}
