"""No control: the uncontrolled homes."""

import jax

from wattflock.homes.home import Home
from wattflock.learn.learner import Learner
from wattflock.world.rollout import Policy


class Uncontrolled(Policy):
    """Every device runs uncontrolled: thermostats hold, cars charge at once, batteries do nothing."""

    def __call__(self, memory, seen, key):
        idle = jax.vmap(Home.idle, in_axes=(0, 0, seen.now.axes(0, None)))
        return memory, idle(seen.fleet, seen.state, seen.now)


class Idle(Learner):
    """The uncontrolled case. Source: definition."""

    def policy(self, state):
        return Uncontrolled()
