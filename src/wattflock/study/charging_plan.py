"""Plans of a shared limit by gradients through the world: one step ahead, some hours ahead, and with all foresight.

The reward has no linear program (its variation of levels is a ratio), so a plan is the best that was found: a local
optimum. `charging_bound` bounds it from above.
"""

import dataclasses
import math
from collections.abc import Iterable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from wattflock.core.types import Profile, on_device
from wattflock.homes.device import ratio
from wattflock.study.forecast import Forecast
from wattflock.world.coordinator import claims_of, places
from wattflock.world.rollout import Trajectory, ZeroPolicy, judge, rollout, states_before
from wattflock.world.sharing import Sharing
from wattflock.world.world import World

RATE, AHEAD_RATE = 0.05, 0.3  # Adam's step [1, of the logit of a share of what a charger can take]
OPEN = 4.0  # a logit of this is all, its negative nothing
SHUT = 1 / (1 + math.exp(OPEN))
SLIGHT = -3.0  # first logit of a plan that begins with little
TILT = 0.01  # price of an action: where more is asked for than the limit allows, the reward has no slope downwards


class AsAsked(Sharing):
    """What is asked for; the coordinator scales all down where that is beyond the limit, in proportion."""

    def share(self, asks, limit_kw, memory):
        return asks.asked_kw


def served(world: World) -> World:
    """The world in which chargers get what they ask for, as long as the limit allows it."""
    assert world.coordinator is not None, "a plan of a shared limit needs a coordinator"
    return dataclasses.replace(world, coordinator=dataclasses.replace(world.coordinator, sharing=AsAsked()))


def asked(world: World, trajectory: Trajectory, profile: Profile) -> Array:
    """Actions (days, steps, homes, controls) that ask in `served` for what was granted in a trajectory."""
    states = states_before(world, trajectory, profile)
    claims = jax.vmap(jax.vmap(claims_of, (None, 0, 0)), (None, 0, 0))(world.fleet, states, profile)
    kept, action = trajectory.state["coordinator"]["granted_kw"], trajectory.action
    for place, (name, claim) in zip(places(world.fleet, claims), claims.items(), strict=True):
        action = action.at[..., place].set(jnp.minimum(ratio(kept[name], claim.most_kw), 1))
    return action


