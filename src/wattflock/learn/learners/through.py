"""Self-supervised learning: plain backpropagation through the day and the power flow."""

from typing import Annotated

from pydantic import Field

from wattflock.learn.lagrangian import Gradient, Margin, Memory, MultiplierInit, Rounds, backpropagate, unit_per_home


class Through(Gradient):
    """Gradient of the Lagrangian with respect to every home's weights, one Adam step a round.

    Source: self-supervised optimisation proxies, e.g. Donti, Rolnick & Kolter 2021 (DC3), eq. 2.
    """

    multiplier_init: MultiplierInit = 544.0
    margin_pu: Margin = 0.007
    total_rounds: Rounds = 1100
    b2: Memory = 0.95
    normalise: Annotated[
        bool, Field(description="each home's gradient is scaled to length 1 before Adam: homes learn equally fast")
    ] = True

    def prepared(self, gradient):
        return unit_per_home(gradient) if self.normalise else gradient

    def update(self, state, world, draw, key):
        return backpropagate(self, self.lagrangian, state, world, draw, key)
