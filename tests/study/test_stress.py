"""Cases that nobody trained for: each changes what it says, and nothing else."""

import dataclasses
import math

import jax
import numpy as np
import pytest

from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.rules import Installer
from wattflock.study import stress
from wattflock.study.compare import unseen

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def days(built):
    return unseen(built, 3, 0)


@pytest.fixture(scope="module")
def scene(built, days):
    return stress.StressCase(built.world, days.profile, np.zeros(built.world.homes, bool))


@pytest.fixture(scope="module")
def table(built, days):
    return stress.judge_cases(built, days, {"rules": Installer()})


def of(table, case, method, column):
    """One cell."""
    (cell,) = table.filter(case=case, method=method)[column]
    return cell


@pytest.mark.slow
def test_every_case_judges_every_method_beside_its_own_idle(table):
    assert table.select("case", "method").rows() == [(c, m) for c in stress.CASES for m in ("idle", "rules")]
    assert table["converged"].all()
    for case in stress.CASES:
        assert of(table, case, "idle", "saving_per_home_day") == 0
        saved = of(table, case, "idle", "cost_per_home_day") - of(table, case, "rules", "cost_per_home_day")
        assert of(table, case, "rules", "saving_per_home_day") == pytest.approx(saved)
        share = of(table, case, "rules", "violation_of_idle")
        beyond = [of(table, case, method, "violation_pu_h") for method in ("rules", "idle")]
        assert share is None if beyond[1] == 0 else math.isclose(share * beyond[1], beyond[0])


def test_where_nobody_fails_the_policy_acts(scene, days):
    now = jax.tree.map(lambda x: x[0, 12], days.profile)
    seen = scene.world.observe(scene.world.reset(now), now)
    _, action = stress.Failing(Installer(), scene.broken)((), seen, jax.random.key(0))
    np.testing.assert_array_equal(action, Installer()((), seen, jax.random.key(0))[1])


def test_twice_the_price_is_twice_the_bill(scene, days):
    bills = []
    for case in (stress.usual, stress.dear):
        bills.append(stress.evaluated(case(scene), Uncontrolled(), days.few).bill)
    np.testing.assert_allclose(bills[1], 2 * bills[0], rtol=1e-12)


def test_heat_saves_heating_and_cold_costs_it(table):
    cost = {case: of(table, case, "idle", "cost_per_home_day") for case in stress.CASES}
    assert cost["heat_wave"] < cost["usual"] < cost["cold_snap"]


def test_a_higher_source_lifts_every_voltage(scene, days):
    voltage_pu = []
    for case in (stress.source_low, stress.usual, stress.source_high):
        voltage_pu.append(stress.evaluated(case(scene), Uncontrolled(), days.few).voltage_pu)
    assert (voltage_pu[0] < voltage_pu[1]).all()
    assert (voltage_pu[1] < voltage_pu[2]).all()


def test_only_the_broken_homes_are_left_to_themselves(scene, days):
    some = stress.failing(scene)
    assert some.broken.sum() == round(stress.FAILING_SHARE * len(some.broken)) > 0
    mixed = stress.evaluated(some, Installer(), days.few).cost
    alone, ruled = (stress.evaluated(scene, policy, days.few).cost for policy in (Uncontrolled(), Installer()))
    broken = some.broken
    np.testing.assert_allclose(mixed[:, broken], alone[:, broken], rtol=1e-12)
    np.testing.assert_allclose(mixed[:, ~broken], ruled[:, ~broken], rtol=1e-12)
    assert (mixed != ruled).any()


def test_a_case_leaves_the_scene_as_it_was(scene, days):
    before = {f.name: np.array(getattr(days.profile, f.name)) for f in dataclasses.fields(days.profile)}
    for case in stress.CASES.values():
        case(scene)
    assert all(np.array_equal(before[name], getattr(days.profile, name)) for name in before)
