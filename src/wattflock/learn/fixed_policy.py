"""A given policy as a method to compare: nothing is trained."""

from wattflock.learn.learner import Learner
from wattflock.world.rollout import Policy, ZeroPolicy


class FixedPolicy(Learner):
    """Any policy that is no learner, such as a user's or one that has been trained."""

    given: Policy

    @classmethod
    def example(cls) -> "FixedPolicy":
        """The policy with zero action."""
        return cls(ZeroPolicy())

    def policy(self, state: tuple) -> Policy:
        """The given policy."""
        del state
        return self.given
