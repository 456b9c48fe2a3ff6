"""Primal-dual learning: policies and a network of multipliers in turn, as in the augmented-Lagrangian method."""

import dataclasses
from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from pydantic import Field

from wattflock.core.types import Profile, by_day
from wattflock.feeder.limits import Limits, Margins, beyond
from wattflock.learn.lagrangian import (
    SIZE,
    Amounts,
    Average,
    Curvature,
    Days,
    Gradient,
    Halvings,
    Hidden,
    Margin,
    MultiplierInit,
    Multipliers,
    TrainState,
    charged,
    multipliers,
    per_home_day,
)
from wattflock.learn.nets import Separate
from wattflock.world.rollout import judge, rollout
from wattflock.world.world import Outcome, World, measures


class Dual(eqx.Module):
    """The dual side of the state."""

    net: Multipliers
    frozen: Multipliers  # the copy that policies are learned against
    adam: optax.OptState
    curvature: Array  # ρ now, shape () [currency per home and pu²·h]
    worst_pu: Array  # farthest beyond a limit in this outer iteration, shape ()
    before_pu: Array  # and in the one before it; 1 at first, so that the first does not make ρ grow


class PDL(Gradient):
    """Policies against a frozen dual network for some rounds, then the dual network on their violations, in turn.

    Source: Park & Van Hentenryck 2023 (AAAI, arXiv 2208.09046), algorithm 1.
    """

    hidden: Hidden = (16,)
    days: Days = 2
    halvings: Halvings = 4.7
    multiplier_init: MultiplierInit = 466.0
    curvature: Curvature = 14900.0
    average: Average = 0.015
    margin_pu: Margin = 0.006
    primal_rounds: Annotated[int, Field(ge=1, description="rounds of the policies in an outer iteration")] = 40
    dual_rounds: Annotated[int, Field(ge=1, description="rounds of the dual network in an outer iteration")] = 10
    dual_days: Annotated[int, Field(ge=1, description="days in a round of the dual network")] = 8
    dual_steps: Annotated[int, Field(ge=1, description="Adam's steps in a round of the dual network")] = 10
    dual_rate: Annotated[float, Field(gt=0, le=1, description="Adam's step of the dual network [1]")] = 4.9e-3
    dual_hidden: Annotated[tuple[int, ...], Field(description="width of each hidden layer of the dual network")] = (
        32,
        32,
    )
    growth: Annotated[
        float, Field(ge=1, description="ρ grows by this factor when violations do not shrink enough [1]")
    ] = 2.65
    shrink: Annotated[float, Field(gt=0, le=1, description="… to this share of those before: τ [share]")] = 0.8
    most: Annotated[
        float,
        Field(gt=0, description="ρ grows no higher [currency per home and pu²·h, mean of nodes, at a price of 0.3]"),
    ] = 81600.0

    @property
    def dual_adam(self) -> optax.GradientTransformation:
        """The dual network's optimiser."""
        return optax.adam(self.dual_rate)

    def beside(self, world, key):
        """The dual network, whose output is zero at first."""
        net: Any = multipliers(self.dual_hidden, world, key)
        zero = jnp.zeros((), float)
        return Dual(net, net, self.dual_adam.init(net), zero + self.curvature, zero, zero + 1)

    def update(self, state, world, draw, key):
        draw_key, key = jax.random.split(key)

        def primal():
            return self.primal(state, world, draw(draw_key, self.days), key)

        def dual():
            return self.dual(state, world, draw(draw_key, self.dual_days), key)

        turn = state.done % (self.primal_rounds + self.dual_rounds)
        return jax.lax.cond(turn < self.primal_rounds, primal, dual)

    def multiplier(self, state: TrainState, profile: Profile) -> Amounts:
        """λ_k of days, limit → (days, steps, rows): a common part plus the frozen network's output, at least 0."""
        more = state.beside.frozen(profile)
        return {name: jnp.maximum(common[None] + more[name], 0) for name, common in state.multiplier.items()}

    def primal(self, state: TrainState, world: World, profile: Profile, key: Array):
        """One Adam step of the policies on the augmented Lagrangian."""
        multiplier, curvature = self.multiplier(state, world.faced(profile)), state.beside.curvature
        margins = self.margins(state)

        def augmented(outcome):
            return self.augmented(world.limits, outcome, (multiplier, margins), curvature)

        after, value, outcome = self.descend(state, self.through_days(state, world, profile, key, augmented))
        after = dataclasses.replace(after, **self.priced(state, world, outcome))
        return after, measures(world.limits, outcome) | {"objective": value}

    def dual(self, state: TrainState, world: World, profile: Profile, key: Array):
        """Fits the dual network to max(λ_k + ρ·g, 0) of the present policies."""
        trajectory, margins = rollout(world, Separate(state.nets), profile, key, self.dual_days), self.margins(state)
        outcome = judge(world, trajectory, profile, margins)
        met = world.faced(profile)
        multiplier, held = self.multiplier(state, met), state.beside
        prices = multiplier, margins
        wanted = self.pushes(world.limits, outcome, prices, held.curvature)
        count = max(1, sum(each.size for each in wanted.values()))

        def miss(net):
            guess = net(met)
            far = [((guess[name] + state.multiplier[name][None] - want) / SIZE) ** 2 for name, want in wanted.items()]
            return sum((each.sum() for each in far), jnp.zeros(())) / count

        def step(carry, _):
            net, moments = carry
            move, moments = self.dual_adam.update(jax.grad(miss)(net), moments)
            return (optax.apply_updates(net, move), moments), None

        (net, adam), _ = jax.lax.scan(step, (held.net, held.adam), length=self.dual_steps)
        worst = [each.max() for each in self.lagrangian.in_pu(outcome.excess).values()]
        worst_pu = jnp.stack([held.worst_pu, *worst]).max()
        held = dataclasses.replace(held, net=net, adam=adam, worst_pu=worst_pu)
        value = self.augmented(world.limits, outcome, prices, held.curvature)
        last = (state.done + 1) % (self.primal_rounds + self.dual_rounds) == 0
        held = jax.tree.map(lambda old, new: jnp.where(last, new, old), held, self.closed(held))
        state = dataclasses.replace(state, beside=held, done=state.done + 1)
        return state, measures(world.limits, outcome) | {"objective": value}

    def closed(self, dual: Dual) -> Dual:
        """The end of an outer iteration: the network is frozen; ρ grows if violations did not shrink enough."""
        stuck = dual.worst_pu > self.shrink * dual.before_pu
        grown = jnp.minimum(self.growth * dual.curvature, jnp.maximum(self.most, dual.curvature))
        curvature = jnp.where(stuck, grown, dual.curvature)
        return Dual(dual.net, dual.net, dual.adam, curvature, jnp.zeros_like(dual.worst_pu), dual.worst_pu)

    def pushes(self, limits: Limits, outcome: Outcome, prices: tuple[Amounts, Margins], curvature: Array) -> Amounts:
        """max(λ + ρ·g, 0), g how far beyond the tightened limits, negative inside them; limit → (days, steps, rows)."""
        multiplier, margins = prices
        g = self.lagrangian.in_pu(beyond(limits, by_day(outcome.conditions, outcome.steps), margins))
        return {name: jnp.maximum(multiplier[name] + curvature * each, 0) for name, each in g.items()}

    def augmented(self, limits: Limits, outcome: Outcome, prices: tuple[Amounts, Margins], curvature: Array) -> Array:
        """Cost + (max(λ + ρ·g, 0)² - λ²) / 2ρ per home and day; its slope in g is the dual network's next target.

        Source: Rockafellar 1973; Bertsekas 1982, sec. 3.1 (inequalities).
        """
        multiplier, pushes = prices[0], self.pushes(limits, outcome, prices, curvature)
        charges = {name: (push**2 - multiplier[name] ** 2) / (2 * curvature) for name, push in pushes.items()}
        return per_home_day(outcome, charged(outcome, charges).sum())
