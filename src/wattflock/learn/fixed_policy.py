"""A policy that is given, as a method to compare: nothing is learned."""

from wattflock.learn.learner import Learner
from wattflock.world.rollout import Policy, ZeroPolicy


class FixedPolicy(Learner):
    """Any policy beside the learners, such as one of your own or one that was trained before."""

    given: Policy

    @classmethod
    def example(cls) -> "FixedPolicy":
        """The policy that asks for nothing."""
        return cls(ZeroPolicy())

    def policy(self, state: tuple) -> Policy:
        """The policy that was given."""
        del state
        return self.given
