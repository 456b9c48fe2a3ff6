"""Short-horizon actor-critic: gradients through a few hours, a critic for the rest of the day."""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from pydantic import Field

from wattflock.learn.critic import Critics, critic, fit, flat, miss, shuffled, to_go
from wattflock.learn.lagrangian import Average, Gradient, Halvings, Hidden, Margin, MultiplierInit, Rate
from wattflock.learn.nets import Separate
from wattflock.learn.reward import extra
from wattflock.world.rollout import judge, windows
from wattflock.world.world import measures


class Shac(Gradient):
    """Gradients stop every `horizon` steps; each home's own critic estimates what comes after a window.

    Source: Xu et al. 2022 (ICLR, arXiv 2204.07137), algorithm 1. A day ends, so nothing is discounted.
    """

    hidden: Hidden = (24, 24)
    rate: Rate = 5.9e-3
    halvings: Halvings = 4.2
    multiplier_init: MultiplierInit = 249.0
    average: Average = 0.042
    margin_pu: Margin = 0.005
    horizon: Annotated[int, Field(ge=1, description="steps that a gradient passes")] = 12
    trace: Annotated[float, Field(ge=0, le=1, description="λ of TD(λ), the critic's targets [1]")] = 0.5
    critic_rate: Annotated[float, Field(gt=0, le=1, description="Adam's step of the critics [1]")] = 6.7e-3
    critic_epochs: Annotated[int, Field(ge=1, description="passes of the critics over a round's rows")] = 2
    critic_rows: Annotated[int, Field(ge=1, description="rows (home, step) in a minibatch of the critics")] = 24
    critic_average: Annotated[
        float, Field(ge=0, lt=1, description="running mean of the critics in targets [share]")
    ] = 0.5

    def critic_adam(self, steps: int = 1) -> optax.GradientTransformation:
        """The critics' optimiser, with `steps` of it in a round."""
        return optax.adam(self.falling(self.critic_rate, steps))

    def beside(self, world, key):
        """The critics, as wide as the policies."""
        return critic((world.seen, *self.hidden), world.homes, self.critic_adam(), key)

    def update(self, state, world, draw, key):
        draw_key, roll_key, shuffle_key = jax.random.split(key, 3)
        profile = draw(draw_key, self.days)

        def objective(nets):
            trajectory = windows(world, Separate(nets), profile, roll_key, self.abreast, self.horizon)
            outcome = judge(world, trajectory, profile, self.margins(state))
            value = self.lagrangian.value(outcome, state.multiplier)
            ends = trajectory.features[:, self.horizon :: self.horizon]  # what each window but the last leads to
            rest = state.beside.critic.days(ends).sum() / (outcome.days * world.homes)
            return value + rest, (value, trajectory, outcome)

        after, _, (value, trajectory, outcome) = self.descend(state, objective)
        weights = dataclasses.replace(self.lagrangian, margin_pu=self.margins(state)), state.multiplier
        cost = extra(world, profile, (trajectory, outcome), weights)
        judged, error = self.learn(state.beside, trajectory.features, cost, shuffle_key)
        log = measures(world.limits, outcome) | {"objective": value, "critic_error": error}
        return dataclasses.replace(after, **self.priced(state, world, outcome), beside=judged), log

    def learn(self, judged: Critics, features: Array, cost: Array, key: Array) -> tuple[Critics, Array]:
        """The critics after a round, and their error before it (rms) [currency]."""
        target = to_go(cost, judged.target.days(features), self.trace)
        error = jnp.sqrt(((judged.critic.days(features) - target) ** 2).mean())
        rows = [flat(features), flat(target[..., None])]
        order = shuffled(rows[0].shape[0], self.critic_rows, self.critic_epochs, key)
        net, adam = fit(miss, (judged.critic, judged.adam), self.critic_adam(len(order)), rows, order)
        keep = self.critic_average
        mean = jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, judged.target, net)
        return Critics(net, mean, adam), error
