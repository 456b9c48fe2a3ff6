"""GradMAP: the environment's gradient is computed once and reused by a surrogate of the actions."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field

from wattflock.core.types import Profile
from wattflock.feeder.limits import Margins
from wattflock.learn.critic import fit, flat, shuffled
from wattflock.learn.lagrangian import (
    Amounts,
    Average,
    Days,
    Gradient,
    Halvings,
    Margin,
    MultiplierInit,
    Rate,
    Rounds,
    TrainState,
)
from wattflock.learn.nets import Separate, across, turned, turned_back
from wattflock.world.rollout import Policy, Trajectory, ZeroPolicy, judge, rollout
from wattflock.world.world import World, measures


class GradMAP(Gradient):
    """Independent networks, own observations only; a trust region in action space.

    Source: Zhou, Zeng & Morstyn 2026 (arXiv 2604.24549), reconstructed. Two surrogates of d = μ(o) - a: the proximal
    (quadratic) direction·d + |d|²/2, and the clipped max(direction·d, direction·clip(d, -trust, trust)).
    """

    days: Days = 8
    rate: Rate = 8e-3
    halvings: Halvings = 3.2
    multiplier_init: MultiplierInit = 544.0
    average: Average = 0.02
    margin_pu: Margin = 0.005
    total_rounds: Rounds = 600
    epochs: Annotated[int, Field(ge=1, description="passes of the surrogate over a round's rows")] = 2
    rows: Annotated[int, Field(ge=1, description="rows (home, step) in a minibatch")] = 24
    minibatches: Annotated[
        int,
        Field(ge=1, description="most in a pass; rows beyond are left out of it, since neighbours are alike"),
    ] = 16
    gradient: Annotated[
        Literal["open", "total"], Field(description="through the devices alone, or also through what homes see")
    ] = "open"
    surrogate: Annotated[
        Literal["proximal", "clipped"], Field(description="a quadratic pull back, or none and no pull beyond `trust`")
    ] = "proximal"
    trust: Annotated[
        float, Field(gt=0, description="step of an action per rms gradient [share of half the action's range]")
    ] = 0.2
    trust_least: Annotated[
        float, Field(gt=0, description="`trust` falls to this … [share of half the action's range]")
    ] = 0.02
    trust_falls: Annotated[
        float, Field(gt=0, le=1, description="… which it reaches after this share of all rounds [share]")
    ] = 0.33
    trust_most: Annotated[
        float, Field(gt=0, description="most that one round moves an action [share of half its range]")
    ] = 0.5
    square_memory: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="kept, from round to round, of the mean square by whose root gradients are divided; 0: of the "
            "round alone [share]",
        ),
    ] = 0.0

    def fresh(self, world, nets, beside):
        state = super().fresh(world, nets, beside)
        none = jnp.zeros((world.homes, world.fleet.controls))
        return dataclasses.replace(state, square=none) if self.square_memory else state

    def update(self, state, world, draw, key):
        draw_key, roll_key, shuffle_key = jax.random.split(key, 3)
        profile = draw(draw_key, self.days)
        trajectory = rollout(world, Separate(state.nets), profile, roll_key, self.days)
        slope, (value, outcome) = self.slope(state, world, profile, trajectory)
        square, size = self.size(state.square, slope, state.done)
        direction = self.direction(slope, size, trajectory.action, state.done)
        nets, adam = self.fit(state, trajectory, direction, shuffle_key)
        beside = self.beside_after(state, world, profile, trajectory)
        more = self.priced(state, world, outcome) | {"beside": beside, "square": square}
        after = dataclasses.replace(self.moved(state, nets, adam), **more)
        return after, measures(world.limits, outcome) | {"objective": value}

    def slope(self, state: TrainState, world: World, profile: Profile, trajectory: Trajectory):
        """What homes learn from: a gradient of every action, (days, steps, homes, controls); J and the outcome."""
        prices = state.multiplier, self.margins(state)
        return self.action_gradient(world, Separate(state.nets), profile, trajectory, prices)

    def beside_after(self, state: TrainState, world: World, profile: Profile, trajectory: Trajectory) -> Any:
        """What stands beside the networks after a round."""
        del world, profile, trajectory
        return state.beside

    def action_gradient(
        self, world: World, policy: Policy, profile: Profile, trajectory: Trajectory, prices: tuple[Amounts, Margins]
    ):
        """The expensive part, once a round: dJ/da of every action, (days, steps, homes, controls)."""
        multiplier, margins = prices

        def value(result):
            outcome = judge(world, result, profile, margins)
            objective = self.lagrangian.value(outcome, multiplier)
            return objective, (objective, outcome)

        return self.gradient_of(value, world, policy, profile, trajectory)

    def gradient_of(self, value: Callable, world: World, policy: Policy, profile: Profile, trajectory: Trajectory):
        """Of `value(trajectory) → value, more` with respect to every action; also returns `more`."""
        key = jax.random.key(0)  # the policies here leave nothing to chance
        replay = self.gradient == "open"
        world = world.blind() if replay else world
        moving, at = (ZeroPolicy(), trajectory.action) if replay else (policy, jnp.zeros_like(trajectory.action))
        together = self.days if replay else self.abreast
        return jax.grad(
            lambda action_offset: value(rollout(world, moving, profile, key, together, action_offset)), has_aux=True
        )(at)

    def radius(self, done: Array) -> Array:
        """`trust` after so many rounds, shape ()."""
        share = jnp.minimum(done / (self.trust_falls * self.total_rounds), 1)
        return self.trust * (self.trust_least / self.trust) ** share

    def size(self, before: Any, slope: Array, done: Array) -> tuple[Any, Array]:
        """The mean square of each home's gradients over rounds, and its root, corrected for the start: 1 where it is 0.

        Divided by that of the round alone, a round in which a limit is broken moves actions as far as one in which none
        is, so that rare violations weigh too little. Source: RMSProp, Tieleman & Hinton 2012, on actions.

        Args:
            before: the mean square of the rounds before, (homes, controls); nothing where none is kept.
            slope: the round's gradient, (days, steps, homes, controls).
            done: rounds before it.

        Returns:
            What is to be kept, and the size, (homes, controls).
        """
        square, keep = (slope**2).mean((0, 1)), self.square_memory
        if keep:
            square = keep * before + (1 - keep) * square
        size = jnp.sqrt(square / (1 - keep ** (done + 1.0)))
        return (square if keep else ()), jnp.where(size > 0, size, 1)

    def direction(self, slope: Array, size: Array, action: Array, done: Array) -> Array:
        """Direction of the surrogate: the gradient divided by its size, (homes, controls), within the trust region."""
        step = jnp.clip(self.radius(done) * slope / size[None, None], -self.trust_most, self.trust_most)
        return action - jnp.clip(action - step, -1, 1)

    def fit(self, state: TrainState, trajectory: Trajectory, direction: Array, key: Array):
        """The cheap part, many times: epochs of minibatches on the surrogate; returns networks and Adam."""
        rows = [jnp.swapaxes(flat(x), 1, 2) for x in (trajectory.features, trajectory.action, direction)]
        order = shuffled(rows[0].shape[0], self.rows, self.epochs, key, self.minibatches)
        radius = self.radius(state.done)

        def loss(nets, features, action, direction):
            moved = functools.partial(across, nets)
            if self.surrogate == "proximal":
                return surrogate(moved, features, action, direction)
            return clipped(moved, features, action, direction, radius)

        return turned_back(fit(loss, turned((state.nets, state.adam)), self.adam(len(order)), rows, order))


def surrogate(nets: Callable[[Array], Array], features: Array, action: Array, direction: Array) -> Array:
    """Sum over homes of the mean over rows of direction·(μ(o) - a) + |μ(o) - a|²/2.

    At μ(o) = a its gradient in the weights is direction·dμ/dθ: with the total gradient as direction and all rows
    in one batch, that is the gradient of backpropagation through time (times days × steps, from the mean).

    Args:
        nets: features → μ(o).
        features: (homes, rows, seen), or (seen, rows, homes) as `across` has it.
        action, direction: (homes, rows, controls), or (controls, rows, homes).
    """
    moved = nets(features) - action
    return (direction * moved + moved**2 / 2).sum() / features.shape[1]


def clipped(nets: Callable[[Array], Array], features: Array, action: Array, direction: Array, radius: Array) -> Array:
    """Sum over homes of the mean over rows of max(direction·d, direction·clip(d, -radius, radius)), d = μ(o) - a.

    Its gradient is that of `surrogate` at d = 0, and zero once an action has moved by `radius` along the direction.
    Source: Schulman et al. 2017 (PPO), eq. 7, with the action in place of the ratio of probabilities.

    Args:
        nets: features → μ(o).
        features: (homes, rows, seen), or (seen, rows, homes) as `across` has it.
        action, direction: (homes, rows, controls), or (controls, rows, homes).
        radius: shape () [share of an action's half range].
    """
    moved = nets(features) - action
    within = jnp.clip(moved, -radius, radius)
    return jnp.maximum(direction * moved, direction * within).sum() / features.shape[1]
