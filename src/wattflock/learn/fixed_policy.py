"""A policy that is given, as a method to compare: nothing is learned."""

from jaxtyping import Array

from wattflock.learn.learner import Learner
from wattflock.world.rollout import Policy, ZeroPolicy
from wattflock.world.world import World


class FixedPolicy(Learner):
    """Any policy beside the learners, such as one of your own or one that was trained before."""

    given: Policy

    @classmethod
    def example(cls) -> "FixedPolicy":
        """The policy that asks for nothing."""
        return cls(ZeroPolicy())

    def init(self, world: World, key: Array) -> tuple:
        """No state."""
        del world, key
        return ()

    def policy(self, state: tuple) -> Policy:
        """The policy that was given."""
        del state
        return self.given