def foresight(
    world: World, profile: Profile, starts: Iterable[Array | np.ndarray], rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """The best plan found of given days whose load and sun are known: its actions in `served`, and rewards (days,).

    Args:
        world: as `build` makes it.
        profile: (days, steps, homes).
        starts: actions in `served`, each (days, steps, homes, controls): plans of methods, from which it climbs.
        rounds: steps of gradient ascent from each start.
    """
    world, profile = on_device((served(world), profile), jnp.float32)
    found = [_climb(world, profile, jnp.asarray(start, jnp.float32), rounds) for start in starts]
    reward = np.stack([np.asarray(each[1]) for each in found])
    best = reward.argmax(0)
    return np.stack([np.asarray(found[k][0][day]) for day, k in enumerate(best)]), reward.max(0)


@eqx.filter_jit
def _climb(world: World, profile: Profile, start: Array, rounds: int) -> tuple[Array, Array]:
    """Adam on the logits of actions; the best actions of each day on the way, and their rewards."""
    adam = optax.adam(optax.cosine_decay_schedule(RATE, rounds))

    def value(logit):
        reward = _rewards(world, profile, share(logit))
        return reward.sum() - TILT * share(logit).sum(), reward

    def step(carry, _):
        logit, moments, best, most = carry
        slope, reward = jax.grad(value, has_aux=True)(logit)
        better = (reward > most)[:, None, None, None]
        best, most = jnp.where(better, share(logit), best), jnp.maximum(reward, most)
        move, moments = adam.update(-slope, moments)
        return (jnp.clip(logit + move, -OPEN, OPEN), moments, best, most), None

    logit = jax.scipy.special.logit(SHUT + (1 - 2 * SHUT) * jnp.clip(start, 0, 1))
    begin = (logit, adam.init(logit), start, _rewards(world, profile, start))
    return jax.lax.scan(step, begin, length=rounds)[0][2:]


def share(logit: Array) -> Array:
    """An action from 0 to 1, which are reached, with a slope everywhere."""
    return (jax.nn.sigmoid(logit) - SHUT) / (1 - 2 * SHUT)


def _rewards(world: World, profile: Profile, action: Array) -> Array:
    """Of each day or episode, (days,)."""
    went = rollout(world, ZeroPolicy(), profile, jax.random.key(0), profile.days(), action)
    return total(world, went, profile).sum(1)


def total(world: World, went: Trajectory, profile: Profile) -> Array:
    """The reward of each day and step, (days, steps), in a world that shares a limit."""
    charging = judge(world, went, profile).charging
    assert charging is not None, "a reward needs a coordinator"
    return charging.reward.total


def receding(world: World, profile: Profile, expected: Forecast, horizon: int, rounds: int) -> np.ndarray:
    """Actions in `served` of a plan made anew at every step for `horizon` steps, of which the first is done.

    With a horizon of one step it is the best next step by itself. Later steps are as they are expected.

    Args:
        world: as `build` makes it.
        profile: the truth, (days, steps, homes).
        expected: of the same days.
        horizon: steps [1].
        rounds: steps of gradient ascent in each plan, which begins where the last one ended.

    Source: Rawlings, Mayne & Diehl 2017, Model Predictive Control, 2nd ed., §1.3 (certainty equivalence).
    """
    found = []
    for number in range(profile.days()):
        day = jax.tree.map(lambda x, number=number: x[number], profile)
        views = [_view(expected, number, day, step, horizon) for step in range(len(day.load_kw))]
        ahead = jax.tree.map(lambda *each: np.stack(each), *views)
        single, day, ahead = on_device((served(world), day, ahead), jnp.float32)
        found.append(_recede(single, day, ahead, rounds))
    return np.stack([np.asarray(each) for each in found])


def _view(expected: Forecast, number: int, day: Profile, step: int, horizon: int) -> Profile:
    """The next `horizon` steps as they are expected; where the days end before, the last step again."""
    rest = expected.rest(number, day, step)
    return jax.tree.map(lambda x: x[np.minimum(np.arange(horizon), len(x) - 1)], rest)


@eqx.filter_jit
def _recede(world: World, day: Profile, ahead: Profile, rounds: int) -> Array:
    adam, coordinator = optax.adam(AHEAD_RATE), world.coordinator
    assert coordinator is not None, "a plan of a shared limit needs a coordinator"

    def value(logit, state, view):
        def one(state, inputs):
            after, _, _ = world.act(state, inputs[0], inputs[1])
            return after, after

        _, states = jax.lax.scan(one, state, (share(logit), view))
        both = jax.tree.map(lambda x: x[None], (states, view))
        reward = coordinator.verdict(world.fleet, *both).reward.total.sum()
        return TILT * share(logit).sum() - reward

    def climb(carry, _, state, view):
        logit, moments = carry
        move, moments = adam.update(jax.grad(value)(logit, state, view), moments)
        return (jnp.clip(logit + move, -OPEN, OPEN), moments), None

    def step(carry, inputs):
        state, logit = carry
        now, view = inputs
        (logit, _), _ = jax.lax.scan(lambda c, x: climb(c, x, state, view), (logit, adam.init(logit)), length=rounds)
        action = share(logit[0])
        state, _, _ = world.act(state, action, now)
        return (state, jnp.roll(logit, -1, 0).at[-1].set(logit[-1])), action

    first = jax.tree.map(lambda x: x[0], (day, ahead))
    logit = jnp.full((ahead.load_kw.shape[1], world.homes, world.fleet.controls), SLIGHT)
    return jax.lax.scan(step, (world.reset(first[0]), logit), (day, ahead))[1]
