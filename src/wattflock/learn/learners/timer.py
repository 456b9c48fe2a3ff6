"""A timer: set-points by kind of home, hour and day type, fitted to training days."""

from wattflock.learn.clock import Schedule, Timed, installed
from wattflock.learn.lagrangian import Average, Days, Halvings, Margin, MultiplierInit, Rate, Rounds, backpropagate


class Timer(Timed):
    """What an installer sets by the clock: states of charge, temperatures, price margins.

    Source: time-of-use schedules of commercial home energy managers, here with targets that minimise the Lagrangian
    of all learners.
    """

    days: Days = 4
    rate: Rate = 2e-2
    halvings: Halvings = 3.0
    multiplier_init: MultiplierInit = 544.0
    average: Average = 0.1
    margin_pu: Margin = 0.005
    total_rounds: Rounds = 200

    def schedule(self, world):
        return Schedule(installed(world))

    def update(self, state, world, draw, key):
        """One round; no power flow within the day, since a timer sees no voltage."""
        return backpropagate(self, self.lagrangian, state, world.blind(), draw, key)
