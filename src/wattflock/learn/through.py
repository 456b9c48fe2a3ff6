"""Self-supervised learning: plain backpropagation through the day and the power flow."""

from typing import Annotated, Self

import jax
import optax
from pydantic import Field

from wattflock.learn.learner import Learner
from wattflock.learn.nets import Separate
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
from wattflock.world.rollout import judge, rollout
from wattflock.world.world import measures


class Through(Learner):
    """Gradient of the Lagrangian with respect to every home's weights, one Adam step a round.

    Source: self-supervised optimisation proxies, e.g. Donti, Rolnick & Kolter 2021 (DC3), eq. 2.
    """

    hidden: tuple[int, ...] = (16, 16)
    days: Annotated[int, Field(ge=1, description="days per round")] = 4
    rate: Annotated[float, Field(gt=0, description="Adam's step")] = 1e-2
    halve_rounds: Annotated[int, Field(ge=1, description="rounds after which the step is halved")] = 400
    slope: Slope = 1000.0
    curvature: Curvature = 3e4
    ascent: Ascent = 0.0
    average: Average = 0.97
    margin_pu: Margin = 0.009
    total_rounds: Annotated[int, Field(ge=1, description="rounds unless the scenario says how many")] = 1000
    together: Annotated[int, Field(ge=1, description="days stepped side by side (all on a GPU)")] = 1

    @classmethod
    def example(cls) -> Self:
        return cls()

    @property
    def lagrangian(self) -> Lagrangian:
        """The objective."""
        return Lagrangian(self.slope, self.curvature, self.ascent, self.margin_pu)

    @property
    def adam(self) -> optax.GradientTransformation:
        """The optimiser; every home's weights have their own moments."""
        return optax.adam(optax.exponential_decay(self.rate, self.halve_rounds, 0.5))

    def init(self, world, key):
        return start(world, self.hidden, self.adam, self.lagrangian, key)

    def policy(self, state):
        return Separate(state.mean)

    def rounds(self):
        return self.total_rounds

    def update(self, state, world, draw, key):
        draw_key, key = jax.random.split(key)
        profile = draw(draw_key, self.days)

        def objective(nets):
            trajectory = rollout(world, Separate(nets), profile, key, self.together)
            outcome = judge(world, trajectory, profile, self.margin_pu)
            return self.lagrangian.value(outcome, state.multiplier), outcome

        (value, outcome), gradient = jax.value_and_grad(objective, has_aux=True)(state.nets)
        step, adam = self.adam.update(gradient, state.adam)
        multiplier = self.lagrangian.ascend(outcome, state.multiplier)
        nets = optax.apply_updates(state.nets, step)
        mean = mean_of(state, nets, self.average)
        return Trained(nets, mean, adam, multiplier, state.done + 1), measures(world.limits, outcome) | {
            "objective": value
        }
