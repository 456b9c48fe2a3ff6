"""A limit shared by one of the simple ways, whatever way the scenario names."""

import dataclasses
from typing import Annotated

import jax
from pydantic import Field

from wattflock.core.registry import part
from wattflock.homes.home import Home
from wattflock.learn.learner import Learner
from wattflock.world.coordinator import claims_of, places
from wattflock.world.rollout import Policy
from wattflock.world.sharing import Sharing


class AskForAll(Policy):
    """Chargers ask for all that they can take; all else is uncontrolled."""

    def __call__(self, memory, seen, key):
        action = jax.vmap(Home.idle, in_axes=(0, 0, seen.now.axes(0, None)))(seen.fleet, seen.state, seen.now)
        for control in places(seen.fleet, claims_of(seen.fleet, seen.state, seen.now)):
            action = action.at[:, control].set(1)
        return memory, action


class Share(Learner):
    """A rule: everybody asks for all, and the limit is shared in one way. Source: that of each way to share."""

    by: Annotated[str, Field(description="a way to share: a part of the room coordinator")] = "equal"

    def lives_in(self, world):
        if world.coordinator is None:
            return world
        sharing = part("coordinator", Sharing, self.by).example()
        return dataclasses.replace(world, coordinator=dataclasses.replace(world.coordinator, sharing=sharing))

    def policy(self, state):
        return AskForAll()
