"""GradMAP: the environment's gradient is computed once and reused by a proximal surrogate of the actions."""

import dataclasses
from typing import Annotated, Literal, Self

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from pydantic import Field

from wattflock.learn.learner import Learner
from wattflock.learn.nets import Flock, Separate
from wattflock.learn.primal_dual import (
    Ascent,
    Average,
    Curvature,
    Lagrangian,
    Margin,
    Slope,
    Trained,
    mean_of,
    start,
)
from wattflock.types import Profile
from wattflock.world.rollout import Policy, Rest, Trajectory, judge, rollout
from wattflock.world.world import World, measures


class GradMAP(Learner):
    """Independent networks, own observations only; a trust region in action space.

    Source: Zhou, Zeng & Morstyn 2026 (arXiv 2604.24549), reconstructed: the surrogate is the proximal
    (quadratic) one, min over d of direction·d + |d|²/2 with d = μ(o) - a.
    """

    hidden: tuple[int, ...] = (16, 16)
    days: Annotated[int, Field(ge=1, description="days per round")] = 8
    epochs: Annotated[int, Field(ge=1, description="passes of the surrogate over a round's rows")] = 2
    rows: Annotated[int, Field(ge=1, description="rows (home, step) in a minibatch")] = 24
    gradient: Annotated[
        Literal["open", "total"], Field(description="through the devices alone, or also through what homes see")
    ] = "open"
    trust: Annotated[float, Field(gt=0, description="step of an action per rms gradient")] = 0.2
    trust_least: Annotated[float, Field(gt=0, description="`trust` falls no lower")] = 0.02
    trust_halve: Annotated[int, Field(ge=1, description="rounds after which `trust` is halved")] = 50
    trust_most: Annotated[float, Field(gt=0, description="most that one round moves an action")] = 0.5
    rate: Annotated[float, Field(gt=0, description="Adam's step")] = 5e-3
    halve_rounds: Annotated[int, Field(ge=1, description="rounds after which Adam's step is halved")] = 156
    slope: Slope = 2000.0
    curvature: Curvature = 3e4
    ascent: Ascent = 0.0
    average: Average = 0.9
    margin_pu: Margin = 0.010
    total_rounds: Annotated[int, Field(ge=1, description="rounds unless the scenario says how many")] = 500

    @classmethod
    def example(cls) -> Self:
        return cls()

    @property
    def lagrangian(self) -> Lagrangian:
        """The objective."""
        return Lagrangian(self.slope, self.curvature, self.ascent, self.margin_pu)

    def adam(self, steps: int) -> optax.GradientTransformation:
        """The optimiser, with `steps` of it in a round."""
        return optax.adam(optax.exponential_decay(self.rate, self.halve_rounds * steps, 0.5))

    def init(self, world, key):
        return start(world, self.hidden, self.adam(1), self.lagrangian, key)

    def policy(self, state):
        return Separate(state.mean)

    def rounds(self):
        return self.total_rounds

    def update(self, state, world, draw, key):
        draw_key, roll_key, shuffle_key = jax.random.split(key, 3)
        profile = draw(draw_key, self.days)
        policy = Separate(state.nets)
        trajectory = rollout(world, policy, profile, roll_key, self.days)
        slope, (value, outcome) = self.action_gradient(world, policy, profile, trajectory, state.multiplier)
        direction = self.direction(slope, trajectory.action, state.done)
        nets, adam = self.fit(state, trajectory, direction, shuffle_key)
        multiplier = self.lagrangian.ascend(outcome, state.multiplier)
        mean = mean_of(state, nets, self.average)
        return Trained(nets, mean, adam, multiplier, state.done + 1), measures(world.limits, outcome) | {
            "objective": value
        }

    def action_gradient(
        self, world: World, policy: Policy, profile: Profile, trajectory: Trajectory, multiplier: Array
    ):
        """The expensive part, once a round: dJ/da of every action, (days, steps, homes, controls)."""
        key = jax.random.key(0)  # the policies here leave nothing to chance
        replay = self.gradient == "open"
        world = dataclasses.replace(world, voltmeter=None) if replay else world  # nobody looks at it in a replay
        moving, at = (Rest(), trajectory.action) if replay else (policy, jnp.zeros_like(trajectory.action))
        together = self.days if replay else 1

        def objective(nudge):
            result = rollout(world, moving, profile, key, together, nudge)
            outcome = judge(world, result, profile, self.margin_pu)
            value = self.lagrangian.value(outcome, multiplier)
            return value, (value, outcome)

        return jax.grad(objective, has_aux=True)(at)

    def direction(self, slope: Array, action: Array, done: Array) -> Array:
        """Where the surrogate pulls: the gradient per its rms over a home's days, within the trust region."""
        size = jnp.sqrt((slope**2).mean((0, 1), keepdims=True))
        trust = jnp.maximum(self.trust * 0.5 ** (done / self.trust_halve), self.trust_least)
        step = trust * slope / jnp.where(size > 0, size, 1)
        step = jnp.clip(step, -self.trust_most, self.trust_most)
        return action - jnp.clip(action - step, -1, 1)

    def fit(self, state: Trained, trajectory: Trajectory, direction: Array, key: Array):
        """The cheap part, many times: epochs of minibatches on the surrogate; returns networks and Adam."""
        rows = [flat(x) for x in (trajectory.features, trajectory.action, direction)]
        size = min(self.rows, rows[0].shape[0])
        count = rows[0].shape[0] // size
        adam = self.adam(self.epochs * count)

        def minibatch(carry, index):
            nets, moments = carry
            slope = jax.grad(surrogate)(nets, *(jnp.swapaxes(x[index], 0, 1) for x in rows))
            step, moments = adam.update(slope, moments)
            return (optax.apply_updates(nets, step), moments), None

        def epoch(key):
            return jax.random.permutation(key, rows[0].shape[0])[: count * size].reshape(count, size)

        order = jnp.concatenate([epoch(k) for k in jax.random.split(key, self.epochs)])
        return jax.lax.scan(minibatch, (state.nets, state.adam), order)[0]


def flat(x: Array) -> Array:
    """(days, steps, homes, k) → (rows, homes, k)."""
    return x.reshape(-1, *x.shape[2:])


def surrogate(nets: Flock, features: Array, action: Array, direction: Array) -> Array:
    """Sum over homes of the mean over rows of direction·(μ(o) - a) + |μ(o) - a|²/2.

    At μ(o) = a its gradient in the weights is direction·dμ/dθ: with the total gradient as direction and all rows
    in one batch, that is the gradient of backpropagation through time (times days × steps, from the mean).

    Args:
        features: (homes, rows, seen).
        action, direction: (homes, rows, controls).
    """
    moved = nets(features) - action
    return (direction * moved + moved**2 / 2).sum() / features.shape[1]
