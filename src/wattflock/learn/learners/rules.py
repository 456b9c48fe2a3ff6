"""Rules as an installer sets them: self-consumption and a price threshold, home by home."""

import jax

from wattflock.homes.home import Home
from wattflock.learn.learner import Learner
from wattflock.world.rollout import Policy


class Installer(Policy):
    """Every device follows its own rule, given the surplus that the devices before it left."""

    def __call__(self, memory, seen, key):
        rule = jax.vmap(Home.rule, in_axes=(0, 0, seen.now.axes(0, None)))
        return memory, rule(seen.fleet, seen.state, seen.now)


class Rules(Learner):
    """Rule-based control. Source: self-consumption with peak shaving, as in commercial home energy managers."""

    def policy(self, state):
        return Installer()
