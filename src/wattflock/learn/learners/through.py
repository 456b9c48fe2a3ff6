"""Self-supervised learning: plain backpropagation through the day and the power flow."""

from wattflock.learn.lagrangian import Gradient, Margin, Rounds, backpropagate


class Through(Gradient):
    """Gradient of the Lagrangian with respect to every home's weights, one Adam step a round.

    Source: self-supervised optimisation proxies, e.g. Donti, Rolnick & Kolter 2021 (DC3), eq. 2.
    """

    margin_pu: Margin = 0.007
    total_rounds: Rounds = 1100

    def update(self, state, world, draw, key):
        return backpropagate(self, self.lagrangian, state, world, draw, key)
