"""Sensitivities, hosting capacity and envelopes: exact, kept at every corner, and tight."""

from functools import cache

import jax
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.feeder.feeders.european_lv import EuropeanLV
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.feeders.ieee37 import IEEE37
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.limits import PRESETS, stress, stress_names
from wattflock.feeder.solve import solve
from wattflock.study.hosting.capacity import CAP, EXPORT, IMPORT, SIGN, hosting_capacity, reach, worst_stress
from wattflock.study.hosting.envelope import (
    ALLOCATIONS,
    EQUAL,
    MAXIMUM,
    PROPORTIONAL,
    EnvelopeRules,
    envelope,
    envelopes,
)
from wattflock.study.hosting.sensitivity import operating_point, stress_sensitivity, voltage_sensitivity

WIRINGS = (IEEE13, IEEE37, EuropeanLV)
pytestmark = pytest.mark.study
LARGE = pytest.param(IEEE123, "ansi-a", 200.0, marks=pytest.mark.slow)
CASES = ((IEEE13, "ansi-a", 300.0), (IEEE37, "ansi-a", 300.0), LARGE)


@pytest.fixture(autouse=True)
def exact():
    """All of it in float64."""
    with jax.enable_x64(True):
        yield


@cache
def feeder_of(wiring):
    return wiring().build()


def base(wiring, limits="ansi-a", share=0.3):
    feeder = feeder_of(wiring)
    return operating_point(feeder, PRESETS[limits], share * feeder.nominal_kw, share * feeder.nominal_kvar)


@cache
def found(wiring, limits, rules):
    return envelope(base(wiring, limits), rules)


@cache
def rules_of(direction, allocation, cap_kw):
    """One object for one question, so that `found` remembers the answer."""
    return EnvelopeRules(direction, allocation, cap_kw)


def fresh_corners(count, seed=12345):
    random = np.random.default_rng(seed)
    return random.uniform(size=(400, count)) < random.uniform(size=(400, 1))


def moved(point, read, column, step):
    """Central difference of rows to (kw, kvar) at every terminal, shape (rows, terminals)."""
    count = len(point.feeder.terminals)
    sides = []
    for sign in (1, -1):
        loads = [np.broadcast_to(np.asarray(load), (count, count)).copy() for load in (point.load_kw, point.load_kvar)]
        loads[column] += sign * step * np.eye(count)
        flow = solve(point.feeder, *loads, 1e-14, 100)
        sides.append(np.asarray(read(point, flow)))
    return (sides[0] - sides[1]).T / (2 * step)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_sensitivity_of_voltages_is_the_central_difference(wiring):
    point = base(wiring)
    sensitivity = voltage_sensitivity(point)
    assert sensitivity.names == point.feeder.nodes and bool(sensitivity.converged)
    for column, exact in enumerate((sensitivity.per_kw, sensitivity.per_kvar)):
        rough = moved(point, lambda _, flow: flow.voltage_pu, column, 0.1)
        assert np.abs(rough - exact).max() < 1e-6 * np.abs(exact).max()


def test_sensitivity_of_stress_has_the_order_of_its_names():
    point = base(IEEE13)
    sensitivity = stress_sensitivity(point)
    assert sensitivity.names == stress_names(point.feeder)
    rough = moved(point, lambda at, flow: stress(at.limits, at.feeder, flow), 0, 0.03)
    assert np.abs(rough - sensitivity.per_kw).max() < 1e-5 * np.abs(sensitivity.per_kw).max()
    flow = solve(point.feeder, point.load_kw, point.load_kvar, 1e-12)
    assert np.allclose(sensitivity.value, stress(point.limits, point.feeder, flow), atol=1e-10)


def test_sensitivity_in_float32_is_close():
    exact = voltage_sensitivity(base(IEEE13)).per_kw
    with jax.enable_x64(False):
        rough = voltage_sensitivity(base(IEEE13)).per_kw
    assert rough.dtype == np.float32
    assert np.abs(rough - exact).max() < 1e-5 * np.abs(exact).max()


@pytest.mark.slow
@pytest.mark.parametrize("direction", [EXPORT, IMPORT])
@pytest.mark.parametrize(("wiring", "limits", "cap_kw"), CASES)
@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_envelope_holds_at_fresh_corners(allocation, wiring, limits, cap_kw, direction):
    result = found(wiring, limits, rules_of(direction, allocation, cap_kw))
    point = base(wiring, limits)
    worst, _ = worst_stress(point, SIGN[direction] * fresh_corners(len(result.limit_kw)) * result.limit_kw)
    assert result.worst_stress <= 1e-6 and worst.max() <= 1e-6
    assert (result.limit_kw >= 0).all() and (result.limit_kw <= cap_kw + 1e-9).all()
    assert result.total_kw == pytest.approx(result.limit_kw.sum()) and result.corners > 64


@pytest.mark.parametrize("direction", [EXPORT, IMPORT])
@pytest.mark.parametrize(("wiring", "limits", "cap_kw"), CASES)
def test_allocations_rank_as_they_should(wiring, limits, cap_kw, direction):
    by = {name: found(wiring, limits, rules_of(direction, name, cap_kw)) for name in ALLOCATIONS}
    assert by[EQUAL].fairness == pytest.approx(1)
    assert by[MAXIMUM].total_kw >= max(by[EQUAL].total_kw, by[PROPORTIONAL].total_kw)
    assert by[MAXIMUM].fairness < 1


