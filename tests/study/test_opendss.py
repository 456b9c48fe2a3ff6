"""A judged day, node by node, against OpenDSS on the same powers."""

import jax
import numpy as np
import pytest

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.study.build import build
from wattflock.study.compare import unseen
from wattflock.study.evaluate import evaluate
from wattflock.world.rollout import rollout

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def judged_day():
    """The first test day of the demo, uncontrolled: voltages of the verdict, and power at the terminals."""
    built = build(load())
    days = unseen(built, 1, 0)
    verdict = evaluate(built.world, Uncontrolled(), days.profile, days.few)
    with jax.enable_x64(True):
        world, profile = on_device((built.world, days.profile), "float64")
        effect = rollout(world, Uncontrolled(), profile, jax.random.key(0)).effect
        load_kw, load_kvar = (np.asarray(x[0] @ world.placement) for x in (effect.power_kw, effect.reactive_kvar))
    return verdict, load_kw, load_kvar, built.world.feeder.nodes


def test_voltages_of_a_judged_day_are_those_of_opendss(judged_day):
    pytest.importorskip("dss", reason="OpenDSS is not installed: pip install 'wattflock[opendss]'")
    from wattflock.feeder.opendss.crosscheck import OpenDSS

    verdict, load_kw, load_kvar, nodes = judged_day
    engine = OpenDSS(IEEE123().network())
    index = {name: place for place, name in enumerate(engine.nodes)}
    for step, ours_pu in enumerate(verdict.voltage_pu[0]):
        truth_pu, _, converged = engine.solve(load_kw[step], load_kvar[step])
        assert converged
        volt = np.ravel(engine.engine.ActiveCircuit.AllBusVolts).view(complex)
        phasor_pu = volt / abs(volt) * truth_pu
        truth = [over(phasor_pu, index, node) for node in nodes]
        assert np.abs(truth - ours_pu).max() < 1e-7


def over(phasor_pu, index, node: str) -> float:
    """`35.1` to ground, `35.1.2` between phases [pu]."""
    bus, first, *second = node.split(".")
    if not second:
        return abs(phasor_pu[index[node]])
    return abs(phasor_pu[index[f"{bus}.{first}"]] - phasor_pu[index[f"{bus}.{second[0]}"]]) / 3**0.5


def test_every_snapshot_of_the_judged_day_converged(judged_day):
    assert judged_day[0].converged.all()
