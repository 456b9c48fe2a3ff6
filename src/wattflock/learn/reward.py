"""What agents are rewarded for: cost beside that of the uncontrolled homes on the same days, and a price of wires."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field

from wattflock.core.types import Profile
from wattflock.learn.lagrangian import Amounts, Lagrangian
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.world.rollout import Trajectory, judge, rollout
from wattflock.world.world import Outcome, World

Whose = Annotated[
    Literal["own", "team", "marginal"],
    Field(
        description="cost that a home answers for: its own bill, the mean of all homes, or what its power adds to the "
        "bill of all"
    ),
]


def extra(
    world: World,
    profile: Profile,
    found: tuple[Trajectory, Outcome],
    lagrangian: tuple[Lagrangian, Amounts],
    whose: Whose = "own",
    early: bool = False,
) -> Array:
    """Cost of each home's control minus that of the uncontrolled homes on the same days; a reward is its negative.

    Load, sun and prices are the same in both and cancel, so that they are no noise to a critic. Violations enter as
    a price: the penalty's gradient at a home's meter, times the power by which it differs. The sum over homes is
    not the penalty, but the slope in each home's power is that of the penalty; an equal share would be too small by
    the number of homes. With `marginal`, the bill of all homes enters in the same way.

    Args:
        found: what the homes did, and its verdict.
        lagrangian: the objective and its multipliers.
        whose: see `Whose`.
        early: what is stored is paid for when it is stored, and not where the days end: each step's cost has the change
            of the final value that its states would have. The sum over days is the same, so the best policy is, too.
            Source: Ng, Harada & Russell 1999, theorem 1, with the final value as potential.

    Returns:
        (days, steps, homes) [currency].
    """
    return extras(world, profile, found, lagrangian, whose, early)[0]


def extras(world: World, profile: Profile, found, lagrangian, whose: Whose, early: bool) -> tuple[Array, Array]:
    """`extra`, and beside it the cost of all: the mean over homes of what all pay and their wires, (days, steps).

    Here bills are those at the grid and violations have their own price, no slope, so that it is the objective itself.
    """
    trajectory, outcome = found
    idle = rollout(world, Uncontrolled(), profile, jax.random.key(0), profile.days())
    alone = judge(world, idle, profile, lagrangian[0].margin_pu)
    cost = outcome.cost - alone.cost
    team = of_all(outcome, lagrangian) - of_all(alone, lagrangian)
    if early:
        moved = value_moved(world, trajectory) - value_moved(world, idle)
        cost, team = cost + moved, team + moved.mean(-1)
    if whose == "marginal":
        cost = cost - outcome.bill + alone.bill
    if world.feeder is not None or whose == "marginal":
        cost = cost + _priced(world, profile, found, lagrangian, idle, whose == "marginal")
    if whose == "team":
        cost = jnp.broadcast_to(cost.mean(-1, keepdims=True), cost.shape)
    return cost, team


def of_all(outcome: Outcome, lagrangian: tuple[Lagrangian, Amounts]) -> Array:
    """The objective step by step, (days, steps) [currency per home]."""
    objective, multiplier = lagrangian
    paid = outcome.cost.sum(-1) + outcome.margin + objective.wires_by_step(outcome, multiplier)
    return paid / outcome.cost.shape[-1]


def value_moved(world: World, trajectory: Trajectory) -> Array:
    """What takes the final value out of the last step and puts its changes into all, (days, steps, homes) [currency].

    The value at the beginning is left out: it is the same for all policies.
    """
    value = jax.vmap(jax.vmap(world.end))(trajectory.state)
    change = jnp.diff(value, axis=1, prepend=0.0)
    return change.at[:, -1].add(-value[:, -1])


def _priced(world, profile, found, lagrangian, idle: Trajectory, bills: bool) -> Array:
    """What a home's difference of power costs at the margin: violations, and the bill of all where `bills`."""
    trajectory, _ = found
    objective, multiplier = lagrangian

    def common(effect):
        verdict = world.verdict(effect, trajectory.end, profile, objective.margin_pu)
        return objective.wires(verdict, multiplier) + (verdict.grid_bill.sum() if bills else 0.0)

    price = jax.grad(common)(trajectory.effect)
    active = price.power_kw * (trajectory.effect.power_kw - idle.effect.power_kw)
    reactive = price.reactive_kvar * (trajectory.effect.reactive_kvar - idle.effect.reactive_kvar)
    return active + reactive
