"""The count of powers beyond operating envelopes; a trial's schedule against what a client takes to be in force."""

import math

import numpy as np
import pytest

from wattflock.edge.envelope import Envelope
from wattflock.verbs.edge_script import END_S, IN_FORCE, Kept, beyond, in_force, loosest, message
from wattflock.verbs.edge_world import outside


@pytest.mark.parametrize(
    ("power_kw", "limits_kw", "possible_kw", "found"),
    [
        (5.09, (5, 5), (-9, 9), (0, 0)),  # 4 % would be 0.2 kW: the accuracy is 0.1 kW
        (5.19, (5, 5), (-9, 9), (0.19, 0)),
        (1.03, (1, 5), (-9, 9), (0, 0)),  # 4 % of 1 kW
        (1.05, (1, 5), (-9, 9), (0.05, 0)),
        (-5.3, (1, 5), (-9, 9), (0.3, 0)),  # fed in
        (3.0, (2, 2), (3, 9), (0, 1)),  # load alone
        (4.0, (2, 2), (3, 9), (1, 0)),  # load alone is above, and the devices draw a kW more
        (-3.0, (2, 2), (-9, -3), (0, 1)),  # panels alone
        (0.01, (0, 0), (-9, 9), (0.01, 0)),  # no accuracy at a limit of none
        (99.0, (math.inf, math.inf), (-9, 9), (0, 0)),
    ],
)
def test_beyond_a_limit_is_what_set_points_could_have_avoided(power_kw, limits_kw, possible_kw, found):
    assert beyond(power_kw, limits_kw, possible_kw) == pytest.approx(found)


def test_a_row_counts_steps_and_keeps_the_worst():
    row = Kept("row")
    for power_kw in (0.5, 1.5, 3.0, 2.0):
        row.add(power_kw, (1.0, 1.0), (-2.0, 5.0))
    row.add(7.0, (1.0, 1.0), (7.0, 8.0))
    assert (row.home_steps, row.outside, row.worst_kw, row.cannot, row.cannot_worst_kw) == (5, 3, 2.0, 1, 6.0)


def test_the_limits_in_force_are_those_that_a_client_takes_from_the_schedule():
    client = Envelope(100.0, None, lambda: 0.5)
    assert client.receive(-1.0, message(0.0, 10.0, 4.0, 1.0, cancelled=False)) == []
    for seconds in np.arange(0.0, END_S, 0.5):
        if seconds == 60:  # before it begins
            assert client.receive(seconds, message(0.0, 10.0, 4.0, 1.0, cancelled=True)) == []
        share, source = in_force(seconds)
        limits = client.limits(seconds)
        assert (limits.import_kw, limits.export_kw) == (pytest.approx(10 * share), pytest.approx(4 * share)), seconds
        assert limits.source == f"import_kw: {source}, export_kw: {source}"


def test_a_limit_counts_fifteen_seconds_after_it_came():
    assert loosest(10.0) == math.inf  # nothing was published 15 s ago
    assert [loosest(each) for each in (44.9, 45.1)] == [0.5, 0.25]  # B begins at 30 s
    assert loosest(25) == 0.9  # A's ramp began at 10 s
    assert loosest(30) == pytest.approx(0.7)  # half of its way was gone 15 s ago
    assert loosest(80.1) == 0.9  # a looser limit counts at once
    assert all(loosest(leg.from_s + 15 + leg.ramp_s + 0.1) >= leg.share for leg in IN_FORCE)


def test_set_points_are_held_to_the_devices_of_the_world():
    ends = {"battery power": (-5.0, 5.0), "car": (0.0, 7.0)}
    good = {"battery power": -5.0, "car": None}
    assert outside(good, ends) == []
    assert outside({"battery power": 5.01, "car": -0.1, "pump": 1.0}, ends) == [
        "battery power = 5.01", "car = -0.1", "pump = 1.0"]  # fmt: skip
    assert outside({"car": math.nan}, ends) == ["car = nan"]
