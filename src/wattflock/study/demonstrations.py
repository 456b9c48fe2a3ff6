"""Training episodes of which a learner is shown the optimum before its first round."""

import equinox as eqx
import jax

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import Profile
from wattflock.data.sample import Sampler
from wattflock.study.bound import why_no_bound
from wattflock.world.world import World


@eqx.filter_jit
def training_days(sampler: Sampler, seed: int, episodes: int) -> Profile:
    """Random training episodes (episodes, steps, homes); a seed gives the same ones."""
    return sampler.train(jax.random.fold_in(jax.random.key(seed), 1), episodes)


def refuse_no_plan(name: str, world: World, profile: Profile) -> None:
    """Raises ScenarioError where the optimum cannot be found in the world's market.

    Args:
        name: of the method that wants to be shown it.
        world: the world.
        profile: the episodes.
    """
    why = why_no_bound(world, profile)
    if why:
        market = type(world.market).__name__
        allowed = f"a market with a plan, as {name} is shown optimal actions ({why}); or no demonstrations"
        raise ScenarioError([Problem("scenario", "market.part", market, allowed)])