@pytest.mark.parametrize("allocation", [EQUAL, PROPORTIONAL])
@pytest.mark.parametrize(("wiring", "limits", "cap_kw"), CASES)
def test_a_larger_envelope_violates(allocation, wiring, limits, cap_kw):
    point = base(wiring, limits)
    result = found(wiring, limits, rules_of(EXPORT, allocation, cap_kw))
    assert result.binding != CAP and result.worst_row == result.binding
    larger_kw = 1.02 * result.worst_corner * result.limit_kw
    assert worst_stress(point, -larger_kw[None])[0][0] > 0


@pytest.mark.parametrize("direction", [EXPORT, IMPORT])
@pytest.mark.parametrize(("wiring", "limits", "cap_kw"), CASES)
def test_hosting_of_one_is_at_least_its_share_of_all(wiring, limits, cap_kw, direction):
    point = base(wiring, limits)
    alone = hosting_capacity(point, direction, cap_kw)
    together = found(wiring, limits, rules_of(direction, EQUAL, cap_kw))
    assert (alone.capacity_kw >= together.limit_kw - 1e-6).all() and (alone.capacity_kw <= cap_kw).all()
    each = np.diag(alone.capacity_kw) * SIGN[direction]
    assert worst_stress(point, each)[0].max() <= 1e-9
    at_cap = np.array([name == CAP for name in alone.binding])
    assert (at_cap == (alone.capacity_kw == cap_kw)).all()
    assert (worst_stress(point, 1.01 * each)[0][~at_cap] > 0).all()


def test_the_first_violation_counts_where_the_limits_are_kept_again_further_out():
    def worst(scale):
        return np.where((scale > 30) & (scale < 60), 1.0, -1.0), np.full(len(scale), 7)

    result = reach(worst, np.array([100.0, 20.0]))
    assert result.scale == pytest.approx([30, 20], abs=1e-4)
    assert result.row.tolist() == [7, -1] and result.monotone.tolist() == [False, True]


@pytest.mark.parametrize(
    "ask", [lambda point: hosting_capacity(point, EXPORT, 10), lambda p: envelope(p, EnvelopeRules())]
)
def test_a_base_that_violates_is_refused(ask):
    with pytest.raises(ScenarioError, match="loading transformer") as caught:
        ask(base(IEEE13, share=1.0))
    assert 1 < len(caught.value.problems) <= 5


def test_nonsense_is_refused_all_at_once():
    point = base(IEEE13)
    with pytest.raises(ScenarioError) as caught:
        envelope(point, EnvelopeRules(allocation="fair", homes=np.zeros(17), request_kw=np.ones(3)))
    assert len(caught.value.problems) == 3
    with pytest.raises(ScenarioError) as caught:
        hosting_capacity(point, "sideways", 0.0)
    assert len(caught.value.problems) == 2
    with pytest.raises(ScenarioError):
        operating_point(point.feeder, point.limits, np.full(17, np.nan), np.zeros(17))


def test_homes_are_weights():
    point, homes = base(IEEE13), np.arange(17.0)
    result = envelope(point, EnvelopeRules(homes=homes, cap_kw=200))
    assert result.limit_kw[0] == 0 and result.fairness == pytest.approx(1)
    assert np.ptp(result.home_kw[1:]) < 1e-9


def test_who_asks_for_nothing_gets_nothing():
    result = envelope(
        base(IEEE13), EnvelopeRules(allocation=PROPORTIONAL, homes=np.eye(17)[0], request_kw=np.eye(17)[1])
    )
    assert result.total_kw == 0 and result.fairness == 1 and result.worst_stress <= 0


def test_a_small_cap_binds():
    result = envelope(base(IEEE13), EnvelopeRules(cap_kw=1.0, allocation=MAXIMUM))
    assert result.binding == CAP and result.total_kw == pytest.approx(17)


def test_a_day_goes_on_after_an_hour_that_violates():
    feeder = feeder_of(IEEE13)
    share = np.array([0.3, 1.0, 0.2])[:, None]
    loads = share * feeder.nominal_kw, share * feeder.nominal_kvar
    day = list(envelopes(feeder, PRESETS["ansi-a"], *loads, rules_of(EXPORT, EQUAL, 300.0)))
    assert [each.total_kw > 0 for each in day] == [True, False, True]
    assert [each.worst_stress <= 1e-9 for each in day] == [True, False, True]
    assert day[0].total_kw == found(IEEE13, "ansi-a", rules_of(EXPORT, EQUAL, 300.0)).total_kw


@pytest.mark.slow
@pytest.mark.parametrize("direction", [EXPORT, IMPORT])
def test_envelope_of_the_european_feeder(direction):
    by = {name: found(EuropeanLV, "en50160", rules_of(direction, name, 10.0)) for name in ALLOCATIONS}
    point = base(EuropeanLV, "en50160")
    for result in by.values():
        assert worst_stress(point, SIGN[direction] * fresh_corners(55) * result.limit_kw)[0].max() <= 1e-6
    assert by[MAXIMUM].total_kw > 1.2 * by[EQUAL].total_kw
