"""What a violation weighs is the same for other numbers of homes and nodes."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.feeder.limits import Conditions
from wattflock.learn.lagrangian import BRANCHES, Lagrangian, charged
from wattflock.learn.learners.pdl import PDL

LAGRANGIAN = Lagrangian(multiplier_init=500.0, curvature=8000.0, ascent=0.0, margin_pu=0.0)


def outcome(homes: int, nodes: int) -> SimpleNamespace:
    """Two days of the same homes and nodes, so many times over."""
    random = np.random.default_rng(0)
    cost, voltage = random.normal(size=(2, 3, 5)), random.uniform(0.93, 1.07, (2, 3, 4))
    voltage_pu = jnp.asarray(np.tile(voltage, nodes))
    excess_pu = jnp.maximum(jnp.maximum(0.95 - voltage_pu, voltage_pu - 1.05), 0)
    dt_h = jnp.full((2, 3), 0.5)
    none = jnp.zeros((2, 3, 0))
    return SimpleNamespace(
        cost=jnp.asarray(np.tile(cost, homes)),
        conditions=Conditions(voltage_pu, none, none, dt_h > 0),
        excess={"voltage": excess_pu},
        dt_h=dt_h,
        price_level=1.0,
        steps=3,
        days=2,
    )


@pytest.mark.study
@pytest.mark.parametrize(("homes", "nodes"), [(3, 1), (1, 7), (3, 7)])
def test_more_of_the_same_homes_and_nodes_change_no_objective(world, homes, nodes):
    learner, curvature = PDL(margin_pu=0.0), jnp.asarray(8000.0)

    def objectives(days) -> list[float]:
        multiplier = jnp.full(days.conditions.voltage_pu.shape, 500.0)
        plain = LAGRANGIAN.value(days, {"voltage": multiplier[0]})
        return [
            float(plain),
            float(learner.augmented(world.limits, days, ({"voltage": multiplier}, learner.margin_pu), curvature)),
        ]

    one = outcome(1, 1)
    assert objectives(outcome(homes, nodes)) == pytest.approx(objectives(one), rel=1e-5)
    assert objectives(one)[0] > float(one.cost.sum()) / 10 + 1, "the wires weigh something"


def test_an_overload_costs_the_same_however_many_branches_there_are_beyond_those_of_ieee_123():
    """One branch 10 % beyond its rating, among so many; a voltage's price falls with the number of nodes."""

    def price(name: str, rows: int) -> float:
        charge = jnp.zeros((2, 3, rows)).at[0, 0, 0].set(0.1)
        return float(charged(outcome(1, 1), {name: charge}).sum())

    assert price("loading", 9717) == price("loading", BRANCHES) == pytest.approx(5 * 0.5 * 0.1 / BRANCHES)
    assert price("loading", 5) == price("voltage", 5) > price("loading", BRANCHES) > price("voltage", 9717)
