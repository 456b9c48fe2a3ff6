"""The penalty method: no multipliers; the weight of violations grows during training."""

import dataclasses
from typing import Annotated

import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field

from wattflock.learn.lagrangian import (
    Average,
    Curvature,
    Days,
    Gradient,
    Halvings,
    Hidden,
    Margin,
    MultiplierInit,
    Rate,
    backpropagate,
)


class Penalty(Gradient):
    """Quadratic penalty of a growing weight, minimised by backpropagation through the day.

    Source: Bertsekas 1982, sec. 2.1; Nocedal & Wright 2006, framework 17.1: weight ← growth · weight.
    """

    hidden: Hidden = (16,)
    days: Days = 8
    rate: Rate = 7.3e-3
    halvings: Halvings = 2.0
    multiplier_init: MultiplierInit = 215.0
    curvature: Curvature = 19600.0
    average: Average = 0.013
    margin_pu: Margin = 0.006
    growth: Annotated[float, Field(ge=1, description="the weight ρ is multiplied by this … [1]")] = 1.27
    every: Annotated[int, Field(ge=1, description="… each time so many rounds are done")] = 300
    most: Annotated[
        float,
        Field(gt=0, description="ρ grows no higher [currency per home and pu²·h, mean of nodes, at a price of 0.3]"),
    ] = 108800.0

    def weight(self, done: Array) -> Array:
        """ρ after so many rounds [currency per home and pu²·h]."""
        stage = (done // self.every).astype(float)
        return jnp.minimum(self.curvature * self.growth**stage, jnp.maximum(self.most, self.curvature))

    def update(self, state, world, draw, key):
        lagrangian = dataclasses.replace(self.lagrangian, curvature=self.weight(state.done))
        return backpropagate(self, lagrangian, state, world, draw, key)
